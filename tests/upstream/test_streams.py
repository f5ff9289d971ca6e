"""A pool behind a WebSocket: lines go in messages, whatever the pieces."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from trio.testing import memory_stream_pair
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream

from proxy.errors import PoolError
from proxy.upstream.streams import MOST_MESSAGE, WebSocketStream

Serve = Callable[[WebSocketConnection], Awaitable[None]]


async def talk(serve: Serve, client: Callable[[WebSocketStream], Awaitable[Any]]) -> None:
    """Have a pool and our side talk."""
    near, far = memory_stream_pair()
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:

            async def pool() -> None:
                request = await wrap_server_stream(nursery, far)
                await serve(await request.accept())

            nursery.start_soon(pool)
            stream = WebSocketStream(near)
            await stream.ask("pool.example:80", "")
            await client(stream)
            await stream.aclose()
            nursery.cancel_scope.cancel()


async def test_each_line_is_a_message() -> None:
    heard: list[object] = []

    async def serve(websocket: WebSocketConnection) -> None:
        heard.extend([await websocket.get_message() for _ in range(3)])
        await websocket.send_message("done")

    async def client(stream: WebSocketStream) -> None:
        await stream.wait_send_all_might_not_block()
        await stream.send_all(b'{"id":1}\n{"id"')
        await stream.send_all(b':2}\n{"id":3}\n')
        assert await stream.receive_some() == b"done\n"

    await talk(serve, client)
    assert heard == ['{"id":1}', '{"id":2}', '{"id":3}']


async def test_messages_are_lines() -> None:
    async def serve(websocket: WebSocketConnection) -> None:
        for message in ("one", "two\n", b"three\nfour"):
            await websocket.send_message(message)

    async def client(stream: WebSocketStream) -> None:
        text = b""
        while text.count(b"\n") < 4:
            text += await stream.receive_some(3)
        assert text == b"one\ntwo\nthree\nfour\n"

    await talk(serve, client)


async def test_a_ping_is_answered_while_lines_are_read() -> None:
    async def serve(websocket: WebSocketConnection) -> None:
        await websocket.ping(b"there?")
        await websocket.send_message("pong heard")

    async def client(stream: WebSocketStream) -> None:
        assert await stream.receive_some() == b"pong heard\n"

    await talk(serve, client)


async def test_a_goodbye_is_the_end() -> None:
    async def serve(websocket: WebSocketConnection) -> None:
        await websocket.send_message("last")
        await websocket.aclose()

    async def client(stream: WebSocketStream) -> None:
        assert await stream.receive_some() == b"last\n"
        assert await stream.receive_some() == b""
        with pytest.raises(trio.BrokenResourceError):
            await stream.send_all(b"more\n")

    await talk(serve, client)


async def test_our_goodbye_is_heard() -> None:
    codes: list[int] = []
    gone = trio.Event()

    async def serve(websocket: WebSocketConnection) -> None:
        with pytest.raises(ConnectionClosed) as caught:
            await websocket.get_message()
        codes.append(caught.value.reason.code)  # type: ignore[union-attr]
        gone.set()

    async def client(stream: WebSocketStream) -> None:
        await stream.aclose()
        await gone.wait()

    await talk(serve, client)
    assert codes == [1000]


async def test_a_message_without_end_is_refused() -> None:
    async def serve(websocket: WebSocketConnection) -> None:
        await websocket.send_message("x" * (MOST_MESSAGE + 1))

    async def client(stream: WebSocketStream) -> None:
        with pytest.raises(PoolError, match="a message of more than"):
            await stream.receive_some()

    await talk(serve, client)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "no WebSocket: HTTP status 404"),
        (b'{"id":null}\n\n', "no WebSocket: "),
        (b"", "closed before there was a WebSocket"),
    ],
)
async def test_what_is_no_websocket(answer: bytes, said: str) -> None:
    near, far = memory_stream_pair()
    async with trio.open_nursery() as nursery:

        async def pool() -> None:
            await far.receive_some()
            await far.send_all(answer)
            await far.send_eof()

        nursery.start_soon(pool)
        with pytest.raises(PoolError, match=said):
            await WebSocketStream(near).ask("pool.example:80", "/x")
