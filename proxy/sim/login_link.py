"""One connection of a simulated miner in the login dialect, as XMRig has it.

Strategy: XMRig's lines, written by hand, and its habits: the login always has id 1, the session id is
echoed, a ping goes out when nothing else has for long.  What comes of shares is link.py's.
The trap: XMRig takes the same job twice for a fault and some errors for a farewell, and mines nothing while
it connects again; a server that makes it do so loses work, so both are counted.
"""

import random
from typing import Any

import trio

from proxy.errors import PoolError
from proxy.native import Equihash
from proxy.sim import blobwork
from proxy.sim.ear import Reconnect, Reply
from proxy.sim.link import Login, Manners, Memory, MinerLink
from proxy.sim.login_ear import Job, LoginEar, Session, is_fatal
from proxy.sim.login_styles import header_of
from proxy.sim.report import FarmReport
from proxy.sim.rig import BlobTask, Task
from proxy.sim.verdicts import Kind, reason_of
from proxy.sim.waiting import Changes
from proxy.wire.jsonrpc import encode

LOGIN = 1
MOST_PINGS = 16  # without an answer; then the server is pinged no more

# Blob byte 42: the highest of the four nonce bytes, and the two digits it is in the blob.
_TOP = slice(2 * blobwork.NONCE_AT + 6, 2 * blobwork.NONCE_AT + 8)
_NONCE = slice(2 * blobwork.NONCE_AT, 2 * blobwork.NONCE_AT + 8)


def login_line(login: Login, equihash: Equihash | None) -> bytes:
    """With the members in XMRig's order.

    Args:
        equihash: what is mined; None for blob work.
    """
    algos = b'"cn/0","rx/0"' if equihash is None else encode(equihash.name)
    return b'{"id":%d,"jsonrpc":"2.0","method":"login","params":{%s%s,"algo":[%s]}}\n' % (
        LOGIN,
        b'"login":%s,"pass":%s,"agent":%s' % tuple(map(encode, (login.user, login.password, login.agent))),
        b',"rigid":%s' % encode(login.rig) if login.rig else b"",
        algos,
    )


def submit_line(request_id: int, params: bytes | None) -> bytes:
    """Write a submit.

    Args:
        params: JSON text; None leaves the key out.
    """
    rest = b"" if params is None else b',"params":%s' % params
    return b'{"id":%d,"jsonrpc":"2.0","method":"submit"%s}\n' % (request_id, rest)


def ping_line(request_id: int, session: str) -> bytes:
    """Write a keepalived."""
    return b'{"id":%d,"jsonrpc":"2.0","method":"keepalived","params":{"id":%s}}\n' % (
        request_id,
        encode(session),
    )


def login_manners(login: Login, equihash: Equihash | None) -> Manners:
    """Make what a troublemaker says; there is no such thing as subscribing."""
    return Manners(
        hello=login_line(login, equihash),
        before_share={Kind.UNAUTHORIZED: b""},
        submit=submit_line,
        half_line=b'{"id":4,"jsonrpc":"2.0","method":"submit","params":{"id":"',
        ear=lambda violations: LoginEar(violations, equihash),
    )


