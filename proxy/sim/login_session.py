"""One connection to the simulated pool in the login dialect.

Strategy: one request opens it and brings the first job; from then on every request but a ping names the
session, and a ping too, for some pools look.  Bytes, tasks and ordered faults are pool_session.py's.
The trap: what has no integer id or no params gets no answer but the end of the connection, as real servers
of this dialect have it; a client that sends such a line would be cut by them, too.
"""

from typing import Any

import trio

from proxy.model.share import Reason, Verdict
from proxy.sim.judging import Seat, SeenShare
from proxy.sim.login_judging import LoginJudge
from proxy.sim.login_styles import LoginStyle
from proxy.sim.pool_session import Pool, PoolSession, text
from proxy.sim.styles import PoolJob
from proxy.wire.jsonrpc import Message, is_integer

_NOT_EXTRA = ("id", "job_id", "nonce", "solution")


class LoginSession(PoolSession):
    """The pool's end of one connection; stream and address as PoolSession has them.

    Attributes:
        id: 16 hex digits once logged in, before that "".
        login: the name it logged in with.
    """

    def __init__(
        self,
        pool: Pool,
        style: LoginStyle,
        judge: LoginJudge,
        stream: trio.abc.HalfCloseableStream,
        address: str,
    ) -> None:
        super().__init__(pool, stream, address)
        self.id = ""
        self.login = ""
        self._style = style
        self._judge = judge

    # ---- what the pool calls

    def give(self, job: PoolJob) -> None:
        """Hand out a job, if this connection has logged in."""
        if self.id:
            self._take_moved_prefix(job)
            self.say(self._style.job(job, self._prefix_for(job), self.id))

    def move(self, extranonce1: str) -> None:
        """Nothing is said: the next job carries it."""
        if self.id:
            self._next_prefix = extranonce1

    # ---- lines

    def _on_message(self, request_id: bytes, message: Message) -> None:
        params = message.params
        if not is_integer(request_id) or not isinstance(params, dict):
            self._pool.tally.bad_lines += 1
            self.cut()
            return
        match message.method:
            case "login" if not self.id:
                self._on_login(request_id, params)
            case "submit":
                verdict = self._decide(params)
                self._settle(verdict, self._style.verdict(request_id, verdict))
            case "keepalived":
                self._on_keepalived(request_id, params)
            case _:
                self.say(self._style.refused(request_id, "Invalid method"))

    def _on_login(self, request_id: bytes, params: dict[str, Any]) -> None:
        pool = self._pool
        name, job = params.get("login"), pool.shelf.current
        if not isinstance(name, str) or not name:
            self.say(self._style.refused(request_id, "Missing login"))
        elif not pool.knows(name):
            self.say(self._style.refused(request_id, "Permission denied"))
        elif job is None:
            self.say(self._style.refused(request_id, "Bad gateway"))
        else:
            self.id, self.login = pool.session_id(), name
            self.say(self._style.logged_in(request_id, self.id, job, self._begin_prefix()))

    def _on_keepalived(self, request_id: bytes, params: dict[str, Any]) -> None:
        if not self._is_session(params):
            self.say(self._style.refused(request_id, "Unauthenticated"))
            return
        self._pool.tally.keepalives += 1
        self.say(self._style.ok(request_id, "KEEPALIVED"))

    def _is_session(self, params: dict[str, Any]) -> bool:
        return bool(self.id) and params.get("id") == self.id

    # ---- shares

    def _decide(self, params: dict[str, Any]) -> Verdict:
        if not self._is_session(params):
            return Verdict(Reason.UNAUTHORIZED)
        pool = self._pool
        job, gone = pool.shelf.find(text(params.get("job_id")))
        verdict = self._judge.judge(params, Seat(job, gone, self._prefix_for(job), pool.target_for(job)))
        nonce, solution = text(params.get("nonce")), text(params.get("solution"))
        extra = {name: member for name, member in params.items() if name not in _NOT_EXTRA}
        self._enter(SeenShare(self.login, job, nonce, solution, verdict, extra))
        return verdict
