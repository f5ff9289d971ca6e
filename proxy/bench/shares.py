"""What a forwarded share costs, and how long it is under way.

Strategy: one row is one fresh proxy with so many miners.  First all log in; then as many shares as the
proxy can carry, IN_FLIGHT of them under way; then a steady rate, which tells the round trip, through the
proxy and, right after it, of the same number of connections straight to the same pool.  CPU is that of the
proxy's process and nothing else.  Beside it stands what no proxy in Python can do without: the bare
receiving and sending of the same bytes (yardstick.py), and the check of the proof.
The trap: a proxy that refuses shares is fast.  Its own count must show every share as accepted.
"""

import time
from collections.abc import Callable, Iterable
from statistics import median, quantiles

import attrs

from proxy.bench import yardstick
from proxy.bench.house import Facts, Settings
from proxy.bench.load import SPARE_FILES, WAIT_SECONDS, Load
from proxy.bench.watched import Stopwatch, Watched, apart
from proxy.bench.words import WORDS
from proxy.errors import SluiceError
from proxy.openfiles import raise_limit

# Shares under way while the proxy is saturated: what it reads in one turn, and the same in all rows.
IN_FLIGHT = 64
MOST_IN_FLIGHT = 512  # where the rate is more than it carries
PARTS = 5  # of a measurement; the figure is the median of them
DIRECT = 100  # connections straight to the pool

Progress = Callable[[float], None]


@attrs.frozen
class Paced:
    """What was seen at a steady rate; times in microseconds.

    Args:
        rate: shares a second that were meant to be sent.
        reached: that were answered.
        cpu_us: of the proxy for a share.
        median_us, p99_us: from a miner's send to the pool's verdict in its hand.
    """

    rate: float
    reached: float
    cpu_us: float
    median_us: float
    p99_us: float


@attrs.frozen
class Saturated:
    """What was seen with as many shares as it could carry.

    Args:
        per_second: shares it carried.
        cpu_us: of the proxy for a share, microseconds.
        interruptions: a second, by other programs on its core; they also cost it what its caches held.
    """

    per_second: float
    cpu_us: float
    interruptions: float


@attrs.frozen
class SharesRow:
    """One row of the table; times in microseconds.

    Args:
        cpu_us: CPU of the proxy for a forwarded share, saturated.
        per_second, interruptions: see Saturated.
        bare_us, check_us: of these the least for receiving and sending, and for the proof.
        own_us: cpu_us without these two.
        login_us: CPU of the proxy for a miner, from its connect to its first job.
        paced: at the rate asked for.
        direct: the same, past the proxy; its cpu_us is 0.
        added_median_us, added_p99_us: what the proxy adds.
    """

    dialect: str
    connections: int
    cpu_us: float
    per_second: float
    interruptions: float
    bare_us: float
    check_us: float
    own_us: float
    login_us: float
    paced: Paced
    direct: Paced
    added_median_us: float
    added_p99_us: float


def room_for(miners: int) -> int:
    """Raise the limit of open files and say how many miners fit, in this process and in its child."""
    return raise_limit(miners + SPARE_FILES) - SPARE_FILES


def measure(dialect: str, miners: int, seconds: float, rate: float, progress: Progress) -> SharesRow:
    """Measure one row.

    Args:
        dialect: "aion" or "login".
        seconds: for each of saturated, paced and direct.
        rate: shares a second for the paced part.
        progress: told the part done, 0 to 1; never while a round trip is measured.
    Raises: SluiceError if a share was not accepted, and for a proxy that does not answer.
    """
    with apart() as core, Load(WORDS[dialect](), spins=core is not None) as load:
        bare_us, check_us = (
            yardstick.bare_us(load.words, miners),
            yardstick.check_us() if dialect == "aion" else 0.0,
        )
        with Watched(Settings(dialect, load.pool_port, miners), core) as watched:
            load.serve(watched)
            watch = Stopwatch(watched)
            load.log_in(miners, lambda part: progress(0.3 * part))
            login_us = watch.seconds / miners * 1e6
            full = saturate(load, watched, seconds)
            progress(0.6)
            through = pace(load, watched, rate, seconds)
            _require_accepted(load, watched)
            progress(0.8)
        direct = _pace_past(load, min(miners, DIRECT), rate, seconds)
        progress(1.0)
    return SharesRow(
        dialect=dialect,
        connections=miners,
        cpu_us=full.cpu_us,
        per_second=full.per_second,
        interruptions=full.interruptions,
        bare_us=bare_us,
        check_us=check_us,
        own_us=full.cpu_us - bare_us - check_us,
        login_us=login_us,
        paced=through,
        direct=direct,
        added_median_us=through.median_us - direct.median_us,
        added_p99_us=through.p99_us - direct.p99_us,
    )


