"""One connection of a simulated miner: logging in, jobs, shares and the check of every reply.

Strategy: the connection knows what each share it sent deserves, and books what it got.  A share may be
called stale before the job that made it so has been read; such a verdict is in doubt until the next job
comes, and held against the server if none does.
The trap, a real miner's: a job id seen before is ignored, even across connections; so the latest id
lives in a Memory that outlasts this object.
"""

import attrs
import trio

from proxy.errors import PoolError
from proxy.model.share import Reason
from proxy.sim import ear
from proxy.sim.faults import Shot
from proxy.sim.report import FarmReport
from proxy.sim.rig import Task, difficulty_of
from proxy.sim.verdicts import CAN_BE_LATE, DESERVED, Kind, reason_of
from proxy.sim.waiting import Changes
from proxy.wire.jsonrpc import encode, printable
from proxy.wire.lines import LineBuffer

RECEIVE_BYTES = 16_384
LINE_BYTES = 200_000  # the real one takes lines of 100 kB
SUBSCRIBE, AUTHORIZE, EXTRANONCE, FIRST_SUBMIT = 1, 2, 3, 4


@attrs.frozen
class Login:
    """Who a miner is.

    Args:
        user, password: for authorize.
        agent: for subscribe.
        host, port: the server as the miner knows it, told back to it.
        extranonce: whether it sends mining.extranonce.subscribe.
    """

    user: str
    password: str
    agent: str
    host: str
    port: int
    extranonce: bool = True

    def subscribe(self) -> bytes:
        """With four parameters and a blank, as the reference miner has it."""
        return b'{"id":%d,"method":"mining.subscribe","params":[%s, null,%s,"%d"]}\n' % (
            SUBSCRIBE,
            encode(self.agent),
            encode(self.host),
            self.port,
        )

    def authorize(self) -> bytes:
        """Name and password."""
        return b'{"id":%d,"method":"mining.authorize","params":[%s,%s]}\n' % (
            AUTHORIZE,
            encode(self.user),
            encode(self.password),
        )


EXTRANONCE_SUBSCRIBE = b'{"id":%d,"method":"mining.extranonce.subscribe","params":[]}\n' % EXTRANONCE


def submit_line(request_id: int, params: bytes | None) -> bytes:
    """Write a mining.submit.

    Args:
        params: JSON text; None leaves the key out.
    """
    rest = b"" if params is None else b',"params":%s' % params
    return b'{"id":%d,"method":"mining.submit"%s}\n' % (request_id, rest)


@attrs.define
class Memory:
    """What a miner keeps across its connections: the id of the latest job."""

    job_id: str | None = None


@attrs.frozen(slots=True, eq=False)
class _Sent:
    """A share under way, and the extranonce1 the miner worked with when it was sent."""

    shot: Shot
    at: float
    prefix: str