class LoginLink(MinerLink):
    """The miner's end of one connection in the login dialect.

    Args:
        equihash: what is mined; None for blob work.
        source: where the nonces of blob work start.
        keepalive_seconds: without sending, after which a ping goes out if the server knows it.
        others: as MinerLink has them.
    """

    FIRST_ID = LOGIN
    LINE_BYTES = 65_536

    def __init__(
        self,
        stream: trio.abc.Stream,
        login: Login,
        report: FarmReport,
        memory: Memory,
        changes: Changes,
        *,
        equihash: Equihash | None,
        source: random.Random,
        keepalive_seconds: float = 60.0,
        **others: Any,
    ) -> None:
        super().__init__(stream, login, report, memory, changes, blob=equihash is None, **others)
        self._equihash = equihash
        self._source = source
        self._keepalive_seconds = keepalive_seconds
        self._ear = LoginEar(report.violations, equihash)
        self._session: Session | None = None
        self._pings: set[int] = set()
        self._next_id = LOGIN + 1

    async def login(self) -> bool:
        """Log in; the first job comes with the answer.

        Returns: False when the server refused.
        """
        await self.send(login_line(self._login, self._equihash))
        await self.changes.until(lambda: self._session or self.login_refused)
        return not self.login_refused

    def submit_line(self, request_id: int, params: bytes | None) -> bytes:
        """Write a submit."""
        return submit_line(request_id, params)

    async def tend(self) -> None:
        """Ping when nothing was sent for long, if the server listed keepalive."""
        await self.changes.until(lambda: self._session)
        session = self._session
        assert session is not None
        while "keepalive" in session.extensions and len(self._pings) < MOST_PINGS:
            await trio.sleep_until(self._sent_at + self._keepalive_seconds)
            if trio.current_time() < self._sent_at + self._keepalive_seconds:
                continue  # a share went out meanwhile
            request_id = self._new_id()
            self._pings.add(request_id)
            self._report.pings += 1
            await self.send(ping_line(request_id, session.id))

    # ---- what the server says

    def _hear(self, line: bytes) -> None:
        match self._ear.hear(line):
            case Reply() as reply:
                self._on_reply(reply)
                self._obey_fatal(reply)
            case Job() as job:
                self._on_job(job)
            case Reconnect() as reconnect:
                self.reconnect = reconnect
                self.scope.cancel()

    def _on_answer(self, reply: Reply) -> bool:
        if reply.id in self._pings:
            self._pings.remove(reply.id)
            if not reply.ok:
                self._report.violations["ping_refused"] += 1
            return True
        if reply.id != LOGIN or self._session is not None or self.login_refused:
            return False
        if reply.ok:
            session = self._ear.read_session(reply.result)
            self._session = session
            self._on_job(session.job)
        else:
            self.login_refused = f"login: {reply.text}"
            self._report.refused += 1
        return True

    def _on_reply(self, reply: Reply) -> None:
        sent = self.pending.get(reply.id)
        super()._on_reply(reply)
        fatal = is_fatal(reply.text) and reply.id != LOGIN
        if fatal and not (sent and self._is_deserved(sent.shot.kind, reason_of(False, reply.text))):
            self._report.violations["fatal_text"] += 1

    def _obey_fatal(self, reply: Reply) -> None:
        if is_fatal(reply.text):
            raise PoolError("an error at which XMRig drops the connection")

    def _on_job(self, job: Job) -> None:
        self._report.job_came(self._header(job), trio.current_time())
        if self._session is None:
            self._report.violations["job_before_login"] += 1
            return
        seen = (job.id, job.blob, job.target_text)
        if self._memory.job == seen:
            self._report.violations["same_job"] += 1
            raise PoolError("the same job again, at which XMRig connects anew")
        self._memory.job = seen
        task = self._task(job, self._session)
        if self._prefix is not None and task.prefix != self._prefix:
            self._report.moves += 1
        self._prefix = task.prefix
        self._take(task)

    def _header(self, job: Job) -> str:
        """What the job is known by at the pool, whatever the proxy has put into its nonce."""
        return job.blob[:64] if self._equihash is not None else header_of(job.blob)

    def _task(self, job: Job, session: Session) -> Task:
        algo = job.algo if "algo" in session.extensions else ""
        if self._equihash is not None:
            header = self._header(job)
            return Task(job.id, header, job.target, job.prefix, session=session.id, algo=algo)
        keeps_top = "nicehash" in session.extensions or bool(job.blob[_NONCE].strip("0"))
        return BlobTask(
            job.id,
            job.blob,
            job.target,
            job.blob[_TOP] if keeps_top else "",
            counter=self._source.getrandbits(24 if keeps_top else 32),
            session=session.id,
            algo=algo,
        )
