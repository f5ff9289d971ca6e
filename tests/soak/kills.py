"""`python -m tests.soak.kills`: a proxy that is killed again and again under load, and its ledger afterwards.

Strategy: pool and miners are in this process, so that it is known of every share when its miner read the
verdict; the proxy is the real `sluice run`.  A share is known again in the ledger by its worker, its job and
the difficulty that its proof reaches, which no other share has.  After the last kill the proxy runs once more
and ends in order; then
    each verdict that a miner read more than a second before a kill is there, once
    no share is there twice, and no run has a hole in its numbers
    the pool has judged what the ledger has, and besides only shares of the last second before a kill
With --away the database is stopped before every third kill and started after it.
The trap: what is guaranteed is one second from the verdict; what a miner read later may be there or not.
"""

import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import click
import msgspec
import tomli_w
import trio
from sqlalchemy import func, select

from proxy.ledger import schema
from proxy.ledger.store import make_engine, read_url
from proxy.model.share import Reason
from proxy.native import Equihash, share_value
from proxy.sim.farm import Farm, FarmOptions
from proxy.sim.faults import Mix, Shot
from proxy.sim.miner import SOME_ADDRESS, MinerOptions
from proxy.sim.pool import SimPool
from proxy.sim.pool_options import PoolOptions
from proxy.sim.verdicts import Kind
from tests.e2e.programs import Program, program
from tests.kit import postgres as kit

GUARANTEE = 1.0  # seconds from a verdict until its row outlasts the process
SMALL = Equihash(48, 5)
READY_SECONDS = 60
LOOK_SECONDS = 0.02

Key = tuple[str, str, float]  # worker, job, difficulty reached


@attrs.frozen(kw_only=True)
class Options:
    """How a run is.

    Args:
        rate: shares a second of all miners.
        life: seconds of load before each kill, mean.
        away: the database is stopped before every third kill.
    """

    kills: int = 5
    miners: int = 50
    rate: float = 500.0
    life: float = 3.0
    seed: int = 1
    away: bool = False


@attrs.frozen
class Seen:
    """A verdict as its miner read it.

    Args:
        key: what the ledger knows the share by.
    """

    at: float
    key: Key
    reason: Reason


def key_of(worker: str, shot: Shot) -> Key:
    """Return what the ledger knows a share by; at once, for a miner goes on with its task elsewhere."""
    task = shot.task
    _, job, _, nonce, solution = msgspec.json.decode(shot.params or b"")
    value = share_value(task.header, task.prefix + nonce, solution[-2 * SMALL.solution_bytes :])
    return worker, job, 2.0**256 / int.from_bytes(value, "big")


@attrs.define
class Outcome:
    """What a run has shown.

    Args:
        kills: when, by the clock of `seen`, and when the next proxy was ready: until then miners read what
            the dead one had sent.
        looks: how many shares the pool had accepted when, all the time.
    """

    kills: list[tuple[float, float]] = attrs.Factory(list)
    seen: list[Seen] = attrs.Factory(list)
    looks: list[tuple[float, int]] = attrs.Factory(list)
    accepted_by_pool: int = 0

    def accepted_at(self, when: float) -> int:
        """How many shares the pool had accepted by then."""
        return max((count for at, count in self.looks if at <= when), default=0)

    def in_doubt(self) -> int:
        """Shares that the pool accepted in the last second before a kill, or while nobody heard it."""
        return sum(self.accepted_at(back) - self.accepted_at(kill - GUARANTEE) for kill, back in self.kills)

    def before_kill(self, seen: Seen) -> float:
        """Seconds from a verdict to the next kill."""
        return min((kill - seen.at for kill, _ in self.kills if kill >= seen.at), default=float("inf"))

    def must_be_there(self) -> Iterator[Seen]:
        """Verdicts that were read long enough before the next kill."""
        for seen in self.seen:
            if not any(kill - GUARANTEE <= seen.at <= back for kill, back in self.kills):
                yield seen


