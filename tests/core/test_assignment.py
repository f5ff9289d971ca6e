"""What a miner was given: the works of its range and lane, each by just one id, remembered or not."""

import hypothesis
import pytest
from hypothesis import strategies as st

from proxy.core.assignment import STALE, UNKNOWN_JOB, Assignment, given, no_job
from proxy.core.jobbook import Entry, JobBook
from proxy.model.job import ID_DIGITS
from tests.kit.shares import a_job


def entries(*lanes: int | None, jobs: int = 1) -> list[Entry]:
    """The works of some jobs, one for each lane, with their standing."""
    book = JobBook()
    works = [
        work
        for number in range(jobs)
        for work in book.add(a_job(f"{number:064x}", clean=False), lanes or [None])
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
    easy, hard = (entry.work for entry in entries(None, 2**255))
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
