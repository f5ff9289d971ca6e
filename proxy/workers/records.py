"""What worker processes tell of the records of miners' workers, and one book that their parent makes of it.

Strategy: each second a worker tells how much has been added to those records that have moved since the last
time; the parent adds it to its own, which has the windows and outlives the processes.  Times are told as how
long ago, for two processes have two clocks.
The trap: names and additions take as many lines as it takes, and whoever has left may be forgotten at once;
so those who have come are told first, then what was added, then those who have gone.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping

import msgspec
import trio

from proxy.core.windows import Windows
from proxy.core.workerbook import Record, WorkerBook
from proxy.model.share import Reason

NAMES_A_LINE = 1000
RECORDS_A_LINE = 250  # a millisecond to read and to add
LOOKED_AT_ONCE = 1000  # records between two checkpoints: 0.1 ms
LATE_SECONDS = 120.0  # after a worker has gone in which a verdict on its shares may still come


class Added(msgspec.Struct, array_like=True):
    """What was added to one record.

    Args:
        shares: by verdict.
        share_ago: seconds since its last share.
    """

    name: str
    shares: dict[str, int]
    work: float
    share_ago: float


Part = tuple[dict[str, int], list[Added]]


class Telling:
    """The worker's side: finds what has moved since it was told."""

    def __init__(self, book: WorkerBook) -> None:
        self._book = book
        self._names: dict[str, int] = {}
        self._told: dict[str, tuple[Record, dict[Reason, int], float]] = {}
        self._at = 0.0  # of the last look

    async def parts(self) -> AsyncIterator[Part]:
        """Give names with their connections, and additions, in parts for a line each; one at least."""
        now = trio.current_time()
        come, gone = self._moved_names()
        added = [one async for one in self._added(now)]
        self._at = now
        if len(come) + len(gone) <= NAMES_A_LINE and len(added) <= RECORDS_A_LINE:
            yield come | gone, added
            return
        for names in _slices(come.items(), NAMES_A_LINE):
            yield dict(names), []
        for records in _slices(added, RECORDS_A_LINE):
            yield {}, list(records)
        for names in _slices(gone.items(), NAMES_A_LINE):
            yield dict(names), []

    def _moved_names(self) -> tuple[dict[str, int], dict[str, int]]:
        told, now = self._names, self._book.connections
        self._names = now
        come = {name: count for name, count in now.items() if told.get(name) != count}
        return come, {name: 0 for name in told if name not in now}

    async def _added(self, now: float) -> AsyncIterator[Added]:
        for place, record in enumerate(self._candidates(now)):
            if place % LOOKED_AT_ONCE == LOOKED_AT_ONCE - 1:
                await trio.lowlevel.checkpoint()
            if record.last_share >= self._at and record.shares:
                one = self._addition(record, now)
                if one is not None:
                    yield one
        if len(self._told) > 2 * len(self._book) + LOOKED_AT_ONCE:
            self._told = {name: told for name, told in self._told.items() if self._book.find(name) is told[0]}

    def _candidates(self, now: float) -> list[Record]:
        """Who may have had a share: all that are here, and those that have just gone."""
        found = list(self._book.online.values())
        for record in reversed(self._book.offline.values()):
            if record.last_seen < now - LATE_SECONDS:
                break
            found.append(record)
        return found

    def _addition(self, record: Record, now: float) -> Added | None:
        known, shares, work = self._told.get(record.name, (None, {}, 0.0))
        if known is not record:  # forgotten meanwhile, and begun anew
            shares, work = {}, 0.0
        fresh = {
            reason.value: count - shares.get(reason, 0)
            for reason, count in record.shares.items()
            if count != shares.get(reason, 0)
        }
        if not fresh:
            return None
        self._told[record.name] = record, dict(record.shares), record.work
        return Added(record.name, fresh, record.work - work, now - record.last_share)


class Gathered:
    """The parent's side: one book of all workers' records.

    Args:
        clock: monotonic seconds.

    `total` is the work of the whole farm.
    """

    def __init__(self, clock: Callable[[], float] = trio.current_time) -> None:
        self._clock = clock
        self.book = WorkerBook()
        self.total: Windows | None = None

    def take(self, before: dict[str, int], names: Mapping[str, int], added: Iterable[Added]) -> None:
        """Take a part.

        Args:
            before: connections by name as this worker process told them so far; kept up to date here.
        Raises: ValueError for a reason that is none.
        """
        now = self._clock()
        for name, count in names.items():
            if count > 0:
                self._connected(name, count - before.get(name, 0), now)
                before[name] = count
        for one in added:
            self._add(one, now)
        for name, count in names.items():
            if count <= 0:
                self._connected(name, -before.pop(name, 0), now)

    def end(self, before: dict[str, int]) -> None:
        """Say that a worker process is no more, and its miners' connections with it."""
        now = self._clock()
        for name, count in before.items():
            self._connected(name, -count, now)
        before.clear()

    def _connected(self, name: str, more: int, now: float) -> None:
        if more > 0:
            self.book.join(name, now).miners += more - 1
            return
        record = self.book.online.get(name)
        if record is not None and more < 0:
            record.miners += more + 1
            self.book.part(record, now)

    def _add(self, one: Added, now: float) -> None:
        record = self.book.find(one.name)
        if self.total is None:
            self.total = Windows(now)
        self.total.add(one.work, now)
        if record is not None:
            shares = {Reason(reason): count for reason, count in one.shares.items()}
            record.take(shares, one.work, now - max(0.0, one.share_ago), now)


def _slices(items: Iterable[object], most: int) -> list[list]:  # type: ignore[type-arg]
    listed = list(items)
    return [listed[start : start + most] for start in range(0, len(listed), most)]
