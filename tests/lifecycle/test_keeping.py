"""The ledger of a running proxy: begun and ended in order, or not kept at all."""

import sqlite3
from pathlib import Path

import trio

from proxy.config import Address, Config, Ledger, Pool, Upstream
from proxy.core.tally import Tally
from proxy.ledger.batch import Counts
from proxy.ledger.standing import DOWN, OFF, OK, Standing
from proxy.lifecycle.keeping import Keeping, counts_of
from proxy.model.share import Reason
from tests.ledger.ends import ended


def configured(url: str) -> Config:
    """A configuration with a ledger."""
    pool = Pool(url=Address.parse("stratum+tcp://127.0.0.1:1"))
    return Config(upstream=Upstream(user="u", pools=(pool,)), ledger=Ledger(url=url))


def written(directory: Path) -> list[Path]:
    """What is in a directory."""
    return list(directory.iterdir())


def rows(file: Path) -> int:
    """Count the shares in a book."""
    with sqlite3.connect(file) as connection:
        found: tuple[int] = connection.execute("SELECT count(*) FROM shares").fetchone()
    connection.close()
    return found[0]


async def test_when_it_has_ended_every_share_is_written(tmp_path: Path) -> None:
    keeping = Keeping(configured(f"sqlite:///{tmp_path}/x.db"), Tally(), is_on=True)
    keeping.start()
    assert keeping.recorder is not None
    for _ in range(50):
        keeping.recorder.record(ended(trio.current_time()))
    await keeping.end(seconds=60)
    assert rows(tmp_path / "x.db") == 50
    assert keeping.standing == Standing(OK, written=50)


async def test_an_end_in_a_hurry_writes_them_too(tmp_path: Path) -> None:
    keeping = Keeping(configured(f"sqlite:///{tmp_path}/x.db"), Tally(), is_on=True)
    with trio.CancelScope() as scope:
        keeping.start()
        assert keeping.recorder is not None
        keeping.recorder.record(ended(trio.current_time()))
        scope.cancel()
        await keeping.end(seconds=60)
    assert rows(tmp_path / "x.db") == 1


async def test_where_none_is_kept_nothing_happens(tmp_path: Path) -> None:
    for url, is_on in (("", True), (f"sqlite:///{tmp_path}/x.db", False)):
        keeping = Keeping(configured(url), Tally(), is_on)
        keeping.start()
        assert keeping.recorder is None
        assert keeping.standing == Standing(OFF)
        await keeping.end()
    assert not written(tmp_path)


async def test_the_one_that_has_the_pools_shows_how_the_others_do(tmp_path: Path) -> None:
    keeping = Keeping(configured(f"sqlite:///{tmp_path}/x.db"), Tally(), is_on=True, writes=False)
    keeping.others = lambda: [Standing(OK, written=2), Standing(DOWN, pending=3, reason="gone")]
    assert keeping.recorder is None
    assert keeping.standing == Standing(DOWN, 3, 2, reason="gone")


def test_what_a_process_has_counted() -> None:
    tally = Tally()
    tally.received["farm", "aion"] += 3
    tally.received["farm", "login"] += 1
    tally.judge(Reason.STALE, 1.0)
    tally.sent("main")
    tally.sent("main")
    tally.returned("main", Reason.ACCEPTED, 1.0, 0.1)
    tally.shares[Reason.LOST] += 0
    assert counts_of(tally) == Counts(4, {"stale": 1, "accepted": 1}, {"main": 2}, 1)
