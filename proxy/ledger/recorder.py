"""The loop's side of the ledger: takes each share and its number, and nothing else.

Strategy: a queue that the loop fills and one thread empties; its ends may be used by two threads at once
without a lock.  Each share is given the next number of this run here, also one for which there is no room,
so that what is missing can be counted by anyone who reads the book.
The trap: this is on the path of every share; it must not wait, and cost no more than the append.
"""

from collections import deque

from proxy.model.ended import Ended

# Shares that wait for the thread: some 500 bytes each.  It takes them five times a second, so this is
# twenty seconds of the most that one process can do, with disk and database both gone.
MOST_WAITING = 100_000


class LedgerRecorder:
    """Takes shares on the loop; see model.ended.Recorder.

    Args:
        most: shares that may wait.

    Attributes:
        given: numbers given out; the last one given.
        refused: shares of them that there was no room for.
    """

    __slots__ = ("_most", "_queue", "given", "refused")

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._queue: deque[tuple[int, Ended]] = deque()
        self._most = most
        self.given = 0
        self.refused = 0

    def record(self, share: Ended) -> None:
        """Take a share."""
        self.given = number = self.given + 1
        if len(self._queue) < self._most:
            self._queue.append((number, share))
        else:
            self.refused += 1

    def take(self, most: int) -> list[tuple[int, Ended]]:
        """Give up to so many of those that wait, the oldest first, with their numbers."""
        popleft = self._queue.popleft
        return [popleft() for _ in range(min(most, len(self._queue)))]

    def __len__(self) -> int:
        """Count the shares that wait."""
        return len(self._queue)
