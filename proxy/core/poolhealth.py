"""How well a pool does: which of its verdicts tell against it, and how long it must prove itself.

Strategy: of each connection the last 30 verdicts are kept as bits of one number, so that a share costs a
shift.  A pool that the farm went back to and that failed again has to be up twice as long next time.
The trap: shares that cross a new job are refused by every good pool, and by a farm of many miners all at
once; those say nothing.
"""

from proxy.model.job import Job
from proxy.model.share import Verdict

WINDOW = 30  # verdicts: what a farm of two machines finds in a few minutes, and a large one in a second
BAD_PART = 0.9  # of them: even a pool whose every second share is refused pays more than none
GRACE_SECONDS = 10.0  # after a new job in which a refusal for the job is nobody's fault
MOST_SECONDS = 3600.0  # of steady work that is ever asked of a pool, unless more is configured
PROOF_SECONDS = 600.0  # of being the active one that make up for earlier failures

_MASK = (1 << WINDOW) - 1
_NOT_FOUND = 21  # the trade's code for it
_LATE = ("stale", "job not found", "unknown job", "invalid job", "expired", "outdated", "old job")


class Record:
    """The latest verdicts of one connection, those that tell nothing left out."""

    __slots__ = ("_bad", "decided")

    def __init__(self) -> None:
        self._bad = 0  # a bit for each of the last, 1 for a bad one
        self.decided = 0

    def good(self) -> None:
        """Note a share that was accepted."""
        self._bad = (self._bad << 1) & _MASK
        self.decided += 1

    def bad(self) -> None:
        """Note a share that was refused, or never answered."""
        self._bad = (self._bad << 1) & _MASK | 1
        self.decided += 1

    @property
    def count(self) -> int:
        """How many verdicts are looked back to."""
        return min(self.decided, WINDOW)

    @property
    def bad_count(self) -> int:
        """How many of them are bad."""
        return self._bad.bit_count()

    @property
    def ratio(self) -> float:
        """The bad part of them, 0 while there are none."""
        return self.bad_count / self.count if self.count else 0.0

    @property
    def is_hopeless(self) -> bool:
        """Whether nearly all are bad, and they are enough to tell."""
        return self.decided >= WINDOW and self.bad_count >= BAD_PART * WINDOW


def is_late(verdict: Verdict, job: Job, newest: Job | None, now: float) -> bool:
    """Tell whether a refusal is only due to a job that had just changed.

    Args:
        job: what the share was for.
        newest: what the pool gave last.
    """
    if newest is None or (job.pool_id == newest.pool_id and now >= newest.received + GRACE_SECONDS):
        return False
    text = verdict.detail.lower()
    return verdict.code == _NOT_FOUND or any(word in text for word in _LATE)


class Patience:
    """How long one pool must have given work before the farm goes back to it.

    Args:
        seconds: as configured.
    """

    def __init__(self, seconds: float) -> None:
        self._usual = seconds
        self._seconds = seconds
        self._waived = False
        self._back_since: float | None = None  # None while the farm is not there, or came otherwise

    @property
    def seconds(self) -> float:
        """What is asked of it now."""
        return 0.0 if self._waived else self._seconds

    def configure(self, seconds: float) -> None:
        """Ask for another time, of one that has not failed lately."""
        self._seconds = seconds if self._seconds == self._usual else max(seconds, self._seconds)
        self._usual = seconds

    def waive(self) -> None:
        """Ask nothing until it is lost: somebody who knows has said so."""
        self._waived = True

    def went_back(self, now: float) -> None:
        """Say that the farm has gone back to it."""
        self._back_since = now

    def left(self) -> None:
        """Say that the farm has left it though it had not failed."""
        self._waived, self._back_since = False, None

    def lost(self, now: float) -> None:
        """Say that it has failed, or that the farm has lost it."""
        self._waived = False
        if self._back_since is None:
            return
        if now >= self._back_since + max(PROOF_SECONDS, self._seconds):
            self._seconds = self._usual
        else:
            self._seconds = min(2 * self._seconds, max(MOST_SECONDS, self._usual))
        self._back_since = None
