"""Miners that come and go, for as long as it takes to see whether anything is left behind.

Strategy: a standing crowd works, and meanwhile others connect, log in, send a share or two and leave; jobs
go on.  An hour of a farm is squeezed into the seconds given: CONNECTS_OF_MINER connects and SHARES_OF_MINER
shares for each miner of the crowd, and JOBS jobs, but never faster than the MOST_… a second, so that the
proxy is busy and not drowned.  Every fourth leaves in the middle of a line, every fourth by a reset with
a share still under way, and every eighth has said only half of its hello.
Before the first look, the proxy has seen as many jobs as it remembers, a share of every miner of the crowd,
and some churn.
What counts is whether the last quarter of the time looks as the first one did.
The trap: what rests for a job or two (slices of those who left) goes up and down; only a trend is a leak.
"""

import socket
import struct
import time
from collections.abc import Callable
from statistics import mean

import attrs

from proxy.bench.house import Facts, Settings
from proxy.bench.load import AT_ONCE, Load, Miner
from proxy.bench.memory import give_jobs
from proxy.bench.watched import Watched, apart
from proxy.bench.words import WORDS
from proxy.core.jobbook import MAX_STALE
from proxy.errors import SluiceError

# Of an hour: a farm of 10,000 sees some 36,000 connects, if every card's program ends three times or so.
CONNECTS_OF_MINER = 3.6
SHARES_OF_MINER = 240  # one every 15 s
JOBS = 240
MOST_CONNECTS, MOST_SHARES, MOST_JOBS = 500, 2000, 10  # a second
WARM_JOBS = MAX_STALE + 2  # until the proxy has as many as it remembers
# Of churn before the first look: those who leave are in cycles of objects, and the collector has to come
# round to them before there are as many as there ever will be.
LEAD_SECONDS = 15
MOST_AT_ONCE = 400  # who have come and not gone yet
SAMPLES = 40
_RESET = struct.pack("ii", 1, 0)

Progress = Callable[[float], None]


@attrs.frozen
class Sample:
    """How the proxy stood at one moment.

    Args:
        at: seconds since the churn began.
        connects: so far.
        resident_kib: its memory.
        descriptors: files it had open.
        lent, resting: slices of its nonce space.
        blocks: pieces of memory that Python had given out.
        collections: runs of the garbage collector, by generation.
    """

    at: float
    connects: int
    resident_kib: int
    descriptors: int
    lent: int
    resting: int
    blocks: int
    collections: list[int]


@attrs.frozen
class ChurnRow:
    """What came of it.

    Args:
        connections: the standing crowd.
        connects, jobs, shares: how many there were.
        first, last: means over the first and the last quarter of the samples, by figure.
        growth: last / first of the resident memory.
    """

    dialect: str
    connections: int
    seconds: float
    connects: int
    jobs: int
    shares: int
    first: dict[str, float]
    last: dict[str, float]
    growth: float
    samples: list[Sample]


@attrs.define
class _Pace:
    """Tells how often something is due by now.

    Args:
        per_second: its rate.
    """

    per_second: float
    done: int = 0

    def due(self, elapsed: float) -> int:
        """How many more times, counted as done."""
        count = int(elapsed * self.per_second) - self.done
        self.done += count
        return count


