"""Streams to a pool that are more than a socket: bytes read ahead, and lines in a WebSocket.

Strategy: whoever talks to the pool reads and writes bytes, and knows of neither.
The trap: a WebSocket's pings are answered by the reader, while the writer may be in the middle of a
message; so everything goes out under one lock.
"""

import trio
from wsproto import ConnectionType, WSConnection
from wsproto import events as ws
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from proxy.errors import PoolError

RECEIVE_BYTES = 65_536
CLOSE_SECONDS = 1  # for a goodbye, where the socket takes no more
MOST_MESSAGE = 1_048_576  # bytes that are kept of one message; a job has some hundred


class Ahead(trio.abc.Stream):
    """A socket of which some was read already."""

    def __init__(self, stream: trio.SocketStream, ahead: bytes) -> None:
        self._stream = stream
        self._ahead = ahead

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Read what has come."""
        if not self._ahead:
            return await self._stream.receive_some(max_bytes)
        await trio.lowlevel.checkpoint()
        data, self._ahead = self._ahead[:max_bytes], self._ahead[max_bytes or len(self._ahead) :]
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of it."""
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait for room."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the socket."""
        await self._stream.aclose()


class WebSocketStream(trio.abc.Stream):
    """Lines in messages, one each; a message that comes may hold several, and ends the last of them.

    Args:
        stream: to the pool, on which nothing has been said.
    """

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self._websocket = WSConnection(ConnectionType.CLIENT)
        self._lock = trio.StrictFIFOLock()
        self._message = bytearray()  # what has come of one that is not whole
        self._lines = bytearray()  # of those that are
        self._unsent = b""  # of a line whose end is still to come
        self._is_open = self._has_ended = False

    async def ask(self, host: str, path: str) -> None:
        """Ask for a WebSocket.

        Args:
            host: with the port, as HTTP has it.
        Raises: PoolError if there is none.
        """
        await self._send(ws.Request(host=host, target=path or "/"))
        while not self._is_open:
            data = await self._stream.receive_some(RECEIVE_BYTES)
            if not data:
                raise PoolError("closed before there was a WebSocket; is it one?")
            await self._take(bytes(data))

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Read lines; as many as there are, up to a bound."""
        while not self._lines and not self._has_ended:
            data = await self._stream.receive_some(RECEIVE_BYTES)
            if not data:
                break
            await self._take(bytes(data))
        lines = bytes(self._lines[:max_bytes])
        del self._lines[: len(lines)]
        return lines

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send lines, a message each."""
        *lines, self._unsent = (self._unsent + bytes(data)).split(b"\n")
        for line in lines:
            await self._send(ws.TextMessage(data=line.decode()))

    async def wait_send_all_might_not_block(self) -> None:
        """Wait for room."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Say goodbye, without waiting for the pool's, and close."""
        try:
            with trio.move_on_after(CLOSE_SECONDS):
                await self._send(ws.CloseConnection(code=1000))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # it has gone without
        finally:
            await trio.aclose_forcefully(self._stream)

    async def _take(self, data: bytes) -> None:
        try:
            self._websocket.receive_data(data)
            for event in self._websocket.events():
                await self._on_event(event)
        except RemoteProtocolError as error:
            what = "no WebSocket" if not self._is_open else "broken WebSocket"
            raise PoolError(f"{what}: {error}") from None

    async def _on_event(self, event: ws.Event) -> None:
        if isinstance(event, ws.TextMessage | ws.BytesMessage):
            data = event.data
            self._message += data.encode() if isinstance(data, str) else data
            if len(self._message) > MOST_MESSAGE:
                raise PoolError(f"a message of more than {MOST_MESSAGE} bytes")
            if event.message_finished:
                self._lines += self._message.rstrip(b"\n") + b"\n"
                self._message.clear()
        elif isinstance(event, ws.Ping):
            await self._send(event.response())
        elif isinstance(event, ws.AcceptConnection):
            self._is_open = True
        elif isinstance(event, ws.RejectConnection):
            raise PoolError(f"no WebSocket: HTTP status {event.status_code}")
        elif isinstance(event, ws.CloseConnection):
            self._has_ended = True

    async def _send(self, event: ws.Event) -> None:
        async with self._lock:
            try:
                data = self._websocket.send(event)
            except LocalProtocolError:
                raise trio.BrokenResourceError("the pool has closed the WebSocket") from None
            await self._stream.send_all(data)
