"""The writing side put together, with its threads: shares in at one end, a book at the other."""

import os
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from proxy.config import Ledger
from proxy.errors import ConfigError
from proxy.ledger import schema
from proxy.ledger.bookkeeper import Bookkeeper, spool_directory
from proxy.ledger.standing import DOWN, OK
from proxy.ledger.store import make_engine, read_url
from tests.ledger.ends import Desk, ended

LONGEST = 60.0  # seconds


class Running:
    """A bookkeeper that runs."""

    def __init__(self, tmp_path: Path, url: str, **settings: Any) -> None:
        self.desk = Desk()
        self.settings = Ledger(**{"url": url, "spool": str(tmp_path / "spool"), "proxy": "barn", **settings})
        self.keeper = Bookkeeper(self.settings, self.desk.counts)
        self.keeper.start(0.0)

    def shares(self, count: int) -> None:
        """So many shares end now."""
        for n in range(count):
            share = self.desk.count(ended(time.perf_counter(), f"rig{n % 10}"))
            self.keeper.recorder.record(share)

    def until(self, condition: Any) -> None:
        """Wait for the threads."""
        deadline = time.monotonic() + LONGEST
        while not condition(self.keeper):
            assert time.monotonic() < deadline, self.keeper.standing
            os.sched_yield()

    def ends(self, seconds: float = LONGEST) -> None:
        """End in order."""
        self.keeper.end(seconds)
        self.until(lambda keeper: keeper.has_ended)


def book_of(url: str) -> list[Any]:
    """Runs, with how many of their rows are there, and between which numbers."""
    engine = make_engine(read_url(url))
    numbers = select(
        schema.shares.c.run,
        func.count().label("count"),
        func.min(schema.shares.c.seq).label("first"),
        func.max(schema.shares.c.seq).label("last"),
    ).group_by(schema.shares.c.run)
    inner = numbers.subquery()
    with engine.connect() as connection:
        found = connection.execute(
            select(schema.runs, inner.c["count"], inner.c.first, inner.c.last)
            .outerjoin(inner, inner.c.run == schema.runs.c.run)
            .order_by(schema.runs.c.started_at)
        ).all()
    engine.dispose()
    return list(found)


def test_every_share_is_in_the_book_when_it_has_ended(tmp_path: Path, url: str) -> None:
    running = Running(tmp_path, url)
    before = time.time()
    running.shares(3500)
    running.ends()
    (run,) = book_of(url)
    assert (run.count, run.first, run.last, run.last_seq, run.ended) == (3500, 1, 3500, 3500, True)
    assert (run.proxy, run.process, run.lost) == ("barn", 0, 0)
    assert before - 1 < run.started_at / 1e6 < time.time() + 1
    standing = running.keeper.standing
    assert (standing.state, standing.pending, standing.written, standing.lost) == (OK, 0, 3500, 0)
    assert os.listdir(tmp_path / "spool") == []


def test_a_row_has_the_time_of_the_wall_clock(tmp_path: Path, url: str) -> None:
    running = Running(tmp_path, url)
    before = time.time()
    running.shares(1)
    after = time.time()
    running.ends()
    engine = make_engine(read_url(url))
    with engine.connect() as connection:
        (at,) = connection.execute(select(schema.shares.c.at)).scalars()
    engine.dispose()
    assert before - 0.1 <= at / 1e6 <= after + 0.1


def test_a_database_that_is_not_there_yet_gets_everything_once_it_is(tmp_path: Path) -> None:
    (tmp_path / "dir").touch()  # in the way of the directory
    url = f"sqlite:///{tmp_path}/dir/x.db"
    running = Running(tmp_path, url)
    running.shares(100)
    running.until(lambda keeper: keeper.standing.state == DOWN and keeper.standing.spooled_bytes)
    assert "unable to open" in running.keeper.standing.reason
    (tmp_path / "dir").unlink()
    (tmp_path / "dir").mkdir()
    running.shares(100)
    running.until(lambda keeper: keeper.standing.written == 200)
    running.ends()
    (run,) = book_of(url)
    assert (run.count, run.last_seq, run.ended) == (200, 200, True)


def test_what_it_could_not_write_the_next_run_does(tmp_path: Path) -> None:
    (tmp_path / "dir").touch()
    url = f"sqlite:///{tmp_path}/dir/x.db"
    first = Running(tmp_path, url)
    first.shares(100)
    first.ends(seconds=0.1)
    assert first.keeper.standing.pending == 100
    (tmp_path / "dir").unlink()
    (tmp_path / "dir").mkdir()
    second = Running(tmp_path, url)
    second.shares(5)
    second.until(lambda keeper: keeper.standing.written == 105)
    second.ends()
    assert [(run.count, run.last_seq, run.ended) for run in book_of(url)] == [
        (100, 100, True),
        (5, 5, True),
    ]
    assert os.listdir(tmp_path / "spool") == []


def test_several_processes_write_one_book(tmp_path: Path, url: str) -> None:
    several = [Running(tmp_path, url) for _ in range(3)]
    for running in several:
        running.shares(1000)
    for running in several:
        running.ends()
    assert [run.count for run in book_of(url)] == [1000] * 3


def test_one_that_only_makes_sums_writes_no_run(tmp_path: Path, url: str) -> None:
    settings = Ledger(url=url, spool=str(tmp_path / "spool"))
    keeper = Bookkeeper(settings, Desk().counts, writes=False)
    keeper.start(0.0)
    keeper.end(1.0)
    assert keeper.has_ended
    assert not (tmp_path / "spool").exists()


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({"url": "sqlite:///a/x.db"}, "a/x.db.spool"),
        ({"url": "postgresql://h/d"}, "sluice-spool"),
        ({"url": "postgresql://h/d", "spool": "/var/spool/sluice"}, "/var/spool/sluice"),
    ],
)
def test_where_rows_wait(settings: dict[str, Any], where: str) -> None:
    made = Ledger(**settings)
    assert str(spool_directory(made, read_url(made.url))) == where


def test_a_url_that_is_none_is_the_configurations_fault() -> None:
    with pytest.raises(ConfigError, match=r"^ledger\.url: "):
        Bookkeeper(Ledger(url="sqlite:///:memory:"), Desk().counts)
