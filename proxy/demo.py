"""`sluice demo`: a whole farm in one process on loopback, and an account of every share.

Strategy: the real proxy between a simulated pool and simulated miners, in either dialect on either side,
that really solve a small Equihash; nothing is faked but the far ends, and in blob work the hash.  A few of
the miners' shares are bad on purpose, so that the table shows what the pool never saw.  At the end three
books are compared: the miners', the proxy's and the pool's.  Where they differ, `conserved` is no.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import trio
from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from proxy.app import Proxy, Started
from proxy.config import Address, Ban, Config, Http, Limits, Listen, Pool, Upstream
from proxy.core.tally import FANOUT_BOUNDS, ROUNDTRIP_BOUNDS, Histogram, Tally
from proxy.errors import ConfigError
from proxy.model.share import Reason
from proxy.native import Equihash
from proxy.sim.commands import raise_file_limit
from proxy.sim.farm import Farm, FarmOptions
from proxy.sim.faults import Mix
from proxy.sim.miner import MinerOptions
from proxy.sim.pool import PoolOptions, SimPool
from proxy.sim.report import FarmReport, Samples

PARAMETERS = (48, 5)  # solved in 0.1 ms, and checked by the same code as 210,9
DIFFICULTY = 4.0
JOB_SECONDS = 4.0
SHARES_PER_SECOND = 100.0  # of the whole farm; solving is the demo's work, not the proxy's
FASTEST_MINER = 2.0
SHARES = "good=90,stale=2,duplicate=1,low=2,malformed=1,wrong_slice=1,unknown_job=1"
FALSE_PROOFS = "bad_proof=1,near_miss=1"  # not in blob work: there only the pool could tell
BLOB = "blob"
ALGORITHMS = (f"equihash/{PARAMETERS[0]}_{PARAMETERS[1]}", BLOB)
# Miners, their two ends and the pool are all files of this one process.
FILES_PER_MINER = 2
START_SECONDS = 10


class _Sampled(Histogram):
    """Keeps single values as well, for percentiles that no bucket can give."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        super().__init__(bounds)
        self.samples = Samples()

    def observe(self, value: float) -> None:
        super().observe(value)
        self.samples.add(value)


@attrs.frozen(kw_only=True)
class Scene:
    """Who plays.

    Args:
        miners: how many.
        seconds: how long.
        http: where to serve /metrics, "host:port"; "" for nowhere.
        pool_dialect, miners_dialect: "aion" or "login".
        algorithm: one of ALGORITHMS.
    Raises: ConfigError for what does not go together.
    """

    miners: int = 50
    seconds: float = 20.0
    http: str = ""
    pool_dialect: str = "aion"
    miners_dialect: str = "aion"
    algorithm: str = ALGORITHMS[0]

    def __attrs_post_init__(self) -> None:
        if self.is_blob and {self.pool_dialect, self.miners_dialect} != {"login"}:
            raise ConfigError(
                "--algorithm blob: only the login dialect has such work; "
                "leave out --pool-dialect and --miners-dialect, or set both to login"
            )

    @property
    def is_blob(self) -> bool:
        """Whether the work is blob work."""
        return self.algorithm == BLOB


@attrs.define(eq=False)
class Outcome:
    """What happened.

    Args:
        shares: by verdict.
        problems: where the books differ, a line each; empty if every share is accounted for.
    """

    seconds: float
    miners: int
    received: int
    shares: dict[str, int]
    forwarded: int
    sols_per_second: float
    fanout_ms: dict[str, float | None]
    roundtrip_ms: dict[str, float | None]
    conserved: bool
    problems: list[str]


