"""The Equihash check in plain Python: the slow oracle, and the check where there is no C.

Strategy: the rules read as docs/protocols/equihash.md tells them, with big integers and hashlib, and no
trick that would need explaining.  The functions have the signatures of _equihash.pyi, so that one test
class and one caller serve both.  Here: the rules.  Not here: a choice between C and Python (__init__).
The trap: both must name the same flaw, so the tree is walked leaf by leaf and the first node that is
complete and bad is the one that counts.
"""

import hashlib
import operator
import struct
from binascii import unhexlify
from itertools import pairwise
from typing import Final

Hex = str | bytes
"""Hex digits of either case as str, or the bytes themselves."""

MAX_K: Final = 9
MAX_COLLISION_BITS: Final = 25  # an index then has 26 bits, and two of them fit a 64-bit window
MAX_INPUT: Final = 252  # header and nonce; with the 4-byte index two blocks of BLAKE2b
MAX_SHARE: Final = 4096  # header, nonce and solution; the largest solution has 1664 bytes
PERSON_BYTES: Final = 8

FLAWS: Final = (
    *("", "hex", "length", "order", "root", "duplicate"),
    *(f"collision:{height}" for height in range(1, MAX_K + 1)),
)
"""What verify answers, by number."""

VALID, HEX, LENGTH, ORDER, ROOT, DUPLICATE = range(6)
COLLISION: Final = DUPLICATE  # + the height, from 1


