"""What is old goes: whole minutes, no sum before its rows, nothing that is dirty."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from proxy.ledger import retention, schema
from proxy.ledger.schema import DAY, HOUR, MINUTE
from tests.ledger.ends import NOON, batch_of, ended
from tests.ledger.test_rollup import Book, book

__all__ = ["book"]  # the fixture


def count(engine: Engine, name: str) -> int:
    """Rows of a table."""
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(schema.metadata.tables[name])).scalar_one()


def horizons(engine: Engine) -> dict[str, int]:
    """Since when the tables are complete, in seconds after noon."""
    with engine.connect() as connection:
        return {name: at - NOON for name, at in connection.execute(schema.horizons.select())}


def test_rows_go_by_whole_minutes_the_oldest_first(book: Book) -> None:
    engine = book.engines.writing
    book.write(batch_of([ended(at) for at in (1, 30, 61, 62, 63, 130)]))
    book.roll()
    assert not retention.retire_shares(engine, NOON + 59)
    assert retention.retire_shares(engine, NOON + 125)
    assert (count(engine, "shares"), horizons(engine)) == (4, {"shares": MINUTE})
    assert retention.retire_shares(engine, NOON + 125)
    assert (count(engine, "shares"), horizons(engine)) == (1, {"shares": 2 * MINUTE})
    assert not retention.retire_shares(engine, NOON + 125)
    assert sum(book.sums().values()) == sum(book.sums("hours").values()) == 6


def test_a_minute_that_is_not_added_up_stays(book: Book) -> None:
    book.write(batch_of([ended(1), ended(61)]))
    assert not retention.retire_shares(book.engines.writing, NOON + DAY)
    book.roll()
    assert retention.retire_shares(book.engines.writing, NOON + DAY)


def test_an_empty_book_has_nothing_to_retire(book: Book) -> None:
    engine = book.engines.writing
    assert not retention.retire_shares(engine, NOON)
    assert not retention.retire_sums(engine, schema.minutes, NOON)


def test_sums_of_minutes_go_by_the_hour_and_those_of_hours_stay(book: Book) -> None:
    engine = book.engines.writing
    book.write(batch_of([ended(at) for at in (1, MINUTE, HOUR + 1)]))
    book.roll()
    assert not retention.retire_sums(engine, schema.minutes, NOON + HOUR - 1)
    assert retention.retire_sums(engine, schema.minutes, NOON + HOUR)
    assert set(book.sums()) == {(HOUR, "rig1", "accepted")}
    assert sum(book.sums("hours").values()) == 3
    assert horizons(engine) == {"minutes": HOUR}


def test_sums_of_hours_go_by_the_day(book: Book) -> None:
    engine = book.engines.writing
    book.write(batch_of([ended(1), ended(DAY)]))
    book.roll(2 * DAY)
    midnight = NOON // DAY * DAY + DAY
    assert not retention.retire_sums(engine, schema.hours, midnight - 1)
    assert retention.retire_sums(engine, schema.hours, midnight)
    assert sum(book.sums("hours").values()) == 1


def test_a_horizon_never_goes_back(book: Book) -> None:
    engine = book.engines.writing
    book.set_horizon("shares", NOON + HOUR)
    book.write(batch_of([ended(1)]))
    with engine.begin() as connection:
        connection.execute(schema.dirty.delete())
    assert retention.retire_shares(engine, NOON + DAY)
    assert horizons(engine) == {"shares": HOUR}


# ---- of SQLite only


@pytest.fixture
def small(tmp_path: Path) -> Book:
    """A book in a file."""
    return Book(f"sqlite:///{tmp_path}/x.db")


def test_sources_that_nobody_names_go(small: Book) -> None:
    engine = small.engines.writing
    small.write(batch_of([ended(1, "rig1"), ended(2, "rig2", block=True), ended(61, "rig3")]))
    small.roll()
    retention.retire_shares(engine, NOON + MINUTE)
    assert retention.retire_sources(engine) == 1  # rig2 found a block
    assert count(engine, "sources") == 2
    small.close()


def test_the_room_a_file_needs_and_gives_back(small: Book) -> None:
    engine = small.engines.writing
    for part in range(60):
        small.write(batch_of([ended(n / 100, f"rig{n}") for n in range(1000)], first=1000 * part + 1))
    small.roll()
    before = retention.used_megabytes(engine)
    size = Path(str(engine.url.database)).stat().st_size
    assert before * 2**20 == pytest.approx(size, rel=0.9)
    assert retention.retire_shares(engine, NOON + DAY)
    assert retention.used_megabytes(engine) < before / 4
    retention.give_back(engine)
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    assert pages * 4096 <= before * 2**20 - retention.FREE_PAGES * 4096 * 0.9
    small.close()
