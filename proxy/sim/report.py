"""What simulated miners saw: the one book that all miners of a farm write into.

Strategy: every share sent is settled once, so `sent` is the sum of all verdicts, `dropped` (its
connection went) and `unanswered` (the run was over); conserved() says so.  A verdict that the share did
not deserve is kept as a line of text for people, up to a bound.
"""

import random
from collections import Counter
from collections.abc import Callable

import attrs

from proxy.model.share import Reason
from proxy.sim.faults import Shot
from proxy.sim.verdicts import Kind

SAMPLES = 100_000  # kept of a distribution; more are thinned out evenly
MOST_UNEXPECTED = 100  # lines kept for people


class Samples:
    """A distribution of durations, in bounded memory."""

    def __init__(self, seed: int = 0) -> None:
        self._values: list[float] = []
        self._random = random.Random(seed)
        self.count = 0

    def add(self, seconds: float) -> None:
        """Enter one."""
        self.count += 1
        if len(self._values) < SAMPLES:
            self._values.append(seconds)
        elif (place := self._random.randrange(self.count)) < SAMPLES:
            self._values[place] = seconds

    def milliseconds(self) -> dict[str, float | None]:
        """Median, 99th percentile and maximum; None while there is nothing."""
        values = sorted(self._values)
        if not values:
            return {"p50": None, "p99": None, "max": None}
        last = len(values) - 1
        return {
            "p50": round(values[last // 2] * 1e3, 3),
            "p99": round(values[last * 99 // 100] * 1e3, 3),
            "max": round(values[last] * 1e3, 3),
        }


@attrs.define(eq=False)
class FarmReport:
    """Everything counted on the miners' side.

    Args:
        job_written: tells when the pool wrote the job of a header, seconds of the same clock, if it is
            in this process (SimPool.job_written).
        witness: is told of every verdict a miner has read: the worker, its share, and what became of it.
        sent: shares by kind.
        verdicts: what they got, by kind.
        expected: verdicts that were deserved.
        raced: refusals that are nobody's fault: a job change crossed the share, or the pool moved the
            target of a job, and the miner found the same share again.
        lost: shares that Sluice answered with "pool connection lost".
        unexpected: verdicts that were not deserved; `unexpected_lines` tells the first of them.
        impossible: by kind, turns at which none could be made and a good share was sent.
        dropped: shares whose connection went before the reply.
        unanswered: shares without a reply at the end, the connection still being there.
        violations: what the reference miner would have stumbled over, by name.
        troubles: what came of second connections that send no share, as "kind: outcome".
        moves: changes of the slice on a living connection, by extranonce1 or by a job's xn.
        refused: logins refused in the login dialect, whose miners try again.
        pings: keepalives sent.
        quits: miners that stopped for good, because their authorize was refused.
        work: difficulty summed over the accepted shares.
    """

    job_written: Callable[[str], float | None] | None = None
    witness: Callable[[str, Shot, Reason], None] | None = None
    sent: Counter[str] = attrs.field(factory=Counter)
    verdicts: dict[str, Counter[str]] = attrs.field(factory=dict)
    expected: int = 0
    raced: int = 0
    lost: int = 0
    unexpected: int = 0
    unexpected_lines: list[str] = attrs.field(factory=list)
    impossible: Counter[str] = attrs.field(factory=Counter)
    dropped: int = 0
    unanswered: int = 0
    violations: Counter[str] = attrs.field(factory=Counter)
    troubles: Counter[str] = attrs.field(factory=Counter)
    connects: int = 0
    connect_failures: int = 0
    disconnects: int = 0
    online: int = 0
    jobs: int = 0
    moves: int = 0
    targets: int = 0
    refused: int = 0
    pings: int = 0
    quits: int = 0
    work: float = 0.0
    seconds: float = 0.0
    roundtrip: Samples = attrs.field(factory=Samples)
    job_latency: Samples = attrs.field(factory=Samples)

    @property
    def accepted(self) -> int:
        """Shares answered with true."""
        return sum(counts[Reason.ACCEPTED.value] for counts in self.verdicts.values())

    @property
    def shares(self) -> Counter[str]:
        """Verdicts of all kinds of shares together."""
        total: Counter[str] = Counter()
        for counts in self.verdicts.values():
            total.update(counts)
        return total

    def conserved(self) -> bool:
        """Whether every share sent is settled exactly once."""
        return self.sent.total() == self.shares.total() + self.dropped + self.unanswered

    def answered(self, kind: Kind, reason: Reason) -> None:
        """Enter a verdict."""
        self.verdicts.setdefault(kind.value, Counter())[reason.value] += 1

    def surprise(self, line: str) -> None:
        """Enter a verdict that was not deserved.

        Args:
            line: what was sent and what came back, for people.
        """
        self.unexpected += 1
        if len(self.unexpected_lines) < MOST_UNEXPECTED:
            self.unexpected_lines.append(line)

    def job_came(self, header: str, now: float) -> None:
        """Enter a job that a miner has read."""
        self.jobs += 1
        written = self.job_written(header) if self.job_written is not None else None
        if written is not None:
            self.job_latency.add(now - written)

    def as_dict(self) -> dict[str, object]:
        """All of it, for JSON."""
        plain = (
            "expected raced lost unexpected unexpected_lines dropped unanswered connects connect_failures "
            "disconnects jobs moves targets refused pings quits work seconds"
        )
        return {
            **{name: getattr(self, name) for name in plain.split()},
            "sent": dict(self.sent),
            "verdicts": {kind: dict(counts) for kind, counts in self.verdicts.items()},
            "shares": dict(self.shares),
            "impossible": dict(self.impossible),
            "violations": dict(self.violations),
            "troubles": dict(self.troubles),
            "conserved": self.conserved(),
            "sols_per_second": self.work / self.seconds if self.seconds else 0.0,
            "roundtrip_ms": self.roundtrip.milliseconds(),
            "job_latency_ms": self.job_latency.milliseconds(),
        }
