"""The login end of a miner: XMRig's lines and habits, against a server's lines written by hand."""

import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
import trio
import trio.testing

from proxy.native import Equihash
from proxy.sim import blobwork
from proxy.sim.faults import Shot
from proxy.sim.link import Login, Memory
from proxy.sim.login_link import LoginLink, login_line, login_manners
from proxy.sim.report import FarmReport
from proxy.sim.rig import BlobTask
from proxy.sim.verdicts import Kind
from proxy.sim.waiting import Changes
from tests.sim.talker import Talker

SMALL = Equihash(48, 5)
LOGIN = Login("me", "x", "XMRig/6.26.0", "127.0.0.1", 3333, rig="rig7")
EVERYTHING = ("algo", "keepalive")
SEED = "5e" * 32


def equihash_job(job: str, header: str = "ab", xn: str = "a1b2", **other: Any) -> dict[str, Any]:
    size = len(xn) // 2
    return {
        "job_id": job, "algo": "equihash/48_5", "pers": "AION0PoW", "blob": header * 32 + xn.ljust(64, "0"),
        "xn": xn, "nonceoffset": 32 + size, "noncebytes": 32 - size, "target": "ff" * 32, "id": "s1",
        **other,
    }  # fmt: skip


def blob_job(job: str, byte: str = "cd", nonce: str = "00000000", **other: Any) -> dict[str, Any]:
    return {
        "job_id": job, "algo": "rx/0", "blob": blobwork.put(byte * blobwork.BLOB_BYTES, nonce),
        "target": "b88d0600", "height": 7, "seed_hash": SEED, **other,
    }  # fmt: skip


def logged_in(job: dict[str, Any], extensions: tuple[str, ...] = EVERYTHING) -> bytes:
    result = {"id": "s1", "job": job, "extensions": list(extensions), "status": "OK"}
    return json.dumps({"id": 1, "jsonrpc": "2.0", "error": None, "result": result}).encode() + b"\n"


def notify(job: dict[str, Any]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "method": "job", "params": job}).encode() + b"\n"


def ok(number: int) -> bytes:
    return b'{"id":%d,"jsonrpc":"2.0","error":null,"result":{"status":"OK"}}\n' % number


def no(number: int, text: str) -> bytes:
    return (
        json.dumps({"id": number, "jsonrpc": "2.0", "error": {"code": -1, "message": text}}).encode() + b"\n"
    )


@attrs.define
class Bench:
    """A link that has got an answer to its login, and the server's end of it."""

    link: LoginLink
    server: Talker
    report: FarmReport

    async def share(self, kind: Kind = Kind.GOOD) -> None:
        """Send a share."""
        assert self.link.task is not None
        await self.link.submit(Shot(kind, self.link.task, b"{}"))
        await self.server.line()

    async def hear(self, *lines: bytes) -> None:
        """Let the miner hear lines, and wait until it has."""
        await self.server.say(b"".join(lines))
        await trio.testing.wait_all_tasks_blocked()

    @property
    def gone(self) -> bool:
        """Whether the miner has dropped the connection."""
        return self.link.scope.cancel_called


@asynccontextmanager
async def bench(
    answer: bytes, equihash: Equihash | None = SMALL, memory: Memory | None = None, **how: Any
) -> AsyncIterator[Bench]:
    ours, theirs = trio.testing.memory_stream_pair()
    report, server = FarmReport(), Talker(theirs)
    source = random.Random(3)
    link = LoginLink(
        ours, LOGIN, report, memory or Memory(), Changes(), equihash=equihash, source=source, **how
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.listen)
        nursery.start_soon(link.tend)
        nursery.start_soon(link.login)
        await server.line()
        at = Bench(link, server, report)
        await at.hear(answer)
        yield at
        nursery.cancel_scope.cancel()


# ---- logging in


def test_the_login_is_xmrigs() -> None:
    assert login_line(LOGIN, SMALL) == (
        b'{"id":1,"jsonrpc":"2.0","method":"login","params":'
        b'{"login":"me","pass":"x","agent":"XMRig/6.26.0","rigid":"rig7","algo":["equihash/48_5"]}}\n'
    )
    assert b"rigid" not in login_line(attrs.evolve(LOGIN, rig=""), None)
    assert json.loads(login_line(LOGIN, None))["params"]["algo"] == ["cn/0", "rx/0"]


