"""The database as the writing side has it: whatever goes wrong with it is one line, and mends itself."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from proxy.ledger import schema
from proxy.ledger.batch import Batch
from proxy.ledger.database import KNOWN_SECONDS, Database, RowError
from proxy.ledger.store import LedgerError, make_engine, read_url
from tests.kit.postgres import Postgres
from tests.ledger.ends import batch_of, ended


class Clock:
    """Seconds that pass when told to."""

    now = 0.0

    def __call__(self) -> float:
        """Tell them."""
        return self.now


def database(url: str, clock: Callable[[], float] = Clock()) -> Database:  # noqa: B008
    """Make one."""
    return Database(read_url(url), clock)


def rows_in(url: str) -> int:
    """Count the shares in the book."""
    engine = make_engine(read_url(url))
    with engine.connect() as connection:
        count = connection.execute(select(func.count()).select_from(schema.shares)).scalar_one()
    engine.dispose()
    return count


def some(count: int = 5, first: int = 1) -> Batch:
    """A batch."""
    return batch_of([ended(n) for n in range(count)], first=first)


def test_the_first_batch_makes_the_book(url: str) -> None:
    made = database(url)
    assert made.write([some(), some(3, first=4)]) == 6
    made.close()
    assert rows_in(url) == 6


def test_a_row_that_the_database_does_not_take_is_told_from_a_fault_of_it(url: str) -> None:
    made = database(url)
    batch = some()
    batch.rows[2] = (*batch.rows[2][:5], None, *batch.rows[2][6:])  # type: ignore[assignment]
    if made.place.is_sqlite:  # which passes over what is NULL; a number too large it cannot
        batch.rows[2] = (batch.rows[2][0], 2**70, *batch.rows[2][2:5], "main", *batch.rows[2][6:])
    with pytest.raises(RowError):
        made.write([batch])
    assert made.write([some()]) == 5
    made.close()


def test_sources_are_written_again_after_a_while(url: str) -> None:
    clock = Clock()
    made = database(url, clock)
    made.write([some()])
    engine = make_engine(read_url(url))
    with engine.begin() as connection:
        connection.execute(schema.sources.delete())
    made.write([some(first=6)])
    clock.now += KNOWN_SECONDS
    made.write([some(first=11)])
    with engine.connect() as connection:
        assert len(connection.execute(schema.sources.select()).all()) == 1
    engine.dispose()
    made.close()


# ---- faults


def faulty(made: Database) -> str:
    """What is said of a batch that cannot be written."""
    with pytest.raises(LedgerError) as caught:
        made.write([some(first=100)])
    assert not isinstance(caught.value, RowError)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_file_that_is_taken_away_is_begun_anew_and_nothing_is_lost(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/x.db"
    made = database(url)
    made.write([some()])
    for name in os.listdir(tmp_path):
        (tmp_path / name).unlink()
    assert "the file was taken away while it was written to" in faulty(made)
    assert made.write([some(first=100)]) == 5
    made.close()
    assert rows_in(url) == 5


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    file.write_bytes(b"junk" * 10_000)
    made = database(f"sqlite:///{file}")
    assert "file is not a database; move the file away" in faulty(made)
    file.unlink()
    assert made.write([some()]) == 5
    made.close()


def test_a_file_that_is_damaged_in_its_middle(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    made = database(f"sqlite:///{file}")
    made.write([some(1000)])
    made.close()
    with file.open("r+b") as stream:
        for page in range(1, file.stat().st_size // 4096):
            stream.seek(page * 4096)
            stream.write(b"\xff" * 512)
    assert "malformed; move the file away" in faulty(database(f"sqlite:///{file}"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to any file")
def test_a_file_that_is_not_ours_to_write(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    file.touch(0o400)
    assert "readonly" in faulty(database(f"sqlite:///{file}"))


def test_a_file_that_may_only_be_read() -> None:
    """As root, too: a file system that takes nothing."""
    assert "unable to open database file; its directory" in faulty(database("sqlite:////proc/x.db"))


def test_a_schema_of_a_newer_version(url: str) -> None:
    made = database(url)
    made.write([some()])
    made.close()
    engine = make_engine(read_url(url))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    assert "which is newer than" in faulty(made)


def test_somebody_else_holds_the_file(tmp_path: Path) -> None:
    made = database(f"sqlite:///{tmp_path}/x.db?timeout=0")
    made.write([some()])
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert "locked" in faulty(made)
    other.execute("COMMIT")
    other.close()
    assert made.write([some(first=6)]) == 5
    made.close()


def test_a_server_that_goes_and_comes_back(postgres: Postgres) -> None:
    made = database(postgres.new_database())
    made.write([some()])
    postgres.stop("immediate")
    try:
        assert "postgresql+psycopg://sluice@127.0.0.1" in faulty(made)
        assert "refused" in faulty(made)
    finally:
        postgres.start()
    assert made.write([some(first=6)]) == 5
    made.close()


def test_a_database_that_is_not_there(postgres: Postgres) -> None:
    assert 'database "nowhere" does not exist' in faulty(database(postgres.url("nowhere")))
