"""A miner's connection and its judgement of replies, against lines written by hand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
import trio
import trio.testing

from proxy.sim.faults import Shot
from proxy.sim.link import Login, Memory, MinerLink
from proxy.sim.report import FarmReport
from proxy.sim.verdicts import Kind
from proxy.sim.waiting import Changes
from tests.sim.talker import Talker

LOGIN = Login("me", "x", "nheqminer/0.2.1", "127.0.0.1", 23334)
SUBSCRIBED = b'{"id":1,"result":[null,"aabb"],"error":null}\n'
AUTHORIZED = b'{"id":2,"result":true,"error":null}\n'


def notify(job: str, header: str = "ab") -> bytes:
    text = f'{{"id":null,"method":"mining.notify","params":["{job}",true,"{"ff" * 32}","{header * 32}"]}}\n'
    return text.encode()


@attrs.define
class Bench:
    """A link that is logged in and has job 1, and the server's end of it."""

    link: MinerLink
    server: Talker
    report: FarmReport

    async def share(self, kind: Kind = Kind.GOOD) -> None:
        """Send a share."""
        assert self.link.task is not None
        await self.link.submit(Shot(kind, self.link.task, b"[]"))
        await self.server.line()

    async def hear(self, *lines: bytes) -> None:
        """Let the miner hear lines, and wait until it has."""
        await self.server.say(b"".join(lines))
        await trio.testing.wait_all_tasks_blocked()


@asynccontextmanager
async def bench(**how: Any) -> AsyncIterator[Bench]:
    ours, theirs = trio.testing.memory_stream_pair()
    report, server = FarmReport(), Talker(theirs)
    link = MinerLink(ours, LOGIN, report, Memory(), Changes(), **how)
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(link.listen)
            await server.say(SUBSCRIBED + AUTHORIZED)
            assert await link.login()
            for _ in range(3):
                await server.line()
            yield_to = Bench(link, server, report)
            await yield_to.hear(notify("1"))
            yield yield_to
            nursery.cancel_scope.cancel()


async def test_it_logs_in_with_the_reference_miners_lines() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    link = MinerLink(ours, LOGIN, FarmReport(), Memory(), Changes())
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


def reply(number: int, error: str = "") -> bytes:
    if error:
        return f'{{"id":{number},"result":null,"error":[20,"{error}",null]}}\n'.encode()
    return f'{{"id":{number},"result":true,"error":null}}\n'.encode()


async def test_an_undeserved_verdict_is_a_surprise() -> None:
    async with bench() as at:
        await at.share()
        await at.share(Kind.LOW)
        await at.hear(reply(4, "invalid solution"), reply(5))
        assert at.report.unexpected == 2
        assert "a good share of job 1 got invalid solution" in at.report.unexpected_lines[0]


async def test_stale_is_fair_after_another_job() -> None:
    async with bench() as at:
        await at.share()
        await at.hear(notify("2", "cd"), reply(4, "stale share"))
        assert (at.report.raced, at.report.unexpected) == (1, 0)


async def test_a_share_found_again_after_the_target_moved_is_no_surprise() -> None:
    async with bench() as at:
        await at.hear(notify("2"))  # the same header: the miner starts over
        await at.share()
        await at.hear(reply(4, "duplicate share"))
        assert (at.report.raced, at.report.unexpected) == (1, 0)
        await at.hear(notify("3", "cd"))
        await at.share()
        await at.hear(reply(5, "duplicate share"))
        assert (at.report.raced, at.report.unexpected) == (1, 1)


async def test_stale_is_in_doubt_until_another_job_comes() -> None:
    for comes in (True, False):
        async with bench() as at:
            await at.share()
            await at.hear(reply(4, "stale share"))
            assert (at.report.raced, at.report.unexpected) == (0, 0)
            if comes:
                await at.hear(notify("2", "cd"))
            at.link.settle(over=True)
            assert (at.report.raced, at.report.unexpected) == (comes, not comes)


@pytest.mark.parametrize("kind", [Kind.UNKNOWN_JOB, Kind.WRONG_SLICE, Kind.MALFORMED])
async def test_stale_is_never_fair_for_what_is_judged_before_the_job(kind: Kind) -> None:
    async with bench() as at:
        await at.share(kind)
        await at.hear(notify("2", "cd"), reply(4, "stale share"))
        assert at.report.unexpected == 1


async def test_a_wrong_nonce_is_fair_only_after_a_move() -> None:
    move = b'{"id":null,"method":"mining.set_extranonce","params":["ccdd",30]}\n'
    for moved in (True, False):
        async with bench() as at:
            await at.share()
            await at.hear(move if moved else b"", notify("2", "cd"), reply(4, "nonce outside extranonce1"))
            assert (at.report.raced, at.report.unexpected) == (moved, not moved)


async def test_lost_is_fair_for_good_shares_only() -> None:
    async with bench() as at:
        await at.share()
        await at.share(Kind.DUPLICATE)
        await at.hear(reply(4, "pool connection lost"), reply(5, "pool connection lost"))
        assert (at.report.lost, at.report.unexpected) == (1, 1)


async def test_stale_may_pass_where_jobs_are_not_clean() -> None:
    for may in (True, False):
        async with bench(stale_may_pass=may) as at:
            await at.share(Kind.STALE)
            await at.hear(reply(4))
            assert at.report.unexpected == (not may)


async def test_replies_to_nothing_and_second_ones_are_counted() -> None:
    async with bench() as at:
        await at.share()
        await at.hear(reply(4), reply(4), reply(99))
        assert at.report.violations == {"second_reply": 1, "reply_to_nothing": 1}


async def test_the_same_id_again_changes_nothing() -> None:
    async with bench() as at:
        await at.hear(notify("1", "cd"))
        assert at.link.task is not None
        assert at.link.task.header == "ab" * 32
        assert at.report.violations == {"same_job_id": 1}


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
    link = MinerLink(ours, LOGIN, FarmReport(), Memory(), Changes())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.listen)
        await theirs.send_all(reply(1, "no nonce slice free"))
        assert not await link.login()
        nursery.cancel_scope.cancel()
    assert "no nonce slice free" in link.login_refused
