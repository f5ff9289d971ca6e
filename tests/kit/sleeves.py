"""What puts plain TCP into TLS or a WebSocket, and takes it out again: the simulated ends speak neither.

Strategy: a listener on loopback that connects each of its connections on, and pumps; one end is plain.
"""

import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_client_stream, wrap_server_stream

from tests.kit.certificates import over_tls

Open = Callable[[trio.Nursery, trio.abc.Stream], Awaitable[Any]]


def tls_in(context: ssl.SSLContext) -> Open:
    """Speak TLS as a server."""

    async def made(_nursery: trio.Nursery, stream: trio.abc.Stream) -> Any:
        return trio.SSLStream(stream, context, server_side=True, https_compatible=True)

    return made


def tls_out(context: ssl.SSLContext) -> Open:
    """Speak TLS as a client."""

    async def made(_nursery: trio.Nursery, stream: trio.abc.Stream) -> Any:
        return over_tls(stream, context)

    return made


async def plain(_nursery: trio.Nursery, stream: trio.abc.Stream) -> Any:
    """Speak as it is."""
    return stream


async def websocket_in(nursery: trio.Nursery, stream: trio.abc.Stream) -> Any:
    """Speak WebSocket as a server."""
    request = await wrap_server_stream(nursery, stream)
    return _Lines(await request.accept())


async def websocket_out(nursery: trio.Nursery, stream: trio.abc.Stream) -> Any:
    """Speak WebSocket as a client."""
    return _Lines(await wrap_client_stream(nursery, stream, "localhost", "/"))  # type: ignore[arg-type]


async def sleeve(
    port: int, front: Open, back: Open, task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED
) -> None:
    """Connect everybody who comes on to a port, until cancelled.

    Args:
        front: what those who come speak.
        back: what is spoken at the port.
    Returns: by its status, the port of the sleeve.
    """

    async def handle(stream: trio.SocketStream) -> None:
        async with stream, await trio.open_tcp_stream("127.0.0.1", port) as there:
            try:
                async with trio.open_nursery() as nursery:
                    near, far = await front(nursery, stream), await back(nursery, there)
                    nursery.start_soon(_pump, near, far, nursery.cancel_scope)
                    nursery.start_soon(_pump, far, near, nursery.cancel_scope)
            except* (trio.BrokenResourceError, ConnectionClosed):
                pass  # one of the two has gone

    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    task_status.started(listener.socket.getsockname()[1])
    await trio.serve_listeners(handle, [listener])


async def _pump(source: Any, sink: Any, scope: trio.CancelScope) -> None:
    with suppress(trio.BrokenResourceError, trio.ClosedResourceError, ConnectionClosed):
        while data := await source.receive_some():
            await sink.send_all(data)
    scope.cancel()


class _Lines:
    """A WebSocket as a stream of lines."""

    def __init__(self, websocket: WebSocketConnection) -> None:
        self._websocket = websocket
        self._rest = b""

    async def receive_some(self) -> bytes:
        message = await self._websocket.get_message()
        return (message.encode() if isinstance(message, str) else message) + b"\n"

    async def send_all(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + bytes(data)).split(b"\n")
        for line in lines:
            await self._websocket.send_message(line.decode())
