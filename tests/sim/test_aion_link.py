"""The Aion end of a miner: its lines, and what it does with a server's, written by hand."""

import trio
import trio.testing

from proxy.sim.aion_link import AionLink
from proxy.sim.link import Memory
from proxy.sim.report import FarmReport
from proxy.sim.waiting import Changes
from tests.sim.bench import AUTHORIZED, LOGIN, SUBSCRIBED, bench, notify, reply
from tests.sim.talker import Talker


async def test_it_logs_in_with_the_reference_miners_lines() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    link = AionLink(ours, LOGIN, FarmReport(), Memory(), Changes())
    server = Talker(theirs)
    await server.say(SUBSCRIBED + AUTHORIZED)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.listen)
        assert await link.login()
        assert [await server.line() for _ in range(3)] == [
            b'{"id":1,"method":"mining.subscribe","params":["nheqminer/0.2.1", null,"127.0.0.1","23334"]}\n',
            b'{"id":2,"method":"mining.authorize","params":["me","x"]}\n',
            b'{"id":3,"method":"mining.extranonce.subscribe","params":[]}\n',
        ]
        nursery.cancel_scope.cancel()


async def test_the_same_id_again_changes_nothing() -> None:
    async with bench() as at:
        await at.hear(notify("1", "cd"))
        assert at.link.task is not None
        assert at.link.task.header == "ab" * 32
        assert at.report.violations == {"same_job_id": 1}


async def test_a_wrong_nonce_is_fair_only_after_a_move() -> None:
    move = b'{"id":null,"method":"mining.set_extranonce","params":["ccdd",30]}\n'
    for moved in (True, False):
        async with bench() as at:
            await at.share()
            await at.hear(move if moved else b"", notify("2", "cd"), reply(4, "nonce outside extranonce1"))
            assert (at.report.raced, at.report.unexpected) == (moved, not moved)


async def test_a_line_the_real_miner_throws_at_ends_the_connection() -> None:
    async with bench() as at:
        await at.hear(b'{"id":null,"method":"mining.notify","params":[]}\n')
        assert at.link.scope.cancel_called


async def test_set_target_is_only_obeyed_when_asked() -> None:
    line = b'{"id":null,"method":"mining.set_target","params":["00ff"]}\n'
    for obeys in (True, False):
        async with bench(obeys_set_target=obeys) as at:
            await at.hear(line)
            assert at.link.task is not None
            assert (at.link.task.target < b"\x01") is obeys
            assert at.report.targets == 1


async def test_a_subscribe_without_extranonce1_is_a_refusal() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    link = AionLink(ours, LOGIN, FarmReport(), Memory(), Changes())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.listen)
        await theirs.send_all(reply(1, "no nonce slice free"))
        assert not await link.login()
        nursery.cancel_scope.cancel()
    assert "no nonce slice free" in link.login_refused
