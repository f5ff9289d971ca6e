"""Targets in 64, 16 and 8 digits: a shortened one is never easier, as whoever reads it does the reading."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.errors import PoolError
from proxy.model.target import MAX_TARGET, from_difficulty, to_bytes
from proxy.wire.targethex import LENGTHS, lengthen, shorten, shorten_for, widen
from tests.wire import xmrig
from tests.wire.hostile import fit_to_show

# All magnitudes alike: most of the numbers below 2^256 have 256 bits.
any_target = st.integers(1, 256).flatmap(lambda bits: st.integers(1, 2**bits - 1))
hex_text = st.text("0123456789abcdefABCDEF", max_size=20)

# ---- Equihash work: exact


@pytest.mark.parametrize(
    ("target", "digits", "text"),
    [
        (2**245, 64, "0020" + "0" * 60),
        (2**245, 16, "0000000000002000"),
        (2**245, 8, "00002000"),
        (MAX_TARGET, 16, "f" * 16),
        (MAX_TARGET, 8, "f" * 8),
        (0x0123456789ABCDEF << 192, 16, "efcdab8967452301"),
        (0x0123456789ABCDEF << 192, 8, "67452301"),
        (2**192, 16, "0100000000000000"),
        (2**192 - 1, 16, ""),
        (2**192, 8, ""),
        (2**224, 8, "01000000"),
        (1, 64, "0" * 63 + "1"),
        (1, 16, ""),
        (1, 8, ""),
    ],
)
def test_a_target_in_so_many_digits(target: int, digits: int, text: str) -> None:
    assert shorten(to_bytes(target), digits) == text


@given(any_target, st.sampled_from(LENGTHS))
@example(MAX_TARGET, 8)
@example(2**224 - 1, 8)
def test_a_shortened_target_reads_back_as_at_most_the_whole(target: int, digits: int) -> None:
    text = shorten(to_bytes(target), digits)
    if not text:
        assert target >> (256 - 4 * digits) == 0
        return
    assert len(text) == digits
    read = lengthen(text)
    assert read <= target
    assert target - read < 1 << (256 - 4 * digits)  # and nothing is lost but the digits that are left out


@given(any_target, st.sampled_from((16, 8)), st.integers(0, MAX_TARGET), st.integers(-1, 1))
def test_what_meets_the_short_target_meets_the_whole(target: int, digits: int, value: int, near: int) -> None:
    text = shorten(to_bytes(target), digits)
    if not text:
        return
    short = int.from_bytes(bytes.fromhex(text), "little")
    shift = 256 - 4 * digits
    for found in (value, min(max(0, (short << shift) + near), MAX_TARGET)):
        if found >> shift < short:  # as a miner with as many digits compares
            assert found < target


@given(st.sampled_from(LENGTHS), st.data())
def test_a_target_that_was_short_stays_as_it_is(digits: int, data: st.DataObject) -> None:
    text = data.draw(st.binary(min_size=digits // 2, max_size=digits // 2).filter(any)).hex()
    assert shorten(to_bytes(lengthen(text)), digits) == text
    assert lengthen(text.upper()) == lengthen(text)


@pytest.mark.parametrize(
    "text",
    ["", "ff", "f" * 15, "f" * 17, "f" * 63, "f" * 65, "z" * 16, " " * 8, "0x" + "f" * 62, "+1" * 4, "٣" * 8],
)
def test_a_target_of_another_length_is_the_pools_fault(text: str) -> None:
    with pytest.raises(PoolError, match="is not 64, 16 or 8 hex digits") as fault:
        lengthen(text)
    fit_to_show(fault.value)


@pytest.mark.parametrize("digits", LENGTHS)
def test_a_target_no_share_can_meet_is_the_pools_fault(digits: int) -> None:
    with pytest.raises(PoolError, match="target 0: no share could ever meet it"):
        lengthen("0" * digits)


# ---- blob work: as XMRig reads it


@pytest.mark.parametrize(
    ("text", "difficulty"),
    [("b88d0600", 10_000), ("ffffff00", 256), ("ffff0f00", 4096), ("711b0d00", 5000), ("ffffffff", 1)],
)
def test_eight_digits_are_widened_as_xmrig_shows_them(text: str, difficulty: int) -> None:
    target = widen(text, "rx/0")
    assert target % 2**192 == 0
    assert (2**64 - 1) // (target >> 192) == difficulty


@given(st.integers(1, 2**32 - 1))
def test_eight_digits_are_widened_upwards(number: int) -> None:
    text = number.to_bytes(4, "little").hex()
    assert widen(text, "cn/r") >> 192 == (2**64 - 1) // ((2**32 - 1) // number)
    assert widen(text, "cn/r") >> 224 >= number


@given(st.integers(1, 2**64 - 1))
def test_sixteen_digits_are_the_number_itself(number: int) -> None:
    assert widen(number.to_bytes(8, "little").hex(), "rx/0") == number << 192


@given(st.integers(1, 2**64 - 1))
def test_one_algorithm_has_a_plain_number(number: int) -> None:
    for text in (f"{number:016x}", f"{number:04X}"):
        assert widen(text, "rx/yada") == number << 192


@pytest.mark.parametrize("algorithm", ["rx/0", "ghostrider", "rx/yada", ""])
@pytest.mark.parametrize("digits", [16, 8])
def test_a_target_that_xmrig_would_divide_by_is_the_pools_fault(algorithm: str, digits: int) -> None:
    with pytest.raises(PoolError, match="target 0"):
        widen("0" * digits, algorithm)


@pytest.mark.parametrize(
    ("text", "algorithm", "says"),
    [
        ("", "rx/0", "a target of 0 hex digits; 16 or 8 are known"),
        ("ffff", "rx/0", "a target of 4 hex digits"),
        ("f" * 64, "rx/0", "a target of 64 hex digits"),
        ("", "rx/yada", "a target of 0 hex digits"),
        ("fff", "rx/yada", "a target of 3 hex digits"),
        ("f" * 17, "rx/yada", "a target of 17 hex digits"),
        ("z" * 8, "rx/0", "is not hex"),
        ("0x0000ff", "rx/yada", "is not hex"),
        (" " * 8, "rx/yada", "is not hex"),
    ],
)
def test_a_blob_target_xmrig_would_not_take_is_the_pools_fault(text: str, algorithm: str, says: str) -> None:
    with pytest.raises(PoolError, match=says):
        widen(text, algorithm)


algorithms = st.sampled_from(["rx/0", "cn/r", "rx/yada", ""])


@given(hex_text | st.text(max_size=20), algorithms)
def test_any_text_is_a_target_or_the_pools_fault(text: str, algorithm: str) -> None:
    for read in (lengthen, lambda text: widen(text, algorithm)):
        try:
            assert 1 <= read(text) <= MAX_TARGET
        except PoolError as fault:
            fit_to_show(fault)


@given(any_target, algorithms, st.sampled_from([0, 8, 16, 64]))
@example(0xC0 << 248, "rx/0", 8)
@example(MAX_TARGET, "rx/0", 8)
@example(from_difficulty(10_000.5), "rx/0", 8)
@example(2**192 - 1, "rx/yada", 16)
def test_a_blob_target_is_never_easier_in_xmrigs_eyes(target: int, algorithm: str, digits: int) -> None:
    text = shorten_for(algorithm, to_bytes(target), digits)
    if not text:
        assert target < (2**224 if digits == 8 else 2**192)
        return
    assert len(text) == (8 if digits == 8 and algorithm != "rx/yada" else 16)
    seen = xmrig.take_job(a_job(text, algorithm)).target
    assert 0 < seen << 192 <= target
    assert widen(text, algorithm) == seen << 192
    if len(text) == 16:
        assert seen == target >> 192


@given(st.integers(1, 2**32 - 1))
def test_eight_digits_of_a_pool_come_out_as_easy_again(number: int) -> None:
    target = widen(number.to_bytes(4, "little").hex(), "rx/0")
    assert widen(shorten_for("rx/0", to_bytes(target), 8), "rx/0") == target


@given(st.integers(100, 10**8))
def test_eight_digits_cost_no_more_than_32_bits_cannot_say(difficulty: int) -> None:
    target = from_difficulty(difficulty)
    text = shorten_for("rx/0", to_bytes(target), 8)
    assert 1 - widen(text, "rx/0") / target < 1 / difficulty + difficulty / 2**31


def a_job(target: str, algorithm: str) -> dict[str, str]:
    return {
        "job_id": "1",
        "blob": "ab" * 160,
        "target": target,
        "algo": algorithm or "cn/r",
        "seed_hash": "00" * 32,
    }
