"""Three proxies behind HAProxy, one pool, one PostgreSQL: what one machine's rigs are to a farm of several.

As a command it is the same with many miners:  python -m tests.e2e.cluster --miners 3000 --seconds 60
"""

import argparse
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import attrs
import pytest
import trio

from proxy.config import Address
from proxy.ledger.book import open_book
from proxy.ledger.reconcile import Account, reconcile
from proxy.ledger.workers import table
from proxy.model.share import Reason
from proxy.native import Equihash
from proxy.openfiles import raise_limit
from proxy.sim.farm import Farm, FarmOptions
from proxy.sim.faults import Shot
from proxy.sim.miner import MinerOptions
from proxy.sim.pool import SimPool
from proxy.sim.pool_options import PoolOptions
from tests.e2e.programs import Program, program
from tests.kit import postgres

ABSENT = "no haproxy here: apt-get install haproxy"
SMALL = Equihash(48, 5)
DURABLE_SECONDS = 1.0  # from a verdict to its row, at most
UNANSWERED = 3  # shares of a proxy at the pool, by default
JOB_SECONDS = 20.0  # where thousands of miners are one process, which has to read each job for each
LONGEST = 90  # seconds; a run that hangs fails

CONFIG = """
[upstream]
algorithm = "equihash/48_5"
user = "0xa0{account}"
worker_names = "own"
[[upstream.pools]]
url = "stratum+tcp://{pool}"
[[listen]]
url = "stratum+tcp://127.0.0.1:0"
proxy_protocol = "required"
trusted_proxies = ["127.0.0.0/8"]
[limits]
reconnect_seconds_max = 0.2
[http]
address = ""
[ledger]
url = "{ledger}"
proxy = "{name}"
spool = "{spool}"
[log]
format = "json"
"""

HAPROXY = """
global
    maxconn 8000
defaults
    mode tcp
    timeout connect 2s
    timeout client 1h
    timeout server 1h
frontend farm
    bind fd@{file}
    default_backend proxies
backend proxies
    balance leastconn
    option redispatch
"""


@attrs.define
class Cluster:
    """What runs.

    Args:
        port: of HAProxy.
        ledger: URL of the book.
        told: accepted shares by worker, each with the time its miner read the verdict.
    """

    pool: SimPool
    proxies: dict[str, Program]
    port: int
    ledger: str
    told: list[tuple[float, str]] = attrs.Factory(list)

    def farm(self, miners: int, shares_per_second: float) -> Farm:
        """Make a farm that comes through HAProxy."""
        options = MinerOptions(
            equihash=SMALL, user="rig{n}", shares_per_second=shares_per_second, reconnect_seconds=0.05
        )
        made = Farm("127.0.0.1", self.port, FarmOptions(miners=miners, miner=options, seed=7))
        made.report.witness = self._heard
        return made

    def _heard(self, worker: str, _shot: Shot, reason: Reason) -> None:
        if reason is Reason.ACCEPTED:
            self.told.append((time.time(), worker))

    def kill(self, name: str) -> float:
        """Kill a proxy as a power cut would; when that was."""
        self.proxies[name].process.kill()
        return time.time()

    def account(self) -> Account:
        """Close the book, as it is when everyone knows who is dead."""
        book, later = open_book(self.ledger), time.time() + 60
        try:
            return reconcile(book, 0.0, later, later)
        finally:
            book.close()

    def accepted(self) -> Counter[str]:
        """Count accepted shares by worker, as the book has them."""
        book = open_book(self.ledger)
        try:
            rows = table(book, 0.0, time.time() + 60).rows
        finally:
            book.close()
        return Counter({row.worker: row.shares.get("accepted", 0) for row in rows})