def measure(dialect: str, miners: int, seconds: float, progress: Progress) -> ChurnRow:
    """Let miners come and go.

    Args:
        dialect: "aion" or "login".
        miners: the standing crowd.
        seconds: that an hour is squeezed into.
        progress: told the part done, 0 to 1.
    Raises: SluiceError for a proxy that does not answer, or lost count of shares.
    """
    with (
        apart() as core,
        Load(WORDS[dialect](), spins=False) as load,
        Watched(Settings(dialect, load.pool_port, miners), core) as watched,
    ):
        load.serve(watched)
        load.log_in(miners, lambda part: progress(0.1 * part))
        give_jobs(load, miners, WARM_JOBS)
        _warm(load, miners)
        _Churn(load, watched, miners, seconds).run(min(LEAD_SECONDS, seconds / 4), lambda _part: None)
        watched.facts.clear()
        churn = _Churn(load, watched, miners, seconds)
        churn.run(seconds, lambda part: progress(0.1 + 0.9 * part))
        samples = churn.samples()
    quarter = max(1, len(samples) // 4)
    first, last = _means(samples[:quarter]), _means(samples[-quarter:])
    return ChurnRow(
        dialect=dialect,
        connections=miners,
        seconds=seconds,
        connects=churn.connects.done,
        jobs=churn.jobs.done,
        shares=churn.shares,
        first=first,
        last=last,
        growth=last["resident_kib"] / first["resident_kib"],
        samples=samples,
    )


def _warm(load: Load, miners: int) -> None:
    """Let every miner of the crowd send a share: what a first one leaves in a session is no leak."""
    due = load.answered + miners
    while load.answered < due:
        while load.idle and load.in_flight < min(AT_ONCE, due - load.answered):
            load.submit()
        load.turn(0.01)


class _Churn:
    """One run.

    Args:
        miners: the standing crowd, logged in already.
        seconds: that an hour is squeezed into.
    """

    def __init__(self, load: Load, watched: Watched, miners: int, seconds: float) -> None:
        self._load = load
        self._watched = watched
        self._seen: list[tuple[float, int, int, int]] = []
        self.connects = _Pace(min(miners * CONNECTS_OF_MINER / seconds, MOST_CONNECTS))
        self.jobs = _Pace(min(JOBS / seconds, MOST_JOBS))
        self._shares = _Pace(min(miners * SHARES_OF_MINER / seconds, MOST_SHARES))
        self._looks = _Pace(SAMPLES / seconds)
        self._answered = load.answered
        self._most = miners + MOST_AT_ONCE
        load.on_leave = self._leave

    def run(self, seconds: float, progress: Progress) -> None:
        """Go on for so long, then until the last verdict."""
        load, began = self._load, time.monotonic()
        while (elapsed := time.monotonic() - began) < seconds:
            for _ in range(self.connects.due(elapsed)):
                self._come()
            for _ in range(self.jobs.due(elapsed)):
                load.give_job()
            for _ in range(min(self._shares.due(elapsed), len(load.idle))):
                load.submit()
            if self._looks.due(elapsed):
                self._look(elapsed)
                progress(elapsed / seconds)
            load.turn(0.001)
        self._look(elapsed)
        load.until(lambda: not load.in_flight, "verdicts")
        load.until(lambda: len(self._watched.facts) == len(self._seen), "the measured proxy to answer")
        progress(1.0)

    @property
    def shares(self) -> int:
        """How many were answered."""
        return self._load.answered - self._answered

    def samples(self) -> list[Sample]:
        """What was seen, from outside and from inside.

        Raises: SluiceError if the proxy has lost count of shares.
        """
        inside: list[Facts] = list(self._watched.facts)
        if not inside[-1].conserved or not inside[-1].shares.get("accepted"):
            raise SluiceError(f"bench: shares are not accounted for: {inside[-1].shares}")
        return [
            Sample(*outside, facts.lent, facts.resting, facts.blocks, facts.collections)
            for outside, facts in zip(self._seen, inside, strict=True)
        ]

    def _look(self, elapsed: float) -> None:
        watched = self._watched
        self._seen.append((elapsed, self.connects.done, watched.resident_kib(), watched.descriptors()))
        watched.ask()

    def _come(self) -> None:
        load = self._load
        if len(load.miners) >= self._most:
            self.connects.done -= 1  # the proxy lags behind, and who cannot come does not count
            return
        if self.connects.done % 8 == 0:
            miner = load.connect()
            hello = load.words.hello(miner.number)
            miner.sock.sendall(hello[: len(hello) // 2])
            load.dismiss(miner)
        else:
            load.bring(stays_for=1 + self.connects.done % 2)

    def _leave(self, miner: Miner) -> None:
        """As programs end: mostly in order, else in the middle of a line, or by a reset."""
        load = self._load
        match miner.number % 4:
            case 0:
                miner.sock.sendall(miner.head)
            case 1:
                load.submit_of(miner)
                miner.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        load.dismiss(miner)


def _means(samples: list[Sample]) -> dict[str, float]:
    names = ("resident_kib", "descriptors", "lent", "resting", "blocks")
    return {name: mean(getattr(sample, name) for sample in samples) for name in names}
