"""One connection to the simulated pool.

Strategy: a reader and a writer task; the writer sends what say() queued, so that a miner which stops
reading holds up nobody but itself.  Verdicts take the way through _reply(), where the ordered faults
sit: held back, put out of order, dropped, doubled.
The trap: a solo pool counts everything in one read that it has not parsed yet; four submits of the real
size are too many.  Small proofs make small lines, so here the submits themselves are counted.
"""

import random
from collections import deque
from typing import Any, Protocol

import trio

from proxy.errors import MinerError
from proxy.model.share import Reason, Verdict
from proxy.sim.judging import Judge, PoolTally, Seat, SeenShare, Shelf
from proxy.sim.pool_options import PoolOptions
from proxy.sim.styles import PoolJob, Style
from proxy.sim.waiting import Changes
from proxy.wire.jsonrpc import Message, decode
from proxy.wire.lines import LineBuffer

RECEIVE_BYTES = 65_536
OUTGOING_BYTES = 4 * 1024 * 1024  # unsent bytes after which a reader that does not read is cut
SEEN_SHARES = 100_000  # most shares kept when they are recorded
SUBMITS_A_READ = 3  # of real size; the fourth is over 10,240 bytes
REORDER_SECONDS = 0.1  # verdicts held back for reordering go out after this, however few they are


class Pool(Protocol):
    """What a session needs of the pool it is of."""

    options: PoolOptions
    style: Style
    tally: PoolTally
    changes: Changes
    shelf: Shelf
    judge: Judge
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


class PoolSession:
    """The pool's end of one connection.

    Args:
        address: where it comes from, for bans.
    """

    def __init__(self, pool: Pool, stream: trio.abc.HalfCloseableStream, address: str) -> None:
        self.address = address
        self.authorized = False
        self.subscribed = False
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

    def give(self, job: PoolJob) -> None:
        """Hand out a job, if this connection is one that gets jobs."""
        style = self._pool.style
        if style.first_job_after_authorize and not (self.authorized and self.subscribed):
            return
        if self._next_prefix:
            self._prefixes.append((job.serial, self._next_prefix))
            del self._prefixes[:-100]
            self._next_prefix = ""
        self.say(style.notify(job))
        self.tell_target()

    def tell_target(self) -> None:
        """Say the share target, if this kind of pool says it."""
        style = self._pool.style
        if style.sends_set_target and self.authorized:
            self.say(style.set_target(self._pool.target))

    def move(self, extranonce1: str) -> None:
        """Give a new extranonce1 on the living connection; it holds from the next job on."""
        if self.subscribed:
            self._next_prefix = extranonce1
            size = 32 - len(extranonce1) // 2
            self.say(
                b'{"id":null,"method":"mining.set_extranonce","params":["%s",%d]}\n'
                % (extranonce1.encode(), size)
            )

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

    def _too_much(self, lines: list[bytes]) -> bool:
        style = self._pool.style
        if style.name != "solo":
            return False
        submits = sum(b'"mining.submit"' in line for line in lines)
        return submits > SUBMITS_A_READ or sum(map(len, lines)) > style.read_limit

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
        request_id = bytes(message.id)
        match message.method:
            case "mining.subscribe":
                self._on_subscribe(request_id, message.params)
            case "mining.authorize":
                self._on_authorize(request_id, message)
            case "mining.submit":
                self._on_submit(request_id, message)
            case "mining.extranonce.subscribe" if pool.options.extranonce_subscribe:
                self.say(pool.style.answered(request_id, True))
            case str(method):
                self.say(pool.style.unsupported(request_id, method))

    def _on_subscribe(self, request_id: bytes, params: Any) -> None:
        pool = self._pool
        refusal = pool.style.invalid_request(request_id)
        if refusal and not (isinstance(params, list) and len(params) >= 2):
            self.say(refusal)
            return
        self.subscribed = True
        extranonce1 = pool.next_extranonce1()
        self._prefixes = [(0, extranonce1)]
        self._next_prefix = ""
        self.say(pool.style.subscribed(request_id, pool.session_id(), extranonce1))
        job = pool.shelf.current
        if job is not None and not pool.style.first_job_after_authorize:
            self.give(job)

    def _on_authorize(self, request_id: bytes, message: Message) -> None:
        pool = self._pool
        if message.params is None:
            pool.paramless()
            return
        params = message.params
        name = params[0] if isinstance(params, list) and params else None
        ok = isinstance(name, str) and pool.knows(name)
        first = ok and not self.authorized
        self.authorized = self.authorized or ok
        self.say(pool.style.answered(request_id, ok))
        # One kind of pool gives no job, ever, to whom it authorized before it subscribed.
        if first and pool.style.first_job_after_authorize and pool.shelf.current is not None:
            self.give(pool.shelf.current)

    # ---- shares

    def _on_submit(self, request_id: bytes, message: Message) -> None:
        pool = self._pool
        if message.params is None and self.authorized:
            pool.paramless()
            return
        verdict = self._judge(message.params)
        pool.tally.count(verdict)
        self._submits += 1
        self._bad += verdict.reason is not Reason.ACCEPTED
        if pool.options.strict and self._to_be_banned():
            pool.ban(self.address)
            return
        line = pool.style.verdict(request_id, verdict)
        if pool.options.double_refusals and verdict.reason is not Reason.ACCEPTED:
            line += line
        self._reply(line)

    def _judge(self, params: Any) -> Verdict:
        pool = self._pool
        if not self.subscribed:
            return Verdict(Reason.NOT_SUBSCRIBED)
        if not self.authorized:
            return Verdict(Reason.UNAUTHORIZED)
        job, gone = pool.shelf.find(params[1] if isinstance(params, list) and len(params) > 1 else None)
        extranonce1 = self._prefix_for(job)
        verdict = pool.judge.judge(params, Seat(job, gone, extranonce1, pool.target_for(job)))
        if verdict.reason is Reason.ACCEPTED:
            pool.tally.late += job is not None and job.serial < pool.shelf.clean_serial
            if isinstance(params[0], str):
                pool.tally.workers[params[0]] += 1
        if pool.options.record and len(pool.shares) < SEEN_SHARES:
            strings = isinstance(params, list) and len(params) >= 5
            nonce, solution, worker = (
                (f"{extranonce1}{params[3]}", str(params[4]), str(params[0])) if strings else ("", "", "")
            )
            pool.shares.append(SeenShare(worker, job, nonce, solution, verdict))
        return verdict

    def _prefix_for(self, job: PoolJob | None) -> str:
        prefix = self._prefixes[0][1]
        for serial, extranonce1 in self._prefixes:
            if job is not None and serial <= job.serial:
                prefix = extranonce1
        return prefix

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
