"""What happens is told to all who listen, and whoever is slow is told how much it has missed."""

import json
from contextlib import ExitStack
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from proxy.model.ended import Ended
from proxy.model.share import Reason
from proxy.ops.events import MOST_A_SECOND, MOST_BLOCKS, MOST_QUEUED, MOST_SUBSCRIBERS, Events, Subscriber


@pytest.fixture
def clock() -> MockClock:
    """Let time jump."""
    return MockClock(autojump_threshold=0)


async def heard(subscriber: Subscriber) -> Any:
    """The next event."""
    with trio.fail_after(5):
        return json.loads(await subscriber.next())


def a_block(job: str) -> Ended:
    """A share that is one."""
    value = (2**240).to_bytes(32, "big")
    return Ended(0, 0, "rig1", "a", "farm", "aion", "main", job, Reason.ACCEPTED, "", 4.0, value, 0.1)


async def test_everybody_hears_everything(clock: MockClock) -> None:
    events = Events()
    with events.subscribe() as one, events.subscribe() as other:
        events.publish("switch", **{"from": "a", "to": "b", "reason": "lost"})
        for subscriber in (one, other):
            event = await heard(subscriber)
            assert event.pop("at").endswith("Z")
            assert event == {"type": "switch", "from": "a", "to": "b", "reason": "lost"}


async def test_whoever_waits_is_woken(clock: MockClock) -> None:
    events = Events()
    with events.subscribe() as subscriber:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(heard, subscriber)
            await trio.sleep(1)
            events.publish("work", reason="")


async def test_with_nobody_there_nothing_is_kept(clock: MockClock) -> None:
    events = Events()
    events.publish("work", reason="")
    with events.subscribe() as subscriber:
        await events.listened()
        with trio.move_on_after(1) as patience:
            await subscriber.next()
        assert patience.cancelled_caught
    assert not events.is_heard


async def test_a_slow_reader_is_told_what_it_missed(clock: MockClock) -> None:
    events = Events()
    with events.subscribe() as subscriber:
        for number in range(MOST_QUEUED + 5):
            events.publish("reload", result=str(number))
        got = [await heard(subscriber) for _ in range(MOST_QUEUED)]
        assert [event["result"] for event in got] == [str(number) for number in range(MOST_QUEUED)]
        events.publish("reload", result="later")
        told = [await heard(subscriber), await heard(subscriber)]
        by_type = {event["type"]: event for event in told}
        assert by_type["missed"]["count"] == 5
        assert by_type["reload"]["result"] == "later"


async def test_what_miners_cause_is_bounded_and_other_things_are_not(clock: MockClock) -> None:
    events = Events()
    with events.subscribe() as subscriber:
        for number in range(10 * MOST_A_SECOND):
            events.publish_some("worker_online", name=f"rig{number}")
        assert len(subscriber._queue) == MOST_A_SECOND
        events.publish_some("ban", ban={})
        assert len(subscriber._queue) == MOST_A_SECOND + 1
        await trio.sleep(1)
        events.publish_some("worker_online", name="late")
        assert len(subscriber._queue) == MOST_A_SECOND + 2


async def test_only_so_many_may_listen(clock: MockClock) -> None:
    events = Events()
    with ExitStack() as stack:
        for _ in range(MOST_SUBSCRIBERS):
            assert not events.is_full
            stack.enter_context(events.subscribe())
        assert events.is_full
    assert not events.is_full


async def test_found_blocks_are_told_and_remembered(clock: MockClock) -> None:
    events = Events()
    with events.subscribe() as subscriber:
        events.found(a_block("0"))
        event = await heard(subscriber)
        assert (event["type"], event["worker"], event["reached"]) == ("block", "rig1", 65_536.0)
    for number in range(2 * MOST_BLOCKS):
        events.found(a_block(str(number)))
    assert len(events.blocks) == MOST_BLOCKS
    assert events.blocks[-1].job == str(2 * MOST_BLOCKS - 1)
