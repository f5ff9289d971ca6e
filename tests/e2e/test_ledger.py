"""`sluice run` with a ledger: told of, written, closed; and shares that flow on whatever it is."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tomli_w
import trio

from proxy.sim.farm import Farm, FarmOptions
from proxy.sim.faults import Mix
from proxy.sim.miner import MinerOptions
from proxy.sim.pool import SimPool
from proxy.sim.pool_options import PoolOptions
from proxy.sim.verdicts import Kind
from tests.e2e.programs import Program, program
from tests.e2e.rigs import LONGEST, SMALL

ACCEPTED = "accepted"
ACCOUNT = "0xa0" + "11" * 31


def configure(directory: Path, pool: SimPool, url: str, workers: int = 1) -> None:
    """Write the configuration."""
    wanted = {
        "workers": workers,
        "upstream": {
            "algorithm": "equihash/48_5",
            "user": ACCOUNT,
            "pools": [{"name": "main", "url": pool.url}],
        },
        "listen": [{"name": "farm", "url": "stratum+tcp://127.0.0.1:0"}],
        "limits": {"upstream_unanswered": 64, "ban": {"check_after": 1_000_000}},
        "http": {"address": ""},
        "ledger": {"url": url, "spool": str(directory / "spool")},
        "log": {"format": "json"},
    }
    (directory / "sluice.toml").write_text(tomli_w.dumps(wanted), encoding="utf-8")


async def mine(running: Program, shares: int = 20, miners: int = 5) -> Farm:
    """Have a farm send some shares through a proxy, and hear every verdict."""
    address = await running.address()
    await running.tells("ready")
    mix = Mix({Kind.GOOD: 3, Kind.UNKNOWN_JOB: 1})
    miner = MinerOptions(equihash=SMALL, user="rig{n}", shares_per_second=50.0, max_shares=shares, mix=mix)
    farm = Farm(address.host, address.port, FarmOptions(miners=miners, miner=miner, seed=7))
    report = await farm.run()
    assert report.conserved()
    assert report.shares.total() == report.sent.total() == shares * miners
    return farm


def asked(file: Path, question: str) -> list[Any]:
    """Ask a book."""
    connection = sqlite3.connect(file)
    found = connection.execute(question).fetchall()
    connection.close()
    return found


@pytest.mark.parametrize("workers", [1, 2])
async def test_every_share_that_a_miner_sent_is_in_the_book(tmp_path: Path, workers: int) -> None:
    with trio.fail_after(LONGEST):
        async with trio.open_nursery() as nursery:
            pool: SimPool = await nursery.start(SimPool(PoolOptions()).run)
            configure(tmp_path, pool, "sqlite:///book.db", workers)
            async with program(tmp_path) as running:
                farm = await mine(running)
                stopped = await running.ends()
            (said,) = running.logged("ledger")
            nursery.cancel_scope.cancel()
    assert said["url"] == "sqlite:///book.db"
    book = tmp_path / "book.db"
    counted = dict(asked(book, "SELECT reason, count(*) FROM shares GROUP BY reason"))
    assert counted == dict(farm.report.shares)
    assert stopped["accepted"] == counted[ACCEPTED] == pool.tally.accepted
    names = asked(book, "SELECT DISTINCT worker FROM shares JOIN sources ON source = id ORDER BY 1")
    assert names == [(f"rig{n}",) for n in range(5)]
    runs = asked(book, "SELECT last_seq, lost, ended FROM runs WHERE last_seq > 0")
    assert sum(last for last, _, _ in runs) == 100
    assert all((lost, ended) == (0, 1) for _, lost, ended in runs)
    assert os.listdir(tmp_path / "spool") == []


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("sqlite:////proc/nowhere/x.db", "unable to open database file"),
        ("sqlite:///sluice.toml", "file is not a database"),
        ("postgresql://sluice@127.0.0.1:1/x", "refused"),
    ],
)
async def test_a_ledger_that_cannot_be_is_one_line_and_shares_flow_on(
    tmp_path: Path, url: str, fault: str
) -> None:
    with trio.fail_after(LONGEST):
        async with trio.open_nursery() as nursery:
            pool: SimPool = await nursery.start(SimPool(PoolOptions()).run)
            configure(tmp_path, pool, url)
            async with program(tmp_path) as running:
                farm = await mine(running)
                await running.until_logged("ledger down")
                await running.ends()
            nursery.cancel_scope.cancel()
    assert farm.report.accepted == pool.tally.accepted > 0
    (line,) = running.logged("ledger down")
    assert fault in line["fault"]
    assert "Traceback" not in running.log.read_text()
    spooled = [path for path in (tmp_path / "spool").rglob("*") if path.is_file() and path.stat().st_size]
    assert spooled


@pytest.mark.parametrize("url", ["sqlite:///:memory:", "postgresql://host"])
def test_a_url_that_is_none_is_wrong_configuration(tmp_path: Path, url: str) -> None:
    environ = os.environ | {
        "SLUICE__UPSTREAM__USER": ACCOUNT,
        "SLUICE__UPSTREAM__POOLS__0__URL": "stratum+tcp://127.0.0.1:1",
        "SLUICE__LEDGER__URL": url,
    }
    done = subprocess.run(
        [sys.executable, "-m", "proxy", "run"], capture_output=True, text=True, env=environ, cwd=tmp_path
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("sluice: ledger.url: ")
    assert os.listdir(tmp_path) == []
