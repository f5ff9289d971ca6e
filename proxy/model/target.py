"""Targets and difficulties, and the one way between them.

A target is a whole number below 2^256; a share meets it when its value, BLAKE2b-256 of header hash,
nonce and solution read big-endian, is **below** it.  On the hot path both are 32 big-endian bytes,
because Python compares bytes in just that order.
"""

from fractions import Fraction

from proxy.errors import PoolError
from proxy.model.hexdigits import is_hex

MAX_TARGET = 2**256 - 1


def from_difficulty(difficulty: float) -> int:
    """Turn a difficulty into its target.

    Args:
        difficulty: expected number of solutions for one share; above 0.
    Returns: floor(2^256 / difficulty), at most 2^256 - 1, at least 1.
    Raises: ValueError for a difficulty that is not above 0 or not finite.
    Source: docs/protocols/aion.md, "Targets".
    """
    if not 0 < difficulty < float("inf"):
        raise ValueError(f"a difficulty must be a number above 0, not {difficulty!r}")
    # Fraction, not float division: a float quotient has 53 bits of the 256.
    return max(1, min(MAX_TARGET, 2**256 // Fraction(difficulty)))


def to_difficulty(target: int) -> float:
    """Turn a target into its difficulty, 2^256 / target.

    Args:
        target: 1 .. 2^256 - 1.
    """
    return 2**256 / target


def to_bytes(target: int) -> bytes:
    """Write a target as 32 bytes, big-endian."""
    return target.to_bytes(32, "big")


def to_hex(target: int) -> str:
    """Write a target as 64 lower-case hex digits, as every Aion miner reads it."""
    return f"{target:064x}"


def from_hex(text: str) -> int:
    """Read a pool's target, as tolerantly as the reference miner does.

    Args:
        text: hex of either case, with or without 0x; a short one is a small number, "" accepts all.
    Raises: PoolError for more than 64 digits, for what is not hex, and for 0, which no share can meet.
    Source: docs/protocols/aion.md, "What the reference miner does".
    """
    digits = text[2:] if text[:2] in ("0x", "0X") else text
    if not digits:
        return MAX_TARGET
    # int() alone would take signs, spaces, underscores and a second 0x as well.
    if len(digits) > 64 or not is_hex(digits):
        raise PoolError(f"target {text[:80]!a} is not up to 64 hex digits")
    target = int(digits, 16)
    if target == 0:
        raise PoolError("target 0: no share could ever meet it")
    return target
