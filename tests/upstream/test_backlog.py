"""Who waits for there to be fewer shares, and when they go on; on the real pool side see test_session.py."""

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from proxy.upstream.backlog import QUEUE_HIGH, QUEUE_LOW, Backlog
from tests.upstream.sides import Log


async def test_who_is_held_back_goes_on_when_far_fewer_wait(autojump_clock: MockClock, log: Log) -> None:
    waiting = [QUEUE_HIGH]
    backlog = Backlog(lambda: waiting[0])
    passed: list[str] = []

    async def one(name: str) -> None:
        await (backlog.room() if name == "room" else backlog.settled())
        passed.append(name)

    async with trio.open_nursery() as nursery:
        for name in ("room", "settled"):
            nursery.start_soon(one, name)
        await wait_all_tasks_blocked()
        for waiting[0] in (QUEUE_LOW + 1, QUEUE_LOW, 0):
            await wait_all_tasks_blocked()
            backlog.look()
            await wait_all_tasks_blocked()
            passed.append(str(waiting[0]))
    assert passed == [str(QUEUE_LOW + 1), "room", str(QUEUE_LOW), "settled", "0"]
    assert [line["waiting"] for line in log] == [QUEUE_HIGH]


async def test_nobody_waits_for_nothing() -> None:
    backlog = Backlog(lambda: 0)
    await backlog.room()
    await backlog.settled()
