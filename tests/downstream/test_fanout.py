"""A job's way to all miners of a carrier; what it is like on a board is in test_board_jobs.py."""

import trio
from trio.testing import wait_all_tasks_blocked

from proxy.core.tally import Histogram
from proxy.downstream.fanout import FANOUT_SLICE, Fanout
from tests.kit.miners import FakeHouse


async def test_all_are_given_it_a_slice_at_a_time() -> None:
    house, took = FakeHouse(), Histogram((1.0,))
    given: list[int] = []
    flushed: list[int] = []
    members = range(2 * FANOUT_SLICE + 1)
    fanout = Fanout(
        lambda: members, lambda m, _now: given.append(m), lambda: flushed.append(len(given)), took
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(fanout.run)
        fanout.announce(house, trio.current_time())
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert given == list(members)
    assert flushed == [FANOUT_SLICE, 2 * FANOUT_SLICE, len(members)]
    assert sum(took.counts) == 1


async def test_a_newer_job_ends_the_one_under_way() -> None:
    house = FakeHouse()
    given: list[int] = []

    def give(member: int, _now: float) -> None:
        given.append(member)
        if len(given) == FANOUT_SLICE:
            house.new_job()
            fanout.announce(house, 0.0)

    fanout = Fanout(lambda: range(FANOUT_SLICE + 1), give, lambda: None, None)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(fanout.run)
        fanout.announce(house, 0.0)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert given == [*range(FANOUT_SLICE), *range(FANOUT_SLICE + 1)]
