"""The miners of this process: filtered, sorted, cut, sent away."""

import pytest
import trio
from trio.testing import MockClock

from proxy.core.workerbook import BAD_SHARES
from proxy.model.share import Reason
from proxy.ops.crowd import MinerQuery
from proxy.ops.local import LocalCrowd
from tests.ops.api.rigs import Rig
from tests.ops.api.test_bans import shut_out


@pytest.fixture
def clock() -> MockClock:
    """Let time jump."""
    return MockClock(autojump_threshold=0)


def crowd(rig: Rig, process: str = "") -> LocalCrowd:
    """The crowd of a rig."""
    return LocalCrowd(rig.room, rig.book, rig.penalties, rig.turns, process)


def at_work(*workers: str) -> Rig:
    """A farm with these miners."""
    rig = Rig()
    rig.farm.pool.comes()
    for worker in workers:
        rig.miner(worker)
    return rig


async def found(of: LocalCrowd, query: MinerQuery) -> list[str]:
    """Whose miners they are, in order."""
    return [miner.worker for miner in (await of.miners(query)).items]


async def test_filters() -> None:
    rig = at_work("Ant", "bee", "bee")
    rig.room.here[1].agent = "XMRig/6"
    made = crowd(rig)
    assert await found(made, MinerQuery()) == ["Ant", "bee", "bee"]
    assert await found(made, MinerQuery(worker="bee")) == ["bee", "bee"]
    assert await found(made, MinerQuery(search="ANT")) == ["Ant"]
    assert await found(made, MinerQuery(search="xmrig")) == ["bee"]
    assert await found(made, MinerQuery(search="192.0.2")) == ["Ant", "bee", "bee"]
    assert await found(made, MinerQuery(listener="barn")) == []


async def test_orders() -> None:
    rig = at_work("a", "b", "c")
    shares = [{Reason.ACCEPTED: 1}, {Reason.ACCEPTED: 3}, {Reason.STALE: 2, Reason.KEPT: 9}]
    for session, counted in zip(rig.room.here, shares, strict=True):
        session.standing.shares = counted
    made = crowd(rig)
    assert await found(made, MinerQuery(sort="accepted", descending=True)) == ["b", "a", "c"]
    assert await found(made, MinerQuery(sort="bad", descending=True, limit=1)) == ["c"]
    assert await found(made, MinerQuery(sort="id")) == ["a", "b", "c"]


async def test_a_record_has_all_there_is_to_say() -> None:
    rig = at_work("a")
    (session,) = rig.room.here
    session.standing.since = trio.current_time() - 100
    session.standing.last_share = trio.current_time() - 10
    session.standing.shares = {Reason.STALE: 2}
    session.standing.is_slowed = True
    (record,) = (await crowd(rig).miners(MinerQuery())).items
    assert record.last_share_at - record.connected_at == pytest.approx(90, abs=1)
    assert (record.shares, record.slowed, record.rank) == ({"stale": 2}, True, "a")
    assert record.difficulty == session.difficulty


async def test_one_that_leaves_while_they_are_sorted_does_no_harm(clock: MockClock) -> None:
    rig = at_work(*(f"rig{number:03d}" for number in range(600)))
    made = crowd(rig)

    async def leave() -> None:
        await trio.sleep(0.003)
        del rig.room.here[:]

    async with trio.open_nursery() as nursery:
        nursery.start_soon(leave)
        page = await made.miners(MinerQuery(limit=1000))
    assert page.total == len(page.items) == 600


async def test_bad_shares_come_latest_first() -> None:
    rig = at_work("a")
    made = crowd(rig)
    assert await made.bad_shares("a") == []
    assert await made.bad_shares("ghost") == []
    record = rig.book.online["a"]
    for number in range(2 * BAD_SHARES):
        record.came_to_nothing(Reason.STALE, "", str(number), "10.0.0.1", trio.current_time())
    found = await made.bad_shares("a")
    assert [one.job for one in found] == [str(number) for number in range(15, 7, -1)]


async def test_a_ban_is_lifted_only_by_the_process_that_has_it() -> None:
    rig = at_work()
    shut_out(rig.penalties, "a")
    made = crowd(rig, "2-")
    (ban,) = await made.bans()
    assert ban.id == "2-1"
    assert not await made.release("1")
    assert not await made.release("3-1")
    assert not await made.release("2-")
    assert not await made.release("2-7")
    assert await made.release("2-1")
    assert await made.bans() == []


async def test_a_miner_is_sent_away_by_its_number() -> None:
    rig = at_work("a")
    (session,) = rig.room.here
    made = crowd(rig)
    assert not await made.disconnect("ffff")
    assert await made.disconnect(session.assignment.alias)
    assert session.closing == "disconnected"
