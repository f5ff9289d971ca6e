"""A statement against the book: clocks explain what is around the turn of an hour, and nothing else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.errors import ConfigError
from proxy.ledger.book import Book, open_book
from proxy.ledger.comparison import Comparison, compare
from proxy.ledger.schema import HOUR
from proxy.ledger.statement import Stated, Statement
from tests.ledger.books import NOON, Author

START = int(NOON)
END = START + 3 * HOUR


def stated(*shares: int | None, work: float | None = None, worker: str = "") -> dict[tuple[int, str], Stated]:
    return {
        (START + place * HOUR, worker): Stated(count, work)
        for place, count in enumerate(shares)
        if count is not None
    }


def against(book: Book, hours: dict[tuple[int, str], Stated], pool: str = "main") -> Comparison:
    by_worker = any(worker for _, worker in hours)
    return compare(book, Statement(by_worker, hours), pool, 0.0, END)


@pytest.fixture
def busy(author: Author) -> Author:
    """Three hours: 4 shares, 3, and 2 not rolled up yet; two of the first hour's in its last minute."""
    process = author.process()
    for minute in (2, 30, 59.5, 59.9):
        process.share(NOON + 60 * minute)
    process.share(NOON + 65, "rejected")
    process.share(NOON + 70, pool="spare")
    for minute in (60.5, 90, 100):
        process.share(NOON + 60 * minute, worker="rig2")
    author.closes(NOON + 2 * HOUR)
    for minute in (140, 150):
        process.share(NOON + 60 * minute)
    return author


def test_a_statement_that_agrees(busy: Author, book: Book) -> None:
    found = against(book, stated(4, 3, 2))
    assert (found.hours, found.differences, found.notes) == (3, [], [])


def test_what_was_at_the_turn_of_an_hour_may_stand_in_the_other(busy: Author, book: Book) -> None:
    assert against(book, stated(2, 5, 2)).differences == []
    assert against(book, stated(5, 2, 2)).differences == []


@pytest.mark.parametrize(
    ("shares", "off"),
    [
        ((1, 6, 2), {0: -3, 1: 3}),
        ((4, 3, 1), {2: -1}),
        ((4, 3, 3), {2: 1}),
        ((6, 1, 2), {0: 2, 1: -2}),
        ((4, 0, 2), {1: -3}),
        ((4, None, 2), {1: -3}),
        ((3, 3, 2), {1: -1}),
        ((2, 3, 2), {1: -2}),
    ],
)
def test_what_no_clock_explains(
    busy: Author, book: Book, shares: tuple[int | None, ...], off: dict[int, int]
) -> None:
    found = against(book, stated(*shares)).differences
    assert {(one.hour - START) // HOUR: one.off for one in found} == off


def test_a_difference_is_said_in_a_line(busy: Author, book: Book) -> None:
    (one,) = against(book, stated(4, 0, 2)).differences
    assert str(one) == (
        "2026-11-21 01:00:00: the pool states 0 shares, the book has 3: 3 less than clocks explain"
    )


def test_by_worker(busy: Author, book: Book) -> None:
    hours = stated(4, 0, 2, worker="acc.rig1") | stated(0, 2, worker="acc.rig2")
    (one,) = against(book, hours).differences
    assert (one.worker, one.hour, one.off) == ("rig2", START + HOUR, -1)
    assert "3 shares" not in str(one)
    assert "2 shares of rig2" in str(one)


def test_work(busy: Author, book: Book) -> None:
    assert against(book, stated(4, work=8.000001)).differences == []
    (one,) = against(book, stated(4, work=20.0)).differences
    assert (one.unit, one.stated, one.ours, one.off) == ("work", 20.0, 8.0, 12.0)


def test_of_which_pool_it_is(busy: Author, book: Book) -> None:
    assert against(book, stated(1), "spare").differences == []
    with pytest.raises(ConfigError, match="the book has main, spare; say it by --pool"):
        against(book, stated(4, 3, 2), "")
    only = Statement(False, {(START + HOUR, ""): Stated(3)})
    assert compare(book, only, "", 0.0, END).pool == "main"


def test_only_whole_hours_that_both_have(busy: Author, book: Book) -> None:
    early = {(START - 5 * HOUR, ""): Stated(100)}
    found = against(book, early | stated(4, 3, 2))
    assert found.hours == 3
    assert found.notes == ["the book has no hours before 2026-11-21 00:00:00; the statement's are left out"]
    assert compare(book, Statement(False, stated(4, 9, 9)), "main", 0.0, START + HOUR + 1800).hours == 1
    assert (
        compare(book, Statement(False, stated(9, 3, 9)), "main", START + 60, START + 2 * HOUR).differences
        == []
    )


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 3 * HOUR - 1), st.integers(-30, 30)), max_size=20))
def test_no_clock_within_the_slack_makes_a_difference(
    tmp_path_factory: pytest.TempPathFactory, given_out: list[tuple[int, int]]
) -> None:
    author = Author(f"sqlite:///{tmp_path_factory.mktemp('book')}/x.db")
    process = author.process(started=NOON - HOUR)
    hours = {(START + place * HOUR, ""): Stated(0) for place in range(-1, 4)}
    for second, skew in given_out:
        process.share(NOON + second)
        theirs = hours[(START + second + skew) // HOUR * HOUR, ""]
        theirs.shares = (theirs.shares or 0) + 1
    book = open_book(author.url)
    found = compare(book, Statement(False, hours), "main", 0.0, END + HOUR)
    assert found.differences == []
    book.close()
    author.close()
