"""Sums of minutes and hours: each share in them once, whatever comes late, twice, or meanwhile."""

from collections import Counter
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, event, select

from proxy.ledger import inserting, rollup, schema
from proxy.ledger.batch import Batch
from proxy.ledger.migrating import migrate
from proxy.ledger.rollup import GRACE_SECONDS, Engines, dirty_minutes, roll
from proxy.ledger.schema import HOUR, MINUTE
from proxy.ledger.store import make_engine, read_url
from proxy.model.share import Reason
from tests.ledger.ends import NOON, batch_of, ended

Sums = Counter[tuple[int, str, str]]  # shares by time, worker, reason


class Book:
    """A book with its sums."""

    def __init__(self, url: str) -> None:
        place = read_url(url)
        writing = make_engine(place)
        migrate(writing, place)
        self.engines = Engines(make_engine(place, reading=True), writing)

    def write(self, batch: Batch) -> None:
        """Write a batch."""
        with self.engines.writing.begin() as connection:
            inserting.write(connection, batch, batch.sources)

    def due(self, after: float) -> list[int]:
        """Minutes to be added up so many seconds after noon."""
        with self.engines.reading.connect() as connection:
            return dirty_minutes(connection, NOON + after, 1000)

    def roll(self, after: float = 10 * HOUR) -> None:
        """Add up what is due."""
        for minute in self.due(after):
            assert roll(self.engines, minute)

    def sums(self, name: str = "minutes") -> Sums:
        """What has been added up."""
        table = schema.metadata.tables[name]
        unit = next(iter(table.c))
        with self.engines.reading.connect() as connection:
            found = connection.execute(select(unit, table.c.worker, table.c.reason, table.c["count"]))
            return Counter(
                {(at - NOON, worker, reason): count for at, worker, reason, count in found if count}
            )

    def set_horizon(self, name: str, at: int) -> None:
        """Let what is older be retired."""
        with self.engines.writing.begin() as connection:
            connection.execute(schema.horizons.insert().values(name=name, at=at))

    def close(self) -> None:
        """Let go of it."""
        self.engines.reading.dispose()
        self.engines.writing.dispose()


@pytest.fixture
def book(url: str) -> Iterator[Book]:
    """An empty book."""
    made = Book(url)
    yield made
    made.close()


def test_a_minute_is_added_up_when_it_is_over(book: Book) -> None:
    book.write(batch_of([ended(1), ended(59), ended(60), ended(61, reason=Reason.STALE), ended(3, "rig2")]))
    assert book.due(MINUTE + GRACE_SECONDS - 1) == []
    assert book.due(MINUTE + GRACE_SECONDS) == [NOON]
    book.roll(MINUTE + GRACE_SECONDS)
    assert book.sums() == {(0, "rig1", "accepted"): 2, (0, "rig2", "accepted"): 1}
    book.roll()
    assert book.sums()[60, "rig1", "stale"] == 1
    assert book.sums("hours") == {
        (0, "rig1", "accepted"): 3,
        (0, "rig1", "stale"): 1,
        (0, "rig2", "accepted"): 1,
    }
    assert book.due(10 * HOUR) == []


def test_difficulty_is_summed_by_proxy_worker_pool_and_verdict(book: Book) -> None:
    book.write(batch_of([ended(1, difficulty=8.0), ended(2, difficulty=0.5, address="10.9.9.9")]))
    book.roll()
    for table in (schema.minutes, schema.hours):
        with book.engines.reading.connect() as connection:
            (row,) = connection.execute(table.select())
        assert tuple(row) == (NOON, "barn", "rig1", "main", "accepted", 2, 8.5)


def test_what_comes_late_makes_the_sums_anew(book: Book) -> None:
    book.write(batch_of([ended(1)]))
    book.roll()
    book.write(batch_of([ended(2), ended(3, reason=Reason.LOST)], first=2))
    assert book.due(HOUR) == [NOON]
    book.roll()
    book.roll()
    expected = {(0, "rig1", "accepted"): 2, (0, "rig1", "lost"): 1}
    assert book.sums() == book.sums("hours") == expected


def test_what_is_written_twice_counts_once(book: Book) -> None:
    batch = batch_of([ended(1), ended(2)])
    for _ in range(3):
        book.write(batch)
        book.roll()
    assert book.sums() == book.sums("hours") == {(0, "rig1", "accepted"): 2}


def test_several_proxies_do_not_mix(book: Book) -> None:
    other = batch_of([ended(1)], run=99)
    other.run.proxy = "shed"
    book.write(batch_of([ended(1)]))
    book.write(other)
    book.roll()
    with book.engines.reading.connect() as connection:
        found = connection.execute(select(schema.minutes.c.proxy, schema.minutes.c["count"]))
        assert sorted(map(tuple, found)) == [("barn", 1), ("shed", 1)]


def test_rows_that_come_while_it_is_added_up_leave_it_for_the_next_time(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.write(batch_of([ended(1)]))
    add_up = rollup._add_up

    def slowly(connection: Connection, minute: int) -> object:
        found = add_up(connection, minute)
        book.write(batch_of([ended(2)], first=2))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(rollup, "_add_up", slowly)
        assert not roll(book.engines, NOON)
    assert book.sums() == {}
    book.roll()
    assert book.sums() == book.sums("hours") == {(0, "rig1", "accepted"): 2}


def test_two_that_add_up_the_same_minute_count_it_once(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    book.write(batch_of([ended(1)]))
    add_up = rollup._add_up
    inner: list[bool] = []

    def meanwhile(connection: Connection, minute: int) -> object:
        found = add_up(connection, minute)
        if not inner:
            inner.append(True)
            inner.append(roll(book.engines, minute))
        return found

    monkeypatch.setattr(rollup, "_add_up", meanwhile)
    assert not roll(book.engines, NOON)
    assert inner == [True, True]
    assert book.sums() == book.sums("hours") == {(0, "rig1", "accepted"): 1}


def test_a_minute_whose_rows_are_retired_keeps_its_sums_and_gets_what_comes_late(book: Book) -> None:
    book.write(batch_of([ended(1), ended(2)]))
    book.roll()
    with book.engines.writing.begin() as connection:
        connection.execute(schema.shares.delete())
    book.set_horizon("shares", NOON + MINUTE)
    book.write(batch_of([ended(3), ended(4, "rig2")], first=3))
    book.roll()
    assert book.sums() == book.sums("hours") == {(0, "rig1", "accepted"): 3, (0, "rig2", "accepted"): 1}
    with book.engines.reading.connect() as connection:
        assert connection.execute(schema.shares.select()).all() == []


def test_what_comes_when_even_the_sums_are_retired_goes_to_what_is_left_of_them(book: Book) -> None:
    for name in ("shares", "minutes"):
        book.set_horizon(name, NOON + HOUR)
    book.write(batch_of([ended(3)]))
    book.roll()
    assert book.sums() == {}
    assert book.sums("hours") == {(0, "rig1", "accepted"): 1}


def test_it_is_added_up_without_holding_up_who_writes(url: str) -> None:
    """The transaction that reads all rows of the minute is not the one that writes."""
    book = Book(url)
    book.write(batch_of([ended(1)]))
    said: list[str] = []
    event.listen(
        book.engines.writing, "before_cursor_execute", lambda _c, _k, statement, *_: said.append(statement)
    )
    book.roll()
    assert said
    assert not any("sum(shares" in statement.lower() for statement in said)
    book.close()
