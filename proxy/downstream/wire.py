"""The stream under a WebSocket: a miner's socket, what was read of it ahead, and its turns at a handshake.

Strategy: the same for ws and wss, where TLS reads from it.  Until there is a WebSocket each step waits for
its turn, one for each round of the scheduler, so that a crowd that comes does not hold up all others.
The trap: whoever reads a WebSocket's first request is not told that none will come; so the end of the
stream is passed on by a call.
"""

import sys
from collections.abc import Callable

import trio

PEEK = 64


class Wire(trio.abc.Stream):
    """A miner's socket.

    Args:
        ahead: bytes that were read already, behind a PROXY header.
        turns: whoever has it goes on with its handshake.

    `unheard` is how many bytes have come since heard() was called, `most` how many may; `shaking` is whether
    there is no WebSocket yet; `on_end` is called when no more comes, `is_closed` is whether that was our
    doing.
    """

    def __init__(self, stream: trio.SocketStream, ahead: bytes, turns: trio.StrictFIFOLock) -> None:
        self.shaking = True
        self.is_closed = False
        self.unheard = 0
        self.most = sys.maxsize
        self.on_end: Callable[[], None] = lambda: None
        self._stream = stream
        self._ahead = ahead
        self._turns = turns

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Read what has come."""
        if self._ahead:
            await trio.lowlevel.checkpoint()
            data, self._ahead = self._ahead[:max_bytes], self._ahead[max_bytes or len(self._ahead) :]
        else:
            try:
                data = bytes(await self._stream.receive_some(max_bytes))
            except trio.BrokenResourceError:
                self.on_end()
                raise
        self.unheard += len(data)
        if self.is_too_much:
            # Fragments without content and pings never make a message, and each is kept or answered.
            await self.aclose()
            raise trio.BrokenResourceError("too much that is no message")
        if not data:
            self.on_end()
        elif self.shaking:
            async with self._turns:
                pass
        return data

    @property
    def is_too_much(self) -> bool:
        """Whether more has come than may without a message."""
        return self.unheard > self.most

    def heard(self) -> None:
        """A message has come of it."""
        self.unheard = 0

    async def peek(self) -> bytes:
        """Look at the first bytes, which are read again; b"" if none come."""
        if not self._ahead:
            self._ahead = await self.receive_some(PEEK)
        return self._ahead

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of it."""
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait for room."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the socket."""
        self.is_closed = True
        self.on_end()
        await self._stream.aclose()
