"""How a link reaches its far end: by TCP, by TLS, or by WebSocket.

Strategy: miners of ours speak plain TCP only, so a link that leads to another kind of door dials it in that
kind's way, and all miners can come by it.  Every way gives the stream to talk by and the socket beneath it,
which is what is reset when the link is to break.
"""

import ssl
from collections.abc import Awaitable, Callable
from functools import partial

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_client_stream

Dialled = tuple[trio.abc.Stream, trio.SocketStream]
Dial = Callable[[trio.Nursery], Awaitable[Dialled]]

SERVER = "localhost"  # whom the certificate is for


class Messages(trio.abc.Stream):
    """A WebSocket as a stream of lines: a message is one line, or several when we send them."""

    def __init__(self, websocket: WebSocketConnection) -> None:
        self._websocket = websocket

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send what came in one piece as one message; bytes that are no text as they are."""
        raw = bytes(data)
        try:
            message: str | bytes = raw.decode()
        except UnicodeDecodeError:
            message = raw
        try:
            await self._websocket.send_message(message)
        except ConnectionClosed as error:
            raise trio.BrokenResourceError from error

    async def wait_send_all_might_not_block(self) -> None:
        """Never known here."""
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return one message and its end of line; nothing once it is closed."""
        try:
            message = await self._websocket.get_message()
        except ConnectionClosed:
            return b""
        return (message.encode() if isinstance(message, str) else bytes(message)) + b"\n"

    async def aclose(self) -> None:
        """Say goodbye."""
        await self._websocket.aclose()


def by_tcp(host: str, port: int) -> Dial:
    """Dial plain TCP."""
    return partial(_tcp, host, port)


def by_tls(host: str, port: int, context: ssl.SSLContext) -> Dial:
    """Dial TLS."""
    return partial(_tls, host, port, context)


def by_websocket(host: str, port: int) -> Dial:
    """Dial a WebSocket without TLS."""
    return partial(_websocket, host, port)


async def _tcp(host: str, port: int, nursery: trio.Nursery) -> Dialled:
    stream = await trio.open_tcp_stream(host, port)
    return stream, stream


async def _tls(host: str, port: int, context: ssl.SSLContext, nursery: trio.Nursery) -> Dialled:
    stream = await trio.open_tcp_stream(host, port)
    shaken = trio.SSLStream(stream, context, server_hostname=SERVER, https_compatible=True)
    try:
        await shaken.do_handshake()
    except BaseException:
        stream.socket.close()
        raise
    return shaken, stream


async def _websocket(host: str, port: int, nursery: trio.Nursery) -> Dialled:
    stream = await trio.open_tcp_stream(host, port)
    try:
        websocket = await wrap_client_stream(nursery, stream, f"{host}:{port}", "/")
    except BaseException:
        stream.socket.close()
        raise
    return Messages(websocket), stream
