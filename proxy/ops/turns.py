"""When the API may work: a slice at a time, never while a job goes out, and never all of the time.

Strategy: whoever does something for a request asks for a turn before each slice of it, be it the next bytes
of a connection or the next few hundred records.  Turns are given one after the other, in the order in which
they were asked for, with a pause in between in which the loop belongs to the miners.
The trap: a farm whose jobs follow each other closely would leave no turn at all, so patience ends.
"""

from collections.abc import Callable

import trio

PAUSE = 0.002  # seconds between two turns; a slice is shorter, so most of the time is the miners'
PATIENCE = 0.25  # seconds that a turn waits for jobs to be out; a fan-out to 10,000 is some tens of ms
LOOK = 0.002  # seconds between two looks whether they are


class Turns:
    """Gives turns.

    Args:
        is_busy: whether something goes on that must not be held up.
    """

    def __init__(self, is_busy: Callable[[], bool] = lambda: False) -> None:
        self._is_busy = is_busy
        self._queue = trio.StrictFIFOLock()

    async def turn(self) -> None:
        """Wait for the next turn; the slice after it should take a millisecond at most."""
        async with self._queue:
            await trio.sleep(PAUSE)
            with trio.move_on_after(PATIENCE):
                while self._is_busy():  # noqa: ASYNC110  # asked for seldom, and nobody could tell
                    await trio.sleep(LOOK)
