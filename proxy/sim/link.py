"""One connection of a simulated miner, in any dialect: shares sent, and the check of every reply.

Strategy: the connection knows what each share it sent deserves, and books what it got.  A share may be
called stale before the job that made it so has been read; such a verdict is in doubt until the next job
comes, and held against the server if none does.  How to log in, and what the server's lines mean, is
aion_link.py and login_link.py.
The trap, a real miner's: a job seen before is not taken again, even across connections; so the latest one
lives in a Memory that outlasts this object.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar, Protocol

import attrs
import trio

from proxy.errors import PoolError
from proxy.model.share import Reason
from proxy.sim import ear
from proxy.sim.faults import Shot
from proxy.sim.report import FarmReport
from proxy.sim.rig import Task, difficulty_of
from proxy.sim.verdicts import CAN_BE_LATE, Kind, deserts, reason_of
from proxy.sim.waiting import Changes
from proxy.wire.jsonrpc import printable
from proxy.wire.lines import LineBuffer

RECEIVE_BYTES = 16_384


@attrs.frozen
class Login:
    """Who a miner is.

    Args:
        user, password, agent: as the dialect sends them.
        host, port: the server as the miner knows it, told back to it in the Aion dialect.
        extranonce: whether it sends mining.extranonce.subscribe.
        rig: sent as rigid in the login dialect, if not empty.
    """

    user: str
    password: str
    agent: str
    host: str
    port: int
    extranonce: bool = True
    rig: str = ""


class Hearing(Protocol):
    """What understands the lines of one dialect."""

    def hear(self, line: bytes) -> Any:
        """Understand one line.

        Raises: PoolError for what makes the real program drop the connection.
        """


@attrs.frozen
class Manners:
    """What a dialect's troublemaker says.

    Args:
        hello: all of logging in, sent at once.
        before_share: by kind, what goes before a share that is refused for want of a login; a kind
            that is not in it does not exist in this dialect.
        submit: writes a share from an id and its params.
        half_line: the beginning of a request.
        ear: understands the replies; takes where violations are counted.
    """

    hello: bytes
    before_share: dict[Kind, bytes]
    submit: Callable[[int, bytes | None], bytes]
    half_line: bytes
    ear: Callable[[Counter[str]], Hearing]


@attrs.define
class Memory:
    """What a miner keeps across its connections: by what it tells its latest job from another."""

    job: tuple[str, ...] | None = None


@attrs.frozen(slots=True, eq=False)
class _Sent:
    """A share under way, and the slice the miner worked in when it was sent."""

    shot: Shot
    at: float
    prefix: str


class MinerLink(ABC):
    """The miner's end of one connection.

    Args:
        changes: touched whenever something has come.
        against: who judges, a key of DESERVED.
        blob: the work is no Equihash work.
        stale_may_pass: old jobs may still be good, because the pool gives jobs that are not clean.
        one_share_a_nonce: False lets "duplicate" pass as the verdict on an honest second solution.

    Attributes:
        task: the job worked on, None before the first.
        previous: the one before it.
        reconnect: what the server asked for with its last words.
        login_refused: why, "" if it was not.
        gives_up: the miner shall not try again.
    """

    FIRST_ID: ClassVar[int]
    LINE_BYTES: ClassVar[int]

    def __init__(
        self,
        stream: trio.abc.Stream,
        login: Login,
        report: FarmReport,
        memory: Memory,
        changes: Changes,
        *,
        against: str = "sluice",
        blob: bool = False,
        stale_may_pass: bool = False,
        one_share_a_nonce: bool = True,
    ) -> None:
        self.task: Task | None = None
        self.previous: Task | None = None
        self.changes = changes
        self.scope = trio.CancelScope()
        self.reconnect: ear.Reconnect | None = None
        self.login_refused = ""
        self.gives_up = False
        self.pending: dict[int, _Sent] = {}
        self._stream = stream
        self._login = login
        self._report = report
        self._memory = memory
        self._deserved = deserts(against, blob)
        self._stale_may_pass = stale_may_pass
        self._one_share_a_nonce = one_share_a_nonce
        self._lines = LineBuffer(self.LINE_BYTES)
        self._sending = trio.Lock()
        self._sent_at = 0.0
        self._next_id = self.FIRST_ID
        self._prefix: str | None = None
        self._doubtful: list[str] = []

    # ---- what the dialect knows

    @abstractmethod
    async def login(self) -> bool:
        """Log in.

        Returns: False when the server refused.
        """

    @abstractmethod
    def submit_line(self, request_id: int, params: bytes | None) -> bytes:
        """Write a submit.

        Args:
            params: JSON text; None leaves the key out.
        """

    @abstractmethod
    def _hear(self, line: bytes) -> None:
        """Do what a line of the server asks for.

        Raises: PoolError for what makes the real miner drop the connection.
        """

    @abstractmethod
    def _on_answer(self, reply: ear.Reply) -> bool:
        """Take a reply that is for no share; False if it is for nothing that waits for one."""

    async def tend(self) -> None:
        """Do what is to be done besides, as long as the connection lives; by itself nothing."""
        await trio.lowlevel.checkpoint()

    # ---- what the miner does

    async def submit(self, shot: Shot) -> None:
        """Send a share; its verdict goes to the report."""
        request_id = self._new_id()
        self.pending[request_id] = _Sent(shot, trio.current_time(), self._prefix or "")
        self._report.sent[shot.kind.value] += 1
        await self.send(self.submit_line(request_id, shot.params))

    async def send(self, data: bytes) -> None:
        """Send any bytes; a connection that does not take them is over."""
        self._sent_at = trio.current_time()
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

    @property
    def is_settled(self) -> bool:
        """Whether every share has its answer, and every stale one the job that explains it."""
        return not self.pending and not self._doubtful

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

    def _new_id(self) -> int:
        self._next_id += 1
        return self._next_id - 1

    # ---- what the server says

    def _take(self, task: Task) -> None:
        """Work on another job; what was in doubt is not any more."""
        before = self.task
        task.again = before is not None and (before.header, before.prefix) == (task.header, task.prefix)
        if before is not None and before.header != task.header:
            self.previous = before
        self.task = task
        self._report.raced += len(self._doubtful)
        self._doubtful.clear()

    def _on_reply(self, reply: ear.Reply) -> None:
        sent = self.pending.pop(reply.id, None)
        if sent is not None:
            self._on_verdict(sent, reply)
        elif not self._on_answer(reply):
            known = self.FIRST_ID <= reply.id < self._next_id
            self._report.violations["second_reply" if known else "reply_to_nothing"] += 1

    # ---- verdicts

    def _on_verdict(self, sent: _Sent, reply: ear.Reply) -> None:
        report, kind = self._report, sent.shot.kind
        reason = reason_of(reply.ok, reply.text)
        report.answered(kind, reason)
        if report.witness is not None:
            report.witness(self._login.user, sent.shot, reason)
        if reason is Reason.ACCEPTED:
            report.work += difficulty_of(sent.shot.task.target)
            report.roundtrip.add(trio.current_time() - sent.at)
        if self._is_deserved(kind, reason):
            report.expected += 1
        elif reason is Reason.LOST and self._is_deserved(kind, Reason.ACCEPTED):
            report.lost += 1
        elif not self._is_race(sent, reason):
            report.surprise(self._told(sent, reply))
        elif sent.shot.task is not self.task or self._has_moved(sent.prefix) or reason is Reason.DUPLICATE:
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
            return kind in CAN_BE_LATE or self._has_moved(sent.prefix)
        if reason is Reason.DUPLICATE and kind in (Kind.GOOD, Kind.STALE):
            return task.again  # a stale one, too, where old jobs are honoured
        return reason is Reason.BAD_NONCE and self._has_moved(sent.prefix)

    def _has_moved(self, prefix: str) -> bool:
        """Whether the slice is another by now than this one."""
        return prefix != self._prefix

    def _told(self, sent: _Sent, reply: ear.Reply) -> str:
        shot = sent.shot
        params = printable(shot.params or b"none", 120)
        return f"a {shot.kind.value} share of job {shot.task.id} got {reply.text or reply.ok}: {params}"
