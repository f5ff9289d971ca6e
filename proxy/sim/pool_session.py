"""One connection to the simulated pool, as far as the dialect does not matter.

Strategy: a reader and a writer task; the writer sends what say() queued, so that a miner which stops
reading holds up nobody but itself.  Verdicts take the way through _settle(), where the ordered faults
sit: held back, put out of order, dropped, doubled.  What lines mean: aion_session.py, login_session.py.
The trap: an extranonce1 that is moved holds from the next job on, and shares for older jobs must still be
judged with the older one, so a connection remembers which it had from which job on.
"""

import random
from collections import deque
from typing import Protocol

import trio

from proxy.errors import MinerError
from proxy.model.share import Reason, Verdict
from proxy.sim.judging import PoolTally, SeenShare, Shelf
from proxy.sim.pool_options import PoolOptions
from proxy.sim.styles import Kind, PoolJob
from proxy.sim.waiting import Changes
from proxy.wire.jsonrpc import Message, decode
from proxy.wire.lines import LineBuffer

RECEIVE_BYTES = 65_536
OUTGOING_BYTES = 4 * 1024 * 1024  # unsent bytes after which a reader that does not read is cut
SEEN_SHARES = 100_000  # most shares kept when they are recorded
MOVES_KEPT = 100  # of extranonce1; no pool honours jobs of longer ago
REORDER_SECONDS = 0.1  # verdicts held back for reordering go out after this, however few they are


class Pool(Protocol):
    """What a session needs of the pool it is of."""

    options: PoolOptions
    style: Kind
    tally: PoolTally
    changes: Changes
    shelf: Shelf
    random: random.Random
    shares: list[SeenShare]
    silent: bool
    target: int

    def next_extranonce1(self) -> str:
        """An extranonce1 nobody has."""

    def session_id(self) -> str:
        """A name for a connection."""

    def knows(self, name: str) -> bool:
        """Whether a user may come in."""

    def target_for(self, job: PoolJob | None) -> int:
        """What a share for the job must be below."""

    def paramless(self) -> None:
        """A request without params has come."""

    def ban(self, address: str) -> None:
        """Cut an address off."""


def text(value: object) -> str:
    """What came as text; anything else may be nested too deep even to be printed, and becomes ""."""
    return value if isinstance(value, str) else ""


