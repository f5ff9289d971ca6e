"""What has happened is found out by looking, while somebody listens."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock

from proxy.ops.events import Subscriber
from proxy.ops.newsreel import Newsreel
from tests.ops.api.rigs import Rig
from tests.ops.api.test_bans import shut_out


@pytest.fixture
def clock() -> MockClock:
    """Let time jump."""
    return MockClock(autojump_threshold=0)


@attrs.define
class Reel:
    """A rig, and one who listens."""

    rig: Rig
    reloads: Counter[str]
    subscriber: Subscriber

    async def until(self, kind: str) -> Any:
        """The next event of a type."""
        with trio.fail_after(10):
            while True:
                event = json.loads(await self.subscriber.next())
                if event["type"] == kind:
                    return event


@asynccontextmanager
async def listening() -> AsyncIterator[Reel]:
    """Listen to a farm that has one look behind it."""
    rig, reloads = Rig(), Counter({"ok": 0, "refused": 0})
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Newsreel(rig.desk, rig.desk.events, reloads).run)
        with rig.desk.events.subscribe() as subscriber:
            reel = Reel(rig, reloads, subscriber)
            await reel.until("summary")
            yield reel
        nursery.cancel_scope.cancel()


async def test_a_summary_every_second(clock: MockClock) -> None:
    async with listening() as reel:
        began = trio.current_time()
        for _ in range(10):
            event = await reel.until("summary")
        assert trio.current_time() - began == pytest.approx(10, abs=1)
        assert event["summary"]["workers"] == 0


async def test_nobody_looks_while_nobody_listens(clock: MockClock) -> None:
    rig = Rig()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Newsreel(rig.desk, rig.desk.events, {}).run)
        await trio.sleep(100)
        assert trio.lowlevel.current_statistics().seconds_to_next_deadline == float("inf")
        nursery.cancel_scope.cancel()


async def test_moves_from_pool_to_pool(clock: MockClock) -> None:
    async with listening() as reel:
        reel.rig.tally.switches["main", "spare", "lost"] += 1
        event = await reel.until("switch")
        assert (event["from"], event["to"], event["reason"]) == ("main", "spare", "lost")


async def test_work_that_comes_and_goes(clock: MockClock) -> None:
    async with listening() as reel:
        reel.rig.farm.pool.comes()
        assert (await reel.until("work"))["reason"] == ""
        reel.rig.farm.pool.goes()
        assert "no work from any pool" in (await reel.until("no_work"))["reason"]


async def test_workers_that_come_and_go(clock: MockClock) -> None:
    async with listening() as reel:
        record = reel.rig.worker("rig1", 4.0)
        assert (await reel.until("worker_online"))["name"] == "rig1"
        reel.rig.book.part(record, trio.current_time())
        assert (await reel.until("worker_offline"))["name"] == "rig1"


async def test_bans_and_their_end(clock: MockClock) -> None:
    async with listening() as reel:
        tally = reel.rig.tally
        tally.bans = reel.rig.penalties.made  # as a warden has it
        shut_out(reel.rig.penalties, "rig1")
        event = await reel.until("ban")
        assert event["ban"]["worker"] == "rig1"
        tally.banned = 1
        for _ in range(3):
            await reel.until("summary")
        reel.rig.penalties.release(1)
        tally.banned = 0
        assert (await reel.until("unban"))["id"] == event["ban"]["id"]


async def test_reloads(clock: MockClock) -> None:
    async with listening() as reel:
        reel.reloads["refused"] += 1
        assert (await reel.until("reload"))["result"] == "refused"
