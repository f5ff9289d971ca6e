"""Blob work: where the nonce stands, by whichever name the algorithm goes, and what a result counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.model.blob import BIG_ENDIAN_TARGET, UNSPLIT, is_seeded, nonce_offset, usual_name, value_of


@pytest.mark.parametrize(
    ("name", "offset"),
    [
        ("rx/0", 39),
        ("rx/wow", 39),
        ("cn/r", 39),
        ("cn-pico", 39),
        ("argon2/chukwa", 39),
        ("", 39),
        ("nobody/knows", 39),
        ("ghostrider", 76),
        ("ghostrider/rtm", 76),
        ("GhostRider", 76),
        ("gr", 76),
        ("rx/yada", 147),
        ("RX/YADA", 147),
        ("randomyada", 147),
        ("randomx/yada", 147),
    ],
)
def test_where_the_nonce_stands(name: str, offset: int) -> None:
    assert nonce_offset(usual_name(name)) == offset


@pytest.mark.parametrize("name", ["kawpow", "KawPow", "kawpow/rvn"])
def test_a_nonce_of_another_size_is_told_by_name(name: str) -> None:
    assert usual_name(name) in UNSPLIT


@pytest.mark.parametrize("name", ["rx/yada", "randomyada"])
def test_a_target_the_other_way_round_is_told_by_name(name: str) -> None:
    assert usual_name(name) in BIG_ENDIAN_TARGET
    assert usual_name("rx/0") not in BIG_ENDIAN_TARGET


@pytest.mark.parametrize(
    ("name", "seeded"),
    [
        ("rx/0", True),
        ("RX/0", True),
        ("rx/arq", True),
        ("rx/yada", True),
        ("rx", True),
        ("randomx", True),
        ("RandomWOW", True),
        ("cn/r", False),
        ("ghostrider", False),
        ("rxx", False),
        ("", False),
    ],
)
def test_all_of_randomx_needs_a_seed_hash(name: str, seeded: bool) -> None:
    assert is_seeded(usual_name(name)) == seeded


@given(st.binary(min_size=32, max_size=32))
def test_the_last_eight_bytes_of_a_result_decide(result: bytes) -> None:
    value = value_of(result.hex())
    assert len(value) == 32
    # As XMRig compares: the last 8 bytes, little-endian.
    assert int.from_bytes(value[:8], "big") == int.from_bytes(result[24:], "little")
    assert value_of(result.hex().upper()) == value


def test_a_result_that_is_no_hex() -> None:
    with pytest.raises(ValueError, match="hex"):
        value_of("z" * 64)
