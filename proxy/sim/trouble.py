"""What a miner does on a second connection: everything that would spoil its first.

Strategy: each of these opens a connection, does its one thing, waits for what the server makes of it
and books that; the server has to bear it without the others noticing.  Nothing waits longer than `hold`.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import attrs
import trio

from proxy.errors import PoolError
from proxy.sim import ear
from proxy.sim.faults import Shot
from proxy.sim.link import RECEIVE_BYTES, Manners
from proxy.sim.report import FarmReport
from proxy.sim.verdicts import Kind, deserts, reason_of
from proxy.wire.lines import LineBuffer

LONG_LINE_BYTES = 1_000_000
SUBMIT_ID = 9
DRAIN_SECONDS = 0.1  # what was sent to a reader that did not read is there already
JUNK = b"\x00\xff%%% this is not JSON\n" * 50
_GONE = (trio.BrokenResourceError, trio.ClosedResourceError)

Dial = Callable[[], Awaitable[trio.abc.Stream]]


@attrs.frozen
class Troublemaker:
    """Makes trouble on connections of its own.

    Args:
        dial: opens one.
        manners: what it says, in the dialect spoken.
        hold: seconds to wait for an answer, or to hold on to a connection in silence.
        against: who judges, a key of DESERVED.
    """

    dial: Dial
    manners: Manners
    report: FarmReport
    hold: float
    against: str

    async def make(self, kind: Kind, shot: Shot) -> None:
        """Make one trouble.

        Args:
            shot: a good share, for the kinds that send one.
        """
        try:
            stream = await self.dial()
        except OSError:
            self._book(kind, "no_connection")
            return
        try:
            await self._make(kind, stream, shot)
        except _GONE:
            self._book(kind, "closed")
        finally:
            await trio.aclose_forcefully(stream)

    async def _make(self, kind: Kind, stream: trio.abc.Stream, shot: Shot) -> None:
        match kind:
            case Kind.UNAUTHORIZED | Kind.NOT_SUBSCRIBED:
                await self._refused_share(kind, stream, self.manners.before_share[kind], shot)
            case Kind.SLOW_READER:
                await stream.send_all(self.manners.hello)
                # Not reading is the point; whether we were dropped shows at the end.
                await trio.sleep(self.hold)
                self._book(kind, "closed" if await self._is_closed(stream) else "kept")
            case Kind.HALF_LINE:
                await self._say(kind, stream, self.manners.half_line)
            case Kind.JUNK:
                await self._say(kind, stream, JUNK)
            case _:
                await self._say(kind, stream, self.manners.half_line + b"0" * LONG_LINE_BYTES)

    async def _say(self, kind: Kind, stream: trio.abc.Stream, data: bytes) -> None:
        """Send bytes that make no line, or no sense, and wait for the server to close."""
        with trio.move_on_after(self.hold) as waiting:
            with suppress(*_GONE):
                await stream.send_all(data)
            await self._read_to_end(stream)
        self._book(kind, "kept" if waiting.cancelled_caught else "closed")

    async def _is_closed(self, stream: trio.abc.Stream) -> bool:
        with trio.move_on_after(DRAIN_SECONDS) as waiting:
            await self._read_to_end(stream)
        return not waiting.cancelled_caught

    async def _read_to_end(self, stream: trio.abc.Stream) -> None:
        with suppress(*_GONE):
            while await stream.receive_some(RECEIVE_BYTES):
                pass

    async def _refused_share(self, kind: Kind, stream: trio.abc.Stream, hello: bytes, shot: Shot) -> None:
        self.report.sent[kind.value] += 1
        reply = None
        try:
            with trio.move_on_after(self.hold), suppress(PoolError, *_GONE):
                await stream.send_all(hello + self.manners.submit(SUBMIT_ID, shot.params))
                reply = await self._reply(stream)
        finally:
            self.report.dropped += reply is None
        if reply is None:
            return
        reason = reason_of(reply.ok, reply.text)
        self.report.answered(kind, reason)
        if reason in deserts(self.against)[kind]:
            self.report.expected += 1
        else:
            self.report.surprise(f"a share before login ({kind.value}) got {reply.text or reply.ok}")

    async def _reply(self, stream: trio.abc.Stream) -> ear.Reply | None:
        hearing = self.manners.ear(self.report.violations)
        lines = LineBuffer(LONG_LINE_BYTES)
        while data := await stream.receive_some(RECEIVE_BYTES):
            for line in lines.feed(bytes(data)):
                heard = hearing.hear(line)
                if isinstance(heard, ear.Reply) and heard.id == SUBMIT_ID:
                    return heard
        return None

    def _book(self, kind: Kind, outcome: str) -> None:
        self.report.troubles[f"{kind.value}: {outcome}"] += 1
