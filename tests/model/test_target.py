"""Targets and difficulties: exact one way, faithful the other, and in the order that bytes have."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.errors import PoolError
from proxy.model import target as targets

any_target = st.integers(1, targets.MAX_TARGET)


@pytest.mark.parametrize(
    ("difficulty", "target"),
    [
        (1, 2**256 - 1),  # 2^256 itself does not fit into 32 bytes
        (2, 2**255),
        (2.0, 2**255),
        (3, 2**256 // 3),  # every one of its 256 bits, where a float has 53
        (2048, 0x0020 << 240),  # as a pool's set_target shows it
        (0.5, 2**256 - 1),
        (5e-324, 2**256 - 1),
        (1e300, 1),
        (2**256, 1),
        (10**400, 1),  # larger than any float
    ],
)
def test_a_difficulty_is_divided_into_the_number_space(difficulty: float, target: int) -> None:
    assert targets.from_difficulty(difficulty) == target


@pytest.mark.parametrize("difficulty", [0, -1, -0.0, math.nan, math.inf, -math.inf])
def test_a_difficulty_that_is_none_is_refused(difficulty: float) -> None:
    with pytest.raises(ValueError, match="a difficulty must be a number above 0"):
        targets.from_difficulty(difficulty)


@given(st.floats(1, 1e60))
def test_there_and_back_gives_the_difficulty(difficulty: float) -> None:
    assert targets.to_difficulty(targets.from_difficulty(difficulty)) == pytest.approx(difficulty, rel=1e-12)


@given(
    st.floats(0, exclude_min=True, allow_infinity=False), st.floats(0, exclude_min=True, allow_infinity=False)
)
def test_the_harder_difficulty_never_has_the_larger_target(one: float, other: float) -> None:
    easy, hard = sorted((one, other))
    assert 1 <= targets.from_difficulty(hard) <= targets.from_difficulty(easy) <= targets.MAX_TARGET


@pytest.mark.parametrize(("target", "difficulty"), [(2**255, 2.0), (1, 2.0**256), (targets.MAX_TARGET, 1.0)])
def test_a_target_tells_its_difficulty(target: int, difficulty: float) -> None:
    assert targets.to_difficulty(target) == difficulty


@given(any_target, any_target)
def test_bytes_are_in_the_order_of_the_numbers(one: int, other: int) -> None:
    assert (targets.to_bytes(one) < targets.to_bytes(other)) == (one < other)
    assert len(targets.to_bytes(one)) == 32
    assert int.from_bytes(targets.to_bytes(one), "big") == one


@given(any_target)
def test_hex_reads_back(target: int) -> None:
    digits = targets.to_hex(target)
    assert len(digits) == 64
    assert digits == digits.lower()
    for text in (digits, digits.upper(), "0x" + digits, "0X" + digits.upper(), digits.lstrip("0")):
        assert targets.from_hex(text) == target


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("", targets.MAX_TARGET),
        ("0x", targets.MAX_TARGET),
        ("ff", 255),
        ("0b1", 0xB1),
        ("f" * 64, targets.MAX_TARGET),
    ],
)
def test_short_targets_are_small_and_none_accepts_all(text: str, target: int) -> None:
    assert targets.from_hex(text) == target


@pytest.mark.parametrize(
    "text",
    [
        "f" * 65,
        "0" * 65,
        "-1",
        "+1",
        " 1",
        "1 ",
        "1_0",
        "0x0x1",
        "0o7",
        "xyz",
        "f.",
        "٣",
        "1\n",
        "\x00",
        "\ud800",
        "a" * 5000,
    ],
)
def test_what_is_not_64_hex_digits_is_the_pools_fault(text: str) -> None:
    with pytest.raises(PoolError, match="is not up to 64 hex digits") as fault:
        targets.from_hex(text)
    assert str(fault.value).isascii()
    assert str(fault.value).isprintable()
    assert len(str(fault.value)) < 1000


@pytest.mark.parametrize("text", ["0", "0x0", "0" * 64])
def test_a_target_no_share_can_meet_is_the_pools_fault(text: str) -> None:
    with pytest.raises(PoolError, match="target 0"):
        targets.from_hex(text)


@given(st.text() | st.text("0123456789abcdefABCDEFx-_ +", max_size=70))
@example("0x0x")
@example("٠" * 64)
def test_any_text_is_a_target_or_the_pools_fault(text: str) -> None:
    try:
        target = targets.from_hex(text)
    except PoolError:
        return
    assert 1 <= target <= targets.MAX_TARGET
