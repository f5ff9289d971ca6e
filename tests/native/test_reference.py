"""The oracle: its parts against numbers worked out elsewhere, and its hash against the vectors."""

import hashlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy import native
from proxy.native import reference
from tests.native.vectors import read, valid

BOTH = [reference.share_value] + ([native._c.share_value] if native._c else [])


@given(st.lists(st.integers(0, 2**22 - 1), min_size=512, max_size=512))
def test_pack_and_unpack(indices: list[int]) -> None:
    """Each undoes the other."""
    packed = reference.pack(210, 9, indices)
    assert len(packed) == reference.solution_bytes(210, 9) == 1408
    assert reference.unpack(210, 9, packed) == indices


def test_indices_are_big_endian_bits() -> None:
    """48,5: nine bits each, the first in the top of byte 0."""
    assert reference.unpack(48, 5, bytes.fromhex("ff8040" + "00" * 33))[:4] == [511, 1, 0, 0]


def test_a_leaf_is_a_slice_of_a_digest() -> None:
    """210,9: two leaves of 27 bytes a digest, of which 210 bits count."""
    person = b"AION0PoW" + struct.pack("<II", 210, 9)
    digest = hashlib.blake2b(b"message" + struct.pack("<I", 3), digest_size=54, person=person).digest()
    leaves = reference.Leaves(210, 9, b"AION0PoW", b"message")
    assert leaves.leaf(6) == int.from_bytes(digest[:27], "big") >> 6
    assert leaves.leaf(7) == int.from_bytes(digest[27:], "big") >> 6


def test_flaws_have_their_numbers() -> None:
    """The C code counts the same way."""
    assert reference.FLAWS[reference.VALID] == ""
    assert reference.FLAWS[reference.HEX] == "hex"
    assert reference.FLAWS[reference.LENGTH] == "length"
    assert reference.FLAWS[reference.ORDER] == "order"
    assert reference.FLAWS[reference.ROOT] == "root"
    assert reference.FLAWS[reference.DUPLICATE] == "duplicate"
    assert reference.FLAWS[reference.COLLISION + 9] == "collision:9"


def test_a_check_counts_its_flaws_in_order() -> None:
    """Length before digits, digits before order, order before the tree, distinctness last."""
    twin = next(vector for vector in read("48_5") if vector.kind == "near-miss dup")
    check = reference.verify
    assert check(48, 5, b"AION0PoW", *twin.share) == reference.DUPLICATE
    assert check(48, 5, b"AION0PoW", "zz", "", "zz" * 35) == reference.LENGTH
    assert check(48, 5, b"AION0PoW", "zz", "", "00" * 36) == reference.HEX
    assert check(48, 5, b"AION0PoW", "00", "", "00" * 36) == reference.ORDER


@pytest.mark.parametrize(
    ("n", "k", "person", "error"),
    [
        (48.0, 5, b"AION0PoW", TypeError),
        (48, None, b"AION0PoW", TypeError),
        (48, 5, "AION0PoW", TypeError),
        (48, 5, b"AION0Po", ValueError),
        (156, 5, b"AION0PoW", ValueError),
    ],
)
def test_parameters_are_checked(n: int, k: int, person: bytes, error: type[Exception]) -> None:
    """Of the wrong type or of a size that nothing here can verify."""
    with pytest.raises(error):
        reference.check_parameters(n, k, person)


@pytest.mark.parametrize("value", BOTH)
class TestShareValue:
    """The hash that is compared with a target, in C and in Python."""

    def test_vectors(self, value: native.ShareValue) -> None:
        """The recorded hashes, from hex and from bytes."""
        for vector in (*valid("210_9"), *valid("48_5"), *read("200_9")):
            expected = bytes.fromhex(vector.difficulty_hash)
            assert value(*vector.share) == expected
            assert value(bytes.fromhex(vector.header), vector.nonce.upper(), vector.solution) == expected

    @pytest.mark.parametrize("size", [0, 1, 127, 128, 129, 255, 256, 257, 1472, 4096])
    def test_block_borders(self, value: native.ShareValue, size: int) -> None:
        """Whole and broken blocks of BLAKE2b."""
        message = bytes(range(256)) * 16
        expected = hashlib.blake2b(message[:size], digest_size=32).digest()
        assert value(message[: size // 3], b"", message[size // 3 : size].hex()) == expected

    @pytest.mark.parametrize("wrong", ["0", "0g", "é0", "é", "\ud800\ud800", "0 0 "])
    def test_not_hex(self, value: native.ShareValue, wrong: str) -> None:
        """Named by the field it is in."""
        with pytest.raises(ValueError, match="header is not hex"):
            value(wrong, "", "")
        with pytest.raises(ValueError, match="solution is not hex"):
            value("", b"", wrong)

    def test_too_long(self, value: native.ShareValue) -> None:
        """The buffer in C has an end, and both keep to it."""
        for fields in ((bytes(4097), "", ""), ("", "00" * 4097, ""), (bytes(32), bytes(32), "0" * 8065)):
            with pytest.raises(ValueError, match="4096 bytes"):
                value(*fields)

    def test_other_types(self, value: native.ShareValue) -> None:
        """Only str and bytes."""
        with pytest.raises(TypeError, match="nonce must be str or bytes"):
            value("", None, "")  # type: ignore[arg-type]  # the point of the test
