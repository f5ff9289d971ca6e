"""The Equihash check and the share hash, in C where it can be had and in Python where not.

Strategy: this file chooses and says what it chose; callers know one class and one function.
    PATH            the way that is used unless another is asked for
    Equihash        a proof's parameters, and flaw(), the check itself
    share_value     the hash that is compared with a target
Here: the choice.  Not here: any rule of the proof (proof.h and lanes.h, or reference.py).
The trap: a wheel may have been built without a compiler.  Then PATH is "python" and everything works at
a thirtieth of the speed; so PATH belongs in logs and metrics.
"""

import os
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Final

import attrs

from proxy.errors import ConfigError
from proxy.native import reference
from proxy.native.reference import FLAWS, Hex

__all__ = ["FLAWS", "PATH", "Equihash", "Hex", "available_paths", "share_value"]

PYTHON: Final = "python"
OVERRIDE: Final = "SLUICE_NATIVE"
_CODES: Final = {"portable": 0, "avx2": 1, "avx512": 2, PYTHON: -1}

Verify = Callable[[int, int, bytes, Hex, Hex, Hex, int], int]
ShareValue = Callable[[Hex, Hex, Hex], bytes]


def _load() -> ModuleType | None:
    try:
        from proxy.native import _equihash
    except ImportError:
        return None
    return _equihash


_c = _load()
_PATHS: Final[tuple[str, ...]] = (*(_c.paths() if _c else ()), PYTHON)


def available_paths() -> tuple[str, ...]:
    """The ways this machine can check a proof, the fastest first and always "python" last."""
    return _PATHS


def choose_path(environment: Mapping[str, str]) -> str:
    """The path to use unless a caller names one.

    Args:
        environment: SLUICE_NATIVE in it, unless empty, forces one of available_paths().
    Raises: ConfigError when that one is not available.
    """
    path = environment.get(OVERRIDE) or _PATHS[0]
    if path not in _PATHS:
        raise ConfigError(f'{OVERRIDE}="{path}" cannot be used here: it must be one of {", ".join(_PATHS)}')
    return path


PATH: Final[str] = choose_path(os.environ)
"""avx512, avx2, portable or python."""

# The function itself, not a wrapper: it runs for every share.
share_value: ShareValue = _c.share_value if _c and PATH != PYTHON else reference.share_value
"""BLAKE2b-256 of header, nonce and solution: see reference.share_value."""


def _person(person: str | bytes) -> bytes:
    if isinstance(person, str):
        # A character beyond ASCII becomes several bytes and so fails the length check.
        return person.encode("utf-8", "replace")
    return person


def _path(path: str | None) -> str:
    if path is None:
        return PATH
    if path not in _PATHS:
        raise ConfigError(f'path "{path}" cannot be used here: it must be one of {", ".join(_PATHS)}')
    return path


@attrs.frozen
class Equihash:
    """One Equihash: its parameters and its check.

    Args:
        n: bits of a leaf's hash.
        k: height of the tree, 2^k leaves.
        person: the first 8 bytes of BLAKE2b's personalization, as ASCII text or bytes.
        path: one of available_paths(), PATH when none is named.
    Raises: ConfigError for parameters that cannot be verified and for a path not available.
    Source: docs/protocols/equihash.md.
    """

    n: int = 210
    k: int = 9
    person: bytes = attrs.field(default=b"AION0PoW", converter=_person)
    path: str = attrs.field(default=None, converter=_path)
    solution_bytes: int = attrs.field(init=False)
    name: str = attrs.field(init=False)
    _verify: Verify = attrs.field(init=False, repr=False, eq=False)
    _code: int = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        try:
            reference.check_parameters(self.n, self.k, self.person)
        except (TypeError, ValueError) as problem:
            raise ConfigError(f"equihash/{self.n}_{self.k}: {problem}") from None
        derived = {
            "solution_bytes": reference.solution_bytes(self.n, self.k),
            "name": f"equihash/{self.n}_{self.k}",
            "_verify": _c.verify if _c and self.path != PYTHON else reference.verify,
            "_code": _CODES[self.path],
        }
        for field, value in derived.items():
            object.__setattr__(self, field, value)

    def flaw(self, header: Hex, nonce: Hex, solution: Hex) -> str:
        """Check a proof.

        Args:
            header, nonce: hex digits or bytes, together at most 252 bytes.
            solution: hex digits or bytes, of any length and content.
        Returns: "" when valid, else "hex", "length", "order", "collision:R" (the node of height R that
            was found bad first, leaves taken from left to right), "root" or "duplicate".
        Raises: ValueError when header and nonce are longer; TypeError for anything but str and bytes.
        """
        return FLAWS[self._verify(self.n, self.k, self.person, header, nonce, solution, self._code)]