class PoolSession:
    """The pool's end of one connection.

    Args:
        address: where it comes from, for bans.
    """

    def __init__(self, pool: Pool, stream: trio.abc.HalfCloseableStream, address: str) -> None:
        self.address = address
        self._pool = pool
        self._stream = stream
        self._scope = trio.CancelScope()
        self._prefixes: list[tuple[int, str]] = []  # from which job's serial on, which extranonce1
        self._next_prefix = ""
        self._lines = LineBuffer(pool.style.read_limit)
        self._out = bytearray()
        self._input_ended = False
        self._ending = False
        self._writing = Changes()
        self._replies: deque[tuple[float, bytes]] = deque()  # held ones, and when they are due
        self._submits = 0
        self._bad = 0

    # ---- what the dialect must add

    def give(self, job: PoolJob) -> None:
        """Hand out a job, if this connection is one that gets jobs."""
        raise NotImplementedError

    def tell_target(self) -> None:
        """Say the share target, if this kind of pool says it."""

    def move(self, extranonce1: str) -> None:
        """Give a new extranonce1 on the living connection; it holds from the next job on."""
        raise NotImplementedError

    def _on_message(self, request_id: bytes, message: Message) -> None:
        raise NotImplementedError

    def _too_much(self, _lines: list[bytes]) -> bool:
        """Whether a strict pool cuts the connection for what came in one read."""
        return False

    # ---- what the pool calls

    async def run(self) -> None:
        """Talk until either side ends it."""
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._write)
                    if self._holds_replies():
                        nursery.start_soon(self._reply_in_time)
                    await self._read()
        finally:
            await trio.aclose_forcefully(self._stream)

    def cut(self) -> None:
        """End the connection at once; what is not sent yet is lost."""
        self._scope.cancel()

    def say(self, line: bytes) -> None:
        """Queue a line, unless the pool is ordered to be silent."""
        if self._pool.silent or not line:
            return
        self._out += line
        if len(self._out) > OUTGOING_BYTES:
            self.cut()
        self._writing.touch()

    # ---- the two tasks

    async def _write(self) -> None:
        while True:
            await self._writing.until(lambda: self._out or self._ending)
            if not self._out:
                break
            data = bytes(self._out)
            self._out.clear()
            try:
                await self._stream.send_all(data)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                self.cut()
        self.cut()

    async def _read(self) -> None:
        pool = self._pool
        while True:
            try:
                data = await self._stream.receive_some(RECEIVE_BYTES)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                self.cut()
                return
            if not data:
                break
            lines = self._lines.feed(bytes(data))
            if self._lines.overflow or (pool.options.strict and self._too_much(lines)):
                pool.tally.overflows += 1
                pool.changes.touch()
                self.cut()
                return
            for line in lines:
                self._hear(line)
            pool.changes.touch()
        # The miner has closed its side: it still gets what it is owed.
        self._input_ended = True
        self._end_if_done()

    # ---- lines

    def _hear(self, line: bytes) -> None:
        pool = self._pool
        if not line.strip() or self._scope.cancel_called:
            return
        pool.tally.lines += 1
        if pool.silent:
            return
        try:
            message = decode(line, MinerError)
        except MinerError:
            # Real pools end the connection for it, one kind bans the address as well.
            pool.tally.bad_lines += 1
            self.cut()
            return
        self._on_message(bytes(message.id), message)

    # ---- the extranonce1 a job was given with

    def _begin_prefix(self) -> str:
        """Give the connection an extranonce1, as if it never had one."""
        extranonce1 = self._pool.next_extranonce1()
        self._prefixes = [(0, extranonce1)]
        self._next_prefix = ""
        return extranonce1

    def _take_moved_prefix(self, job: PoolJob) -> None:
        """Let a moved extranonce1 hold, from this job on."""
        if self._next_prefix:
            self._prefixes.append((job.serial, self._next_prefix))
            del self._prefixes[:-MOVES_KEPT]
            self._next_prefix = ""

    def _prefix_for(self, job: PoolJob | None) -> str:
        prefix = self._prefixes[0][1]
        for serial, extranonce1 in self._prefixes:
            if job is not None and serial <= job.serial:
                prefix = extranonce1
        return prefix

    # ---- shares

    def _enter(self, share: SeenShare) -> None:
        """Put a judged share into the books that are not counts of verdicts."""
        pool = self._pool
        if share.verdict.reason is Reason.ACCEPTED:
            pool.tally.late += share.job is not None and share.job.serial < pool.shelf.clean_serial
            if share.worker:
                pool.tally.workers[share.worker] += 1
        if pool.options.record and len(pool.shares) < SEEN_SHARES:
            pool.shares.append(share)

    def _settle(self, verdict: Verdict, line: bytes) -> None:
        """Count a verdict and send it, or what the options make of it.

        Args:
            line: that says it.
        """
        pool = self._pool
        refused = verdict.reason is not Reason.ACCEPTED
        pool.tally.count(verdict)
        self._submits += 1
        self._bad += refused
        if pool.options.strict and self._to_be_banned():
            pool.ban(self.address)
            return
        self._reply(line * 2 if refused and pool.options.double_refusals else line)

    def _to_be_banned(self) -> bool:
        options = self._pool.options
        return self._submits >= options.ban_after and self._bad >= options.ban_ratio * self._submits

    def _reply(self, line: bytes) -> None:
        pool = self._pool
        if pool.options.drop_replies and pool.random.random() < pool.options.drop_replies:
            pool.tally.replies_dropped += 1
        elif self._holds_replies():
            self._replies.append((trio.current_time() + pool.options.delay_replies, line))
            self._writing.touch()
        else:
            self.say(line)

    def _holds_replies(self) -> bool:
        return bool(self._pool.options.delay_replies or self._pool.options.reorder_replies)

    async def _reply_in_time(self) -> None:
        """Send held verdicts when they are due, in batches out of order if so ordered."""
        size = self._pool.options.reorder_replies
        while True:
            await self._writing.until(lambda: self._replies)
            await trio.sleep_until(self._replies[0][0])
            if size:
                with trio.move_on_after(REORDER_SECONDS):
                    await self._writing.until(lambda: len(self._replies) >= size)
            batch = [self._replies.popleft()[1] for _ in range(min(size or 1, len(self._replies)))]
            for line in self._mixed(batch):
                self.say(line)
            self._end_if_done()

    def _mixed(self, batch: list[bytes]) -> list[bytes]:
        mixed = self._pool.random.sample(batch, len(batch))
        return mixed if mixed != batch else batch[::-1]

    def _end_if_done(self) -> None:
        self._ending = self._input_ended and not self._replies
        self._writing.touch()
