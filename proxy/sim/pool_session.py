"""One connection to the simulated pool.

Strategy: a reader and a writer task; the writer sends what say() queued, so that a miner which stops
reading holds up nobody but itself.  Verdicts take the way through _reply(), where the ordered faults
sit: held back, put out of order, dropped, doubled.
The trap: a solo pool counts everything in one read that it has not parsed yet; four submits of the real
size are too many.  Small proofs make small lines, so here the submits themselves are counted.
"""

from typing import TYPE_CHECKING, Any

import trio

from proxy.errors import MinerError
from proxy.model.share import Reason, Verdict
from proxy.sim.judging import Seat, SeenShare
from proxy.sim.styles import PoolJob
from proxy.sim.waiting import Changes
from proxy.wire.jsonrpc import Message, decode
from proxy.wire.lines import LineBuffer

if TYPE_CHECKING:
    from proxy.sim.pool import SimPool

RECEIVE_BYTES = 65_536
OUTGOING_BYTES = 4 * 1024 * 1024  # unsent bytes after which a reader that does not read is cut
SUBMITS_A_READ = 3  # of real size; the fourth is over 10,240 bytes
REORDER_SECONDS = 0.1  # verdicts held back for reordering go out after this, however few they are


class PoolSession:
    """The pool's end of one connection.

    Args:
        address: where it comes from, for bans.
    """

    def __init__(self, pool: "SimPool", stream: trio.abc.HalfCloseableStream, address: str) -> None:
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
        self._held: list[bytes] = []
        self._replying = 0
        self._submits = 0
        self._bad = 0
        self._nursery: trio.Nursery | None = None

    # ---- what the pool calls

    async def run(self) -> None:
        """Talk until either side ends it."""
        try:
            with self._scope:
                async with trio.open_nursery() as self._nursery:
                    self._nursery.start_soon(self._write)
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
        if pool.options.record:
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
        elif pool.options.delay_replies or pool.options.reorder_replies:
            assert self._nursery is not None
            self._replying += 1
            self._nursery.start_soon(self._reply_later, line)
        else:
            self.say(line)

    async def _reply_later(self, line: bytes) -> None:
        options = self._pool.options
        await trio.sleep(options.delay_replies)
        if not options.reorder_replies:
            self._send_replies([line])
            return
        self._held.append(line)
        if len(self._held) == 1:
            # The first of a batch waits for the others, or until it has waited enough.
            with trio.move_on_after(REORDER_SECONDS):
                await self._writing.until(lambda: len(self._held) >= options.reorder_replies)
            batch, self._held = self._held, []
            self._send_replies(self._mixed(batch))
        else:
            self._writing.touch()

    def _mixed(self, batch: list[bytes]) -> list[bytes]:
        mixed = self._pool.random.sample(batch, len(batch))
        return mixed if mixed != batch else batch[::-1]

    def _send_replies(self, lines: list[bytes]) -> None:
        for line in lines:
            self.say(line)
        self._replying -= len(lines)
        self._end_if_done()

    def _end_if_done(self) -> None:
        self._ending = self._input_ended and not self._replying
        self._writing.touch()
