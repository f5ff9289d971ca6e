"""The book closes, or it is said what is missing, where and when."""

import pytest
from sqlalchemy import delete, insert

from proxy.ledger import schema
from proxy.ledger.batch import Counts
from proxy.ledger.book import Book
from proxy.ledger.reconcile import DIED, ENDED, RUNNING, Account, PoolAccount, reconcile, unbalanced
from tests.ledger.books import NOON, RUN, Author, Process, counts_of

NOW = NOON + 600
ALL = 0.0


def account(book: Book, since: float = ALL, until: float = NOW, now: float = NOW, proxy: str = "") -> Account:
    return reconcile(book, since, until, now, proxy)


@pytest.fixture
def process(author: Author) -> Process:
    """A run of seven shares that ended in order."""
    made = author.process()
    made.share(NOON + 1)
    made.share(NOON + 2, "stale")
    made.share(NOON + 3, "kept", difficulty=1.0)
    made.share(NOON + 4, "rejected")
    made.share(NOON + 5, "lost", pool="none")
    made.share(NOON + 6, "low_difficulty")
    made.share(NOON + 7, pool="spare", difficulty=3.0)
    made.is_seen(NOON + 8, ended=True)
    return made


def test_a_book_that_closes(process: Process, book: Book) -> None:
    found = account(book)
    assert found.holds
    assert (found.received, found.kept, found.forwarded) == (7, 1, 4)
    assert found.filtered == {"stale": 1, "low_difficulty": 1}
    assert found.received == sum(found.filtered.values()) + found.kept + found.forwarded
    assert found.pools == [
        PoolAccount("main", 2, 1, 1, 0, 2.0),
        PoolAccount("none", 1, 0, 0, 1, 0.0),
        PoolAccount("spare", 1, 1, 0, 0, 3.0),
    ]
    assert found.work["accepted"] == 5.0
    assert [run.state for run in found.runs] == [ENDED]
    assert (found.gaps, found.faults, found.notes) == ([], [], [])


def test_an_empty_book_closes(book: Book) -> None:
    assert account(book).holds
    assert account(book).received == 0


def test_a_row_that_was_taken_out_is_named(process: Process, author: Author, book: Book) -> None:
    with author.engine.begin() as connection:
        connection.execute(delete(schema.shares).where(schema.shares.c.seq.in_([4, 5])))
    found = account(book)
    assert not found.holds
    assert found.missing == 2
    (gap,) = found.gaps
    assert str(gap) == (
        f"farm1, run {RUN:016x}: 2 not written, number 4 to 5, "
        "between 2026-11-21 00:00:03 and 2026-11-21 00:00:06"
    )
    assert found.notes == [f"farm1, run {RUN:016x}: what is missing, by verdict: lost 1, rejected 1"]
    assert found.received == 5


def test_a_row_that_is_none_of_its_process_is_a_fault(process: Process, author: Author, book: Book) -> None:
    process.is_seen(NOON + 9, ended=True, counts=counts_of(process.rows[:-1] + process.rows[:1]))
    found = account(book)
    assert found.holds, "which pool a share was for is not counted by verdict"
    swapped = counts_of(process.rows[:-1] + process.rows[1:2])
    process.is_seen(NOON + 10, ended=True, counts=swapped)
    (fault,) = account(book).faults
    assert fault == f"farm1, run {RUN:016x}: counted otherwise than written: accepted -1, stale +1"


def test_what_a_process_counted_must_fit_together(process: Process, book: Book) -> None:
    whole = counts_of(process.rows)
    lacking = Counts(whole.received + 1, whole.shares, whole.forwarded, 0, whole.seq)
    process.is_seen(NOON + 9, ended=True, counts=lacking)
    (fault,) = account(book).faults
    assert fault.endswith(": 8 received, but 7 ended and 0 are under way")


@pytest.mark.parametrize(
    ("counts", "faults"),
    [
        (Counts(), 0),
        (Counts(3, {"accepted": 1, "stale": 1}, {"main": 2}, 1, 2), 0),
        (Counts(2, {"accepted": 1, "stale": 1}, {"main": 2}, 1, 2), 1),
        (Counts(3, {"accepted": 1, "stale": 1}, {"main": 1}, 1, 2), 1),
        (Counts(3, {"accepted": 1, "stale": 1}, {"main": 2}, 1, 3), 1),
    ],
)
def test_the_sums_of_a_process(counts: Counts, faults: int) -> None:
    assert len(unbalanced(counts)) == faults


