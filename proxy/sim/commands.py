"""`sluice sim pool` and `sluice sim miners`: the simulated ends as programs.

Strategy: each runs until its seconds are over, SIGINT or SIGTERM, then says what happened: a table for
people, or one JSON object as the last line.  On a terminal a line of progress stands below; a pipe gets
none, and only standard output's promised lines.
"""

import json
import math
import signal
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

import trio
from rich.console import Console
from rich.status import Status
from rich.table import Table

from proxy.errors import ConfigError, PoolError, SluiceError
from proxy.openfiles import raise_limit
from proxy.sim.farm import Farm, FarmOptions
from proxy.sim.places import is_file, read_address
from proxy.sim.pool import PoolOptions, SimPool
from proxy.sim.report import FarmReport

PROGRESS_SECONDS = 1.0
LOSE_SECONDS = 3.0  # how long an ordered loss lasts, longer than a miner waits to connect again

Say = Callable[[str], None]


async def _retarget(pool: SimPool) -> None:
    # Back and forth, so that a long run stays about where it began.
    difficulty = pool.options.difficulty
    moved = pool.difficulty != difficulty
    pool.set_difficulty(difficulty if moved else 2 * difficulty)


async def _silence(pool: SimPool) -> None:
    pool.hush()
    await trio.sleep(LOSE_SECONDS)
    pool.hush(silent=False)


def _now(do: Callable[[SimPool], object]) -> Callable[[SimPool], Awaitable[None]]:
    async def fault(pool: SimPool) -> None:
        do(pool)

    return fault


FAULTS: Final[Mapping[str, Callable[[SimPool], Awaitable[None]]]] = {
    "lose": lambda pool: pool.lose(LOSE_SECONDS),
    "restart": lambda pool: pool.restart(LOSE_SECONDS),
    "silence": _silence,
    "drop": _now(SimPool.drop),
    "retarget": _retarget,
    "extranonce": _now(SimPool.move_extranonce),
    "reconnect": _now(SimPool.ask_reconnect),
    "rebroadcast": _now(SimPool.rebroadcast),
    "garbage": _now(lambda pool: pool.inject(b"%%% not JSON\n")),
}
"""What a pool can be ordered to do now and then, by the name on the command line."""


def read_faults(items: Iterable[str]) -> dict[str, float]:
    """Read orders such as "lose=30": a fault, and the seconds between two of it.

    Raises: ConfigError.
    """
    faults: dict[str, float] = {}
    for item in items:
        name, _, text = item.partition("=")
        try:
            seconds = float(text)
        except ValueError:
            seconds = 0.0
        if name not in FAULTS or not 0 < seconds < math.inf:
            raise ConfigError(
                f'--every "{item}": FAULT=SECONDS expected, with FAULT one of {", ".join(FAULTS)}'
            )
        faults[name] = seconds
    return faults


# ---- the pool


async def run_pool(
    options: PoolOptions,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    seconds: float = math.inf,
    every: Mapping[str, float] | None = None,
    as_json: bool = False,
    say: Say = print,
    console: Console | None = None,
) -> SimPool:
    """Run a simulated pool.

    Args:
        every: faults to order, and the seconds between two of each; see FAULTS.
        as_json: end with one JSON object instead of a table.
        say: takes the lines for standard output.
        console: where progress is shown; None for standard error.
    Returns: the pool, for its books.
    Raises: SluiceError if the port cannot be had.
    """
    pool = SimPool(options)
    console = console or Console(stderr=True)
    async with trio.open_nursery() as nursery:
        await _start(nursery, pool, host, port)
        say(f"listening url={pool.url}")
        for name, distance in (every or {}).items():
            nursery.start_soon(_order, pool, name, distance)
        await _run_until_done(seconds, None, console, lambda: _pool_line(pool))
        nursery.cancel_scope.cancel()
    if as_json:
        say(json.dumps(pool.tally.as_dict()))
    else:
        _show(say, "Simulated pool", pool.tally.as_dict())
    return pool


async def _start(nursery: trio.Nursery, pool: SimPool, host: str, port: int) -> None:
    try:
        await nursery.start(pool.run, host, port)
    except* OSError as errors:
        where = host if is_file(host) else f"{host}:{port}"
        raise SluiceError(f"{where} cannot be listened on: {errors.exceptions[0]}") from None


