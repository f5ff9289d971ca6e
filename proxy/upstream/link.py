"""One live connection to a pool: bytes between its stream and its conversation, until something ends it.

Strategy: a nursery with a reader, a writer and a timekeeper; whatever ends one ends all three.  What is
said and meant is the conversation's part; what becomes of it is the owner's (session.py).
The traps: bytes are written by whoever makes them where the stream is a bare socket, so the writer only
has what did not fit; and a farm that moves leaves shares behind that the pool has yet to answer, so a
connection that is left waits for them, but not for ever.
"""

import os
import socket
import time
from collections.abc import Callable, Iterator
from typing import Protocol

import attrs
import structlog
import trio

from proxy.config import Config, Pool
from proxy.core.poolhealth import Record, is_late
from proxy.core.tally import Tally
from proxy.errors import PoolError
from proxy.model.job import Job
from proxy.model.share import Reason, Verdict
from proxy.upstream.conversation import Account, Conversation, Forward
from proxy.upstream.dialects import CONVERSATIONS
from proxy.upstream.failover import LOST, REJECTING, SILENT
from proxy.version import NAME, __version__

AGENT = f"{NAME}{__version__}"
RECEIVE_BYTES = 65_536
FAULTS = (PoolError, OSError, trio.BrokenResourceError, trio.TooSlowError)  # that end a connection, no more

log = structlog.get_logger()


class Owner(Protocol):
    """Who is told what becomes of a connection."""

    def link_let_in(self, link: "Link") -> None:
        """The pool has let us in, or has moved us to a new extranonce1."""

    def link_job(self, link: "Link", job: Job) -> None:
        """The pool gave a job, which is link.job already."""

    def link_batch(self, link: "Link") -> None:
        """All that came of one read or tick has been told."""


