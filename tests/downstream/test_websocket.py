"""Miners by WebSocket on real sockets: the same sessions, limits and ends as on the board."""

import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock
from trio_websocket import (
    ConnectionClosed,
    ConnectionRejected,
    WebSocketConnection,
    wrap_client_stream,
)

from proxy.config import Limits
from proxy.core.tally import Tally
from proxy.downstream.board import Board
from proxy.downstream.certificates import ServerTls
from proxy.downstream.door import Door
from proxy.downstream.entrance import Balancers, Entrance
from proxy.model.share import Reason, Verdict
from tests.downstream.boards import FakePoolSide, Opened, listening, opened, resets, stays_quiet
from tests.kit.certificates import Authority, over_tls
from tests.kit.miners import (
    AUTHORIZE,
    EXTRANONCE,
    SUBSCRIBE,
    FakeHouse,
    Line,
    SocketMiner,
    door,
    submit,
    within,
    written,
    yes,
)

V1 = b"PROXY TCP4 203.0.113.7 192.0.2.1 56324 3333\r\n"
ASK_FOR_IT = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
Make = Callable[[socket.socket, Door], Entrance]


def at(path: str = "", tls: ServerTls | None = None, balancers: Balancers | None = None) -> Make:
    """An entrance for WebSockets."""
    return lambda sock, door: Entrance(sock, door, tls, balancers, is_websocket=True, path=path)


@attrs.define
class WebMiner:
    """A miner on a WebSocket."""

    websocket: WebSocketConnection
    heard: list[Line] = attrs.Factory(list)

    async def say(self, *said: object) -> None:
        """Send lines, a message each, without the ends of lines."""
        for line in said:
            text = written(line)
            await self.websocket.send_message(text.decode().rstrip("\n"))

    async def hear(self) -> Line:
        """Return the next line, which is a message by itself."""
        message = await self.websocket.get_message()
        assert isinstance(message, str)
        assert "\n" not in message
        self.heard.append(json.loads(message))
        return self.heard[-1]

    async def hear_until(self, wanted: Callable[[Line], object]) -> Line:
        """Return the first line that is wanted."""
        while not wanted(line := await self.hear()):
            pass
        return line

    async def log_in(self) -> str:
        """Log in as the reference miner does, and return the id of the first job."""
        await self.say(SUBSCRIBE, AUTHORIZE, EXTRANONCE)
        notify = await self.hear_until(lambda line: line.get("method") == "mining.notify")
        return str(notify["params"][0])

    async def hear_rest(self) -> tuple[list[Line], int, str]:
        """Return every line until the other side closes, and its code and reason."""
        lines = []
        try:
            while True:
                lines.append(await self.hear())
        except ConnectionClosed as closed:
            reason = closed.reason
        assert reason is not None
        return lines, reason.code, reason.reason or ""


@asynccontextmanager
async def web(made: Opened, path: str = "/", before: bytes = b"", tls: Any = None) -> AsyncIterator[WebMiner]:
    """Connect a miner.

    Args:
        before: what a balancer says first.
        tls: the context of a miner that speaks TLS.
    """
    sock = trio.socket.socket()
    await sock.connect(made.address)
    stream: Any = trio.SocketStream(sock)
    async with stream:
        await stream.send_all(before)
        if tls is not None:
            stream = over_tls(stream, tls)
        async with trio.open_nursery() as nursery:
            yield WebMiner(await wrap_client_stream(nursery, stream, "localhost", path))
            await trio.aclose_forcefully(stream)
            nursery.cancel_scope.cancel()


async def test_a_miner_logs_in_and_has_its_share_judged(clock: MockClock) -> None:
    with within():
        async with opened(make=at()) as made, web(made) as miner:
            job_id = await miner.log_in()
            await miner.say(submit(job_id, "00" * 20))
            assert await miner.hear() == yes(4)
            assert made.board.count() == {("farm", "aion"): 1}
            assert len(made.board) == 1
            assert made.tally.connections == {"farm": 1}
            assert made.pool_side.pushed


