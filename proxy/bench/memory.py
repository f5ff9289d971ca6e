"""What a connection costs in memory, and what a farm costs that does nothing.

Strategy: one row is one fresh proxy.  Its resident memory before any miner came is taken from that with all
of them logged in and JOBS jobs later, so a row holds what a miner needs and what the proxy keeps for all.
Then nothing happens for a while, and its CPU in that time, with a job's every JOB_SECONDS, is that of an
idle farm.  The kernel's own memory for sockets is not in it: no proxy could spare it.
The trap: 100 miners need less than one page table's worth of noise, so that row is the least exact one.
"""

from collections.abc import Callable

import attrs

from proxy.bench.house import Settings
from proxy.bench.load import Load
from proxy.bench.watched import Stopwatch, Watched, apart
from proxy.bench.words import WORDS

JOBS = 10
JOB_SECONDS = 30  # between two jobs of a quiet farm
SETTLE_SECONDS = 0.3  # for what a login or a job leaves to do

Progress = Callable[[float], None]


@attrs.frozen
class MemoryRow:
    """One row of the table.

    Args:
        before_kib, after_kib: resident memory of the proxy without miners, and with them after JOBS jobs.
        kib: of a connection.
        job_ms: CPU of the proxy for one job to all of them.
        quiet_percent: of a core while nothing happens at all.
        idle_percent: of a core with a job every JOB_SECONDS.
    """

    dialect: str
    connections: int
    before_kib: int
    after_kib: int
    kib: float
    job_ms: float
    quiet_percent: float
    idle_percent: float


def measure(dialect: str, miners: int, seconds: float, progress: Progress) -> MemoryRow:
    """Measure one row.

    Args:
        dialect: "aion" or "login".
        seconds: in which nothing happens.
        progress: told the part done, 0 to 1.
    Raises: SluiceError for a proxy that does not answer.
    """
    with (
        apart() as core,
        Load(WORDS[dialect](), spins=False) as load,
        Watched(Settings(dialect, load.pool_port, miners), core) as watched,
    ):
        load.serve(watched)
        load.rest(SETTLE_SECONDS)
        before = watched.resident_kib()
        load.log_in(miners, lambda part: progress(0.4 * part))
        load.rest(SETTLE_SECONDS)
        watch = Stopwatch(watched)
        give_jobs(load, miners, JOBS)
        job_seconds = watch.seconds / JOBS
        progress(0.6)
        load.rest(SETTLE_SECONDS)
        after = watched.resident_kib()
        watch.restart()
        load.rest(seconds)
        quiet = watch.seconds / seconds
        progress(1.0)
    return MemoryRow(
        dialect=dialect,
        connections=miners,
        before_kib=before,
        after_kib=after,
        kib=(after - before) / miners,
        job_ms=job_seconds * 1e3,
        quiet_percent=quiet * 100,
        idle_percent=(quiet + job_seconds / JOB_SECONDS) * 100,
    )


def give_jobs(load: Load, miners: int, jobs: int) -> None:
    """Give jobs, each when every miner has read the one before."""
    for _ in range(jobs):
        due = load.lines + miners
        load.give_job()
        load.until(lambda due=due: load.lines >= due, "all miners to read a job")  # type: ignore[misc]
