"""One connection to the simulated pool in the Aion dialect.

Strategy: what follows what, and what a share is, by the pool's style; bytes, tasks and ordered faults
are pool_session.py's.
The trap: a solo pool counts everything in one read that it has not parsed yet; four submits of the real
size are too many.  Small proofs make small lines, so here the submits themselves are counted.
"""

from typing import Any

import trio

from proxy.model.share import Reason, Verdict
from proxy.sim.judging import Judge, Seat, SeenShare
from proxy.sim.pool_session import Pool, PoolSession, text
from proxy.sim.styles import PoolJob, Style
from proxy.wire.jsonrpc import Message

SUBMITS_A_READ = 3  # of real size; the fourth is over 10,240 bytes


class AionSession(PoolSession):
    """The pool's end of one connection; stream and address as PoolSession has them."""

    def __init__(
        self, pool: Pool, style: Style, judge: Judge, stream: trio.abc.HalfCloseableStream, address: str
    ) -> None:
        super().__init__(pool, stream, address)
        self.authorized = False
        self.subscribed = False
        self._style = style
        self._judge = judge

    # ---- what the pool calls

    def give(self, job: PoolJob) -> None:
        """Hand out a job, if this connection is one that gets jobs."""
        if self._style.first_job_after_authorize and not (self.authorized and self.subscribed):
            return
        self._take_moved_prefix(job)
        self.say(self._style.notify(job))
        self.tell_target()

    def tell_target(self) -> None:
        """Say the share target, if this kind of pool says it."""
        if self._style.sends_set_target and self.authorized:
            self.say(self._style.set_target(self._pool.target))

    def move(self, extranonce1: str) -> None:
        """Give a new extranonce1 on the living connection; it holds from the next job on."""
        if self.subscribed:
            self._next_prefix = extranonce1
            size = 32 - len(extranonce1) // 2
            self.say(
                b'{"id":null,"method":"mining.set_extranonce","params":["%s",%d]}\n'
                % (extranonce1.encode(), size)
            )

    # ---- lines

    def _too_much(self, lines: list[bytes]) -> bool:
        if self._style.name != "solo":
            return False
        submits = sum(b'"mining.submit"' in line for line in lines)
        return submits > SUBMITS_A_READ or sum(map(len, lines)) > self._style.read_limit

    def _on_message(self, request_id: bytes, message: Message) -> None:
        match message.method:
            case "mining.subscribe":
                self._on_subscribe(request_id, message.params)
            case "mining.authorize":
                self._on_authorize(request_id, message)
            case "mining.submit":
                self._on_submit(request_id, message)
            case "mining.extranonce.subscribe" if self._pool.options.extranonce_subscribe:
                self.say(self._style.answered(request_id, True))
            case str(method):
                self.say(self._style.unsupported(request_id, method))

    def _on_subscribe(self, request_id: bytes, params: Any) -> None:
        pool = self._pool
        refusal = self._style.invalid_request(request_id)
        if refusal and not (isinstance(params, list) and len(params) >= 2):
            self.say(refusal)
            return
        self.subscribed = True
        extranonce1 = self._begin_prefix()
        self.say(self._style.subscribed(request_id, pool.session_id(), extranonce1))
        job = pool.shelf.current
        if job is not None and not self._style.first_job_after_authorize:
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
        self.say(self._style.answered(request_id, ok))
        # One kind of pool gives no job, ever, to whom it authorized before it subscribed.
        if first and self._style.first_job_after_authorize and pool.shelf.current is not None:
            self.give(pool.shelf.current)

    # ---- shares

    def _on_submit(self, request_id: bytes, message: Message) -> None:
        if message.params is None and self.authorized:
            self._pool.paramless()
            return
        verdict = self._decide(message.params)
        self._settle(verdict, self._style.verdict(request_id, verdict))

    def _decide(self, params: Any) -> Verdict:
        pool = self._pool
        if not self.subscribed:
            return Verdict(Reason.NOT_SUBSCRIBED)
        if not self.authorized:
            return Verdict(Reason.UNAUTHORIZED)
        job, gone = pool.shelf.find(params[1] if isinstance(params, list) and len(params) > 1 else None)
        extranonce1 = self._prefix_for(job)
        verdict = self._judge.judge(params, Seat(job, gone, extranonce1, pool.target_for(job)))
        whole = isinstance(params, list) and len(params) >= 5
        worker, tail, solution = (text(params[place]) if whole else "" for place in (0, 3, 4))
        self._enter(SeenShare(worker, job, f"{extranonce1}{tail}" if tail else "", solution, verdict))
        return verdict
