"""The proof of work, as the configuration names it: "equihash/210_9", or "blob" for any other."""

import re
from typing import Any, ClassVar

import attrs

from proxy.config.rules import shown
from proxy.errors import ConfigError

BLOB = "blob"
# What proxy/native can check: a leaf of n bits comes out of one BLAKE2b digest, and the longest known
# proof has 2^9 indices; a test holds these against proxy/native, which this room may not import.
MAX_N = 512
MAX_K = 9
MAX_COLLISION_BITS = 25


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
    flaw = _flaw(n, k)
    if flaw:
        raise ConfigError(f"equihash/{n}_{k}: {flaw}")
    return n, k


def _flaw(n: int, k: int) -> str:
    if not 1 <= k <= MAX_K:
        return f"K must be from 1 to {MAX_K}"
    if not 1 <= n <= MAX_N or n % (k + 1):
        return f"N must be a multiple of K + 1 = {k + 1}, at most {MAX_N}"
    if n // (k + 1) > MAX_COLLISION_BITS:
        return f"N / (K + 1) must be at most {MAX_COLLISION_BITS}"
    if (1 << k) * (n // (k + 1) + 1) % 8:
        return "the indices of a solution must fill whole bytes"
    if MAX_N // n * ((n + 7) // 8) > MAX_N // 8:
        return f"floor({MAX_N} / N) leaves of whole bytes must fit {MAX_N // 8} bytes"
    return ""


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
