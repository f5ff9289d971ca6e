"""A target as the login dialect spells it: 64, 16 or 8 hex digits.

    64   the whole number, big-endian, as in the Aion dialect
    16   the highest 8 bytes of it, little-endian, compared with the highest 8 bytes of a value
    8    the highest 4 bytes, likewise

Strategy: Equihash work is exact: shortened targets are rounded down, so that what meets the short one
meets the whole one; lengthened ones have zeros behind.  Blob work is what XMRig makes of the text, or we
would refuse what it finds: there 8 digits are widened upwards, as it does, and those we write are chosen
so that they do not come out above the target.
"""

from proxy.errors import PoolError
from proxy.model import target as targets
from proxy.model.blob import BIG_ENDIAN_TARGET
from proxy.model.hexdigits import is_hex

LENGTHS = (64, 16, 8)
_BLOB_SHIFT = 192  # a blob target counts in the highest 64 bits of a value
_MOST_64, _MOST_32 = 2**64 - 1, 2**32 - 1
_LEAST_DIGITS = 4  # XMRig takes no target of fewer, not even where it is a plain number


def shorten(target: bytes, digits: int) -> str:
    """Write a target in so many digits.

    Args:
        target: 32 bytes big-endian.
        digits: one of LENGTHS.
    Returns: never a larger target than was given; "" where nothing is left of it.
    """
    if digits == 64:
        return target.hex()
    high = target[: digits // 2]
    return high[::-1].hex() if any(high) else ""


def shorten_for(algorithm: str, target: bytes, digits: int) -> str:
    """Write a target of blob work for XMRig, which knows 16 and 8 digits.

    Args:
        algorithm: its usual name; the target of some is a plain number, which cannot be shortened.
        target: 32 bytes big-endian.
        digits: 8 for 8, any other for 16.
    Returns: never a larger target than was given, as XMRig reads it; "" where nothing is left of it.
    """
    if algorithm in BIG_ENDIAN_TARGET:
        return target[:8].hex() if any(target[:8]) else ""
    if digits != 8:
        return shorten(target, 16)
    # The largest number whose widened form (see widen) is not above the highest 64 bits of the target.
    divisor = _MOST_64 // (int.from_bytes(target[:8], "big") + 1) + 1
    number = _MOST_32 // divisor
    return number.to_bytes(4, "little").hex() if number else ""


def lengthen(text: str) -> int:
    """Read a target of Equihash work.

    Args:
        text: 64, 16 or 8 hex digits.
    Raises: PoolError for anything else, and for 0, which no share can meet.
    """
    if len(text) not in LENGTHS or not is_hex(text):
        raise PoolError(f"target {text[:80]!a} is not 64, 16 or 8 hex digits")
    if len(text) == 64:
        return targets.from_hex(text)
    return _not_zero(_little_endian(text) << (256 - 4 * len(text)))


def widen(text: str, algorithm: str) -> int:
    """Read a target of blob work as XMRig does.

    Args:
        text: 16 or 8 hex digits; for one algorithm a plain number of 4 to 16.
        algorithm: its usual name.
    Returns: a target of 256 bits, to compare a turned-round result with.
    Raises: PoolError for anything else, and for 0, which makes XMRig divide by it.
    """
    if not is_hex(text):
        raise PoolError(f"target {text[:80]!a} is not hex")
    if algorithm in BIG_ENDIAN_TARGET and _LEAST_DIGITS <= len(text) <= 16:
        return _not_zero(int(text, 16)) << _BLOB_SHIFT
    if len(text) not in (16, 8):
        raise PoolError(f"a target of {len(text)} hex digits; 16 or 8 are known")
    number = _not_zero(_little_endian(text))
    if len(text) == 8:
        number = _MOST_64 // (_MOST_32 // number)
    return number << _BLOB_SHIFT


def _little_endian(text: str) -> int:
    return int.from_bytes(bytes.fromhex(text), "little")


def _not_zero(target: int) -> int:
    if not target:
        raise PoolError("target 0: no share could ever meet it")
    return target
