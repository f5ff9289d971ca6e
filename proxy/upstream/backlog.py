"""The shares that pools have not answered yet: when they are too many, and who waits for them to be fewer.

Strategy: the count is asked for, never kept, so it cannot be wrong; whoever changes it says look().
The trap: who was held back is let go only when far fewer wait, or it would be held back again at once.
"""

from collections.abc import Callable

import structlog
import trio

# Shares not yet answered at which miners are no longer read; 3 kB each, so some 3 MB at most.
QUEUE_HIGH = 1024
QUEUE_LOW = 256
WARN_SECONDS = 60  # between two lines that say the same

log = structlog.get_logger()


class Backlog:
    """Lets others wait for there to be fewer shares.

    Args:
        waiting: counts the shares without an answer.
    """

    def __init__(self, waiting: Callable[[], int]) -> None:
        self._waiting = waiting
        self._room = trio.Event()
        self._idle = trio.Event()
        self._warn_again = float("-inf")

    def look(self) -> None:
        """Let those go on that need not wait any more."""
        waiting = self._waiting()
        if waiting <= QUEUE_LOW:
            self._room.set()
        if not waiting:
            self._idle.set()

    async def room(self) -> None:
        """Wait until shares may be handed over again."""
        if self._waiting() >= QUEUE_HIGH:
            self._warn()
        while self._waiting() > QUEUE_LOW:
            if self._room.is_set():
                self._room = trio.Event()
            await self._room.wait()

    async def settled(self) -> None:
        """Wait until every share has its verdict."""
        while self._waiting():
            if self._idle.is_set():
                self._idle = trio.Event()
            await self._idle.wait()

    def _warn(self) -> None:
        now = trio.current_time()
        if now >= self._warn_again:
            self._warn_again = now + WARN_SECONDS
            log.warning(
                "shares wait for the pool",
                waiting=self._waiting(),
                note="limits.upstream_unanswered holds them back; raise it if the pool takes more at once",
            )
