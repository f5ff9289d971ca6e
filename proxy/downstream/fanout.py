"""Brings a house's new work to all miners of one carrier, a slice at a time.

Strategy: one task; between two slices others have their turn.  A newer job of the same house replaces one
that is still going out.  The trap: the list of miners is of the job's beginning, so whoever is given work
may have gone meanwhile; whoever has come since gets it by its login.
"""

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import trio

from proxy.core.tally import Histogram
from proxy.downstream.house import House

FANOUT_SLICE = 128  # miners a job goes to between two checkpoints

Member = TypeVar("Member")


class Fanout(Generic[Member]):
    """The jobs that are going out.

    Args:
        members: all miners that are here.
        give: gives one of them the current work of its house; it may have gone.
        flush: sends what sessions have to say.
        took: where is noted how long a job took from the pool's line to the last miner; None for nowhere.
    """

    def __init__(
        self,
        members: Callable[[], Iterable[Member]],
        give: Callable[[Member, float], None],
        flush: Callable[[], None],
        took: Histogram | None,
    ) -> None:
        self._members = members
        self._give = give
        self._flush = flush
        self._took = took
        self._event = trio.Event()
        self._announced: dict[House, float] = {}
        self._is_sending = False

    @property
    def is_busy(self) -> bool:
        """Whether a job is going out."""
        return self._is_sending or bool(self._announced)

    def announce(self, house: House, received: float) -> None:
        """Send a house's current work to every miner in it.

        Args:
            received: when the pool's line was read, seconds of the monotonic clock.
        """
        self._announced[house] = received  # a newer job of it replaces one that is not out yet
        self._event.set()

    async def run(self) -> None:
        """Send what is announced, until cancelled."""
        while True:
            await self._event.wait()
            self._event = trio.Event()
            announced, self._announced = self._announced, {}
            self._is_sending = True
            await self._send(announced)
            self._is_sending = False

    async def _send(self, announced: dict[House, float]) -> None:
        works = {house: house.works for house in announced}
        members, give = list(self._members()), self._give
        for start in range(0, len(members), FANOUT_SLICE):
            if all(house.works is not announced_works for house, announced_works in works.items()):
                return  # newer jobs are announced, or there are none any more
            now = trio.current_time()
            for member in members[start : start + FANOUT_SLICE]:
                give(member, now)
            self._flush()
            await trio.lowlevel.checkpoint()
        now = trio.current_time()
        for house, received in announced.items():
            if self._took is not None and members and house.works and house.works is works[house]:
                self._took.observe(now - received)