# ---- processes that run, and that died


def test_what_a_running_process_gave_out_a_moment_ago_is_late_and_not_missing(
    author: Author, book: Book
) -> None:
    process = author.process()
    process.share(NOON + 1)
    process.share(NOON + 2, written=False)
    process.in_flight = 1
    process.is_seen(NOW - 1)
    found = account(book)
    assert found.holds
    assert (found.missing, found.late, found.received) == (0, 1, 1)
    assert [run.state for run in found.runs] == [RUNNING]


def test_of_one_that_died_it_is_missing(author: Author, book: Book) -> None:
    process = author.process()
    process.share(NOON + 1)
    process.share(NOON + 2, written=False)
    process.is_seen(NOON + 2)
    found = account(book)
    assert (found.missing, found.late) == (1, 0)
    assert str(found.gaps[0]).endswith("1 not written, number 2, after 2026-11-21 00:00:01")
    assert [run.state for run in found.runs] == [DIED]
    assert "ended without a word at 2026-11-21 00:00:02" in found.notes[0]


def test_rows_that_came_after_the_last_word_count(author: Author, book: Book) -> None:
    """What a spool brought later."""
    process = author.process()
    process.is_seen(NOON)
    for second in range(3):
        process.share(NOON + second)
    with author.engine.begin() as connection:
        connection.execute(schema.runs.update().values(last_seq=1))
    assert account(book).received == 3
    assert account(book).holds


def test_rows_without_room_are_said(author: Author, book: Book) -> None:
    process = author.process()
    process.share(NOON + 1)
    process.share(NOON + 2, written=False)
    process.share(NOON + 3)
    process.lost = 1
    process.is_seen(NOON + 4, ended=True)
    found = account(book)
    assert found.missing == 1
    assert any("queue and spool had no room for 1 shares" in note for note in found.notes)


# ---- of a time


def test_of_a_time_only(process: Process, book: Book) -> None:
    found = account(book, NOON + 3, NOON + 6)
    assert found.holds
    assert found.received == 3
    assert found.shares["rejected"] == 1
    assert account(book, NOON + 9).received == 0
    assert account(book, ALL, NOON).received == 0


def test_missing_rows_belong_to_their_time(process: Process, author: Author, book: Book) -> None:
    with author.engine.begin() as connection:
        connection.execute(delete(schema.shares).where(schema.shares.c.seq == 4))
    assert account(book, NOON + 5.5).missing == 0
    assert account(book, ALL, NOON + 2.5).missing == 0
    for cut in (3.5, 4, 4.5):
        assert account(book, ALL, NOON + cut).missing + account(book, NOON + cut).missing == 1


def test_what_was_retired_is_not_missing(process: Process, author: Author, book: Book) -> None:
    with author.engine.begin() as connection:
        connection.execute(delete(schema.shares).where(schema.shares.c.seq <= 3))
        connection.execute(insert(schema.horizons).values(name="shares", at=int(NOON) + 4))
    found = account(book)
    assert found.holds
    assert found.received == 4
    assert account(book, NOON + 1).notes == [
        "shares before 2026-11-21 00:00:04 are retired; the sums begin there"
    ]
    with author.engine.begin() as connection:
        connection.execute(delete(schema.shares))
    assert account(book).holds, "of a run whose rows are all retired"


# ---- several proxies


def test_several_proxies_are_added_up_or_told_apart(process: Process, author: Author, book: Book) -> None:
    other = author.process(RUN + 1, proxy="farm2", number=2)
    other.share(NOON + 5)
    other.share(NOON + 6, "stale", written=False)
    other.share(NOON + 7)
    other.is_seen(NOON + 8, ended=True)
    found = account(book)
    assert (found.received, found.missing, len(found.runs)) == (9, 1, 2)
    assert found.pools[0].accepted == 3
    assert str(found.gaps[0]).startswith(f"farm2/2, run {RUN + 1:016x}: 1 not written, number 2, between ")
    assert account(book, proxy="farm1").holds
    assert account(book, proxy="farm2").received == 2
