"""What a miner was given: the works of its range and lane, each by just one id, remembered or not."""

import hypothesis
import pytest
from hypothesis import strategies as st

from proxy.core.assignment import STALE, UNKNOWN_JOB, Assignment, given, no_job
from proxy.core.jobbook import Entry, JobBook
from proxy.core.lanes import POOLS, Lanes
from proxy.model.job import ID_DIGITS
from tests.kit.shares import a_job


def entries(*difficulties: float, jobs: int = 1) -> list[Entry]:
    """The works of some jobs, the pool's own and one for each difficulty, with their standing."""
    lanes = Lanes()
    book = JobBook(lanes=lanes)
    works = [
        made[lane]
        for made in (book.add(a_job(f"{number:064x}", clean=False)) for number in range(jobs))
        for lane in (POOLS, *map(lanes.number, difficulties))
    ]
    found = [book.find(work.id) for work in works]
    return [entry for entry in found if entry is not None]


@pytest.mark.parametrize(
    ("first", "last", "own"),
    [(1, 3, True), (2, 3, True), (2, 2, True), (1, 1, False), (3, 3, False), (0, 0, False)],
)
def test_the_works_given_are_a_range(first: int, last: int, own: bool) -> None:
    work = entries(jobs=3)[1].work
    assert work.serial == 2
    assert given(work, work.id, Assignment(first=first, last=last)) is own


def test_only_the_first_work_has_the_alias_and_by_no_other_id_is_it_known() -> None:
    first, second = (entry.work for entry in entries(jobs=2))
    miner = Assignment(first=1, last=2, alias="2a")
    assert given(first, first.id + "2a", miner)
    assert given(second, second.id, miner)
    for work, tail in [
        (first, ""),
        (first, "2b"),
        (first, "2a0"),
        (first, "2A"),
        (second, "2a"),
        (second, " "),
    ]:
        assert not given(work, work.id + tail, miner)


def test_a_work_of_another_lane_was_not_given() -> None:
    easy, hard = (entry.work for entry in entries(2.0))
    assert given(easy, easy.id, Assignment(first=1, last=2, lane=0))
    assert not given(hard, hard.id, Assignment(first=1, last=2, lane=0))
    assert given(hard, hard.id, Assignment(first=1, last=2, lane=1))


def test_a_work_in_the_book_is_stale_for_who_had_it_and_unknown_to_others() -> None:
    (entry,) = entries()
    assert no_job(entry, entry.work.id, Assignment(first=1, last=1)) is STALE
    assert no_job(entry, entry.work.id, Assignment(first=2, last=9)) is UNKNOWN_JOB
    assert no_job(entry, entry.work.id, Assignment(first=1, last=1, lane=1)) is UNKNOWN_JOB
    assert no_job(entry, entry.work.id + "0", Assignment(first=1, last=1)) is UNKNOWN_JOB


@pytest.mark.parametrize(
    ("work_id", "is_stale"),
    [
        ("000000000007", True),
        ("0000000000052a", True),  # its first
        ("000000000009", True),
        ("000000000005", False),
        ("0000000000072a", False),
        ("000000000004", False),
        ("00000000000a", False),
        ("00000000000", False),
        ("", False),
        ("+00000000007", False),
        (" 00000000007", False),
        ("0x0000000007", False),
        ("0000000000_7", False),
        ("00000000000٧", False),  # a digit seven, to int()
        ("zzzzzzzzzzzz", False),
    ],
)
def test_a_work_that_is_forgotten_is_told_by_its_serial(work_id: str, is_stale: bool) -> None:
    miner = Assignment(first=5, last=9, alias="2a")
    assert no_job(None, work_id, miner) is (STALE if is_stale else UNKNOWN_JOB)


def test_who_was_given_nothing_knows_none() -> None:
    assert no_job(None, "0" * ID_DIGITS, Assignment(alias="1")) is UNKNOWN_JOB
    (entry,) = entries()
    assert not given(entry.work, entry.work.id, Assignment())


@hypothesis.given(
    st.text(max_size=20) | st.text("0123456789abcdef", max_size=20), st.integers(0, 9), st.integers(0, 9)
)
def test_any_text_may_be_an_id(work_id: str, first: int, last: int) -> None:
    miner = Assignment(first=first, last=last, alias="2a")
    is_own = any(
        work_id == f"{serial:0{ID_DIGITS}x}" + ("2a" if serial == first else "")
        for serial in range(first, last + 1)
    )
    assert no_job(None, work_id, miner) is (STALE if is_own else UNKNOWN_JOB)


# ---- a difficulty that changes


def changed(first: int = 10, last: int = 10, lane: int = 1, alias: str = "2a") -> Assignment:
    """A miner that has one work."""
    return Assignment(first=first, last=last, lane=lane, alias=alias)


def test_works_of_lanes_it_had_stay_its_own() -> None:
    pools, easy, hard = (entry.work for entry in entries(2.0, 4.0))
    miner = Assignment(first=easy.serial, last=easy.serial, lane=easy.lane)
    miner.move(hard.lane)
    tail = miner.change(hard.serial)
    miner.last = hard.serial
    assert given(easy, easy.id, miner)
    assert given(hard, hard.id + tail, miner)
    assert not given(pools, pools.id, miner), "of no lane that it ever had"


def test_a_lane_that_it_never_had_work_of_is_not_its_own() -> None:
    miner = Assignment(lane=3)
    miner.move(4)
    assert (miner.lane, miner.former_lanes) == (4, 0)


def test_a_work_made_before_its_first_is_its_own_once_it_was_given() -> None:
    """For others it was made earlier in the same job."""
    _, hard, easy = (entry.work for entry in entries(4.0, 2.0))
    assert hard.serial < easy.serial
    miner = changed(first=easy.serial, last=easy.serial, lane=easy.lane)
    miner.move(hard.lane)
    assert not given(hard, hard.id, miner)
    tail = miner.change(hard.serial)
    miner.last = hard.serial
    assert given(hard, hard.id + tail, miner)
    assert given(easy, easy.id + "2a", miner), "and the other stays so"


def test_each_change_has_an_id_of_its_own_and_only_those_there_were() -> None:
    miner = changed()
    tails = [miner.change(serial) for serial in (11, 10, 11)]
    miner.last = 11
    assert tails == ["000012a", "000022a", "000032a"]
    for tail in tails:
        assert no_job(None, f"{11:0{ID_DIGITS}x}{tail}", miner) is STALE
    for tail in (
        "000002a",
        "000042a",
        "00001",
        "000012b",
        "00012a",
        "1",
        "0",
        "00_012a",
        " 00012a",
        "0+0012a",
    ):
        assert no_job(None, f"{11:0{ID_DIGITS}x}{tail}", miner) is UNKNOWN_JOB


def test_changes_without_end_take_no_more_room() -> None:
    miner = changed()
    for number in range(70_000):
        miner.move(number % 120)
        tail = miner.change(10 + number % 7)
    assert (tail, miner.low, miner.high) == ("0ffff2a", 10, 16)
    assert miner.former_lanes < 1 << 121