def measure_rates(
    dialect: str, miners: int, seconds: float, rates: Iterable[float], progress: Progress
) -> list[Paced]:
    """Measure one proxy at several rates, one after the other.

    Args:
        seconds: for each of them.
        progress: told the part done, 0 to 1.
    Raises: as measure().
    """
    rates = tuple(rates)
    seen = []
    with (
        apart() as core,
        Load(WORDS[dialect](), spins=core is not None) as load,
        Watched(Settings(dialect, load.pool_port, miners), core) as watched,
    ):
        load.serve(watched)
        load.log_in(miners)
        for number, rate in enumerate(rates):
            progress(number / len(rates))
            seen.append(pace(load, watched, rate, seconds))
        _require_accepted(load, watched)
    progress(1.0)
    return seen


def saturate(load: Load, watched: Watched, seconds: float) -> Saturated:
    """Keep IN_FLIGHT shares under way."""
    _saturate(load, watched, seconds / PARTS)  # what comes first also fills caches and buffers
    before = watched.interruptions()
    parts = [_saturate(load, watched, seconds / PARTS) for _ in range(PARTS)]
    interruptions = watched.interruptions() - before
    load.until(lambda: not load.in_flight, "verdicts")
    return Saturated(
        per_second=median(per_second for per_second, _ in parts),
        cpu_us=median(cpu_us for _, cpu_us in parts),
        interruptions=interruptions / seconds,
    )


def _saturate(load: Load, watched: Watched, seconds: float) -> tuple[float, float]:
    """One part: shares a second, and microseconds of CPU for each."""
    most = min(IN_FLIGHT, len(load.miners))
    watch, answered, began = Stopwatch(watched), load.answered, time.perf_counter()
    end = began + seconds
    give_up = end + WAIT_SECONDS
    while (now := time.perf_counter()) < end or load.answered == answered:
        if now > give_up:
            raise SluiceError(f"bench: no verdict within {WAIT_SECONDS} s")
        while load.in_flight < most:
            load.submit()
        load.turn(0.01)
    count = load.answered - answered
    return count / (time.perf_counter() - began), watch.seconds / count * 1e6


def pace(load: Load, watched: Watched | None, rate: float, seconds: float) -> Paced:
    """Send shares at a steady rate.

    Args:
        watched: whose CPU is counted, None where there is no proxy.
    """
    _pace(load, rate, seconds / PARTS)  # warm
    watch = None if watched is None else Stopwatch(watched)
    times: list[float] = []
    load.times = times
    took = _pace(load, rate, seconds)
    cpu = 0.0 if watch is None else watch.seconds
    load.times = None
    load.until(lambda: not load.in_flight, "verdicts")
    if len(times) < 2:
        raise SluiceError(f"bench: no verdicts within {seconds} s at {rate} shares a second")
    return Paced(
        rate=rate,
        reached=len(times) / took,
        cpu_us=cpu / len(times) * 1e6,
        median_us=median(times) * 1e6,
        p99_us=quantiles(times, n=100, method="inclusive")[98] * 1e6,
    )


def _pace(load: Load, rate: float, seconds: float) -> float:
    """Send, and go on until all is answered; returns the seconds it took."""
    began = due = time.perf_counter()
    end = began + seconds
    while (now := time.perf_counter()) < end:
        while due <= now and load.idle and load.in_flight < MOST_IN_FLIGHT:
            load.submit()
            due += 1 / rate
        load.turn(0.0 if load.spins else max(0.0, due - now))
    load.until(lambda: not load.in_flight, "verdicts")
    return time.perf_counter() - began


def _pace_past(load: Load, connections: int, rate: float, seconds: float) -> Paced:
    """Pace over connections straight to the pool, in place of those to the proxy."""
    for miner in list(load.miners.values()):
        load.dismiss(miner)
    load.idle.clear()
    load.port = load.pool_port
    for _ in range(connections):
        load.bring_stranger()
    return pace(load, None, rate, seconds)


def ask(load: Load, watched: Watched) -> Facts:
    """Ask the proxy for its Facts, and answer it meanwhile."""
    watched.ask()
    load.until(lambda: bool(watched.facts), "the measured proxy to answer")
    return watched.facts.popleft()


def _require_accepted(load: Load, watched: Watched) -> None:
    shares = ask(load, watched).shares
    if shares != {"accepted": load.answered}:
        raise SluiceError(f"bench: {load.answered} shares were sent, but the proxy counts {shares}")
