"""What is done beside writing: a round at a time."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from proxy.config import Ledger
from proxy.ledger import chores as module
from proxy.ledger import retention
from proxy.ledger.chores import RETIRE_SECONDS, Chores
from proxy.ledger.schema import DAY, HOUR, MINUTE
from proxy.ledger.store import read_url
from tests.ledger.ends import NOON, batch_of, ended
from tests.ledger.test_retention import count
from tests.ledger.test_rollup import Book, book

__all__ = ["book"]  # the fixture


class Bench:
    """Chores without their thread, at a time of the test's."""

    def __init__(self, url: str, says: bool = False, **settings: Any) -> None:
        self.now = 0.0
        self.chores = Chores(
            read_url(url), Ledger(url=url, **settings), says, lambda: self.now, lambda: NOON + self.now
        )

    def round(self, at: float) -> None:
        """Do what is to be done so many seconds after noon."""
        self.now = at
        self.chores.round()


@pytest.fixture
def bench(url: str) -> Iterator[Bench]:
    """Of the same book."""
    made = Bench(url)
    yield made
    made.chores._close()


def test_sums_are_made_as_minutes_end(book: Book, bench: Bench) -> None:
    book.write(batch_of([ended(1), ended(61)]))
    bench.round(61)
    assert book.sums() == {}
    bench.round(70)
    assert set(book.sums()) == {(0, "rig1", "accepted")}
    bench.round(130)
    assert sum(book.sums().values()) == 2


def test_an_empty_database_becomes_a_book(bench: Bench, url: str) -> None:
    bench.round(0)
    made = Book(url)
    assert made.sums() == {}
    made.close()


def test_rows_and_sums_have_days_of_their_own(book: Book, url: str) -> None:
    bench = Bench(url, retention_days=1, minutes_days=2, hours_days=3)
    book.write(batch_of([ended(1)]))
    engine = book.engines.writing
    left = []
    for day in range(6):
        bench.round(day * DAY + HOUR)
        left.append([count(engine, name) for name in ("shares", "minutes", "hours")])
    assert left == [[1, 1, 1], [0, 1, 1], [0, 0, 1], [0, 0, 1], [0, 0, 0], [0, 0, 0]]
    bench.chores._close()


def test_zero_days_are_for_ever(book: Book, url: str) -> None:
    bench = Bench(url, retention_days=0, minutes_days=0, hours_days=0)
    book.write(batch_of([ended(1)]))
    bench.round(10_000 * DAY)
    assert [count(book.engines.writing, name) for name in ("shares", "minutes", "hours")] == [1, 1, 1]
    bench.chores._close()


def test_a_full_file_loses_its_oldest_rows_but_none_of_the_last_quarter_of_an_hour(
    book: Book, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not read_url(url).is_sqlite:
        pytest.skip("PostgreSQL has no bound of ours")
    bench = Bench(url, retention_days=0, max_megabytes=1)
    book.write(batch_of([ended(minute * MINUTE) for minute in range(30)]))
    monkeypatch.setattr(retention, "used_megabytes", lambda _: 2.0)  # it is never enough
    bench.round(30 * MINUTE)
    assert count(book.engines.writing, "shares") == retention.KEPT_SECONDS // MINUTE
    assert sum(book.sums().values()) == 29  # the last minute is not over by its grace
    bench.chores._close()


def test_retention_takes_its_time(book: Book, bench: Bench) -> None:
    bench.round(0)
    book.write(batch_of([ended(-40 * DAY)]))
    bench.round(RETIRE_SECONDS / 2)
    assert count(book.engines.writing, "shares") == 1
    bench.round(RETIRE_SECONDS)
    assert count(book.engines.writing, "shares") == 0


def test_of_several_proxies_one_does_it(book: Book, bench: Bench, url: str) -> None:
    if read_url(url).is_sqlite:
        pytest.skip("of SQLite everybody is alone")
    book.write(batch_of([ended(1)]))
    with book.engines.writing.begin() as other:
        other.execute(text(f"SELECT pg_advisory_xact_lock({module._LOCK})"))
        bench.round(HOUR)
        assert book.sums() == {}
    bench.round(HOUR)
    assert sum(book.sums().values()) == 1


def test_a_fault_is_said_once_where_nobody_else_says_it() -> None:
    for says, lines in ((True, ["ledger down"]), (False, [])):
        bench = Bench("sqlite:////proc/x.db", says)
        with capture_logs() as logs:
            bench.round(0)
            bench.round(10)
        assert [line["event"] for line in logs] == lines
        assert "unable to open" in bench.chores.fault


def test_after_a_fault_it_goes_on(book: Book, bench: Bench) -> None:
    book.write(batch_of([ended(1)]))
    with book.engines.writing.begin() as connection:
        connection.execute(text("ALTER TABLE dirty RENAME TO gone"))
    bench.round(HOUR)
    assert bench.chores.fault
    with book.engines.writing.begin() as connection:
        connection.execute(text("ALTER TABLE gone RENAME TO dirty"))
    bench.round(HOUR)
    assert bench.chores.fault == ""
    assert sum(book.sums().values()) == 1


def test_the_thread_ends_when_it_is_asked_to(url: str) -> None:
    bench = Bench(url)
    bench.chores.start()
    bench.chores.end()
    bench.chores._thread.join(60)
    assert bench.chores.has_ended
