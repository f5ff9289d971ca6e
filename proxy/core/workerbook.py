"""What is known of every worker: who is here and who was, what they sent and what became of it.

Strategy: a session holds the record of its worker, so that a share costs no look into a table.  A record
outlives the connections: a farm wants to see who is missing.
The traps: names cost nothing, so whoever leaves without one good share is forgotten at once, and of the
others only so many are kept; and a verdict may come when its worker has gone or been forgotten.
"""

from collections import OrderedDict, deque
from collections.abc import Mapping
from typing import NamedTuple

from proxy.core.windows import Windows
from proxy.model.share import FILTERED, Reason

KEEP_SECONDS = 7 * 86_400.0  # that an offline worker is remembered: a weekend and a repair
MAX_OFFLINE = 20_000  # as many as may be online by default; 3 KB each
BAD_SHARES = 8  # of each worker, for whoever wants to know why; most have none at all
MAX_DETAIL, MAX_ID = 120, 40  # characters; a pool and a miner choose them

_GOOD = (Reason.ACCEPTED, Reason.KEPT)
_BAD = (*FILTERED, Reason.REJECTED, Reason.LOST)


class BadShare(NamedTuple):
    """A share that came to nothing: when, seconds of the monotonic clock, and why."""

    at: float
    reason: Reason
    detail: str
    job_id: str
    address: str


class Record:
    """One worker.

    Args:
        now: seconds of the monotonic clock, as everywhere below.

    Attributes:
        miners: connections that count under it now.
        last_seen: when it last logged in, sent a share or left.
        last_share: when its last share came to its end; 0 for none.
        shares: by what became of them.
        work: difficulty of the good ones, summed.
        windows: their work a second; None before the first one.
        bad: the latest that came to nothing; None before the first one.
    """

    __slots__ = (
        "bad",
        "first_seen",
        "last_seen",
        "last_share",
        "miners",
        "name",
        "shares",
        "windows",
        "work",
    )

    def __init__(self, name: str, now: float) -> None:
        self.name = name
        self.miners = 0
        self.first_seen = now
        self.last_seen = now
        self.last_share = 0.0
        self.shares: dict[Reason, int] = {}
        self.work = 0.0
        self.windows: Windows | None = None
        self.bad: deque[BadShare] | None = None

    def good(self, reason: Reason, difficulty: float, now: float) -> None:
        """Count a share that was accepted or kept."""
        shares = self.shares
        shares[reason] = shares.get(reason, 0) + 1
        self.last_share = self.last_seen = now
        self.work += difficulty
        windows = self.windows
        if windows is None:
            windows = self.windows = Windows(self.first_seen)
        windows.add(difficulty, now)

    def came_to_nothing(self, reason: Reason, detail: str, job_id: str, address: str, now: float) -> None:
        """Count any other share.

        Args:
            detail, job_id: any text.
        """
        shares = self.shares
        shares[reason] = shares.get(reason, 0) + 1
        self.last_share = self.last_seen = now
        if self.bad is None:
            self.bad = deque(maxlen=BAD_SHARES)
        self.bad.append(BadShare(now, reason, detail[:MAX_DETAIL], job_id[:MAX_ID], address))

    def take(self, shares: Mapping[Reason, int], work: float, last_share: float, now: float) -> None:
        """Count what another process has counted for it.

        Args:
            shares: by what became of them.
            work: difficulty of the good ones.
        """
        for reason, count in shares.items():
            self.shares[reason] = self.shares.get(reason, 0) + count
        self.last_share = max(self.last_share, last_share)
        self.last_seen = max(self.last_seen, last_share)
        self.work += work
        if any(reason in shares for reason in _GOOD):
            if self.windows is None:
                self.windows = Windows(self.first_seen)
            self.windows.add(work, now)

    @property
    def has_worked(self) -> bool:
        """Whether it ever had a good share."""
        return self.windows is not None

    @property
    def bad_count(self) -> int:
        """Shares that came to nothing."""
        return sum(self.shares.get(reason, 0) for reason in _BAD)


class WorkerBook:
    """The records of all workers.

    Args:
        keep_seconds: that a worker is remembered when it has gone.
    """

    def __init__(self, keep_seconds: float = KEEP_SECONDS) -> None:
        self.keep_seconds = keep_seconds
        self.online: dict[str, Record] = {}
        self.offline: OrderedDict[str, Record] = OrderedDict()  # who left first comes first

    def __len__(self) -> int:
        return len(self.online) + len(self.offline)

    def find(self, name: str) -> Record | None:
        """Return the record of a worker that is here or was; None if nobody knows it."""
        return self.online.get(name) or self.offline.get(name)

    def join(self, name: str, now: float) -> Record:
        """Count a connection in, and return its worker's record."""
        record = self.online.get(name)
        if record is None:
            record = self.offline.pop(name, None) or Record(name, now)
            self.online[name] = record
        record.miners += 1
        record.last_seen = now
        return record

    def part(self, record: Record, now: float) -> None:
        """Count a connection out."""
        record.miners -= 1
        record.last_seen = now
        if record.miners > 0:
            return
        del self.online[record.name]
        if record.has_worked:
            self.offline[record.name] = record
            self.forget(now)

    def forget(self, now: float) -> None:
        """Forget who has been away for too long; to be called once in a while."""
        offline = self.offline
        while offline:
            oldest = next(iter(offline.values()))
            if len(offline) <= MAX_OFFLINE and now - oldest.last_seen < self.keep_seconds:
                return
            del offline[oldest.name]

    @property
    def connections(self) -> dict[str, int]:
        """Connections by worker, only those that are here."""
        return {name: record.miners for name, record in self.online.items()}
