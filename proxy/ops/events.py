"""What happens, told to whoever listens as it happens; nobody who has something to tell ever waits.

Strategy: an event is written once and put into the queue of each subscriber.  A queue is bounded: whoever
reads too slowly misses events and is told how many.
The trap: what miners cause, thousands of them can cause at once, so such events have a bound of their own a
second; the summary that comes every second has the sums all the same.
"""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import trio

from proxy.model.ended import Ended
from proxy.ops.ledgerreader import LedgerBlock
from proxy.ops.times import shown

MOST_SUBSCRIBERS = 32  # dashboards that are open, and scripts
MOST_QUEUED = 64  # events a subscriber may be behind: a minute of summaries
MOST_BLOCKS = 100  # remembered where no ledger does
MOST_A_SECOND = 50  # of one type that miners cause

_encode = msgspec.json.Encoder().encode


class Subscriber:
    """One who listens."""

    def __init__(self) -> None:
        self._queue: deque[str] = deque()
        self._missed = 0
        self._news = trio.Event()

    def put(self, text: str) -> None:
        """Take an event, or count it as missed."""
        if len(self._queue) >= MOST_QUEUED:
            self._missed += 1
        else:
            self._queue.append(text)
            self._news.set()

    async def next(self) -> str:
        """Wait for an event: one JSON object."""
        while not self._queue:
            self._news = trio.Event()
            await self._news.wait()
        if self._missed and len(self._queue) < MOST_QUEUED:
            missed, self._missed = self._missed, 0
            self._queue.append(written("missed", count=missed))
        return self._queue.popleft()


class Events:
    """Tells subscribers what happens.

    `blocks` are the latest that were found, the latest last.
    """

    def __init__(self) -> None:
        self._subscribers: set[Subscriber] = set()
        self._some = trio.Event()
        self._told: dict[str, int] = {}  # of those that are bounded, since:
        self._since = 0.0
        self.blocks: deque[LedgerBlock] = deque(maxlen=MOST_BLOCKS)

    @property
    def is_full(self) -> bool:
        """Whether there is no room for another subscriber."""
        return len(self._subscribers) >= MOST_SUBSCRIBERS

    @property
    def is_heard(self) -> bool:
        """Whether anybody listens."""
        return bool(self._subscribers)

    async def listened(self) -> None:
        """Wait until somebody listens."""
        await self._some.wait()

    def publish(self, kind: str, **facts: Any) -> None:
        """Tell of an event; does not wait and never fails.

        Args:
            kind: its type.
            facts: its members, of what msgspec can write.
        """
        if self._subscribers:
            text = written(kind, **facts)
            for subscriber in self._subscribers:
                subscriber.put(text)

    def publish_some(self, kind: str, **facts: Any) -> None:
        """Tell of an event that miners cause, if not too many of its type were told within this second."""
        if not self._subscribers:
            return
        now = trio.current_time()
        if now >= self._since + 1:
            self._told.clear()
            self._since = now
        told = self._told[kind] = self._told.get(kind, 0) + 1
        if told <= MOST_A_SECOND:
            self.publish(kind, **facts)

    def found(self, share: Ended) -> None:
        """Tell of a share that may be a block; see downstream.endings.Endings.tell_block."""
        self.found_block(LedgerBlock.of(share))

    def found_block(self, block: LedgerBlock) -> None:
        """Tell of one that another process has seen."""
        self.blocks.append(block)
        self.publish(
            "block",
            worker=block.worker,
            pool=block.pool,
            job=block.job,
            reached=block.reached,
        )

    @contextmanager
    def subscribe(self) -> Iterator[Subscriber]:
        """Listen; is_full is to be asked before."""
        subscriber = Subscriber()
        self._subscribers.add(subscriber)
        self._some.set()
        try:
            yield subscriber
        finally:
            self._subscribers.discard(subscriber)
            if not self._subscribers:
                self._some = trio.Event()


def written(kind: str, **facts: Any) -> str:
    """Write an event."""
    return _encode({"type": kind, "at": shown(time.time()), **facts}).decode()