class Run:
    """Kills a proxy.

    Args:
        url: of the ledger.
        database: what away stops; None for none.
        tell: takes a line now and then.
    """

    def __init__(
        self,
        options: Options,
        folder: Path,
        url: str,
        database: kit.Postgres | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.options = options
        self.outcome = Outcome()
        self._folder = folder
        self._url = url
        self._database = database
        self._tell = tell
        self._random = random.Random(options.seed)
        self._killed_at: float | None = None

    async def go(self) -> Outcome:
        """Run it."""
        port = kit.free_port()
        async with trio.open_nursery() as nursery:
            pool: SimPool = await nursery.start(
                SimPool(PoolOptions(job_seconds=2.0, seed=self.options.seed)).run
            )
            self._configure(pool, port)
            farm = self._farm(port)
            nursery.start_soon(self._look, pool)
            nursery.start_soon(farm.run)
            for number in range(self.options.kills):
                await self._live(number, farm)
            async with program(self._folder) as last:
                await self._ready(last, farm)
                await trio.sleep(self.options.life)
                farm.stop()
                await trio.sleep(GUARANTEE)
                await last.ends()
            while self._left():
                await self._drain()
            self.outcome.accepted_by_pool = pool.tally.accepted
            nursery.cancel_scope.cancel()
        return self.outcome

    def _left(self) -> list[str]:
        """Runs of which something waits on disk."""
        return os.listdir(self._folder / "spool")

    async def _drain(self) -> None:
        """Let a proxy write what others have left on disk; a busy machine may not do it within their time."""
        async with program(self._folder) as running:
            await running.tells("ready")
            with trio.move_on_after(READY_SECONDS):
                while len(self._left()) > 1:  # noqa: ASYNC110  # one is its own; a directory tells nobody
                    await trio.sleep(LOOK_SECONDS)
            await running.ends()

    def _configure(self, pool: SimPool, port: int) -> None:
        wanted = {
            "upstream": {
                "algorithm": "equihash/48_5",
                "user": SOME_ADDRESS,
                "pools": [{"name": "main", "url": pool.url}],
            },
            "listen": [{"name": "farm", "url": f"stratum+tcp://127.0.0.1:{port}"}],
            "limits": {"upstream_unanswered": 64, "ban": {"check_after": 1_000_000}},
            "http": {"address": ""},
            "ledger": {"url": self._url, "spool": str(self._folder / "spool"), "proxy": "killed"},
            "log": {"format": "json"},
        }
        (self._folder / "sluice.toml").write_text(tomli_w.dumps(wanted), encoding="utf-8")

    def _farm(self, port: int) -> Farm:
        options = self.options
        miner = MinerOptions(
            equihash=SMALL,
            user="rig{n}",
            shares_per_second=options.rate / options.miners,
            reconnect_seconds=0.1,
            mix=Mix({Kind.GOOD: 9, Kind.STALE: 1}),
        )
        farm = Farm("127.0.0.1", port, FarmOptions(miners=options.miners, miner=miner, seed=options.seed))
        farm.report.witness = lambda worker, shot, reason: self.outcome.seen.append(
            Seen(trio.current_time(), key_of(worker, shot), reason)
        )
        return farm

    async def _look(self, pool: SimPool) -> None:
        while True:
            self.outcome.looks.append((trio.current_time(), pool.tally.accepted))
            await trio.sleep(LOOK_SECONDS)

    async def _live(self, number: int, farm: Farm) -> None:
        is_away = self.options.away and self._database is not None and number % 3 == 2
        async with program(self._folder) as running:
            await self._ready(running, farm)
            await trio.sleep(self.options.life * self._random.uniform(0.5, 1.0))
            if is_away:
                assert self._database is not None
                self._database.stop("immediate")
            await trio.sleep(self.options.life * self._random.uniform(0.0, 0.5))
            self._killed_at = trio.current_time()
            running.process.kill()
            await running.process.wait()
        if is_away:
            assert self._database is not None
            self._database.start()
        self._tell(f"kill {number + 1}: {len(self.outcome.seen)} verdicts so far")

    async def _ready(self, running: Program, farm: Farm) -> None:
        with trio.fail_after(READY_SECONDS):
            await running.tells("listening")
            if self._killed_at is not None:
                self.outcome.kills.append((self._killed_at, trio.current_time()))
            await running.tells("ready")
            before = len(self.outcome.seen)
            while len(self.outcome.seen) == before:  # noqa: ASYNC110  # whoever is told is the report
                await trio.sleep(LOOK_SECONDS)


@attrs.define
class Book:
    """What is in the ledger.

    Args:
        keys: how often each share is there.
        holes: runs whose numbers do not go from 1 to their count.
    """

    keys: Counter[Key] = attrs.Factory(Counter)
    accepted: int = 0
    rows: int = 0
    runs: int = 0
    holes: list[str] = attrs.Factory(list)


def read_book(url: str) -> Book:
    """Read the ledger."""
    engine = make_engine(read_url(url))
    book = Book()
    shares, sources = schema.shares.c, schema.sources.c
    with engine.connect() as connection:
        rows = connection.execute(
            select(sources.worker, shares.job, shares.reached, shares.reason).join_from(
                schema.shares, schema.sources, shares.source == sources.id, isouter=True
            )
        )
        for worker, job, reached, reason in rows:
            book.rows += 1
            book.accepted += reason == Reason.ACCEPTED.value
            if reached is not None:
                book.keys[worker, job, reached] += 1
        numbers = select(shares.run, func.count(), func.min(shares.seq), func.max(shares.seq)).group_by(
            shares.run
        )
        for run, count, first, last in connection.execute(numbers):
            book.runs += 1
            if (first, last) != (1, count):
                book.holes.append(f"{run:016x} has {count} rows from {first} to {last}")
    engine.dispose()
    return book


def faults(outcome: Outcome, book: Book) -> list[str]:
    """What does not hold, a line each."""
    lines = list(book.holes)
    must = [seen for seen in outcome.must_be_there() if seen.reason is Reason.ACCEPTED]
    missing = [outcome.before_kill(seen) for seen in must if not book.keys[seen.key]]
    twice = sum(count > 1 for count in book.keys.values())
    if not must:
        lines.append("no verdict was read")
    if missing:
        when = f"read from {max(missing):.2f} to {min(missing):.2f} s before a kill"
        lines.append(f"{len(missing)} of {len(must)} accepted shares are not in the ledger, {when}")
    if twice:
        lines.append(f"{twice} shares are there more than once")
    behind = outcome.accepted_by_pool - book.accepted
    if not 0 <= behind <= outcome.in_doubt():
        lines.append(f"the pool has {behind} more than the ledger, of {outcome.in_doubt()} in doubt")
    return lines


def told(outcome: Outcome, book: Book) -> str:
    """The run in a line."""
    must = sum(seen.reason is Reason.ACCEPTED for seen in outcome.must_be_there())
    return (
        f"{len(outcome.kills)} kills, {len(outcome.seen)} verdicts read, {must} accepted ones guaranteed; "
        f"{book.rows} rows of {book.runs} runs; "
        f"accepted: pool {outcome.accepted_by_pool}, ledger {book.accepted}, {outcome.in_doubt()} in doubt"
    )


@click.command()
@click.option("--kills", type=int, default=50, show_default=True)
@click.option("--miners", type=int, default=50, show_default=True)
@click.option("--rate", type=float, default=500.0, show_default=True, help="Shares a second of all.")
@click.option("--life", type=float, default=3.0, show_default=True, help="Mean seconds between two kills.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--postgresql", is_flag=True, help="With a server of its own; else SQLite.")
@click.option("--away", is_flag=True, help="Stop the server before every third kill.")
def main(postgresql: bool, **given: float) -> None:
    """Kill a proxy under load, again and again, and hold its ledger against miners and pool.

    Exit status 1 if a claim fails.
    """
    options = Options(**given)  # type: ignore[arg-type]  # click has made the types
    folder = Path(tempfile.mkdtemp(prefix="sluice-kills-"))
    tell = lambda line: click.echo(line, err=True)  # noqa: E731  # as short as its use
    if postgresql:
        with kit.running() as server:
            found = _judged(options, folder, server.new_database(), server, tell)
    else:
        found = _judged(options, folder, f"sqlite:///{folder}/killed.db", None, tell)
    if found:
        click.echo(f"FAILED: {'; '.join(found)} (logs in {folder})", err=True)
        sys.exit(1)
    shutil.rmtree(folder, ignore_errors=True)


def _judged(
    options: Options, folder: Path, url: str, server: kit.Postgres | None, tell: Callable[[str], None]
) -> list[str]:
    outcome = trio.run(Run(options, folder, url, server, tell).go)
    book = read_book(url)
    click.echo(told(outcome, book))
    return faults(outcome, book)


if __name__ == "__main__":
    main()