async def run(scene: Scene, tell: Callable[[str], None], console: Console) -> Outcome:
    """Run the demo.

    Args:
        tell: prints a line as soon as it is true: the addresses.
        console: where progress is shown, if it is a terminal.
    Raises: ConfigError if the HTTP address cannot be had.
    """
    raise_file_limit(FILES_PER_MINER * scene.miners)
    pool = SimPool(
        PoolOptions(
            dialect=scene.pool_dialect,
            equihash=Equihash(*PARAMETERS),
            blob=scene.is_blob,
            difficulty=DIFFICULTY,
            job_seconds=JOB_SECONDS,
            seed=1,
        )
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(pool.run)
        proxy = Proxy(_config(pool, scene))
        proxy.tally.fanout = fanout = _Sampled(FANOUT_BOUNDS)
        proxy.tally.roundtrip["demo"] = roundtrip = _Sampled(ROUNDTRIP_BOUNDS)
        started = proxy.bind()
        _tell_addresses(started, tell)
        ready = trio.Event()
        proxy.relay.on_first_work = ready.set
        ended = trio.Event()
        nursery.start_soon(_run_proxy, proxy, ended)
        with trio.fail_after(START_SECONDS):
            await ready.wait()
        farm = _farm(started, scene)
        began = trio.current_time()
        async with trio.open_nursery() as showing:
            showing.start_soon(_show_progress, console, proxy.tally, farm.report, scene.seconds)
            report = await farm.run(scene.seconds)
            showing.cancel_scope.cancel()
        elapsed = trio.current_time() - began
        proxy.stop()
        await ended.wait()
        nursery.cancel_scope.cancel()
    return _outcome(proxy.tally, report, pool, elapsed, scene.miners, fanout, roundtrip)


def _config(pool: SimPool, scene: Scene) -> Config:
    most = 2 * scene.miners + 100
    return Config(
        upstream=Upstream(
            dialect=scene.pool_dialect,
            algorithm=scene.algorithm,
            user="demo",
            pools=(Pool(name="demo", url=Address("stratum+tcp", pool.host, pool.port)),),
        ),
        listen=(Listen(url=Address("stratum+tcp", "127.0.0.1", 0)),),
        # Whoever orders faults wants to see them, and not their sender shut out.
        limits=Limits(max_miners=most, max_miners_per_address=most, ban=Ban(allow=("127.0.0.0/8",))),
        http=Http(address=scene.http),
    )


def _tell_addresses(started: Started, tell: Callable[[str], None]) -> None:
    for name, url in started.listening:
        tell(f"listening name={name} url={url}")
    if started.http is not None:
        tell(f"http url=http://{started.http[0]}:{started.http[1]}")


async def _run_proxy(proxy: Proxy, ended: trio.Event) -> None:
    await proxy.run()
    ended.set()


def _farm(started: Started, scene: Scene) -> Farm:
    address = Address.parse(started.listening[0][1])
    miner = MinerOptions(
        dialect=scene.miners_dialect,
        equihash=Equihash(*PARAMETERS),
        blob=scene.is_blob,
        user="rig{n}",
        shares_per_second=min(FASTEST_MINER, SHARES_PER_SECOND / scene.miners),
        mix=Mix.parse([SHARES] if scene.is_blob else [SHARES, FALSE_PROOFS]),
    )
    return Farm(address.host, address.port, FarmOptions(miners=scene.miners, miner=miner, seed=1))


# ---- the account


def _outcome(
    tally: Tally,
    report: FarmReport,
    pool: SimPool,
    seconds: float,
    miners: int,
    fanout: _Sampled,
    roundtrip: _Sampled,
) -> Outcome:
    problems = list(_differences(tally, report, pool))
    return Outcome(
        seconds=round(seconds, 2),
        miners=miners,
        received=tally.received_total,
        shares={reason.value: tally.shares.get(reason, 0) for reason in Reason},
        forwarded=tally.forwarded_total,
        sols_per_second=round(tally.credited / seconds, 1),
        fanout_ms=fanout.samples.milliseconds(),
        roundtrip_ms=roundtrip.samples.milliseconds(),
        conserved=not problems,
        problems=problems,
    )


def _differences(tally: Tally, report: FarmReport, pool: SimPool) -> Iterator[str]:
    """Hold the three books against each other."""
    shares = tally.shares
    sent = report.sent.total()
    if not tally.conserved or tally.in_flight:
        yield f"the proxy's sums do not hold; {tally.in_flight} shares still in flight"
    if not sent:
        yield "no share was sent"
    # A share on a connection that was cut may or may not have arrived.
    if not sent - report.dropped <= tally.received_total <= sent:
        yield f"miners sent {sent} shares, the proxy received {tally.received_total}"
    if pool.tally.accepted != shares[Reason.ACCEPTED]:
        yield f"the pool accepted {pool.tally.accepted} shares, the proxy says {shares[Reason.ACCEPTED]}"
    if pool.tally.submits + shares[Reason.LOST] < tally.forwarded_total:
        yield f"{tally.forwarded_total} shares were forwarded, the pool saw {pool.tally.submits}"
    if report.unanswered:
        yield f"{report.unanswered} shares were never answered"
    if report.unexpected:
        yield f"{report.unexpected} verdicts were not deserved: {report.unexpected_lines[0]}"
    if report.violations:
        yield f"miners were given what they would stumble over: {dict(report.violations)}"
    if pool.tally.repeated_nonces:
        yield f"{pool.tally.repeated_nonces} nonces reached the pool more than once"
    if pool.tally.bad - pool.tally.refused[Reason.STALE.value]:
        yield f"{pool.tally.bad} bad shares reached the pool: {dict(pool.tally.refused)}"


# ---- for people


async def _show_progress(console: Console, tally: Tally, report: FarmReport, seconds: float) -> None:
    if not console.is_terminal:
        await trio.sleep_forever()
    began = trio.current_time()
    with Live(console=console, transient=True, auto_refresh=False) as live:
        while True:
            passed = trio.current_time() - began
            line = Table.grid(padding=(0, 1))
            line.add_row(
                ProgressBar(seconds, min(passed, seconds), width=24),
                f"{max(0, math.ceil(seconds - passed))} s left",
                f"{report.online} miners",
                f"{tally.received_total} shares in, {tally.shares[Reason.ACCEPTED]} accepted",
            )
            live.update(line, refresh=True)
            await trio.sleep(0.25)


def show(outcome: Outcome, console: Console) -> None:
    """Print the account as a table."""
    table = Table(title="What became of every share", title_justify="left", title_style="bold")
    table.add_column("verdict")
    table.add_column("shares", justify="right")
    for verdict, count in outcome.shares.items():
        if count:
            table.add_row(verdict, str(count))
    table.add_section()
    table.add_row("received", str(outcome.received))
    table.add_row("forwarded to the pool", str(outcome.forwarded))
    console.print(table)
    console.print(
        f"{outcome.miners} miners, {outcome.seconds:g} s, {outcome.sols_per_second:g} Sol/s", highlight=False
    )
    for name, figures in (("fan-out", outcome.fanout_ms), ("round trip", outcome.roundtrip_ms)):
        shown = ", ".join(f"{key} {value:g} ms" for key, value in figures.items() if value is not None)
        console.print(f"{name}: {shown or 'none'}", highlight=False)
    for problem in outcome.problems:
        console.print(f"! {problem}", highlight=False, markup=False)
    console.print(f"conserved: {'yes' if outcome.conserved else 'no'}", highlight=False)


def as_json(outcome: Outcome) -> dict[str, Any]:
    """All of it, for --json."""
    return attrs.asdict(outcome)
