"""One connection to a pool, sans-IO: what to say to it, what its lines mean, what became of each share.

    subscribing → authorizing → working;  any fault is a PoolError, and the connection's end

Strategy: bytes in by receive(), time by tick(), bytes out by take_output(); what comes of it is told to
the sink.  Requests are not pipelined before authorize is answered, since some pools then never give
work.  Every share that is handed over is settled exactly once: by the pool's reply, by the lack of one,
or by abandon().
The traps: one kind of pool sends the share target *after* each job, so a job of such a pool waits a
moment for it, or miners would restart twice; another answers a refused share twice, and some never.
"""

from collections import deque
from collections.abc import Iterator
from typing import Protocol

import attrs

from proxy.errors import PoolError
from proxy.model.job import Job
from proxy.model.share import Reason, Verdict
from proxy.wire import aion, events
from proxy.wire.jsonrpc import NULL
from proxy.wire.lines import LineBuffer

SUBSCRIBE_ID, AUTHORIZE_ID, EXTRANONCE_ID, FIRST_SUBMIT_ID = 1, 2, 3, 4
TARGET_WAIT = 0.1  # seconds a job waits for the set_target that this pool sends behind it
LINE_BYTES = 65_536  # longest line taken from a pool; real ones stay below 1 kB
BAD_LINES = 3  # senseless lines in a row before a connection is given up
MAX_UNSENT = 64  # lines not yet taken by the socket at which a pool's own requests are answered no more

_ACCEPTED = Verdict(Reason.ACCEPTED)
LOST = Verdict(Reason.LOST)


@attrs.define(slots=True, eq=False)
class Forward:
    """A share on its way to the pool.

    Args:
        job: the pool's job it is for.
        user: the worker name the pool shall see.
        ntime: 16 hex digits.
        nonce: hex, the bytes behind the pool's extranonce1.
        solution: hex, bare.
        token: whatever the sender needs to find its way back.
        sent_at: when it was handed to the connection, seconds of the monotonic clock.
    """

    job: Job
    user: str
    ntime: str
    nonce: str
    solution: str
    token: object
    sent_at: float = 0.0


@attrs.frozen(slots=True)
class Account:
    """Who we are to a pool, and how it is to be treated.

    Args:
        pool: its name in the configuration.
        user, password: for authorize.
        agent: our name and version.
        host, port: the pool's address as configured, told back to it in subscribe.
        unanswered: most submits without an answer; one known pool dies of four in one read.
        reply_seconds: a share without an answer for so long is lost.
        silence_seconds: without a line for so long the pool counts as dead.
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


class Sink(Protocol):
    """Who is told what came of a conversation."""

    def pool_working(self, link: "Conversation") -> None:
        """The pool has let us in, or has moved us to a new extranonce1: jobs follow."""

    def pool_job(self, job: Job) -> None:
        """The pool gave a job, complete with the target that holds for it."""

    def settle(self, forward: Forward, verdict: Verdict, now: float) -> None:
        """A share's verdict is in."""


