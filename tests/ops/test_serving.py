"""HTTP on a real port: how much of it there may be, and how it ends."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest
import trio
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from trio.testing import MockClock

from proxy.downstream.certificates import make_context
from proxy.downstream.listeners import bind_tcp
from proxy.ops import serving
from proxy.ops.serving import SEND_SECONDS, TlsOfNow, TurnedStream, serve
from proxy.ops.turns import Turns
from tests.downstream.boards import open_files
from tests.kit.certificates import Authority, over_tls
from tests.kit.miners import within

REQUEST = b"GET /x HTTP/1.1\r\nHost: sluice\r\n\r\n"
LARGE = 4_000_000


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer by the path."""
    if scope["path"] == "/fails":
        raise LookupError("a bug")
    body = "x" * LARGE if scope["path"] == "/large" else f"{scope['scheme']} {scope['path']}"
    await PlainTextResponse(body)(scope, receive, send)


@pytest.fixture
def clock() -> MockClock:
    """Let time jump once nothing has happened for some real milliseconds."""
    return MockClock(autojump_threshold=0.005)


async def asked(stream: trio.abc.Stream, said: bytes = REQUEST) -> bytes:
    """Say something and hear one answer, as far as there is one."""
    await stream.send_all(said)
    heard = b""
    while not (match := re.search(rb"content-length: ([0-9]+)\r\n(?s:.*?)\r\n\r\n", heard)) or (
        len(heard) < match.end() + int(match[1])
    ):
        data = await stream.receive_some()
        if not data:
            break
        heard += data
    return heard


@attrs.define
class Served:
    """A port with the application behind it."""

    port: int
    scope: trio.CancelScope

    async def stream(self) -> trio.SocketStream:
        """Connect."""
        return await trio.open_tcp_stream("127.0.0.1", self.port)

    async def ask(self, said: bytes = REQUEST) -> bytes:
        """Say something and hear the answer."""
        async with await self.stream() as stream:
            return await asked(stream, said)


def _plain() -> None:
    return None


@asynccontextmanager
async def served(tls: TlsOfNow = _plain) -> AsyncIterator[Served]:
    """Serve; nothing is left open at the end."""
    files = open_files()
    sock = bind_tcp("http.address", "127.0.0.1", 0, "127.0.0.1:0")
    port = sock.getsockname()[1]
    with within():
        async with trio.open_nursery() as nursery:
            await nursery.start(serve, app, sock, Turns(), tls)
            yield Served(port, nursery.cancel_scope)
            nursery.cancel_scope.cancel()
    assert open_files() <= files


async def test_several_requests_on_one_connection() -> None:
    async with served() as at, await at.stream() as stream:
        for _ in range(3):
            assert (await asked(stream)).endswith(b"\r\n\r\nhttp /x")


async def test_a_bug_is_one_answer_and_the_next_request_is_served() -> None:
    async with served() as at:
        assert (await at.ask(b"GET /fails HTTP/1.1\r\nHost: x\r\n\r\n")).startswith(b"HTTP/1.1 500")
        assert (await at.ask()).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("flaw", [LookupError("a bug"), ExceptionGroup("of tasks", [ValueError("a bug")])])
async def test_a_defect_of_the_server_itself_ends_that_connection_and_no_more(
    monkeypatch: pytest.MonkeyPatch, flaw: Exception
) -> None:
    async with served() as at:
        with monkeypatch.context() as patch:

            async def run(_self: object) -> None:
                raise flaw

            patch.setattr(serving._Connection, "run", run)
            assert await at.ask() == b""
        assert (await at.ask()).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "junk",
    [b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"\x00" * 100, b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 5000],
)
async def test_junk_is_refused(junk: bytes) -> None:
    async with served() as at:
        async with await at.stream() as stream:
            await stream.send_all(junk)
            await stream.send_eof()
            assert bytes(await stream.receive_some())[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 431", b"")
        assert (await at.ask()).startswith(b"HTTP/1.1 200")


async def test_only_so_many_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "MOST_CONNECTIONS", 2)
    answered = trio.Event()

    async def be_third(at: Served) -> None:
        assert (await at.ask()).startswith(b"HTTP/1.1 200")
        answered.set()

    async with served() as at, trio.open_nursery() as nursery:
        first, second = [await at.stream() for _ in range(2)]
        for stream in (first, second):
            await asked(stream)
        nursery.start_soon(be_third, at)
        for _ in range(10):
            await asked(second)
        assert not answered.is_set()
        await first.aclose()
        await answered.wait()
        await second.aclose()


async def test_a_reader_that_does_not_read_does_not_hold_up_the_end() -> None:
    async with served() as at:
        stream = await at.stream()
        await stream.send_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        await stream.receive_some(10)
        at.scope.cancel()
        stream.socket.close()


async def test_nor_holds_a_connection_for_ever(clock: MockClock) -> None:
    ours, theirs = trio.socket.socketpair()
    with theirs:
        stream = TurnedStream(ours, Turns())
        with pytest.raises(trio.BrokenResourceError, match="does not read"):
            await stream.send_all(bytes(LARGE))
        assert trio.current_time() >= SEND_SECONDS
        stream.close_now()
        stream.close_now()


async def test_tls_with_the_certificate_of_the_moment(tmp_path: Path) -> None:
    first, second = Authority(tmp_path), Authority(tmp_path)
    contexts = [make_context("http", one.issue())[0] for one in (first, second)]
    now = 0

    async def ask(trusted: Authority, at: Served) -> bytes:
        async with over_tls(await at.stream(), trusted.client()) as stream:
            return await asked(stream)

    async with served(lambda: contexts[now]) as at:
        assert (await ask(first, at)).endswith(b"https /x")
        now = 1
        assert (await ask(second, at)).endswith(b"https /x")
        with pytest.raises(trio.BrokenResourceError):
            await ask(first, at)
        assert await at.ask() == b"", "what is not TLS is not answered"