async def test_a_new_job_comes_by_itself(clock: MockClock) -> None:
    with within():
        async with opened(make=at()) as made, web(made) as miner:
            await miner.log_in()
            made.house.new_job(now=trio.current_time())
            assert (await miner.hear())["params"][0] == made.house.works[0].id


async def test_first_job_comes_by_itself_after_a_while(clock: MockClock) -> None:
    with within():
        async with opened(make=at()) as made, web(made) as miner:
            await miner.say(SUBSCRIBE, AUTHORIZE)
            await miner.hear_until(lambda line: line.get("method") == "mining.notify")


async def test_a_held_miner_gets_in_when_a_pool_comes(clock: MockClock) -> None:
    with within(100):
        async with opened(house=FakeHouse(None), make=at()) as made, web(made) as miner:
            await miner.say(SUBSCRIBE, AUTHORIZE, EXTRANONCE)
            await trio.sleep(60)
            made.house.pool_comes(now=trio.current_time())
            await miner.hear_until(lambda line: line.get("method") == "mining.notify")


async def test_the_pools_verdict_comes_back(clock: MockClock) -> None:
    with within():
        async with opened(make=at()) as made, web(made) as miner:
            job_id = await miner.log_in()
            made.house.verdict = None
            await miner.say(submit(job_id, "00" * 20))
            await made.until(lambda: made.house.unanswered)
            made.house.pool_says(Verdict(Reason.ACCEPTED))
            assert await miner.hear() == yes(4)


async def test_lines_in_one_message_and_bytes_are_taken(clock: MockClock) -> None:
    with within():
        async with opened(make=at()) as made, web(made) as miner:
            await miner.websocket.send_message(written(SUBSCRIBE, AUTHORIZE))
            assert [(await miner.hear())["id"] for _ in range(2)] == [1, 2]
            assert made.connections() == []


async def test_a_message_ends_its_line(clock: MockClock) -> None:
    """No line goes on in the next message, so half of one is a bad line."""
    with within():
        async with opened(make=at()) as _, web(_) as miner:
            text = written(SUBSCRIBE).decode()
            await miner.websocket.send_message(text[:10])
            assert "error" in await miner.hear()
            await miner.say(SUBSCRIBE)
            assert (await miner.hear())["id"] == 1


async def test_a_ping_is_answered(clock: MockClock) -> None:
    with within():
        async with opened(make=at()) as made, web(made) as miner:
            await miner.websocket.ping(b"are you there")


async def test_compression_is_not_taken(clock: MockClock) -> None:
    with within():
        async with opened(make=at()) as made, await made.connect() as miner:
            await miner.stream.send_all(
                b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
            )
            answer = await miner.stream.receive_some(4096)
            assert answer.startswith(b"HTTP/1.1 101 ")
            assert b"deflate" not in answer


async def test_the_path_is_looked_at(clock: MockClock) -> None:
    with within():
        async with opened(make=at("/stratum")) as made:
            with pytest.RaisesGroup(ConnectionRejected):
                async with web(made, "/other"):
                    pass
            async with web(made, "/stratum?worker=1") as miner:
                await miner.log_in()
            await made.until(lambda: not len(made.board))
            assert made.reasons()["not_websocket"] == 1