@contextmanager
def haproxy(directory: Path, servers: list[Address]) -> Iterator[int]:
    """Run HAProxy in front of proxies; its port.  Who dies is out at once, and its miners with it."""
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as sock:
        checks = (
            "send-proxy-v2 check inter 100ms fastinter 50ms fall 1 rise 1 on-marked-down shutdown-sessions"
        )
        lines = [f"    server p{n} {at.host}:{at.port} {checks}" for n, at in enumerate(servers)]
        file = directory / "haproxy.cfg"
        file.write_text(HAPROXY.format(file=sock.fileno()) + "\n".join(lines) + "\n")
        process = subprocess.Popen(
            ["haproxy", "-db", "-q", "-f", str(file)],
            pass_fds=[sock.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield int(sock.getsockname()[1])
        finally:
            process.kill()
            process.wait()


@asynccontextmanager
async def cluster(
    directory: Path, ledger: str, proxies: int = 3, job_seconds: float = 2.0
) -> AsyncIterator[Cluster]:
    """Run proxies behind HAProxy, before a pool; skips the test where there is no HAProxy."""
    if shutil.which("haproxy") is None:
        pytest.skip(ABSENT)
    options = PoolOptions(equihash=SMALL, job_seconds=job_seconds, seed=3)
    async with trio.open_nursery() as nursery, AsyncExitStack() as stack:
        pool: SimPool = await nursery.start(SimPool(options).run)
        running: dict[str, Program] = {}
        for number in range(1, proxies + 1):
            name = f"farm{number}"
            place = directory / name
            place.mkdir()
            (place / "sluice.toml").write_text(
                CONFIG.format(
                    account="11" * 31,
                    pool=f"{pool.host}:{pool.port}",
                    ledger=ledger,
                    name=name,
                    spool=place / "spool",
                )
            )
            running[name] = await stack.enter_async_context(program(place))
        servers = [await one.address() for one in running.values()]
        for one in running.values():
            await one.tells("ready")
        with haproxy(directory, servers) as port:
            yield Cluster(pool, running, port, ledger)
        nursery.cancel_scope.cancel()


@attrs.frozen
class Outcome:
    """What came of a run in which one of the proxies was killed.

    Args:
        sudden: accepted shares of the pool that the book does not have, all of the killed one's last second.
        allowed: as many as that may be.
        lacking: workers whose miners read a verdict a second before the kill, and more of them than the
            book has.
    """

    account: Account
    pool_accepted: int
    repeated_nonces: int
    book_accepted: int
    sudden: int
    allowed: int
    lacking: list[str]
    online: int


async def lose_one(
    made: Cluster, miners: int, shares_per_second: float, enough: int, longest: float = LONGEST
) -> Outcome:
    """Run a farm, kill one proxy in the middle, and end all in order.

    Args:
        enough: accepted shares before the kill, and again after it.
        longest: seconds for each half.
    """
    farm = made.farm(miners, shares_per_second)
    report = farm.report
    async with trio.open_nursery() as nursery:
        nursery.start_soon(farm.run)
        try:
            await farm.until(lambda _: report.online == miners and report.accepted >= enough, longest)
        except trio.TooSlowError:
            raise AssertionError(
                f"{report.online} of {miners} miners, {report.accepted} of {enough} shares, {report.shares}"
            ) from None
        killed = made.kill("farm2")
        had = report.accepted
        await farm.until(lambda _: report.disconnects > 0, longest)
        await farm.until(lambda _: report.online == miners and report.accepted >= had + enough, longest)
        online = report.online
        farm.stop()
    for name, one in made.proxies.items():
        if name != "farm2":
            await one.ends()
    account, book = made.account(), made.accepted()
    durable = Counter(worker for at, worker in made.told if at < killed - DURABLE_SECONDS or at > killed + 1)
    last = sum(killed - DURABLE_SECONDS <= at <= killed + 0.2 for at, _ in made.told)
    return Outcome(
        account,
        made.pool.tally.accepted,
        made.pool.tally.repeated_nonces,
        account.shares["accepted"],
        made.pool.tally.accepted - account.shares["accepted"],
        last + UNANSWERED,
        [worker for worker, count in durable.items() if book[worker] < count],
        online,
    )


async def _main(miners: int, seconds: float) -> bool:
    raise_limit(2 * miners + 500)
    with postgres.running() as server, tempfile.TemporaryDirectory() as directory:
        async with cluster(Path(directory), server.new_database(), job_seconds=JOB_SECONDS) as made:
            rate = 0.1
            outcome = await lose_one(made, miners, rate, int(miners * rate * seconds / 3), 600)
    told = {name: value for name, value in attrs.asdict(outcome).items() if name != "account"}
    told |= {
        "holds": outcome.account.holds,
        "missing": outcome.account.missing,
        "rows": outcome.account.received,
    }
    told |= {"notes": outcome.account.notes, "runs": len(outcome.account.runs)}
    sys.stdout.write(json.dumps(told, indent=1) + "\n")
    return outcome.account.holds and not outcome.repeated_nonces and not outcome.lacking


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--miners", type=int, default=3000)
    parser.add_argument("--seconds", type=float, default=60.0)
    given = parser.parse_args()
    sys.exit(not trio.run(_main, given.miners, given.seconds))
