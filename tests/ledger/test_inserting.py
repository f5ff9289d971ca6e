"""Batches in a database, SQLite and PostgreSQL alike: each row once, however often it is written."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, func, select

from proxy.ledger import inserting, schema
from proxy.ledger.batch import Batch
from proxy.ledger.migrating import migrate
from proxy.ledger.store import make_engine, read_url
from proxy.model.share import Reason
from tests.ledger.ends import NOON, batch_of, ended, run_row


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """To an empty book."""
    place = read_url(url)
    made = make_engine(place)
    migrate(made, place)
    yield made
    made.dispose()


def write(engine: Engine, batch: Batch) -> int:
    """Write a batch whose sources nobody knows."""
    with engine.begin() as connection:
        return inserting.write(connection, batch, batch.sources)


def test_every_column_is_as_it_was_given(engine: Engine) -> None:
    shares = [
        ended(1.25, block=True),
        ended(2.5, reason=Reason.REJECTED, message='low "difficulty" \\ müller', worker="a'b"),
        ended(3.75, reason=Reason.STALE),
    ]
    batch = batch_of(shares)
    assert write(engine, batch) == 3
    with engine.connect() as connection:
        assert [
            tuple(row) for row in connection.execute(schema.shares.select().order_by("seq"))
        ] == batch.rows
        assert sorted(map(tuple, connection.execute(schema.sources.select()))) == sorted(batch.sources)


@pytest.mark.parametrize("count", [1, 9, 10, 61, 250, 1000, 1313])
def test_a_batch_of_any_size_is_there_once_however_often_it_is_written(engine: Engine, count: int) -> None:
    batch = batch_of([ended(n / 10, worker=f"rig{n % 7}") for n in range(count)])
    assert write(engine, batch) == count
    assert write(engine, batch) == 0
    with engine.connect() as connection:
        assert connection.execute(select(func.count(), func.max(schema.shares.c.seq))).one() == (count, count)


def test_what_overlaps_is_filled_up(engine: Engine) -> None:
    shares = [ended(n) for n in range(20)]
    write(engine, batch_of(shares[:12]))
    assert write(engine, batch_of(shares[5:], first=6)) == 8


def test_a_block_is_kept_for_ever(engine: Engine) -> None:
    batch = batch_of([ended(1), ended(2, block=True)])
    write(engine, batch)
    write(engine, batch)
    with engine.connect() as connection:
        (block,) = connection.execute(schema.blocks.select())
        assert (block.seq, block.job, block.reached) == (2, "19ab3c01", 16.0)


def test_the_run_stands_as_the_newest_batch_says(engine: Engine) -> None:
    def stands() -> tuple[int, int, bool]:
        with engine.connect() as connection:
            row = connection.execute(schema.runs.select()).one()
            return row.last_seq, row.lost, row.ended

    write(engine, Batch(run_row(5, seen=1.0), [], []))
    assert stands() == (5, 0, False)
    write(engine, Batch(run_row(9, seen=2.0, lost=1, is_over=True), [], []))
    assert stands() == (9, 1, True)
    # One that waited on disk comes late.
    write(engine, Batch(run_row(7, seen=1.5), [], []))
    assert stands() == (9, 1, True)


def test_each_batch_leaves_another_mark_on_its_minutes(engine: Engine) -> None:
    def marks() -> dict[int, int]:
        with engine.connect() as connection:
            return dict(tuple(row) for row in connection.execute(schema.dirty.select()))

    write(engine, batch_of([ended(1), ended(61)]))
    before = marks()
    assert set(before) == {NOON, NOON + 60}
    write(engine, batch_of([ended(62)], first=3))
    after = marks()
    assert after[NOON] == before[NOON]
    assert after[NOON + 60] != before[NOON + 60]