class Conversation:
    """The pool-facing end of one connection.

    Args:
        account: who we are.
        numbers: gives each connection, and each extranonce1 on it, a number of its own.
        sends_target_after: whether this pool is known to send set_target behind each job; None if
            nothing is known.  Read it back from the attribute for the next connection.
        now: seconds of the caller's monotonic clock, as everywhere below.
    """

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
        self._next_id = FIRST_SUBMIT_ID
        self._bad_lines = 0
        self._heard = now
        self._asked: float | None = now  # since when an answer to subscribe or authorize is due
        self._target: int | None = None  # the last set_target, None if the pool never sent one
        self._job: events.Notify | None = None
        self._job_read = now
        self._job_given = False
        self._job_due = False  # to be given when all that came with it is read
        self._held_since: float | None = None
        self._job_extranonce1: str | None = None  # the one that the job is for, None for the one given first
        self._next_extranonce1: str | None = None  # the one that the next job is for
        self._say(aion.subscribe(SUBSCRIBE_ID, account.agent, account.host, account.port))

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

    def take_output(self) -> bytes:
        """Return what is to be sent, and forget it."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    def tick(self, now: float) -> None:
        """Let time pass: settle shares that no answer came for, end the wait for a target.

        Raises: PoolError when the pool has been silent for too long.
        """
        if self._held_since is not None and now >= self._held_since + TARGET_WAIT:
            self.sends_target_after = False
            self._give_job()
        for request_id, forward in list(self._pending.items()):
            if now < forward.sent_at + self.account.reply_seconds:
                break
            del self._pending[request_id]
            self._sink.settle(forward, LOST, now)
        while self._queue and now >= self._queue[0].sent_at + self.account.reply_seconds:
            self._sink.settle(self._queue.popleft(), LOST, now)
        self._pump(now)
        if self._asked is not None and now >= self._asked + self.account.reply_seconds:
            raise PoolError(f"no answer for {self.account.reply_seconds:g} s")
        if now >= self._heard + self.account.silence_seconds:
            raise PoolError(f"silent for {self.account.silence_seconds:g} s")

    def next_deadline(self) -> float:
        """When tick() has something to do at the latest."""
        deadline = self._heard + self.account.silence_seconds
        if self._held_since is not None:
            deadline = min(deadline, self._held_since + TARGET_WAIT)
        for forward in (next(iter(self._pending.values()), None), self._queue[0] if self._queue else None):
            if forward is not None:
                deadline = min(deadline, forward.sent_at + self.account.reply_seconds)
        if self._asked is not None:
            deadline = min(deadline, self._asked + self.account.reply_seconds)
        return deadline

    def submit(self, forward: Forward, now: float) -> None:
        """Hand a share over; the sink is told its verdict, once."""
        forward.sent_at = now  # for its time in the queue, until it is really sent
        self._queue.append(forward)
        self._pump(now)

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

    def _say(self, line: bytes) -> None:
        self._out.append(line)

    def _read(self, line: bytes, now: float) -> None:
        try:
            event = aion.read_pool(line)
        except PoolError as error:
            self._bad_lines += 1
            if self._bad_lines >= BAD_LINES:
                raise
            self.notes.append(f"line ignored: {error}")
            return
        self._bad_lines = 0
        match event:
            case events.Reply():
                self._on_reply(event, now)
            case events.Notify():
                self._on_notify(event, now)
            case events.SetTarget():
                self._on_set_target(event, now)
            case events.SetExtranonce():
                if not event.extranonce1:
                    raise PoolError("an empty extranonce1 in mining.set_extranonce")
                self._next_extranonce1 = event.extranonce1
            case events.ReconnectAsked():
                # Only ever to the address the operator configured: anything else is a way to steal a farm.
                where = event.where or "the same address"
                self.notes.append(f"asked to reconnect to {where}; reconnecting as configured")
                self.reconnect_asked = True
            case events.Shown():
                self.notes.append(f"message: {event.text}")
            case events.UnknownMethod() if event.id != NULL and len(self._out) < MAX_UNSENT:
                self._say(aion.method_unknown(event.id, event.method))

    def _on_reply(self, reply: events.Reply, now: float) -> None:
        if reply.id is None:
            return
        forward = self._pending.pop(reply.id, None)
        if forward is not None:
            if reply.ok:
                self._sink.settle(forward, _ACCEPTED, now)
            else:
                text = reply.message or "refused without a reason"
                self._sink.settle(forward, Verdict(Reason.REJECTED, text, reply.code), now)
            self._pump(now)
        elif reply.id == SUBSCRIBE_ID and not self.extranonce1:
            self._on_subscribed(reply, now)
        elif reply.id == AUTHORIZE_ID and not self.working:
            self._on_authorized(reply)
        # Anything else answers what is settled already: late, or the second answer to one share.

    def _on_subscribed(self, reply: events.Reply, now: float) -> None:
        if reply.message:
            raise PoolError(f"subscribe refused: {reply.message}")
        self.extranonce1 = aion.read_subscribed(reply.result)
        if not self.extranonce1:
            raise PoolError("an empty extranonce1 in the answer to mining.subscribe")
        self._asked = now
        self._say(aion.authorize(AUTHORIZE_ID, self.account.user, self.account.password))

    def _on_authorized(self, reply: events.Reply) -> None:
        if not self.extranonce1:
            return
        if not reply.ok:
            why = f" ({reply.message})" if reply.message else ""
            raise PoolError(f"user {self.account.user} refused{why}: check upstream.user and password")
        self._asked = None
        self.working = True
        # A pool that is itself a proxy moves us by this; the others refuse it and nothing is lost.
        self._say(aion.extranonce_subscribe(EXTRANONCE_ID))
        self._sink.pool_working(self)
        self._job_due = self._job is not None and self._held_since is None

    # ---- jobs

    def _on_notify(self, notify: events.Notify, now: float) -> None:
        if self._job is not None and self._job.clean and not self._job_given:
            notify.clean = True  # the job it replaces was never given, what that one ends is to end
        self._job = notify
        self._job_read = now
        self._job_given = False
        if self._next_extranonce1 is not None:
            self._job_extranonce1, self._next_extranonce1 = self._next_extranonce1, None
        # None: not known yet, so the first job of a pool waits once to find out.
        self._job_due = self.sends_target_after is False
        # A hurried pool's jobs do not prolong the wait.
        if not self._job_due and self._held_since is None:
            self._held_since = now

    def _on_set_target(self, event: events.SetTarget, now: float) -> None:
        self._target = event.target
        behind_job = self._job is not None and now - self._job_read < TARGET_WAIT
        if self._held_since is not None or behind_job:
            self.sends_target_after = True
        if self._job is not None:
            self._job_read = now
            self._held_since = None
            self._job_due = True

    def _give_job(self) -> None:
        self._job_due = False
        self._held_since = None
        if not self.working or self._job is None:
            return
        if self._job_extranonce1 is not None and self._job_extranonce1 != self.extranonce1:
            self._move(self._job_extranonce1)
        notify = self._job
        self._job_given = self.gave_job = True
        self._sink.pool_job(
            Job(
                pool=self.account.pool,
                connection=self.connection,
                pool_id=notify.job_id,
                header=notify.header,
                target=self._target or notify.target,
                clean=notify.clean,
                received=self._job_read,
            )
        )

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
            forward = self._queue.popleft()
            request_id = self._next_id
            self._next_id += 1
            forward.sent_at = now
            self._pending[request_id] = forward
            self._say(
                aion.submit(
                    request_id,
                    forward.user,
                    forward.job.pool_id,
                    forward.ntime,
                    forward.nonce,
                    forward.solution,
                )
            )
