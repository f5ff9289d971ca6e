"""Which work is live, stale or gone.

    live    a share for it counts
    stale   a clean job replaced it; kept for a while so that a late share is told so
    gone    forgotten; its serial still tells that it once was, so a share for it is stale too

Strategy: of every job one work is made for each difficulty in use, and only once a miner needs it: ten
thousand miners share some twenty.  They live and end with their job.
Serials only grow and never repeat, not across pool connections, books nor restarts (the first one comes
from the wall clock), because miners ignore a job whose id they have seen.
The trap: a work that is made late has a larger serial than another of the same job that is later given
to the same miner; but all works of a job are made before any of the next.
"""

import itertools
from collections import OrderedDict, deque
from collections.abc import Iterator

import attrs

from proxy.core.duplicates import Duplicates
from proxy.core.lanes import POOLS, Lanes
from proxy.model.job import ID_DIGITS, Job, Work

# Bounds count jobs, so that many difficulties in use do not shorten the life of each.  A work that
# nobody is given any more has some 550 bytes, so 20 difficulties come to half a megabyte a connection.
# A pool that never cleans would otherwise grow these without end.  Miners leave a job for the next one at
# once, so what counts is shares under way: half a minute of a pool that gives a job a second.
MAX_LIVE = 32
MAX_STALE = 8  # a share for what is forgotten is told the same, by its serial; only its difficulty is lost
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


class Works(dict[int, Work]):
    """The works of one job by lane; one that nobody has asked for yet is made when it is.

    Lane 0 is always there.  Without a book there is no work at all.
    """

    __slots__ = ("_book",)

    def __init__(self, book: "JobBook | None" = None) -> None:
        super().__init__()
        self._book = book

    def __missing__(self, lane: int) -> Work:
        if self._book is None:
            raise KeyError(lane)
        return self._book.enter(self, lane)

    @property
    def ceiling(self) -> float:
        """The pool's difficulty, which none is above; 0 where there is no work."""
        return self[POOLS].difficulty if self else 0.0


NO_WORKS = Works()


class JobBook:
    """Keeps the works made of a pool's jobs.

    Args:
        serials: numbers for works, larger than any of an earlier run; books may share them.
        lanes: the difficulties in use; books may share them.
    """

    def __init__(self, serials: Iterator[int] | None = None, lanes: Lanes | None = None) -> None:
        self._serials = serials or itertools.count(1)
        self._lanes = lanes or Lanes()
        self._entries: dict[str, Entry] = {}
        self._live: deque[Works] = deque()  # by job, oldest first
        self._stale: deque[Works] = deque()
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
        for works in self._live:
            for work in works.values():
                if work.job is self.job:
                    work.job = job
        self.job = job

    def add(self, job: Job) -> Works:
        """Take a pool's new job.

        The same header with another target replaces no work: shares on the way stay good, and the
        pool's new target holds for them, too.

        Returns: its works; so far there is the one of lane 0.
        """
        if self._live:
            for work in self._live[-1].values():
                work.encoded.clear()  # nobody is given it any more
        old = self.job
        if old is not None and (job.connection, job.content) == (old.connection, old.content):
            self._retarget(job)
        elif old is None or job.clean or job.connection != old.connection:
            self._drop_live()
        self.job = job
        works = Works(self)
        work = works[POOLS] = Work.of(next(self._serials), job)
        seen = self._seen.setdefault(job.content, Duplicates())
        self._seen.move_to_end(job.content)
        self._entries[work.id] = Entry(work, seen)
        self._live.append(works)
        self._trim()
        return works

    def enter(self, works: Works, lane: int) -> Work:
        """Make one more work of a job; for Works."""
        pools = works[POOLS]
        work = works[lane] = Work.of(next(self._serials), pools.job, self._lanes.target(lane), lane)
        beside = self._entries.get(pools.id)
        if beside is not None:  # or the job is forgotten, and whoever asked comes too late
            self._entries[work.id] = Entry(work, beside.seen, beside.live)
        return work

    def _retarget(self, job: Job) -> None:
        for works in self._live:
            ours = works[POOLS].job
            if (ours.connection, ours.content) == (job.connection, job.content):
                for work in works.values():
                    work.retarget(job)

    def _drop_live(self) -> None:
        while self._live:
            self._end_oldest()

    def _end_oldest(self) -> None:
        works = self._live.popleft()
        for work in works.values():
            self._entries[work.id].end()
        self._stale.append(works)

    def _trim(self) -> None:
        """Keep to the bounds; the current job is never ended."""
        while len(self._live) > MAX_LIVE:
            self._end_oldest()
        while len(self._stale) > MAX_STALE:
            for work in self._stale.popleft().values():
                del self._entries[work.id]
        while len(self._seen) > MAX_HEADERS:
            self._seen.popitem(last=False)
