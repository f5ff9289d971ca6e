"""First jobs that wait for their time: in order, once, and not for who has left."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from proxy.downstream.aion import FIRST_JOB_DELAY
from proxy.downstream.firstjobs import BATCH, FirstJobs
from tests.downstream.farms import Farm, farm
from tests.kit.miners import SUBSCRIBE, Dialogue, authorize

FIRST = ["mining.set_target", "mining.notify"]


def one_that_waits(at: Farm) -> Dialogue:
    """A miner that has logged in at this moment and asked for no extranonce changes."""
    miner = Dialogue(at.relay, now=trio.current_time())
    miner.says(SUBSCRIBE, authorize("rig"))
    assert miner.session.first_job_due == trio.current_time() + FIRST_JOB_DELAY
    return miner


def lines(miner: Dialogue) -> list[str]:
    """The methods of what a miner has been sent."""
    return [line["method"] for line in miner.hears()]


async def test_each_gets_its_job_when_its_time_has_come(autojump_clock: MockClock) -> None:
    at = farm()
    at.pool.comes()
    flushed: list[float] = []
    jobs = FirstJobs(lambda: flushed.append(trio.current_time()))
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(jobs.run)
        early = one_that_waits(at)
        jobs.add(early.session)
        await trio.sleep(0.1)
        late = one_that_waits(at)
        jobs.add(late.session)
        await trio.sleep(FIRST_JOB_DELAY - 0.05)
        at_work = [[miner.session.at_work for miner in (early, late)]]
        await trio.sleep(0.1)
        at_work.append([miner.session.at_work for miner in (early, late)])
        assert at_work == [[True, False], [True, True]]
        nursery.cancel_scope.cancel()
    assert pytest.approx(began + FIRST_JOB_DELAY) in flushed
    assert [lines(miner) for miner in (early, late)] == [FIRST, FIRST]


async def test_who_has_left_or_has_its_job_already_gets_none(autojump_clock: MockClock) -> None:
    at = farm()
    at.pool.comes()
    jobs = FirstJobs(lambda: None)
    gone, served = one_that_waits(at), one_that_waits(at)
    for miner in (gone, served):
        jobs.add(miner.session)
    gone.session.end(0.0)
    served.session.give_first_job(trio.current_time())
    assert lines(served) == FIRST
    async with trio.open_nursery() as nursery:
        nursery.start_soon(jobs.run)
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    assert not gone.session.at_work
    assert lines(served) == []


async def test_a_crowd_is_served_in_parts_with_room_for_others_between(autojump_clock: MockClock) -> None:
    at = farm()
    at.pool.comes()
    flushed: list[int] = []
    miners = [one_that_waits(at) for _ in range(2 * BATCH + 1)]
    jobs = FirstJobs(lambda: flushed.append(sum(miner.session.at_work for miner in miners)))
    for miner in miners:
        jobs.add(miner.session)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(jobs.run)
        await wait_all_tasks_blocked()
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    assert [count for count in flushed if count] == [BATCH, 2 * BATCH, 2 * BATCH + 1]
