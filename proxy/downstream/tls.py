"""A miner's connection over TLS, on the same board as the plain ones.

Strategy: what stands in the place of its socket deciphers as it is read, so the board asks nothing of a
connection that a plain one would have to answer, too.  Sent is what the codec makes of the text; the
leftover is what is on its way to the wire, so its bound holds for bytes as they are kept.
The trap: a handshake costs as much as fifty shares, and a farm that comes back brings thousands at once.
So none is begun by reading; it takes its turn (Handshakes), a few between two batches of the board.
"""

import contextlib
import socket
from collections import deque
from collections.abc import Callable
from typing import cast

import trio

from proxy.downstream.connection import Connection
from proxy.downstream.patience import secured_deadline
from proxy.downstream.tlscodec import TlsCodec
from proxy.errors import MinerError
from proxy.wire.detect import not_tls

TURNS = 4  # handshake steps between two batches: some 3 ms, as long as a batch
NOT_TLS, TLS_FAULT = "not_tls", "tls"  # why a connection ended


class TlsConnection(Connection):
    """A miner's socket with its session, and the codec between.

    Args:
        ahead: bytes of the wire that were read already, behind a PROXY header.
        queue: called when it wants a turn for its handshake.
    """

    __slots__ = ("_ahead", "_codec", "_queue", "_raw", "_untouched", "_waits", "has_turn")

    is_plain = False

    def __init__(
        self,
        sock: socket.socket,
        address: str,
        limit: int,
        budget: float,
        codec: TlsCodec,
        ahead: bytes,
        queue: Callable[[Connection], None],
    ) -> None:
        super().__init__(sock, address, limit, budget)
        self._raw = sock
        self._codec = codec
        self._ahead = ahead
        self._queue = queue
        self._untouched = True
        self._waits = False
        self.has_turn = False
        # Of a socket all that a connection and the board use.
        self.sock = cast("socket.socket", _Deciphered(self))

    def send(self, data: bytes) -> str:
        """Send without blocking; returns as Connection.send()."""
        data = self._codec.send(data)
        return super().send(data) if data else ""

    def hang_up(self, last_words: bool) -> None:
        """Close the socket; see Connection.hang_up()."""
        self.sock = self._raw
        if not self.leftover:
            farewell = self._codec.close()
            with contextlib.suppress(OSError):
                self._raw.send(farewell)
        super().hang_up(last_words)

    def _shut(self) -> None:
        self._raw.shutdown(socket.SHUT_WR)

    def _send_raw(self, data: bytes) -> str:
        return super().send(data)

    def receive(self, size: int) -> bytes:
        """Read what has come, deciphered; as a socket's recv().

        Raises: BlockingIOError if there is nothing for the session, OSError.
        """
        codec = self._codec
        if codec.shaking and not self.has_turn:
            if self._waits:
                # It is not asked for what it sends meanwhile, so this is its end, and would be told for ever.
                raise ConnectionResetError
            self._waits = True
            self._queue(self)
            raise BlockingIOError
        self._waits = self.has_turn = False
        data, self._ahead = self._ahead or self._raw.recv(size), b""
        if not data:
            return b""
        fault = ""
        if self._untouched:
            self._untouched = False
            fault = not_tls(data)
        if fault:
            # In the clear, for who speaks so reads so.
            self._send_raw(self.session.flow.fault(fault))
            self.session.close(NOT_TLS, fault)
            raise BlockingIOError
        text = self._decipher(data)
        if not text and not codec.ended:
            raise BlockingIOError
        return text

    def _decipher(self, data: bytes) -> bytes:
        text = b""
        was_shaking = self._codec.shaking
        try:
            text = self._codec.receive(data)
        except MinerError as error:
            self.session.close(TLS_FAULT, str(error))
        if was_shaking and not self._codec.shaking:
            session, now = self.session, trio.current_time()
            session.deadline = secured_deadline(session.door.limits, session.standing.changed, now)
        answer = self._codec.take()
        if answer:
            fault = self._send_raw(answer)
            if fault:
                self.session.close(fault, "of TLS's own messages")
            elif self.leftover:
                self.session.wake()  # the end of the batch sees to the rest
        return text


class _Deciphered:
    """Stands where a connection has its socket; what it gives was deciphered."""

    __slots__ = ("_connection",)

    def __init__(self, connection: TlsConnection) -> None:
        self._connection = connection

    def recv(self, size: int) -> bytes:
        """Read what has come."""
        return self._connection.receive(size)

    def send(self, data: bytes) -> int:
        """Send bytes of the wire."""
        return self._connection._raw.send(data)


class Handshakes:
    """Connections whose handshake wants to go on, in the order they came.

    Args:
        serve: lets a connection go on.
        flush: sends what came of it.
    """

    def __init__(self, serve: Callable[[Connection, float], None], flush: Callable[[], None]) -> None:
        self._serve = serve
        self._flush = flush
        # No longer than there are miners: one that waits is not read, so it is not in here twice.
        self._waiting: deque[Connection] = deque()
        self._came = trio.Event()

    def add(self, connection: Connection) -> None:
        """Let a connection wait for its turn."""
        self._waiting.append(connection)
        self._came.set()

    async def run(self) -> None:
        """Give turns, until cancelled."""
        while True:
            await self._came.wait()
            self._came = trio.Event()
            while self._waiting:
                now, turns = trio.current_time(), 0
                while self._waiting and turns < TURNS:
                    connection = self._waiting.popleft()
                    if connection.sock is not None:
                        turns += 1
                        self._serve(connection, now)
                self._flush()
                await trio.lowlevel.checkpoint()
