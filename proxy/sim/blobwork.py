"""Blob work as both simulated ends have it: CryptoNote-like, with a hash that costs nothing.

Strategy: the wire is that of RandomX work to the last field, and only the hash is another: BLAKE2b-256 of
the blob with the nonce in its place, where a real miner needs a second.  So a pool can check every result,
and nobody has to wait for one.  The trap: a real miner would compute RandomX here, and be refused.
"""

from hashlib import blake2b

ALGO = "rx/0"
BLOB_BYTES = 76
NONCE_AT = 39  # byte of the blob where the 4 nonce bytes stand
PERSON = b"sluice-sim-blob"


def put(blob: str, nonce: str) -> str:
    """Put a nonce into a blob.

    Args:
        blob: hex.
        nonce: 8 hex digits, the bytes as they stand in the blob.
    """
    return blob[: 2 * NONCE_AT] + nonce + blob[2 * NONCE_AT + 8 :]


def result(blob: str, nonce: str) -> str:
    """Hash a blob with a nonce in its place; 64 hex digits, bytes in memory order."""
    return blake2b(bytes.fromhex(put(blob, nonce)), digest_size=32, person=PERSON).hexdigest()


def value(result_hex: str) -> int:
    """What is compared with a target: the last 8 bytes of a result, little-endian.

    Args:
        result_hex: 64 hex digits.
    """
    return int.from_bytes(bytes.fromhex(result_hex)[24:], "little")


def target_from(text: str) -> int:
    """Read a target as XMRig does.

    Args:
        text: 8 or 16 hex digits, little-endian; 8 are widened upwards.
    Returns: what a value must be below, a number of 64 bits.
    """
    number = int.from_bytes(bytes.fromhex(text), "little")
    return (2**64 - 1) // ((2**32 - 1) // number) if len(text) == 8 else number
