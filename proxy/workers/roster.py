"""Who the workers are and what they have reported: the figures of the whole proxy.

Strategy: a worker's life has its last report and the parent's own book of its shares.  When it has ended
it stays until the last of its shares has a verdict, then its counts go into one sum.
The trap: a worker that is replaced has another name, so that what is still said of the old one's shares
does not count for the new one.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Protocol

import attrs
import trio

from proxy.core.tally import Tally
from proxy.ledger.standing import Standing, together
from proxy.ops.ledgerreader import LedgerBlock
from proxy.workers.books import Book, add, closed, merged
from proxy.workers.messages import Report, counted, tally_of
from proxy.workers.questions import Answer
from proxy.workers.records import Gathered

NO_SLOTS = {"lent": 0, "resting": 0, "free": 0}


class Inquiry(Protocol):
    """Who waits for an answer."""

    def take(self, answer: Answer) -> None:
        """Take a part of it."""


@attrs.define(eq=False)
class Life:
    """One worker from its start to the last verdict on its shares.

    Args:
        number: its place, 1 and up; whoever replaces it has the same.
        name: how it logs in here; nobody else ever does.
        book: what has come of its shares.
        tally: as it last reported.
        names: connections by the name of a miner's worker.
        in_order: its last report said that it was the last.
        serial: of the configuration it goes by.
        ledger: how its part of the ledger does.
        questions: that it has not answered in full, by number.
        outbox: lines for it that are not sent yet.
    """

    number: int
    name: str
    book: Book = attrs.field(factory=Book)
    tally: Tally = attrs.field(factory=Tally)
    miners: Counter[tuple[str, str]] = attrs.field(factory=Counter)
    slots: dict[str, int] = attrs.field(factory=dict)
    names: dict[str, int] = attrs.field(factory=dict)
    has_work: bool = False
    in_order: bool = False
    serial: int = 0
    ledger: Standing = attrs.field(factory=Standing)
    questions: dict[int, Inquiry] = attrs.field(factory=dict)
    outbox: list[bytes] = attrs.field(factory=list)

    def answered(self, answer: Answer) -> None:
        """Take a part of an answer; of a question that nobody waits for any more it is dropped."""
        inquiry = self.questions.get(answer.number)
        if inquiry is not None:
            inquiry.take(answer)


class Roster:
    """Keeps the lives of all workers.

    Args:
        usual: the difficulty the pool asks.
        clock: monotonic seconds.
    """

    def __init__(
        self, usual: Callable[[], float] = lambda: 1.0, clock: Callable[[], float] = trio.current_time
    ) -> None:
        self._usual = usual
        self._serials = itertools.count(1)
        self._alive: dict[str, Life] = {}
        self._dead: dict[str, Life] = {}  # as many as die within the wait for a pool's answer
        self._past = Tally()
        self._past_ledger = Standing()
        self.books: dict[str, Book] = {}
        self.gathered = Gathered(clock)
        self.on_found: Callable[[LedgerBlock], None] = lambda _: None
        self.on_first_work: Callable[[], None] = lambda: None
        self._had_work = False

    # ---- from the supervisor

    def begin(self, number: int) -> Life:
        """Start a life."""
        life = Life(number, f"{number}.{next(self._serials)}")
        self._alive[life.name] = life
        self.books[life.name] = life.book
        return life

    def take(self, life: Life, report: Report) -> None:
        """Take a report.

        Raises: ValueError for one with counts that are none.
        """
        life.tally = tally_of(report)
        life.miners = counted(report.miners)
        life.slots = report.slots
        self.gathered.take(life.names, report.names, report.records)
        for block in report.found:
            self.on_found(block)
        life.has_work = report.has_work
        life.in_order = report.last
        life.serial = report.serial
        life.ledger = report.ledger
        if life.has_work and not self._had_work:
            self._had_work = True
            self.on_first_work()

    def end(self, life: Life) -> None:
        """Say that a worker is no more."""
        self._alive.pop(life.name, None)
        self._dead[life.name] = life
        self.gathered.end(life.names)
        self._past_ledger = together([self._past_ledger, life.ledger.past])

    # ---- to look at

    @property
    def lives(self) -> list[Life]:
        """The workers that run."""
        return list(self._alive.values())

    @property
    def ledgers(self) -> list[Standing]:
        """How the ledger does in each process that runs, and what those before them wrote."""
        return [self._past_ledger, *(life.ledger for life in self._alive.values())]

    def tally(self, own: Tally) -> Tally:
        """Make the counts of the whole proxy.

        Args:
            own: the parent's.
        """
        self._bury()
        return merged(own, self._parts())

    def _parts(self) -> Iterator[Tally]:
        yield self._past
        for life in self._alive.values():
            yield life.tally
        for life in self._dead.values():
            yield self._closed(life)

    @property
    def slots(self) -> dict[str, int]:
        """Slices of all workers' nonce spaces, by state."""
        total = Counter(NO_SLOTS)
        for life in self._alive.values():
            total.update(life.slots)
        return dict(total)

    @property
    def miners(self) -> Counter[tuple[str, str]]:
        """Miners by listener and dialect."""
        total: Counter[tuple[str, str]] = Counter()
        for life in self._alive.values():
            total.update(life.miners)
        return total

    # ---- the dead

    def _closed(self, life: Life) -> Tally:
        tally = life.tally if life.in_order else closed(life.tally, life.book, self._usual())
        # Its connections are gone, and miners that it did not see leave have left with it.
        for (listener, _), count in life.miners.items():
            if not life.in_order:
                tally.disconnects[listener, "worker_died"] += count
        return tally

    def _bury(self) -> None:
        """Put those into the sum of whom nothing more is to come."""
        for name, life in list(self._dead.items()):
            if life.in_order or life.book.is_closed:
                add(self._past, self._closed(life))
                del self._dead[name], self.books[name]
