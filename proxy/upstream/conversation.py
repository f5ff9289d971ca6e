"""One connection to a pool, sans-IO: what both dialects share of it.

    opening → working;  any fault is a PoolError, and the connection's end

Strategy: bytes in by receive(), time by tick(), bytes out by take_output(); what comes of it is told to
the sink.  How a pool is greeted, and how a share is written, is a dialect's: aion.py and login.py.
Every share that is handed over is settled exactly once: by the pool's reply, by the lack of one, or by
abandon().
The traps: some pools answer a refused share twice and some never; and what comes in one read belongs
together, so a job is given at the end of it, not when its line is met.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from typing import Protocol

import attrs
import msgspec

from proxy.errors import PoolError
from proxy.model.job import Job
from proxy.model.share import Reason, Share, Verdict
from proxy.model.target import from_difficulty, to_bytes
from proxy.wire import events
from proxy.wire.jsonrpc import NULL
from proxy.wire.lines import LineBuffer
from proxy.wire.replies import REFUSED_BARE

LINE_BYTES = 65_536  # longest line taken from a pool; real ones stay below 1 kB
BAD_LINES = 3  # senseless lines in a row before a connection is given up
MAX_UNSENT = 64  # lines not yet taken by the socket at which a pool's own requests are answered no more

_ACCEPTED = Verdict(Reason.ACCEPTED)
LOST = Verdict(Reason.LOST)


class Forward(msgspec.Struct, eq=False):
    """A share on its way to the pool.

    Args:
        job: the pool's job it is for.
        user: the worker name the pool shall see, in a dialect where each share names one.
        share: what was found; its nonce is the whole one, its ntime filled in.
        value: what its work was judged by, 32 bytes big-endian.
        token: whatever the sender needs to find its way back.
        sent_at: when it was handed to the connection, seconds of the monotonic clock.
    """

    job: Job
    user: str
    share: Share
    value: bytes
    token: object
    sent_at: float = 0.0


@attrs.frozen(slots=True)
class Account:
    """Who we are to a pool, what work we want, and how it is to be treated.

    Args:
        pool: its name in the configuration.
        user, password: to be let in with.
        agent: our name and version.
        host, port: the pool's address as configured, told back to it where a dialect does so.
        unanswered: most submits without an answer; one known pool dies of four in one read.
        reply_seconds: a share without an answer for so long is lost.
        silence_seconds: without a line for so long the pool counts as dead.
        algorithm: "equihash/N_K" or "blob".
        person: personalization of Equihash.
        network: as upstream.network_difficulty has it.
    """

    pool: str
    user: str
    password: str = attrs.field(repr=False)
    agent: str
    host: str
    port: int
    unanswered: int
    reply_seconds: float
    silence_seconds: float
    algorithm: str
    person: str
    network: float | str = "auto"


class Sink(Protocol):
    """Who is told what came of a conversation."""

    def pool_working(self, link: "Conversation") -> None:
        """The pool has let us in, or has moved us to a new extranonce1: jobs follow."""

    def pool_job(self, job: Job) -> None:
        """The pool gave a job, complete with the target that holds for it."""

    def settle(self, forward: Forward, verdict: Verdict, now: float) -> None:
        """A share's verdict is in."""


class PoolSink(Sink, Protocol):
    """Who is told of everything that comes from the pool that the farm works for."""

    def pool_lost(self) -> None:
        """There is no pool connection to work for, and all shares of the last are settled."""


