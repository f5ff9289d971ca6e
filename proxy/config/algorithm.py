"""The proof of work, as the configuration names it: "equihash/210_9", or "blob" for any other."""

import re
from typing import Any, ClassVar

import attrs

from proxy.config.rules import shown
from proxy.errors import ConfigError

BLOB = "blob"
# A BLAKE2b digest is cut into leaves of n bits, so n cannot exceed it; below three levels a solution
# is no whole number of bytes, and above nine no known coin goes.
MAX_N = 512
MIN_K, MAX_K = 3, 9
MAX_INDEX_BITS = 32


def parse_algorithm(text: str) -> tuple[int, int] | None:
    """Read the name of a proof of work.

    Args:
        text: "equihash/N_K" or "blob".
    Returns: (N, K), or None for blob, which is passed on unchecked.
    Raises: ConfigError saying what is allowed.
    """
    if text == BLOB:
        return None
    match = re.fullmatch(r"equihash/([0-9]{1,3})_([0-9]{1,2})", text)
    if not match:
        raise ConfigError(f'must be "equihash/N_K", as in "equihash/210_9", or "blob", not {shown(text)}')
    n, k = int(match[1]), int(match[2])
    if not MIN_K <= k <= MAX_K:
        raise ConfigError(f"equihash/{n}_{k}: K must be from {MIN_K} to {MAX_K}")
    if not 0 < n <= MAX_N or n % (k + 1):
        raise ConfigError(f"equihash/{n}_{k}: N must be a multiple of K + 1 = {k + 1}, at most {MAX_N}")
    if n // (k + 1) + 1 > MAX_INDEX_BITS:
        raise ConfigError(f"equihash/{n}_{k}: N / (K + 1) must be below {MAX_INDEX_BITS}")
    return n, k


def solution_bytes(n: int, k: int) -> int:
    """Return the length of a solution, 2^k indices of n / (k + 1) + 1 bits; 1408 for 210, 9."""
    return (1 << k) * (n // (k + 1) + 1) // 8


@attrs.frozen
class Algorithm:
    """The rule for the key `algorithm`."""

    text: ClassVar[bool] = True

    def read(self, value: Any) -> str:
        """Return the name."""
        if not isinstance(value, str):
            raise ConfigError(f'must be text like "equihash/210_9", not {shown(value)}')
        parse_algorithm(value)
        return value
