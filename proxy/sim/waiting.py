"""Waiting for a condition on plain counters, without polling and without sleeping.

Strategy: whoever changes something calls touch(); whoever waits looks again after every touch.
"""

from collections.abc import Callable

import trio


class Changes:
    """Tells tasks that something they may wait for has changed.

    Args:
        tell: touched whenever this is.
    """

    def __init__(self, tell: "Changes | None" = None) -> None:
        self._waiting = trio.lowlevel.ParkingLot()
        self._tell = tell

    def touch(self) -> None:
        """Let every waiting task look again."""
        if self._waiting:
            self._waiting.unpark_all()
        if self._tell is not None:
            self._tell.touch()

    async def until(self, condition: Callable[[], object]) -> None:
        """Return once the condition holds; at once if it holds already."""
        while not condition():
            await self._waiting.park()
