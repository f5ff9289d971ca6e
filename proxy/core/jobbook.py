"""Which work is live, stale or gone.

    live    a share for it counts
    stale   a clean job replaced it; kept for a while so that a late share is told so
    gone    forgotten; its serial still tells that it once was, so a share for it is stale too

Serials only grow and never repeat, not across pool connections, books nor restarts (the first one comes
from the wall clock), because miners ignore a job whose id they have seen.
"""

import itertools
from collections import OrderedDict
from collections.abc import Iterable, Iterator

import attrs

from proxy.core.duplicates import Duplicates
from proxy.model.job import ID_DIGITS, Job, Work

# A pool that never cleans would otherwise grow these without end.  Works of one job count each.
MAX_LIVE = 64
MAX_STALE = 64
# Headers whose shares are remembered: the live one, and a few in case the pool goes back to one.
MAX_HEADERS = 8
_NONE_SEEN = Duplicates()  # of works that take no share any more


@attrs.define(slots=True, eq=False)
class Entry:
    """A work and its standing in the book."""

    work: Work
    seen: Duplicates
    live: bool = True

    def end(self) -> None:
        """Take no share for it from now on."""
        self.live = False
        self.seen = _NONE_SEEN


class JobBook:
    """Keeps the works made of a pool's jobs.

    Args:
        serials: numbers for works, larger than any of an earlier run; books may share them.
    """

    def __init__(self, serials: Iterator[int] | None = None) -> None:
        self._serials = serials or itertools.count(1)
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._seen: OrderedDict[tuple[str, bytes], Duplicates] = OrderedDict()
        self.job: Job | None = None

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, work_id: str) -> Entry | None:
        """Look a work up by the id a miner gave; None if it is unknown or gone.

        Args:
            work_id: what follows the first ID_DIGITS is the caller's to check.
        """
        return self._entries.get(work_id[:ID_DIGITS])

    @property
    def seen(self) -> int:
        """Shares remembered against duplicates, over all headers."""
        return sum(len(seen) for seen in self._seen.values())

    def changes(self, job: Job) -> bool:
        """Tell whether a job gives miners anything new against the current one."""
        old = self.job
        if old is None:
            return True
        return (job.connection, job.content, job.target) != (old.connection, old.content, old.target)

    def rename(self, job: Job) -> None:
        """Take a job with the same content as the current one: only what the pool calls it is new."""
        for entry in self._entries.values():
            if entry.live and entry.work.job is self.job:
                entry.work.job = job
        self.job = job

    def add(self, job: Job, miner_targets: Iterable[int | None]) -> list[Work]:
        """Take a pool's new job.

        The same header with another target replaces no work: shares on the way stay good, and the
        pool's new target holds for them, too.

        Args:
            job: what the pool gave.
            miner_targets: a work is made for each; None stands for the pool's own target.
        Returns: the works, one for each of miner_targets, in order.
        """
        old = self.job
        if old is not None and (job.connection, job.content) == (old.connection, old.content):
            self._retarget(job)
        elif old is None or job.clean or job.connection != old.connection:
            self._drop_live()
        self.job = job
        works = [self._enter(job, miner_target, lane) for lane, miner_target in enumerate(miner_targets)]
        self._trim(len(works))
        return works

    def _enter(self, job: Job, miner_target: int | None, lane: int) -> Work:
        work = Work.of(next(self._serials), job, miner_target, lane)
        seen = self._seen.setdefault(job.content, Duplicates())
        self._seen.move_to_end(job.content)
        self._entries[work.id] = Entry(work, seen)
        return work

    def _retarget(self, job: Job) -> None:
        for entry in self._entries.values():
            work = entry.work
            if entry.live and (work.job.connection, work.job.content) == (job.connection, job.content):
                work.retarget(job)

    def _drop_live(self) -> None:
        for entry in self._entries.values():
            entry.end()

    def _trim(self, current: int) -> None:
        """Keep to the bounds, but never end a work of the current job."""
        live = [entry for entry in self._entries.values() if entry.live]
        for entry in live[: -max(MAX_LIVE, current)]:
            entry.end()
        stale = [work_id for work_id, entry in self._entries.items() if not entry.live]
        for work_id in stale[:-MAX_STALE]:
            del self._entries[work_id]
        while len(self._seen) > MAX_HEADERS:
            self._seen.popitem(last=False)