class Conversation(ABC):
    """The pool-facing end of one connection, in no dialect yet.

    Args:
        account: who we are.
        numbers: gives each connection, and each extranonce1 on it, a number of its own.
        now: seconds of the caller's monotonic clock, as everywhere below.
        sends_target_after: whether this pool is known to send a target behind each job, where the
            dialect can; None if nothing is known.  Read it back from the attribute for the next
            connection.
    """

    FIRST_ID: int  # of our requests that are counted; those before it are the opening's

    def __init__(
        self,
        account: Account,
        sink: Sink,
        numbers: Iterator[int],
        now: float,
        sends_target_after: bool | None = None,
    ) -> None:
        self.account = account
        self.extranonce1 = ""
        self.connection = next(numbers)
        self.working = False
        self.gave_job = False
        self.sends_target_after = sends_target_after
        self.notes: list[str] = []
        self.reconnect_asked = False
        self._sink = sink
        self._numbers = numbers
        self._lines = LineBuffer(LINE_BYTES)
        self._out: list[bytes] = []
        self._queue: deque[Forward] = deque()
        self._pending: dict[int, Forward] = {}
        self._last_id = self.FIRST_ID - 1
        self._bad_lines = 0
        self._heard = now
        self._said = now
        self._owed: tuple[str, float] | None = ("answer", now)  # what the opening waits for, since when
        self._job: events.Notify | None = None
        self._job_read = now
        self._job_given = False
        self._job_due = False  # to be given when all that came with it is read
        self._greet(now)

    # ---- what a dialect has of its own

    @abstractmethod
    def _greet(self, now: float) -> None:
        """Say the first line."""

    @abstractmethod
    def _understand(self, line: bytes) -> events.PoolEvent:
        """Read one line.

        Raises: PoolError for one without sense, of which a pool may send a few.
        """

    @abstractmethod
    def _on_answer(self, reply: events.Reply, now: float) -> None:
        """Take an answer that is to no share: one to the opening, or a late one.

        Raises: PoolError when we are not let in.
        """

    @abstractmethod
    def _submit_line(self, request_id: int, forward: Forward) -> bytes:
        """Write a share."""

    @abstractmethod
    def _unknown_line(self, request: events.UnknownMethod) -> bytes:
        """Write the refusal of a request."""

    # ---- what the shell calls

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes from the pool.

        Raises: PoolError when this connection is of no more use.
        """
        self._heard = now
        for line in self._lines.feed(data):
            if line.strip():
                self._read(line, now)
        # Not sooner: what moves target, extranonce1 and job in one breath makes one job, in any order.
        if self._job_due:
            self._give_job()
        if self._lines.overflow:
            raise PoolError(f"a line of more than {LINE_BYTES} bytes")

    @property
    def has_output(self) -> bool:
        """Whether something is to be sent."""
        return bool(self._out)

    def take_output(self) -> bytes:
        """Return what is to be sent, and forget it."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    def tick(self, now: float) -> None:
        """Let time pass: settle shares that no answer came for.

        Raises: PoolError when the pool has been silent for too long.
        """
        for request_id, forward in list(self._pending.items()):
            if now < forward.sent_at + self.account.reply_seconds:
                break
            del self._pending[request_id]
            self._sink.settle(forward, LOST, now)
        while self._queue and now >= self._queue[0].sent_at + self.account.reply_seconds:
            self._sink.settle(self._queue.popleft(), LOST, now)
        self._pump(now)
        if self._owed is not None and now >= self._owed[1] + self.account.reply_seconds:
            raise PoolError(f"no {self._owed[0]} for {self.account.reply_seconds:g} s")
        if now >= self._heard + self.account.silence_seconds:
            raise PoolError(f"silent for {self.account.silence_seconds:g} s")

    def next_deadline(self) -> float:
        """When tick() has something to do at the latest."""
        deadline = self._heard + self.account.silence_seconds
        for forward in (next(iter(self._pending.values()), None), self._queue[0] if self._queue else None):
            if forward is not None:
                deadline = min(deadline, forward.sent_at + self.account.reply_seconds)
        if self._owed is not None:
            deadline = min(deadline, self._owed[1] + self.account.reply_seconds)
        return deadline

    def submit(self, forward: Forward, now: float) -> None:
        """Hand a share over; the sink is told its verdict, once."""
        forward.sent_at = now  # for its time in the queue, until it is really sent
        if self._queue or len(self._pending) >= self.account.unanswered:
            self._queue.append(forward)
        else:
            self._send(forward, now)

    def abandon(self, now: float) -> None:
        """Settle all that the pool has not answered as lost; the connection is gone."""
        forwards = [*self._pending.values(), *self._queue]
        self._pending.clear()
        self._queue.clear()
        self.working = False
        for forward in forwards:
            self._sink.settle(forward, LOST, now)

    @property
    def waiting(self) -> int:
        """Shares not yet answered, sent or not."""
        return len(self._pending) + len(self._queue)

    # ---- lines

    def _say(self, line: bytes, now: float) -> None:
        self._out.append(line)
        self._said = now

    def _new_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _read(self, line: bytes, now: float) -> None:
        try:
            event = self._understand(line)
        except PoolError as error:
            self._bad_lines += 1
            if self._bad_lines >= BAD_LINES:
                raise
            self.notes.append(f"line ignored: {error}")
            return
        self._bad_lines = 0
        self._on_event(event, now)

    def _on_event(self, event: events.PoolEvent, now: float) -> None:
        match event:
            case events.Reply():
                self._on_reply(event, now)
            case events.Notify():
                self._on_notify(event, now)
            case events.ReconnectAsked():
                # Only ever to the address the operator configured: anything else is a way to steal a farm.
                where = event.where or "the same address"
                self.notes.append(f"asked to reconnect to {where}; reconnecting as configured")
                self.reconnect_asked = True
            case events.Shown():
                self.notes.append(f"message: {event.text}")
            case events.UnknownMethod() if event.id != NULL and len(self._out) < MAX_UNSENT:
                self._say(self._unknown_line(event), now)

    def _on_reply(self, reply: events.Reply, now: float) -> None:
        forward = None if reply.id is None else self._pending.pop(reply.id, None)
        if forward is None:
            self._on_answer(reply, now)
            return
        if reply.ok:
            self._sink.settle(forward, _ACCEPTED, now)
        else:
            text = reply.message or REFUSED_BARE
            self._sink.settle(forward, Verdict(Reason.REJECTED, text, reply.code), now)
        if self._queue:
            self._pump(now)

    def _not_let_in(self, reply: events.Reply) -> PoolError:
        why = f" ({reply.message})" if reply.message else ""
        return PoolError(f"user {self.account.user} refused{why}: check upstream.user and password")

    def _let_in(self) -> None:
        self._owed = None
        self.working = True
        self._sink.pool_working(self)

    # ---- jobs

    def _on_notify(self, notify: events.Notify, now: float) -> None:
        if self._job is not None and self._job.clean and not self._job_given:
            notify.clean = True  # the job it replaces was never given, what that one ends is to end
        self._job = notify
        self._job_read = now
        self._job_given = False
        self._job_due = True

    def _give_job(self) -> None:
        self._job_due = False
        notify = self._job
        if not self.working or notify is None:
            return
        if notify.extranonce1 is not None and notify.extranonce1 != self.extranonce1:
            self._move(notify.extranonce1)
        self._job_given = self.gave_job = True
        self._sink.pool_job(
            Job(
                pool=self.account.pool,
                connection=self.connection,
                pool_id=notify.job_id,
                header=notify.header,
                target=notify.target,
                clean=notify.clean,
                received=self._job_read,
                blob=notify.blob,
                network_target=self._network_target(),
            )
        )

    def _network_target(self) -> bytes:
        """What a block must be below; b"" if nobody knows.  In most work no pool tells."""
        network = self.account.network
        return b"" if isinstance(network, str) or not network else to_bytes(from_difficulty(network))

    def _move(self, extranonce1: str) -> None:
        """Take up a new extranonce1 on the living connection; shares not yet sent are for the old one."""
        self.extranonce1 = extranonce1
        self.connection = next(self._numbers)
        late = list(self._queue)
        self._queue.clear()
        for forward in late:
            self._sink.settle(forward, LOST, self._heard)
        self._sink.pool_working(self)

    # ---- shares

    def _pump(self, now: float) -> None:
        while self._queue and len(self._pending) < self.account.unanswered:
            self._send(self._queue.popleft(), now)

    def _send(self, forward: Forward, now: float) -> None:
        request_id = self._new_id()
        forward.sent_at = now
        self._pending[request_id] = forward
        self._say(self._submit_line(request_id, forward), now)
