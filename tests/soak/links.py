"""The wire between two programs, as bad as it is ordered to be: a TCP relay that delays, breaks and loses.

Strategy: one task a direction and connection; it reads, waits, writes.  What a link does is a state of the
whole link, looked at for every chunk, so that a fault meets the connections that are there and those that
come.  No byte is ever changed: a line of garbage is one of its own, between two lines.
The trap: bytes that a link has swallowed are missing for ever, where a real network would send them again.
So a connection that has lost any is never heard of again, and reset when the link is well again.
"""

import random
import socket
import struct
from enum import StrEnum

import attrs
import trio
from trio_websocket import HandshakeError

from tests.soak.dialling import Dial

CHUNK = 65_536
MOST_CALLS = 5_000  # connections at once, in both directions two files each
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, no time


class Fault(StrEnum):
    """What can be wrong with a link; RESET, CUT and SILENCE last until it is healed."""

    RESET = "reset"  # every connection is reset, and each new one at once
    CUT = "cut"  # packets vanish, both ways
    SILENCE = "silence"  # what the far end says vanishes, what it is told arrives
    GARBAGE = "garbage"  # one line that makes no sense, in the name of the far end


@attrs.frozen(kw_only=True)
class Manner:
    """How a link is while it is well.

    Args:
        delay: seconds that each chunk takes.
        jitter: seconds at most on top, another each time.
        drip: deliver byte by byte.
    """

    delay: float = 0.0
    jitter: float = 0.0
    drip: bool = False


@attrs.define(eq=False)
class Call:
    """One connection: the end that dialled, the end that was dialled and its socket, and what is amiss."""

    near: trio.SocketStream
    far: trio.abc.Stream
    far_socket: trio.SocketStream
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    has_lost: bool = False
    garbage: bytes = b""


class Link:
    """A relay to one address.

    Args:
        dial: reaches the far end.
        seed: of the jitter.

    Attributes:
        port: where it listens on loopback, once run() has started.
        swallowed: bytes that vanished.
    """

    def __init__(self, dial: Dial, manner: Manner, seed: int) -> None:
        self.port = 0
        self.fault: Fault | None = None
        self.swallowed = 0
        self.calls: set[Call] = set()
        self._dial = dial
        self._manner = manner
        self._random = random.Random(seed)

    async def run(self, *, task_status: "trio.TaskStatus[Link]" = trio.TASK_STATUS_IGNORED) -> None:
        """Relay until cancelled."""
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.port = listeners[0].socket.getsockname()[1]
        task_status.started(self)
        await trio.serve_listeners(self._serve, listeners)

    # ---- faults

    def break_down(self, fault: Fault) -> None:
        """Be faulty from now on; GARBAGE is over as soon as it is said."""
        if fault is Fault.GARBAGE:
            for call in self.calls:
                call.garbage = b"%%% not JSON\n"
            return
        self.fault = fault
        if fault is Fault.RESET:
            for call in list(self.calls):
                self._reset(call)

    def heal(self) -> None:
        """Be well again; a connection that has lost bytes is reset."""
        self.fault = None
        for call in list(self.calls):
            if call.has_lost:
                self._reset(call)

    @staticmethod
    def _reset(call: Call) -> None:
        for end in (call.near, call.far_socket):
            _close_hard(end)
        call.scope.cancel()

    # ---- bytes

    async def _serve(self, near: trio.SocketStream) -> None:
        if self._refuses() or len(self.calls) >= MOST_CALLS:
            _close_hard(near)
            await trio.lowlevel.checkpoint()
            return
        async with trio.open_nursery() as nursery:  # a WebSocket has a task of its own
            try:
                far, far_socket = await self._dial(nursery)
            except (OSError, trio.BrokenResourceError, HandshakeError):
                _close_hard(near)
                return
            call = Call(near, far, far_socket)
            if self._refuses():  # by now
                self._reset(call)
            else:
                await self._talk(call)
            nursery.cancel_scope.cancel()

    async def _talk(self, call: Call) -> None:
        self.calls.add(call)
        try:
            with call.scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._pass, call, call.near, call.far)
                    nursery.start_soon(self._pass, call, call.far, call.near)
        finally:
            self.calls.discard(call)
            for end in (call.near, call.far_socket):
                end.socket.close()  # without waiting, or a cancelled link would keep the second open

    def _refuses(self) -> bool:
        return self.fault is Fault.RESET

    async def _pass(self, call: Call, source: trio.abc.Stream, sink: trio.abc.Stream) -> None:
        inward = sink is call.near
        try:
            while data := await source.receive_some(CHUNK):
                if self._vanishes(call, inward):
                    self.swallowed += len(data)
                    continue
                if self._manner.delay or self._manner.jitter:
                    await trio.sleep(self._manner.delay + self._random.random() * self._manner.jitter)
                await self._deliver(sink, bytes(data))
                if inward and call.garbage and data.endswith(b"\n"):
                    garbage, call.garbage = call.garbage, b""
                    await sink.send_all(garbage)
            if self._vanishes(call, inward):  # so does the end of it
                await trio.sleep_forever()
            if isinstance(sink, trio.SocketStream):
                await sink.send_eof()
            else:  # has no half an end
                await sink.aclose()
        except (trio.BrokenResourceError, trio.ClosedResourceError, OSError):
            if self._vanishes(call, inward):
                await trio.sleep_forever()
            self._reset(call)

    def _vanishes(self, call: Call, inward: bool) -> bool:
        """Whether what comes now is lost, which a connection never gets over."""
        if self.fault is Fault.CUT or (self.fault is Fault.SILENCE and inward):
            call.has_lost = True
        return call.has_lost and (inward or self.fault is not Fault.SILENCE)

    async def _deliver(self, sink: trio.abc.Stream, data: bytes) -> None:
        if not self._manner.drip:
            await sink.send_all(data)
            return
        for place in range(len(data)):
            await sink.send_all(data[place : place + 1])
            await trio.lowlevel.checkpoint()


def _close_hard(stream: trio.SocketStream) -> None:
    """Close with a reset instead of an end."""
    if stream.socket.fileno() >= 0:
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        stream.socket.close()
