"""The stand-in for RandomX: where the nonce goes, and how results and targets are read."""

from hashlib import blake2b

import pytest

from proxy.sim import blobwork

BLOB = "00" * 39 + "000000" + "2a" + "11" * 33


def test_a_nonce_stands_in_the_blob_as_it_is_written() -> None:
    assert blobwork.put(BLOB, "0102032a") == "00" * 39 + "0102032a" + "11" * 33


def test_a_result_is_the_hash_of_the_whole_blob() -> None:
    whole = bytes(39) + bytes.fromhex("0102032a") + b"\x11" * 33
    assert len(whole) == blobwork.BLOB_BYTES
    expected = blake2b(whole, digest_size=32, person=b"sluice-sim-blob").hexdigest()
    assert blobwork.result(BLOB, "0102032a") == expected


def test_the_value_is_the_last_eight_bytes_little_endian() -> None:
    assert blobwork.value("ff" * 24 + "0100000000000000") == 1
    assert blobwork.value("00" * 24 + "0000000000000080") == 1 << 63


@pytest.mark.parametrize(
    ("text", "difficulty"),
    # Those that XMRig was seen to print.
    [("b88d0600", 10_000), ("ffffff00", 256), ("ffff0f00", 4096), ("711b0d00", 5000)],
)
def test_short_targets_are_widened_as_xmrig_has_it(text: str, difficulty: int) -> None:
    assert (2**64 - 1) // blobwork.target_from(text) == difficulty


def test_long_targets_are_taken_as_they_are() -> None:
    assert blobwork.target_from("0000000000000080") == 1 << 63