class Link:
    """A connection from its first line to its end.

    Args:
        place: of the pool in the list of pools.
        account: who we are there.
        settle: told every verdict; a call of its own, for there is one for every share.
        numbers: see Conversation.
        sends_target_after: see Conversation.
        leaves_refusers: whether it ends when the pool refuses nearly everything.

    Attributes:
        job: the pool's latest.
        ending: which kind of fault it is that ends it, see failover.py.
        over: set when it has ended, or is left.
    """

    def __init__(
        self,
        stream: trio.abc.Stream,
        place: int,
        account: Account,
        dialect: str,
        owner: Owner,
        settle: Callable[[Forward, Verdict, float], None],
        tally: Tally,
        numbers: Iterator[int],
        sends_target_after: bool | None,
        leaves_refusers: bool,
    ) -> None:
        self.place = place
        self.began = trio.current_time()
        self.connected_at = time.time()
        self.job: Job | None = None
        self.record = Record()
        self.ending = LOST
        self.fault = "closed by the pool"
        self.is_drained = False
        self.has_failed = False
        self.over = trio.Event()
        self.armed = 0.0  # when the timekeeper wakes by itself
        self.sooner = trio.Event()
        self._stream = stream
        self._owner = owner
        self._settle = settle
        self._tally = tally
        self._leaves_refusers = leaves_refusers
        self._scope = trio.CancelScope()
        self._file = _file_of(stream)  # number of the socket, while push() may write to it
        self._unsent = b""
        self._writable = trio.Event()
        self.conversation: Conversation = CONVERSATIONS[dialect](
            account, self, numbers, self.began, sends_target_after
        )

    # ---- what the owner calls

    def push(self) -> None:
        """Send on what was said since.

        What the socket takes at once is not worth waking a task for, which costs more than sending it.
        """
        conversation = self.conversation
        if not conversation.has_output:
            return
        if self._file is None:
            self._writable.set()
            return
        data = conversation.take_output()
        try:
            sent = os.write(self._file, data)
        except OSError:
            sent = 0  # no room now, or broken: the writer finds out which
        self._tally.network_bytes["upstream", "out"] += sent
        if sent < len(data):
            self._unsent = data[sent:]
            self._file = None
            self._writable.set()

    def fail(self, fault: str) -> None:
        """End it for a fault that was found outside; nothing more is told of it."""
        self.has_failed = True
        self.fault = fault
        self._scope.cancel()

    def drain(self, seconds: float) -> None:
        """Leave the pool as soon as it has answered all shares, or in so many seconds."""
        self.is_drained = True
        self.over.set()
        self._scope.deadline = trio.current_time() + seconds
        self._end_if_drained()

    async def run(self) -> None:
        """Talk until the end.

        Raises: one of FAULTS, in a group, unless the pool hung up or the end was ours.
        """
        try:
            self.push()
            with self._scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._read)
                    nursery.start_soon(self._write)
                    nursery.start_soon(self._keep_time)
        finally:
            self._file = None
            # Without last words: a dead pool would not hear them, and the farm is to go on at once.
            await trio.aclose_forcefully(self._stream)

    # ---- what the conversation tells

    def pool_working(self, link: Conversation) -> None:  # noqa: ARG002  # there is only the one
        """The pool has let us in, or moved us."""
        if not self.has_failed:
            self._owner.link_let_in(self)

    def pool_job(self, job: Job) -> None:
        """The pool gave a job."""
        self.job = job
        if not self.has_failed:
            self._owner.link_job(self, job)

    def settle(self, forward: Forward, verdict: Verdict, now: float) -> None:
        """A share's verdict is in."""
        if verdict.reason is Reason.ACCEPTED:
            self.record.good()
        elif not self.over.is_set() and not is_late(verdict, forward.job, self.job, now):
            self.record.bad()
        self._settle(forward, verdict, now)

    # ---- its three tasks

    async def _read(self) -> None:
        received, conversation = self._tally.network_bytes, self.conversation
        while data := await self._stream.receive_some(RECEIVE_BYTES):
            received["upstream", "in"] += len(data)
            conversation.receive(bytes(data), trio.current_time())
            self._after_batch()
            if conversation.reconnect_asked:
                break
        self._scope.cancel()

    async def _write(self) -> None:
        sent, conversation = self._tally.network_bytes, self.conversation
        while True:
            await self._writable.wait()
            self._writable = trio.Event()
            while data := self._unsent + conversation.take_output():
                self._unsent = b""
                await self._stream.send_all(data)
                sent["upstream", "out"] += len(data)
            self._file = _file_of(self._stream)

    async def _keep_time(self) -> None:
        conversation = self.conversation
        while True:
            self.armed = conversation.next_deadline()
            with trio.move_on_at(self.armed):
                await self.sooner.wait()
            self.sooner = trio.Event()
            try:
                conversation.tick(trio.current_time())
            except PoolError:
                self.ending = SILENT  # time brings no other fault
                raise
            self._after_batch()

    def _after_batch(self) -> None:
        self.finish_batch()
        record = self.record
        if self._leaves_refusers and record.is_hopeless and not self.is_drained:
            self.ending = REJECTING
            raise PoolError(f"{record.bad_count} of the last {record.count} shares refused or not answered")

    def finish_batch(self) -> None:
        """Let everything that came of one read or tick take effect at once."""
        conversation = self.conversation
        for note in conversation.notes:
            log.warning("pool", pool=conversation.account.pool, note=note)
        conversation.notes.clear()
        self.push()
        if conversation.next_deadline() < self.armed:
            self.sooner.set()
        self._end_if_drained()
        self._owner.link_batch(self)

    def _end_if_drained(self) -> None:
        if self.is_drained and not self.conversation.waiting:
            self._scope.cancel()


def account_at(pool: Pool, config: Config) -> Account:
    """Tell who we are at a pool, and how it is to be treated."""
    upstream, limits = config.upstream, config.limits
    return Account(
        pool=pool.name,
        user=pool.user or upstream.user,
        password=pool.password or upstream.password,
        agent=AGENT,
        host=pool.url.host or "localhost",  # a socket file has neither, and no pool cares
        port=pool.url.port,
        unanswered=limits.upstream_unanswered,
        reply_seconds=limits.upstream_reply_seconds,
        silence_seconds=limits.upstream_silence_seconds,
        algorithm=upstream.algorithm,
        person=upstream.personalization,
        network=upstream.network_difficulty,
    )


def renewed(job: Job, now: float) -> Job:
    """Return a job that has waited for its turn as one that has just come."""
    return attrs.evolve(job, clean=True, received=now)


def said(error: BaseException) -> str:
    """Say in one line what ended a connection."""
    while isinstance(error, BaseExceptionGroup | OSError):
        inner = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error.__cause__
        if inner is None:
            break
        error = inner
    if isinstance(error, trio.TooSlowError):
        return "no connection in time (limits.connect_seconds)"
    if isinstance(error, OSError) and error.errno is not None:
        # A failed look-up has numbers of its own, and its text already.
        return str(error.strerror) if isinstance(error, socket.gaierror) else os.strerror(error.errno)
    return (str(error) or type(error).__name__).splitlines()[0]


def _file_of(stream: trio.abc.Stream) -> int | None:
    """The file number of a bare socket; None where bytes have to take another way."""
    return stream.socket.fileno() if isinstance(stream, trio.SocketStream) else None
