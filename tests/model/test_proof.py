"""The spellings of a solution: whichever one a miner uses, the same bare digits come out."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import MinerError
from proxy.model.proof import ProofForm, compact_size
from proxy.native.reference import pack, solution_bytes, unpack
from tests.wire.hostile import fit_to_show, json_values, nested, patient

AION = ProofForm.of(210, 9)
SMALL = ProofForm.of(48, 5)
KNOWN = [(210, 9), (200, 9), (192, 7), (150, 5), (144, 5), (96, 5), (48, 5)]


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (0, "00"),
        (36, "24"),
        (252, "fc"),
        (253, "fdfd00"),
        (1344, "fd4005"),
        (1408, "fd8005"),
        (65535, "fdffff"),
    ],
)
def test_compact_size(length: int, text: str) -> None:
    assert compact_size(length) == text


def test_the_sizes_of_a_solution() -> None:
    assert ProofForm(indices=512, index_bits=22, digits=2816, size_prefix="fd8005") == AION
    assert ProofForm(indices=32, index_bits=9, digits=72, size_prefix="24") == SMALL


@pytest.mark.parametrize(("n", "k"), KNOWN)
def test_the_sizes_are_those_of_the_check(n: int, k: int) -> None:
    form = ProofForm.of(n, k)
    assert form.digits == 2 * solution_bytes(n, k)
    assert form.size_prefix == compact_size(solution_bytes(n, k))


@st.composite
def solutions(draw: st.DrawFn) -> tuple[int, int, bytes]:
    n, k = draw(st.sampled_from(KNOWN))
    size = solution_bytes(n, k)
    # Not drawn byte by byte: 1408 of them are more than a draw may take.
    seed = draw(st.sampled_from([b"\x00", b"\xff"]) | st.binary(min_size=1, max_size=64))
    return n, k, (seed * size)[:size]


@patient
@given(solutions())
def test_every_spelling_gives_the_same_bare_solution(case: tuple[int, int, bytes]) -> None:
    n, k, solution = case
    form, digits = ProofForm.of(n, k), solution.hex()
    for spelling in (
        digits,
        digits.upper(),
        form.size_prefix + digits,
        (form.size_prefix + digits).upper(),
        unpack(n, k, solution),
    ):
        assert form.bare(spelling).lower() == digits


@patient
@given(st.lists(st.integers(0, 511), min_size=32, max_size=32))
def test_indices_are_packed_as_the_check_reads_them(indices: list[int]) -> None:
    packed = SMALL.bare(indices)
    assert packed == pack(48, 5, indices).hex()
    assert unpack(48, 5, bytes.fromhex(packed)) == indices


def test_the_first_index_has_the_highest_bits() -> None:
    assert SMALL.bare([511] + 31 * [0]) == "ff8" + 69 * "0"
    assert AION.bare([1] + 511 * [0]) == "000004" + 2810 * "0"
    assert AION.bare([*range(512)]) == pack(210, 9, [*range(512)]).hex()


@pytest.mark.parametrize("text", ["", "ff", "zz", "é" * 72, "ab" * 35, "ab" * 38, "00" + "ab" * 37])
def test_digits_of_another_length_are_left_to_the_validator(text: str) -> None:
    assert SMALL.bare(text) == text


def test_what_is_no_hex_is_left_to_the_validator() -> None:
    assert SMALL.bare("z" * 72) == "z" * 72
    assert SMALL.bare("24" + "z" * 72) == "z" * 72


@pytest.mark.parametrize("start", ["25", "zz", "00", "ab"])
def test_a_solution_with_a_wrong_size_before_it(start: str) -> None:
    with pytest.raises(MinerError, match="a solution of this length starts with 24"):
        SMALL.bare(start + "ab" * 36)
    with pytest.raises(MinerError, match="a solution of this length starts with fd8005"):
        AION.bare("fd8006" + "ab" * 1408)


@pytest.mark.parametrize("count", [0, 1, 31, 33, 512])
def test_too_few_or_too_many_indices(count: int) -> None:
    with pytest.raises(MinerError, match=f"a solution of {count} indices, 32 expected"):
        SMALL.bare(count * [1])


@pytest.mark.parametrize("index", [-1, 512, 2**70, 1.0, True, None, "1", "0x1", [1], {"1": 1}])
def test_an_index_that_is_none(index: Any) -> None:
    with pytest.raises(MinerError, match="the indices of a solution are numbers from 0 to 511"):
        SMALL.bare([index] + 31 * [1])
    with pytest.raises(MinerError, match="numbers from 0 to 511"):
        SMALL.bare(31 * [1] + [index])


@patient
@given(json_values.filter(lambda value: isinstance(value, str | list)) | st.lists(json_values, min_size=32))
def test_anything_is_digits_or_the_miners_fault(solution: Any) -> None:
    for given_ in (solution, solution[:32]):
        try:
            assert isinstance(SMALL.bare(given_), str)
        except MinerError as fault:
            fit_to_show(fault)


def test_an_index_of_any_depth_is_the_miners_fault() -> None:
    deep: list[Any] = []
    for _ in range(len(nested(5000)) // 2):
        deep = [deep]
    with pytest.raises(MinerError):
        SMALL.bare([deep] * 32)
