"""Sending miners away: when each goes, what it hears, and that what it had sent counts."""

import pytest
import trio
from trio.testing import MockClock

from proxy.downstream.parting import Parting
from proxy.model.share import Reason, Verdict
from tests.downstream.boards import Opened, opened
from tests.kit.miners import FakeHouse, Line, SocketMiner, submit, within

RECONNECT: Line = {"id": None, "method": "client.reconnect", "params": []}


@pytest.fixture
def clock() -> MockClock:
    """Let time jump once nothing has happened for some real milliseconds."""
    return MockClock(autojump_threshold=0.005)


def parting(made: Opened) -> Parting:
    """The end of all miners of a board."""
    return Parting(made.board, lambda _: True, "takeover")


async def test_a_silent_miner_goes_after_half_of_the_time(clock: MockClock) -> None:
    with within():
        async with opened() as made, await made.connect() as miner:
            await miner.log_in()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(parting(made).run, 8)
                before = trio.current_time()
                assert (await miner.hear_rest())[-1] == RECONNECT
                assert 4 <= trio.current_time() - before < 5
                await miner.stream.aclose()
            assert made.reasons() == {"takeover": 1}


async def test_one_that_has_just_had_its_verdict_goes_at_once(clock: MockClock) -> None:
    with within():
        async with opened() as made, await made.connect() as miner:
            job = await miner.log_in()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(parting(made).run, 8)
                await trio.sleep(0.2)  # it has been looked at
                before = trio.current_time()
                await miner.say(submit(job, "00" * 20))
                heard = await miner.hear_rest()
                assert [line.get("id") for line in heard] == [4, None]
                assert trio.current_time() - before < 1
                await miner.stream.aclose()


async def test_one_whose_verdict_is_the_pools_to_give_waits_for_it(clock: MockClock) -> None:
    with within():
        house = FakeHouse()
        house.verdict = None
        async with opened(house=house) as made, await made.connect() as miner:
            job = await miner.log_in()
            await miner.say(submit(job, "00" * 20))
            await made.until(lambda: house.unanswered)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(parting(made).run, 8)
                await trio.sleep(6)
                assert len(made.board) == 1, "half of the time has gone by, and it stays"
                session, request_id = house.unanswered.pop()
                session.answer(request_id, Verdict(Reason.ACCEPTED))
                made.board.flush()
                heard = await miner.hear_rest()
                assert [line.get("id") for line in heard[-2:]] == [4, None]
                await miner.stream.aclose()


async def test_a_share_on_its_way_counts_though_nobody_hears_of_it(clock: MockClock) -> None:
    with within():
        house = FakeHouse()
        async with opened(house=house) as made, await made.connect() as miner:
            job = await miner.log_in()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(parting(made).run, 2)
                await miner.hear_rest()
                judged = len(house.judged)
                await miner.say(submit(job, "00" * 20))
                await miner.stream.aclose()
            assert len(house.judged) == judged + 1
            assert made.reasons() == {"takeover": 1}


async def test_who_does_not_hang_up_is_hung_up_on(clock: MockClock) -> None:
    with within():
        async with opened() as made, await made.connect() as miner:
            await miner.log_in()
            await parting(made).run(2)
            assert len(made.board) == 0
            assert made.reasons() == {"takeover": 1}


async def test_a_miner_of_the_other_dialect_is_told_nothing_that_it_does_not_know(clock: MockClock) -> None:
    with within():
        async with opened() as made, await made.connect() as miner:
            await miner.say({"id": 1, "jsonrpc": "2.0", "method": "login", "params": {"login": "w"}})
            await miner.hear_reply(1)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(parting(made).run, 2)
                assert RECONNECT not in await miner.hear_rest()
                await miner.stream.aclose()


async def test_others_stay(clock: MockClock) -> None:
    with within():
        async with opened() as made, await made.connect() as one, await made.connect() as other:
            await one.log_in("one")
            await other.log_in("other")
            await Parting(made.board, lambda session: session.worker == "one", "listener_removed").run(2)
            assert len(made.board) == 1
            assert await is_served(other)


async def is_served(miner: SocketMiner) -> bool:
    """Whether a miner gets answers."""
    await miner.say({"id": 9, "method": "mining.authorize", "params": ["rig9", "x"]})
    return bool((await miner.hear_reply(9))["result"])
