"""Blob work: any work of the login dialect that is not Equihash (rx/0, cn/*, ...).

Strategy: of its job only what splitting and judging need is understood: where the nonce stands, and the
target.  All else goes on to the miners as it came.  A result is 32 bytes in memory order and its last
eight count, little-endian; turned round it is a number of 32 bytes big-endian, as every other value here.
The trap: three algorithms have their nonce elsewhere, one of them a nonce of another size, and each of
the three has several names.
"""

import attrs

NONCE_DIGITS = 8  # of a nonce, hex
RESULT_DIGITS = 64
MAX_BLOB_DIGITS = 2 * 408  # what XMRig's own buffer holds; it takes less than that

# XMRig's further names, in any case of letters, of those that are not as the rest.
_ALSO_NAMED = {
    "gr": "ghostrider",
    "ghostrider/rtm": "ghostrider",
    "randomyada": "rx/yada",
    "randomx/yada": "rx/yada",
    "kawpow/rvn": "kawpow",
}
_SEEDED = ("rx/", "random")  # what the names of all RandomX algorithms begin with; one is plain "rx"
_OFFSETS = {"ghostrider": 76, "rx/yada": 147}
_USUAL_OFFSET = 39
# A nonce of eight bytes, split in another way by its own kind of proxy.
UNSPLIT = ("kawpow",)
# Its target is a plain number, big-endian.
BIG_ENDIAN_TARGET = ("rx/yada",)


def usual_name(algorithm: str) -> str:
    """Return the name by which an algorithm is known here.

    Args:
        algorithm: as the pool names it, "" if it does not.
    """
    name = algorithm.lower()
    return _ALSO_NAMED.get(name, name)


def nonce_offset(algorithm: str) -> int:
    """Return the byte of a blob at which the 4 nonce bytes begin.

    Args:
        algorithm: its usual name, "" if the pool gives none.
    Source: docs/protocols/login.md, "The job".
    """
    return _OFFSETS.get(algorithm, _USUAL_OFFSET)


def is_seeded(algorithm: str) -> bool:
    """Tell whether an algorithm needs a seed hash, as all of RandomX do.

    Args:
        algorithm: its usual name.
    """
    return algorithm == "rx" or algorithm.startswith(_SEEDED)


@attrs.frozen(slots=True)
class Blob:
    """Of a job of blob work what a header hash and a target cannot hold.

    Args:
        nonce_at: place of the nonce's first digit in the blob's hex.
        target_text: the target in the pool's own spelling, for miners to get just that.
        algorithm: its usual name, "" if the pool gives none.
        members: every other member of the job as the pool wrote it, JSON text without braces, in order.
    """

    nonce_at: int
    target_text: str
    algorithm: str
    members: bytes


def value_of(result: str) -> bytes:
    """Turn a result into what is compared with a target.

    Args:
        result: 64 hex digits, bytes in memory order.
    Returns: 32 bytes, big-endian.
    Raises: ValueError for what is not hex.
    """
    return bytes.fromhex(result)[::-1]
