"""How each worker did."""

import pytest
from sqlalchemy import delete, insert

from proxy.errors import ConfigError
from proxy.ledger import schema
from proxy.ledger.book import Book
from proxy.ledger.workers import SORTS, WorkerTable, in_order, table
from tests.ledger.books import NOON, Author


@pytest.fixture
def busy(author: Author) -> Author:
    """Four minutes: rig1 in all of them, rig2 in one, rig3 with nothing good."""
    process = author.process()
    for minute in range(4):
        process.share(NOON + 60 * minute + 1, difficulty=30.0)
    process.share(NOON + 62, "kept", worker="rig2", difficulty=60.0)
    process.share(NOON + 63, "stale", worker="rig2")
    process.share(NOON + 64, "malformed", worker="rig3", difficulty=0.0)
    author.closes(NOON + 180)
    return author


def names(found: WorkerTable, sort: str) -> list[str]:
    return [row.worker for row in in_order(found.rows, sort)]


def test_the_table(busy: Author, book: Book) -> None:
    found = table(book, NOON - 86_400, NOON + 240)
    assert (found.since, found.until, found.unit) == (NOON, NOON + 240, 60)
    first, second, third = found.rows
    assert (first.worker, first.sols_per_second, first.uptime) == ("rig1", 0.5, 1.0)
    assert (second.worker, second.sols_per_second, second.uptime) == ("rig2", 0.25, 0.25)
    assert (second.shares, second.good, second.bad) == ({"kept": 1, "stale": 1}, 1, 1)
    assert (third.uptime, third.bad, third.last_seen) == (0.0, 1, NOON + 60)


def test_of_a_part_of_the_time(busy: Author, book: Book) -> None:
    found = table(book, NOON + 130, NOON + 240)
    assert found.since == NOON + 120
    assert [(row.worker, row.shares) for row in found.rows] == [("rig1", {"accepted": 2})]
    assert found.rows[0].uptime == 1.0


def test_hours_where_minutes_are_no_longer_kept(busy: Author, book: Book) -> None:
    busy.closes(NOON + 300)
    with busy.engine.begin() as connection:
        connection.execute(delete(schema.minutes))
        connection.execute(insert(schema.horizons).values(name="minutes", at=int(NOON) + 240))
    found = table(book, NOON - 86_400, NOON + 240)
    assert found.unit == 3600
    assert [(row.worker, row.sols_per_second, row.uptime) for row in found.rows] == [
        ("rig1", 0.5, 1.0),
        ("rig2", 0.25, 1.0),
        ("rig3", 0.0, 0.0),
    ]


def test_an_empty_book(book: Book) -> None:
    assert table(book, NOON, NOON + 60).rows == []


def test_orders(busy: Author, book: Book) -> None:
    found = table(book, NOON, NOON + 240)
    assert names(found, "sols") == ["rig1", "rig2", "rig3"]
    assert names(found, "bad") == ["rig2", "rig3", "rig1"]
    assert names(found, "malformed") == ["rig3", "rig1", "rig2"]
    assert names(found, "seen")[0] == "rig1"
    for sort in SORTS:
        assert sorted(names(found, sort)) == ["rig1", "rig2", "rig3"]
    with pytest.raises(ConfigError, match=r'--sort "size": must be one of sols, name'):
        in_order(found.rows, "size")