@pytest.mark.parametrize("said", [b"{}\n", b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.0\r\n\r\n"])
async def test_what_is_no_websocket_is_closed(clock: MockClock, said: bytes) -> None:
    with within():
        async with opened(make=at()) as made:
            async with await made.connect() as miner:
                await miner.say(said)
                with trio.move_on_after(5):
                    while await miner.stream.receive_some(4096):
                        pass
            await made.until(lambda: not len(made.board))
            assert made.reasons() == {"not_websocket": 1}


@pytest.mark.parametrize("said", [b"", ASK_FOR_IT[:30], ASK_FOR_IT])
async def test_a_reset_in_the_handshake_is_the_end_of_one(clock: MockClock, said: bytes) -> None:
    with within():
        async with opened(make=at()) as made:
            miner = await made.connect()
            await miner.say(said)
            resets(miner)
            await made.until(lambda: made.reasons())
            assert sum(made.reasons().values()) == 1
            async with web(made) as other:
                await other.log_in()


async def test_a_fault_of_ours_is_the_end_of_one(clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> str:
        raise ZeroDivisionError

    with within(), capture_logs() as logs:
        async with opened(make=at()) as made:
            with monkeypatch.context() as patch:
                patch.setattr("proxy.downstream.websocket.not_websocket", fails)
                async with await made.connect() as miner:
                    await miner.say(ASK_FOR_IT)
                    await made.until(lambda: made.reasons())
            async with web(made) as other:
                await other.log_in()
    assert [line["log_level"] for line in logs] == ["error"]


async def test_who_asks_for_nothing_is_closed_at_the_login_deadline(clock: MockClock) -> None:
    with within(100):
        async with opened(Limits(login_seconds=5), make=at()) as made:
            async with await made.connect() as miner:
                assert await miner.hear_rest() == []
            assert made.reasons() == {"login_timeout": 1}


async def test_who_does_not_log_in_is_told_and_closed(clock: MockClock) -> None:
    with within(100):
        async with opened(Limits(login_seconds=5), make=at()) as made, web(made) as miner:
            (line,), code, reason = await miner.hear_rest()
            assert "no login within 5 s" in str(line)
            assert code == 1008
            assert "no login within 5 s" in reason
            await made.until(lambda: not len(made.board))
            assert made.reasons() == {"login_timeout": 1}


async def test_a_message_longer_than_a_line_is_too_long(clock: MockClock) -> None:
    with within():
        async with opened(Limits(line_bytes=2000), make=at()) as made, web(made) as miner:
            await miner.log_in()
            await miner.websocket.send_message("x" * 2001)
            _, code, _ = await miner.hear_rest()
            assert code == 1009
            await made.until(lambda: not len(made.board))
            assert made.reasons() == {"line_too_long": 1}


async def test_fragments_without_content_end_somewhere(clock: MockClock) -> None:
    with within():
        async with opened(Limits(line_bytes=2000), make=at()) as made, await made.connect() as miner:
            stream = miner.stream
            await stream.send_all(ASK_FOR_IT)
            assert b" 101 " in await stream.receive_some(4096)
            empty = b"\x01\x80\0\0\0\0" + b"\x00\x80\0\0\0\0" * 20_000
            with suppress(trio.BrokenResourceError):
                await stream.send_all(empty)
            await made.until(lambda: not len(made.board))
            assert made.reasons() == {"line_too_long": 1}


async def test_a_strangers_message_is_as_short_as_its_lines(clock: MockClock) -> None:
    """Not kept until it is whole, or twenty thousand of them would cost a gigabyte."""
    with within():
        async with opened(Limits(login_line_bytes=1024), make=at()) as made, web(made) as miner:
            with suppress(ConnectionClosed):
                await miner.websocket.send_message("x" * 40_000)
            await made.until(lambda: not len(made.board))
            assert made.reasons() == {"line_too_long": 1}
            assert "limits.login_line_bytes" in made.ended[0].close_detail


async def test_who_has_logged_in_may_say_more(clock: MockClock) -> None:
    with within():
        async with opened(Limits(login_line_bytes=1024), make=at()) as made, web(made) as miner:
            await miner.log_in()
            await miner.websocket.send_message(" " * 12_000)
            await miner.websocket.send_message(json.dumps({"id": 9, "method": "x", "params": []}))
            assert (await miner.hear())["id"] == 9


async def test_after_the_handshake_a_line_has_to_come(clock: MockClock) -> None:
    with within(100):
        limits = Limits(first_line_seconds=2, login_seconds=50)
        async with opened(limits, make=at()) as made, web(made) as miner:
            began = trio.current_time()
            await miner.hear_rest()
            assert trio.current_time() - began < 5
            await made.until(lambda: not len(made.board))
            assert made.reasons() == {"first_line_timeout": 1}


async def test_a_goodbye_is_no_fault_and_a_hang_up_none_either(clock: MockClock) -> None:
    with within():
        async with opened(make=at()) as made:
            async with web(made) as miner:
                await miner.log_in()
                await miner.websocket.aclose()
            await made.until(lambda: not len(made.board))
            assert made.reasons() == {"closed": 1}
            async with web(made) as miner:
                await miner.log_in()
            await made.until(lambda: not len(made.board))
            assert made.reasons() == {"closed": 1, "reset": 1}


async def _nothing(_most: int | None = None) -> bytes:
    await trio.sleep_forever()


async def test_a_slow_reader_is_dropped(clock: MockClock) -> None:
    limits = Limits(outgoing_bytes=5000, requests_per_second=1e6)
    ask = written({"id": 5, "method": "x" * 250, "params": []}).decode()
    with within(1000):
        async with opened(limits, make=at()) as made:
            async with web(made) as miner:
                await miner.log_in()
                # It reads nothing more.
                miner.websocket._stream.receive_some = _nothing  # type: ignore[assignment,method-assign]
                with suppress(ConnectionClosed, trio.BrokenResourceError):
                    while len(made.board):
                        await miner.websocket.send_message(ask * 20)
            await made.until(lambda: not len(made.board))
            assert made.reasons() == {"slow_reader": 1}


async def test_a_flood_is_slowed(clock: MockClock) -> None:
    with within(1000):
        async with opened(Limits(requests_per_second=10), make=at()) as made, web(made) as miner:
            began = trio.current_time()
            for _ in range(200):
                await miner.say(SUBSCRIBE)
            for _ in range(200):
                await miner.hear()
            assert trio.current_time() - began > 5


async def test_while_the_pool_side_is_full_nothing_is_judged(clock: MockClock) -> None:
    with within():
        async with opened(make=at()) as made, web(made) as miner:
            job_id = await miner.log_in()
            made.pool_side.is_full = True
            await miner.say(submit(job_id, "00" * 20))
            await stays_quiet(0.5)
            assert not made.house.judged
            made.pool_side.has_room.set()
            assert await miner.hear() == yes(4)


async def test_full_counts_miners_of_both_kinds(clock: MockClock) -> None:
    with within():
        async with opened(Limits(max_miners=1), make=at()) as made, web(made) as miner:
            await miner.log_in()
            async with await made.connect() as second:
                assert await second.hear_rest() == []
            assert made.reasons() == {"full": 1}


async def test_a_stop_sends_what_waits_and_says_goodbye(clock: MockClock) -> None:
    with within():
        async with opened(make=at()) as made, web(made) as miner:
            job_id = await miner.log_in()
            made.house.verdict = None
            await miner.say(submit(job_id, "00" * 20))
            await made.until(lambda: made.house.unanswered)
            made.board.stop_listening()
            await miner.say(submit(job_id, "01" * 20, request_id=9))
            await stays_quiet(0.5)
            assert len(made.house.judged) == 1
            with pytest.raises(OSError, match="refused"):
                await made.connect()
            made.house.pool_says(Verdict(Reason.LOST))
            made.board.close_all("shutdown")
            lines, code, reason = await miner.hear_rest()
            assert [line["id"] for line in lines] == [4]
            assert (code, reason) == (1001, "shutdown")
            await made.until(lambda: not len(made.board))
            assert made.reasons() == {"shutdown": 1}


async def test_a_cancel_leaves_a_moment_to_say_goodbye_and_no_more(clock: MockClock) -> None:
    tally, sock = Tally(), listening()
    board = Board(FakeHouse(), Limits(), tally, FakePoolSide())
    board.admit_by(at()(sock, door()))
    with within():
        async with await SocketMiner.connect(sock.getsockname()) as miner, trio.open_nursery() as nursery:
            nursery.start_soon(board.run)
            await miner.stream.send_all(ASK_FOR_IT)
            assert b" 101 " in await miner.stream.receive_some(4096)
            while not len(board):  # noqa: ASYNC110  # nothing tells of it
                await trio.sleep(0.05)
            began = trio.current_time()
            nursery.cancel_scope.cancel()
        # It heard a goodbye, and did not say its own.
        assert trio.current_time() - began < 3
        assert tally.disconnects == {("farm", "shutdown"): 1}


async def test_a_cancel_before_it_has_begun_is_an_end(clock: MockClock) -> None:
    board = Board(FakeHouse(), Limits(), Tally(), FakePoolSide())
    board.admit_by(at()(listening(), door()))
    with within():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(board.run)
            nursery.cancel_scope.cancel()


# ---- TLS and load balancers


async def test_over_tls(clock: MockClock, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    tls = ServerTls("listen.farm", authority.issue())
    with within():
        async with opened(make=at(tls=tls)) as made, web(made, tls=authority.client()) as miner:
            await miner.log_in()


async def test_plain_text_on_a_tls_port(clock: MockClock, tmp_path: Path) -> None:
    tls = ServerTls("listen.farm", Authority(tmp_path).issue())
    with within():
        async with opened(make=at(tls=tls)) as made:
            async with await made.connect() as miner:
                await miner.say(b"GET / HTTP/1.1\r\n")
                assert await miner.hear_rest() == []
            await made.until(lambda: not len(made.board))
            assert made.reasons() == {"not_tls": 1}


async def test_a_tls_fault_is_named(clock: MockClock, tmp_path: Path) -> None:
    tls = ServerTls("listen.farm", Authority(tmp_path).issue())
    with within():
        async with opened(make=at(tls=tls)) as made:
            async with await made.connect() as miner:
                await miner.say(b"\x16\x03\x01\x00\x05hello")
                with trio.move_on_after(5):
                    while await miner.stream.receive_some(4096):
                        pass
            await made.until(lambda: not len(made.board))
            assert made.reasons() == {"tls": 1}


@pytest.mark.parametrize("is_tls", [False, True])
async def test_behind_a_balancer(clock: MockClock, tmp_path: Path, is_tls: bool) -> None:
    authority = Authority(tmp_path)
    tls = ServerTls("listen.farm", authority.issue()) if is_tls else None
    context = authority.client() if is_tls else None
    with within():
        make = at(tls=tls, balancers=Balancers(True, ["127.0.0.0/8"]))
        async with opened(make=make) as made, web(made, before=V1, tls=context) as miner:
            await miner.log_in()
            assert made.board.admission.by_address == {"203.0.113.7": 1}


async def test_a_health_check_leaves_no_trace(clock: MockClock) -> None:
    with within():
        async with opened(make=at(balancers=Balancers(True, ["127.0.0.0/8"]))) as made:
            async with await made.connect() as check:
                await check.say(b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00")
                await stays_quiet(0.5)
            await stays_quiet(0.5)
            assert (made.tally.connections, made.tally.disconnects) == ({}, {})


@pytest.mark.parametrize("networks", ["127.0.0.0/8", "192.0.2.0/24"])
async def test_without_a_header_where_one_must_be(clock: MockClock, networks: str) -> None:
    with within():
        async with opened(make=at(balancers=Balancers(True, [networks]))) as made:
            async with await made.connect() as miner:
                await miner.say(b"GET / HTTP/1.1\r\n\r\n")
                assert await miner.hear_rest() == []
            assert made.reasons() == {"proxy_header": 1}