async def test_the_first_job_comes_with_the_login_and_shares_count_from_two() -> None:
    async with bench(logged_in(equihash_job("j1"))) as at:
        task = at.link.task
        assert task is not None
        assert (task.id, task.header, task.prefix) == ("j1", "ab" * 32, "a1b2")
        assert (task.session, task.algo) == ("s1", "equihash/48_5")
        await at.link.submit(Shot(Kind.GOOD, task, b'{"id":"s1"}'))
        assert await at.server.line() == b'{"id":2,"jsonrpc":"2.0","method":"submit","params":{"id":"s1"}}\n'
        await at.hear(ok(2))
        assert (at.report.accepted, at.report.expected, at.report.violations) == (1, 1, {})


async def test_algo_is_told_only_to_who_asked() -> None:
    async with bench(logged_in(equihash_job("j1"), ())) as at:
        assert at.link.task is not None
        assert at.link.task.algo == ""


async def test_a_refused_login_is_no_reason_to_give_up() -> None:
    async with bench(no(1, "Permission denied")) as at:
        assert at.link.login_refused == "login: Permission denied"
        assert not at.link.gives_up
        assert (at.report.refused, at.report.violations) == (1, {})


@pytest.mark.parametrize(
    ("answer", "violation"),
    [
        (b'{"id":1,"jsonrpc":"2.0","error":null,"result":{"status":"OK"}}\n', "login_without_id"),
        (b'{"id":1,"jsonrpc":"2.0","error":null,"result":{"id":"s1"}}\n', "job_not_an_object"),
        (logged_in(equihash_job("j1", target="00" * 32)), "target_zero"),
    ],
)
async def test_a_login_that_gives_no_work_is_dropped(answer: bytes, violation: str) -> None:
    async with bench(answer) as at:
        assert at.gone
        assert at.report.violations == {violation: 1}


# ---- jobs


async def test_another_job_is_worked_on_and_the_one_before_kept_for_stale_shares() -> None:
    async with bench(logged_in(equihash_job("j1"))) as at:
        first = at.link.task
        await at.hear(notify(equihash_job("j2", "cd")))
        assert at.link.task is not None
        assert (at.link.task.id, at.link.task.header) == ("j2", "cd" * 32)
        assert at.link.previous is first


async def test_the_same_work_under_another_id_may_find_the_same_shares() -> None:
    async with bench(logged_in(equihash_job("j1"))) as at:
        await at.hear(notify(equihash_job("j2")))
        await at.share()
        await at.hear(no(2, "Duplicate share"))
        assert (at.report.raced, at.report.unexpected) == (1, 0)


async def test_a_job_with_another_xn_moves_the_miner() -> None:
    async with bench(logged_in(equihash_job("j1"))) as at:
        await at.share()
        await at.hear(notify(equihash_job("j2", "cd", xn="a1b3")), no(2, "Invalid nonce"))
        assert (at.report.moves, at.report.raced, at.report.unexpected) == (1, 1, 0)


async def test_the_same_job_again_ends_the_connection() -> None:
    async with bench(logged_in(equihash_job("j1"))) as at:
        await at.hear(notify(equihash_job("j1")))
        assert at.gone
        assert at.report.violations == {"same_job": 1}


async def test_the_same_job_on_another_connection_ends_that_one() -> None:
    memory = Memory()
    for again in (False, True):
        async with bench(logged_in(equihash_job("j1")), memory=memory) as at:
            assert at.gone is again
            assert at.report.violations["same_job"] == again


async def test_a_job_before_the_login_is_no_work() -> None:
    async with bench(notify(equihash_job("j1"))) as at:
        assert at.link.task is None
        assert at.report.violations == {"job_before_login": 1}


# ---- blob work


async def test_a_nonce_in_the_blob_is_the_miners_byte() -> None:
    async with bench(logged_in(blob_job("j1", nonce="000000f5")), None) as at:
        task = at.link.task
        assert isinstance(task, BlobTask)
        assert (task.prefix, task.algo) == ("f5", "rx/0")
        assert all(task.next_nonce().endswith("f5") for _ in range(300))


