"""A load process: miners, what they are told, and what they tell.

    python -m tests.soak.load '{"host":…}'

Says one JSON object a line: every second how many are online, after a `mark` how long it took until each
good miner had work in another slice than at the mark, at the end the reports.  Hears one a line, too:
{"do":"phase","name":…}, {"do":"mark","number":…}, {"do":"stop"}; its end means stop.
Strategy: good and bad ones are processes apart, so that a flood that is being made does not lengthen the
round trips that are measured.  The clock is the system's monotonic one, which all processes share.
"""

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import cattrs
import trio

from proxy.sim.commands import raise_file_limit
from proxy.sim.farm import Farm
from proxy.sim.miner import SimMiner
from proxy.wire.lines import LineBuffer
from tests.soak.crowds import Mob, Orders, good_farms
from tests.soak.latency import Latency, Pulse

SAY_SECONDS = 1.0
MARK_SECONDS = 1e6  # the next mark, or the end, comes before
LONGEST_ORDER = 4096
WHOLE = "all"  # what the figures of all farms together are called


def _say(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)


class Load:
    """All miners of this process."""

    def __init__(self, orders: Orders) -> None:
        raise_file_limit(2 * (orders.good + orders.bad))
        self.farms = good_farms(orders) if orders.good else {}
        self.mob = Mob(orders) if orders.bad else None
        self._phase = ""
        self._round_trips: dict[str, dict[str, float | None]] = {}
        self._mark: trio.CancelScope | None = None
        self._pulse = Pulse()
        self._whole = Latency(self._pulse)

    async def run(self) -> None:
        """Mine until told to stop, then say what was seen."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._say_often)
            nursery.start_soon(self._pulse.run)
            nursery.start_soon(self._obey, nursery)
            async with trio.open_nursery() as working:
                for farm in self.farms.values():
                    working.start_soon(farm.run)
                if self.mob is not None:
                    working.start_soon(self.mob.run)
            nursery.cancel_scope.cancel()
        self._end_phase()
        reports = {name: farm.report.as_dict() for name, farm in self.farms.items()}
        seen = {}
        if self.mob is not None:
            reports["bad"], seen = self.mob.report.as_dict(), dict(self.mob.seen)
        _say(reports=reports, seen=seen, round_trips=self._round_trips)

    def stop(self) -> None:
        """Let nobody send anything more."""
        for farm in self.farms.values():
            farm.stop()
        if self.mob is not None:
            self.mob.stop()

    # ---- orders

    async def _obey(self, nursery: trio.Nursery) -> None:
        lines = LineBuffer(LONGEST_ORDER)
        source = trio.lowlevel.FdStream(sys.stdin.fileno())
        while data := await source.receive_some(LONGEST_ORDER):
            for line in lines.feed(bytes(data)):
                order = json.loads(line)
                match order["do"]:
                    case "phase":
                        self._begin_phase(order["name"])
                    case "mark":
                        nursery.start_soon(self._follow, order["number"])
                    case "stop":
                        self.stop()
        self.stop()

    def _begin_phase(self, name: str) -> None:
        self._end_phase()
        self._phase = name
        self._pulse.worst = 0.0
        self._whole = Latency(self._pulse)
        for number, farm in enumerate(self.farms.values()):
            farm.report.roundtrip = Latency(self._pulse, self._whole, number)

    def _end_phase(self) -> None:
        if self._phase:
            books = {name: farm.report.roundtrip for name, farm in self.farms.items()}
            for name, book in {**books, WHOLE: self._whole}.items():
                self._round_trips[f"{self._phase}/{name}"] = {
                    **book.milliseconds(),
                    "shares": book.count,
                    "stall": round(self._pulse.worst * 1e3, 3),
                }

    # ---- who has the next pool's work

    async def _follow(self, number: int) -> None:
        """Say when the last good miner has work in another slice; the next mark ends the waiting.

        That it has been begun is said as well: the pool must not die before, or a miner that moves at once
        would be waited for until the next move.
        """
        if self._mark is not None:
            self._mark.cancel()
        self._mark = scope = trio.CancelScope()
        waiting = {name: _with_work(farm) for name, farm in self.farms.items()}
        total = sum(map(len, waiting.values()))
        followed_at: dict[str, float] = {}  # by farm, of the monotonic clock
        _say(marked=number)

        async def wait_for(name: str, left: list[tuple[SimMiner, str]]) -> None:
            until: Callable[[Farm], object] = partial(_all_moved, left)
            await self.farms[name].until(until, MARK_SECONDS)
            followed_at[name] = time.monotonic()

        try:
            with scope:
                async with trio.open_nursery() as nursery:
                    for name, left in waiting.items():
                        nursery.start_soon(wait_for, name, left)
        finally:  # said even if all is over before they have followed
            left_behind = {name: len(left) for name, left in waiting.items() if left}
            _say(mark=number, miners=total, followed_at=followed_at, left_behind=left_behind)

    async def _say_often(self) -> None:
        while True:
            _say(
                online=sum(farm.report.online for farm in self.farms.values()),
                sent=sum(farm.report.sent.total() for farm in self.farms.values()),
            )
            await trio.sleep(SAY_SECONDS)


def _with_work(farm: Farm) -> list[tuple[SimMiner, str]]:
    """The miners that have work, and the slice of each."""
    return [
        (miner, miner.link.task.prefix)
        for miner in farm.miners
        if miner.link is not None and miner.link.task is not None
    ]


def _all_moved(left: list[tuple[SimMiner, str]], _farm: Farm) -> bool:
    """Strike off, from the end, who works in another slice by now; so each is looked at but a few times."""
    while left:
        miner, prefix = left[-1]
        task = miner.link.task if miner.link is not None else None
        if task is None or task.prefix == prefix:
            return False
        left.pop()
    return True


if __name__ == "__main__":
    trio.run(Load(cattrs.structure(json.loads(sys.argv[1]), Orders)).run)