async def _order(pool: SimPool, name: str, seconds: float) -> None:
    while True:
        await trio.sleep(seconds)
        await FAULTS[name](pool)


def _pool_line(pool: SimPool) -> str:
    tally = pool.tally
    return (
        f"{len(pool.sessions)} connections, {tally.jobs} jobs, {tally.accepted} accepted, "
        f"{tally.submits - tally.accepted} refused"
    )


# ---- the miners


async def run_miners(
    url: str,
    options: FarmOptions,
    *,
    seconds: float = math.inf,
    as_json: bool = False,
    say: Say = print,
    console: Console | None = None,
    job_written: Callable[[str], float | None] | None = None,
) -> FarmReport:
    """Run simulated miners.

    Args:
        url: stratum+tcp://host:port or unix:///path.
        as_json: end with one JSON object instead of a table.
        say: takes the lines for standard output.
        console: where progress is shown; None for standard error.
        job_written: see Farm.
    Returns: what they saw.
    Raises: ConfigError for the address; PoolError if no miner ever got a connection.
    """
    host, port = read_address(url)
    raise_file_limit(options.miners)
    farm = Farm(host, port, options, job_written)
    console = console or Console(stderr=True)
    async with trio.open_nursery() as nursery:
        over = trio.Event()
        nursery.start_soon(_farm, farm, over)
        await _run_until_done(seconds, over, console, lambda: _farm_line(farm.report))
        farm.stop()
        await over.wait()
    report = farm.report
    if as_json:
        say(json.dumps(report.as_dict()))
    else:
        _show(say, "Simulated miners", report.as_dict())
    if not report.connects and options.miners:
        where = host if is_file(host) else f"{host}:{port}"
        raise PoolError(f"{where} took no connection: is something listening there?")
    return report


async def _farm(farm: Farm, over: trio.Event) -> None:
    try:
        await farm.run()
    finally:
        over.set()


def _farm_line(report: FarmReport) -> str:
    return (
        f"{report.online} miners online, {report.sent.total()} shares sent, {report.accepted} accepted, "
        f"{report.unexpected} unexpected verdicts"
    )


def raise_file_limit(miners: int) -> None:
    """Let this process have a file for each miner, as far as the system allows.

    Raises: ConfigError if it does not.
    """
    wanted = miners + 200
    allowed = raise_limit(wanted)
    if allowed < wanted:
        raise ConfigError(f"{miners} miners need {wanted} open files, {allowed} are allowed: see ulimit -Hn")


# ---- both


async def _run_until_done(
    seconds: float, over: trio.Event | None, console: Console, line: Callable[[], str]
) -> None:
    """Wait for the end of the time, a signal, or the event; show progress on a terminal."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_wait_for_signal, nursery.cancel_scope)
        if over is not None:
            nursery.start_soon(_wait_for_end, over, nursery.cancel_scope)
        if console.is_terminal:
            nursery.start_soon(_show_progress, console, line)
        nursery.cancel_scope.deadline = trio.current_time() + seconds
        await trio.sleep_forever()


async def _wait_for_signal(scope: trio.CancelScope) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            scope.cancel()


async def _wait_for_end(over: trio.Event, scope: trio.CancelScope) -> None:
    await over.wait()
    scope.cancel()


async def _show_progress(console: Console, line: Callable[[], str]) -> None:
    with Status(line(), console=console) as status:
        while True:
            await trio.sleep(PROGRESS_SECONDS)
            status.update(line())


def _show(say: Say, title: str, rows: Mapping[str, object]) -> None:
    """Print a table; a number that stayed zero is left out, it tells nothing."""
    table = Table(show_header=False)
    for name, value in rows.items():
        if isinstance(value, Mapping):
            value = ", ".join(f"{key} {_plain(number)}" for key, number in value.items() if number)
        elif isinstance(value, list):
            value = "\n".join(map(str, value[:5]))
        if value:
            table.add_row(name.replace("_", " "), _plain(value))
    console = Console(width=100)
    with console.capture() as capture:
        console.print(table)
    say(f"{title}\n{capture.get().rstrip()}")


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return "(" + ", ".join(f"{key} {number}" for key, number in value.items()) + ")"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