class MinerLink:
    """The miner's end of one connection.

    Args:
        changes: touched whenever something has come.
        against: who judges, a key of DESERVED.
        obeys_set_target: take the share target from mining.set_target, as some miners do; the reference
            miner knows only that of the job.
        stale_may_pass: old jobs may still be good, because the pool gives jobs that are not clean.
        one_share_a_nonce: False lets "duplicate" pass as the verdict on an honest second solution.
    """

    def __init__(
        self,
        stream: trio.abc.Stream,
        login: Login,
        report: FarmReport,
        memory: Memory,
        changes: Changes,
        *,
        against: str = "sluice",
        obeys_set_target: bool = False,
        stale_may_pass: bool = False,
        one_share_a_nonce: bool = True,
    ) -> None:
        self.task: Task | None = None
        self.previous: Task | None = None
        self.changes = changes
        self.scope = trio.CancelScope()
        self.reconnect: ear.Reconnect | None = None
        self.login_refused = ""
        self.pending: dict[int, _Sent] = {}
        self._stream = stream
        self._login = login
        self._report = report
        self._memory = memory
        self._deserved = DESERVED[against]
        self._obeys_set_target = obeys_set_target
        self._stale_may_pass = stale_may_pass
        self._one_share_a_nonce = one_share_a_nonce
        self._ear = ear.Ear(report.violations)
        self._lines = LineBuffer(LINE_BYTES)
        self._sending = trio.Lock()
        self._next_id = FIRST_SUBMIT
        self._prefix: str | None = None
        self._next_prefix = ""
        self._target = b""
        self._replies: dict[int, ear.Reply] = {}
        self._doubtful: list[str] = []

    # ---- what the miner does

    async def login(self) -> bool:
        """Subscribe, authorize, ask for extranonce1 changes.

        Returns: False when the worker was refused.
        """
        await self.send(self._login.subscribe())
        await self._answer_to(SUBSCRIBE)
        if self.login_refused:
            return False
        await self.send(self._login.authorize())
        if not (await self._answer_to(AUTHORIZE)).ok:
            self.login_refused = "authorize"
            return False
        if self._login.extranonce:
            await self.send(EXTRANONCE_SUBSCRIBE)
        return True

    async def submit(self, shot: Shot) -> None:
        """Send a share; its verdict goes to the report."""
        request_id = self._next_id
        self._next_id += 1
        self.pending[request_id] = _Sent(shot, trio.current_time(), self._prefix or "")
        self._report.sent[shot.kind.value] += 1
        await self.send(submit_line(request_id, shot.params))

    async def send(self, data: bytes) -> None:
        """Send any bytes; a connection that does not take them is over."""
        async with self._sending:
            try:
                await self._stream.send_all(data)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                self.scope.cancel()
                await trio.lowlevel.checkpoint()

    async def listen(self) -> None:
        """Read until the connection ends, or until a line that the real miner throws at."""
        try:
            while data := await self._stream.receive_some(RECEIVE_BYTES):
                for line in self._lines.feed(bytes(data)):
                    self._hear(line)
                if self._lines.overflow:
                    self._report.violations["line_too_long"] += 1
                    break
                self.changes.touch()
        except PoolError:
            pass  # counted where it was raised; the real miner connects again, too
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        self.changes.touch()
        self.scope.cancel()

    def settle(self, over: bool) -> None:
        """Book what is still open.

        Args:
            over: the run is over and the connection was still there; else it went.
        """
        if over:
            self._report.unanswered += len(self.pending)
            for line in self._doubtful:
                self._report.surprise(f"{line}, and no other job came")
        else:
            self._report.dropped += len(self.pending)
            self._report.raced += len(self._doubtful)
        self.pending.clear()
        self._doubtful.clear()

    async def _answer_to(self, request_id: int) -> ear.Reply:
        await self.changes.until(lambda: request_id in self._replies)
        return self._replies[request_id]

    # ---- what the server says

    def _hear(self, line: bytes) -> None:
        match self._ear.hear(line):
            case ear.Reply() as reply:
                self._on_reply(reply)
            case ear.Notify() as notify:
                self._on_notify(notify)
            case ear.SetTarget(target):
                self._report.targets += 1
                if self._obeys_set_target:
                    self._target = target
                    if self.task is not None:
                        self.task.target = target
            case ear.SetExtranonce(extranonce1):
                self._report.moves += 1
                self._next_prefix = extranonce1
            case ear.Reconnect() as reconnect:
                self.reconnect = reconnect
                self.scope.cancel()

    def _on_notify(self, notify: ear.Notify) -> None:
        self._report.job_came(notify.header, trio.current_time())
        if self._prefix is None:
            self._report.violations["job_before_extranonce1"] += 1
            return
        if notify.id == self._memory.job_id:
            self._report.violations["same_job_id"] += 1
            return
        self._memory.job_id = notify.id
        if self._next_prefix:
            self._prefix, self._next_prefix = self._next_prefix, ""
        target = self._target if self._obeys_set_target and self._target else notify.target
        before = self.task
        again = before is not None and (before.header, before.prefix) == (notify.header, self._prefix)
        if before is not None and before.header != notify.header:
            self.previous = before
        self.task = Task(notify.id, notify.header, target, self._prefix, again=again)
        self._report.raced += len(self._doubtful)
        self._doubtful.clear()

    def _on_reply(self, reply: ear.Reply) -> None:
        sent = self.pending.pop(reply.id, None)
        if sent is not None:
            self._on_verdict(sent, reply)
        elif FIRST_SUBMIT <= reply.id < self._next_id:
            self._report.violations["second_reply"] += 1
        elif reply.id in (SUBSCRIBE, AUTHORIZE, EXTRANONCE) and reply.id not in self._replies:
            self._replies[reply.id] = reply
            if reply.id == SUBSCRIBE:
                self._on_subscribed(reply)
        else:
            self._report.violations["reply_to_nothing"] += 1

    def _on_subscribed(self, reply: ear.Reply) -> None:
        result = reply.result
        extranonce1 = result[1] if isinstance(result, list) and len(result) > 1 else None
        if isinstance(extranonce1, str) and ear.is_extranonce1(extranonce1):
            self._prefix = extranonce1.lower()
        else:
            self.login_refused = f"subscribe: {reply.text or 'no extranonce1'}"

    # ---- verdicts

    def _on_verdict(self, sent: _Sent, reply: ear.Reply) -> None:
        report, kind = self._report, sent.shot.kind
        reason = reason_of(reply.ok, reply.text)
        report.answered(kind, reason)
        if reason is Reason.ACCEPTED:
            report.work += difficulty_of(sent.shot.task.target)
            report.roundtrip.add(trio.current_time() - sent.at)
        if self._is_deserved(kind, reason):
            report.expected += 1
        elif reason is Reason.LOST and self._is_deserved(kind, Reason.ACCEPTED):
            report.lost += 1
        elif not self._is_race(sent, reason):
            report.surprise(self._told(sent, reply))
        elif sent.shot.task is not self.task or self._has_moved(sent) or reason is Reason.DUPLICATE:
            report.raced += 1
        else:
            self._doubtful.append(self._told(sent, reply))

    def _is_deserved(self, kind: Kind, reason: Reason) -> bool:
        if reason in self._deserved[kind]:
            return True
        if kind is Kind.STALE and reason is Reason.ACCEPTED:
            return self._stale_may_pass
        return kind is Kind.GOOD and reason is Reason.DUPLICATE and not self._one_share_a_nonce

    def _is_race(self, sent: _Sent, reason: Reason) -> bool:
        """Whether a job or an extranonce1 that crossed the share, or a target moved on it, can be why."""
        kind, task = sent.shot.kind, sent.shot.task
        if reason is Reason.STALE:
            return kind in CAN_BE_LATE or self._has_moved(sent)
        if reason is Reason.DUPLICATE and kind is Kind.GOOD:
            return task.again
        return reason is Reason.BAD_NONCE and self._has_moved(sent)

    def _has_moved(self, sent: _Sent) -> bool:
        return sent.prefix != self._prefix or bool(self._next_prefix)

    def _told(self, sent: _Sent, reply: ear.Reply) -> str:
        shot = sent.shot
        params = printable(shot.params or b"none", 120)
        return f"a {shot.kind.value} share of job {shot.task.id} got {reply.text or reply.ok}: {params}"
