"""A target as the login dialect spells it: 64, 16 or 8 hex digits.

    64   the whole number, big-endian, as in the Aion dialect
    16   the highest 8 bytes of it, little-endian, compared with the highest 8 bytes of a value
    8    the highest 4 bytes, likewise

Strategy: Equihash work is exact: shortened targets are rounded down, so that what meets the short one
meets the whole one; lengthened ones have zeros behind.  Blob work is what XMRig makes of the text, or we
would refuse what it finds: there 8 digits are widened upwards, as it does.
"""

from proxy.errors import PoolError
from proxy.model import target as targets
from proxy.model.blob import BIG_ENDIAN_TARGET
from proxy.model.hexdigits import is_hex

LENGTHS = (64, 16, 8)
_BLOB_SHIFT = 192  # a blob target counts in the highest 64 bits of a value


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
    """Write a target of blob work, whose algorithm may want its digits the other way round."""
    return target[: digits // 2].hex() if algorithm in BIG_ENDIAN_TARGET else shorten(target, digits)


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
        text: 16 or 8 hex digits; for one algorithm a plain number of up to 16.
        algorithm: as the pool names it.
    Returns: a target of 256 bits, to compare a turned-round result with.
    Raises: PoolError for anything else, and for 0, which makes XMRig divide by it.
    """
    if not is_hex(text) or not text:
        raise PoolError(f"target {text[:80]!a} is not hex")
    if algorithm in BIG_ENDIAN_TARGET and len(text) <= 16:
        return _not_zero(int(text, 16)) << _BLOB_SHIFT
    if len(text) not in (16, 8):
        raise PoolError(f"a target of {len(text)} hex digits; 16 or 8 are known")
    number = _not_zero(_little_endian(text))
    if len(text) == 8:
        number = (2**64 - 1) // ((2**32 - 1) // number)
    return number << _BLOB_SHIFT


def _little_endian(text: str) -> int:
    return int.from_bytes(bytes.fromhex(text), "little")


def _not_zero(target: int) -> int:
    if not target:
        raise PoolError("target 0: no share could ever meet it")
    return target