def check_parameters(n: int, k: int, person: bytes) -> None:
    """Refuse what no implementation here can verify.

    Args:
        n: bits of a leaf's hash.
        k: height of the tree.
        person: 8 bytes; n and k as 32-bit little-endian numbers follow it in BLAKE2b's personalization.
    Raises: ValueError with the rule that is broken; TypeError.
    """
    n, k = operator.index(n), operator.index(k)
    if not isinstance(person, bytes):
        raise TypeError("person must be bytes")
    if len(person) != PERSON_BYTES:
        raise ValueError("person must be 8 bytes")
    if not 1 <= k <= MAX_K:
        raise ValueError("k must be 1 to 9")
    if not 1 <= n <= 512 or n % (k + 1):
        raise ValueError("n must be at most 512 and divisible by k + 1")
    if n // (k + 1) > MAX_COLLISION_BITS:
        raise ValueError("n / (k + 1) must be at most 25")
    if (n // (k + 1) + 1 << k) % 8:
        raise ValueError("the indices must fill whole bytes")
    if 512 // n * leaf_bytes(n) > 64:
        raise ValueError("floor(512 / n) leaves must fit a digest of 64 bytes")


def leaf_bytes(n: int) -> int:
    """Bytes of a digest that one leaf of n bits takes."""
    return (n + 7) // 8


def solution_bytes(n: int, k: int) -> int:
    """Bytes of a packed solution: 2^k indices of n / (k + 1) + 1 bits."""
    return (n // (k + 1) + 1 << k) // 8


def unpack(n: int, k: int, solution: bytes) -> list[int]:
    """Read the indices of a solution of the right length: a big-endian string of bits."""
    width = n // (k + 1) + 1
    number = int.from_bytes(solution, "big")
    return [number >> width * place & (1 << width) - 1 for place in reversed(range(1 << k))]


def pack(n: int, k: int, indices: list[int]) -> bytes:
    """Write indices as a solution, the inverse of unpack."""
    width = n // (k + 1) + 1
    number = 0
    for index in indices:
        number = number << width | index
    return number.to_bytes(solution_bytes(n, k), "big")


class Leaves:
    """The leaves of one header and nonce.

    Args:
        n, k, person: as check_parameters has them.
        message: header and nonce, 0 to 252 bytes.
    """

    def __init__(self, n: int, k: int, person: bytes, message: bytes) -> None:
        self._bits = n
        self._bytes = leaf_bytes(n)
        self._a_digest = 512 // n
        self._hash = hashlib.blake2b(
            message, digest_size=self._a_digest * self._bytes, person=person + struct.pack("<II", n, k)
        )

    def digest(self, number: int) -> list[int]:
        """All leaves of one digest, as numbers of n bits."""
        state = self._hash.copy()
        state.update(struct.pack("<I", number))
        digest = state.digest()
        spare = 8 * self._bytes - self._bits
        return [
            int.from_bytes(digest[at : at + self._bytes], "big") >> spare
            for at in range(0, len(digest), self._bytes)
        ]

    def leaf(self, index: int) -> int:
        """The leaf of an index, a number of n bits."""
        number, place = divmod(index, self._a_digest)
        return self.digest(number)[place]


def verify(n: int, k: int, person: bytes, header: Hex, nonce: Hex, solution: Hex, _path: int = -1, /) -> int:
    """Check a proof.

    Args:
        n, k, person: as check_parameters has them.
        header, nonce: together at most 252 bytes.
        solution: packed indices, of any length.
        _path: for the C twin; here it is taken and ignored.
    Returns: 0 when valid, else the place of the flaw in FLAWS.
    Raises: ValueError for parameters or input that cannot be verified; TypeError.
    Source: docs/protocols/equihash.md; vectors in tests/vectors/.
    """
    check_parameters(n, k, person)
    for name, field in (("header", header), ("nonce", nonce), ("solution", solution)):
        _check_type(name, field)
    if _size(header) + _size(nonce) > MAX_INPUT:
        raise ValueError("header and nonce together must be at most 252 bytes")
    if len(solution) != solution_bytes(n, k) * (2 if isinstance(solution, str) else 1):
        return LENGTH
    try:
        message, packed = _decode(header) + _decode(nonce), _decode(solution)
    except ValueError:
        return HEX
    indices = unpack(n, k, packed)
    if not _ordered(k, indices):
        return ORDER
    flaw = _tree_flaw(n, k, indices, Leaves(n, k, person, message))
    if flaw:
        return flaw
    return VALID if len(set(indices)) == len(indices) else DUPLICATE


def share_value(header: Hex, nonce: Hex, solution: Hex) -> bytes:
    """Hash a share.

    Args:
        header, nonce, solution: hex or bytes, together at most 4096 bytes.
    Returns: BLAKE2b-256 of the three, 32 bytes; read big-endian it is compared with a target.
    Raises: ValueError for text that is not hex and for too much of it; TypeError.
    """
    fields = {"header": header, "nonce": nonce, "solution": solution}
    for name, field in fields.items():
        _check_type(name, field)
    if sum(map(_size, fields.values())) > MAX_SHARE:
        raise ValueError("a share must be at most 4096 bytes")
    state = hashlib.blake2b(digest_size=32)
    for name, field in fields.items():
        try:
            state.update(_decode(field))
        except ValueError:
            raise ValueError(f"{name} is not hex") from None
    return state.digest()


def _check_type(name: str, field: object) -> None:
    if not isinstance(field, (str, bytes)):
        raise TypeError(f"{name} must be str or bytes")


def _size(field: Hex) -> int:
    return (len(field) + 1) // 2 if isinstance(field, str) else len(field)


def _decode(field: Hex) -> bytes:
    return unhexlify(field) if isinstance(field, str) else field


def _ordered(k: int, indices: list[int]) -> bool:
    """At every node the first leaf of the left half is less than that of the right half."""
    for height in range(1, k + 1):
        half = 1 << height - 1
        firsts = indices[::half]
        if any(left >= right for left, right in list(pairwise(firsts))[::2]):
            return False
    return True


def _tree_flaw(n: int, k: int, indices: list[int], leaves: Leaves) -> int:
    """Walk the tree leaf by leaf; a node is judged once its last leaf is there."""
    collision_bits = n // (k + 1)
    waiting: list[int] = []
    for place, index in enumerate(indices):
        node, height = leaves.leaf(index), 0
        while place >> height & 1:
            node ^= waiting.pop()
            height += 1
            if node >> n - collision_bits * height:
                return COLLISION + height
        waiting.append(node)
    return ROOT if waiting[0] else VALID