@pytest.mark.parametrize(("extensions", "prefix"), [(("nicehash",), "00"), ((), "")])
async def test_a_zero_nonce_is_the_miners_byte_only_if_the_server_says_so(
    extensions: tuple[str, ...], prefix: str
) -> None:
    async with bench(logged_in(blob_job("j1"), extensions), None) as at:
        assert at.link.task is not None
        assert at.link.task.prefix == prefix


# ---- pings


async def test_a_ping_goes_out_after_a_silence_of_its_own(autojump_clock: trio.testing.MockClock) -> None:
    async with bench(logged_in(equihash_job("j1")), keepalive_seconds=4) as at:
        await trio.sleep(3)
        await at.share()
        began = trio.current_time()
        ping = json.loads(await at.server.line())
        assert trio.current_time() - began == pytest.approx(4)
        assert ping == {"id": 3, "jsonrpc": "2.0", "method": "keepalived", "params": {"id": "s1"}}
        answer = b'{"id":3,"jsonrpc":"2.0","error":null,"result":{"status":"KEEPALIVED"}}\n'
        await at.hear(answer)
        assert (at.report.pings, at.report.violations) == (1, {})
        await at.hear(answer)
        assert at.report.violations == {"second_reply": 1}


async def test_no_ping_goes_to_who_did_not_ask(autojump_clock: trio.testing.MockClock) -> None:
    async with bench(logged_in(equihash_job("j1"), ("algo",)), keepalive_seconds=1) as at:
        await trio.sleep(100)
        assert at.report.pings == 0


async def test_a_refused_ping_is_counted(autojump_clock: trio.testing.MockClock) -> None:
    async with bench(logged_in(equihash_job("j1")), keepalive_seconds=1) as at:
        await at.server.line()
        await at.hear(no(2, "Invalid method"))
        assert at.report.violations == {"ping_refused": 1}


# ---- replies


@pytest.mark.parametrize("text", ["Unauthenticated", "INVALID JOB ID", "your IP is banned for 10 s"])
async def test_a_fatal_text_ends_the_connection_and_is_held_against_the_server(text: str) -> None:
    async with bench(logged_in(equihash_job("j1"))) as at:
        await at.share()
        await at.hear(no(2, text))
        assert at.gone
        assert at.report.violations == {"fatal_text": 1}
        assert (at.report.unexpected, at.report.conserved()) == (1, True)


async def test_a_fatal_text_that_was_deserved_only_ends_the_connection() -> None:
    async with bench(logged_in(equihash_job("j1")), against="login") as at:
        await at.share(Kind.UNKNOWN_JOB)
        await at.hear(no(2, "Invalid job id"))
        assert at.gone
        assert (at.report.expected, at.report.violations) == (1, {})


@pytest.mark.parametrize(
    ("line", "violation"),
    [
        (b'{"id":2,"jsonrpc":"2.0","error":null,"result":true}\n', "result_not_an_object"),
        (b'{"id":"2","jsonrpc":"2.0","error":null,"result":{"status":"OK"}}\n', "reply_id_not_an_integer"),
        (b'{"id":99,"jsonrpc":"2.0","error":null,"result":{"status":"OK"}}\n', "reply_to_nothing"),
        (b'{"id":1,"jsonrpc":"2.0","error":null,"result":{"status":"OK"}}\n', "second_reply"),
        (b'{"id":2,"jsonrpc":"2.0","error":{"code":-1,"message":7}}\n', "error_message_not_a_string"),
    ],
)
async def test_a_reply_xmrig_does_not_take_leaves_the_share_unanswered(line: bytes, violation: str) -> None:
    async with bench(logged_in(equihash_job("j1"))) as at:
        await at.share()
        await at.hear(line)
        assert at.report.violations == {violation: 1}
        at.link.settle(over=True)
        assert (at.report.unanswered, at.report.conserved()) == (1, True)


async def test_client_reconnect_is_followed() -> None:
    async with bench(logged_in(equihash_job("j1"))) as at:
        await at.hear(b'{"jsonrpc":"2.0","method":"client.reconnect","params":["pool.example","77"]}\n')
        assert at.gone
        assert at.link.reconnect is not None
        assert (at.link.reconnect.host, at.link.reconnect.port) == ("pool.example", 77)


def test_a_troublemaker_has_nothing_to_subscribe_to() -> None:
    manners = login_manners(LOGIN, SMALL)
    assert list(manners.before_share) == [Kind.UNAUTHORIZED]
    assert manners.hello == login_line(LOGIN, SMALL)
