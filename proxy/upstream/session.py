"""The pool side on Trio: connects, keeps one conversation alive, and comes back after every fault.

Strategy: one nursery a connection with a reader, a writer and a timekeeper; whatever ends one ends all
three, and the loop around them tries the next pool, or the first again, after a growing wait.  What is
said and meant is the conversation's part (conversation.py, and one file a dialect).
The trap: a dead route sends no reset.  TCP is told to give up on unacknowledged bytes, and a pool that
sends no line for long enough counts as dead.
"""

import itertools
import os
import socket
import time
from collections.abc import Callable, Iterator
from random import Random
from typing import Protocol

import attrs
import structlog
import trio

from proxy.config import Address, Config, Pool
from proxy.core.tally import Tally
from proxy.errors import PoolError
from proxy.model.job import Job
from proxy.model.share import Verdict
from proxy.model.target import to_difficulty
from proxy.upstream.backoff import Backoff
from proxy.upstream.conversation import Account, Conversation, Forward, Sink
from proxy.upstream.dialects import CONVERSATIONS
from proxy.version import NAME, __version__

AGENT = f"{NAME}{__version__}"
RECEIVE_BYTES = 65_536
# Shares not yet answered at which miners are no longer read; 3 kB each, so some 3 MB at most.
QUEUE_HIGH = 1024
QUEUE_LOW = 256
# A connection that gave work for so long was a success: the waits start small again, and the most
# preferred pool has its turn.  One that ends sooner counts as another failure, or it would be tried for ever.
STABLE_SECONDS = 10
WARN_SECONDS = 60  # between two lines that say the same
UNIX = "unix"  # the scheme of a socket file
USER_TIMEOUT_SECONDS = 30  # unacknowledged bytes for so long: the route is dead

log = structlog.get_logger()


class PoolSink(Sink, Protocol):
    """Who is told of everything that comes from the pool side."""

    def pool_lost(self) -> None:
        """The pool connection is gone and all its shares are settled."""


@attrs.define(slots=True, eq=False)
class PoolStatus:
    """What is known of one pool, for metrics and people."""

    name: str
    url: str
    state: str = "down"  # active | connecting | down
    difficulty: float = 0.0
    last_job_at: float = 0.0  # seconds since 1970
    last_fault: str = "not tried yet"
    worked: bool = False  # its last connection was a success
    sends_target_after: bool | None = None


class Upstream:
    """Keeps one connection to the most preferred pool that can be had.

    Args:
        sink: who is told of jobs and verdicts.
        tally: where bytes are counted.
        random: spreads the waits between attempts.
        first_choice: tells, when run() begins, which pool its first attempt goes to; a connection that
            is only to help another has to follow it.
    """

    def __init__(
        self,
        config: Config,
        sink: PoolSink,
        tally: Tally,
        random: Random,
        first_choice: Callable[[], int] = lambda: 0,
    ) -> None:
        self._config = config
        self._sink = sink
        self._first_choice = first_choice
        self._place = 0  # in the list of pools, of the one that is tried or talked to
        self._status: PoolStatus | None = None
        self._armed = 0.0  # when the timekeeper wakes by itself
        self._reply_seconds = config.limits.upstream_reply_seconds
        self._tally = tally
        self._numbers: Iterator[int] = itertools.count(1)
        self._backoff = Backoff(config.limits.reconnect_seconds_max, random)
        self._conversation: Conversation | None = None
        self._socket: int | None = None  # file number, while push() may write to it
        self._unsent = b""
        self._writable = trio.Event()
        self._sooner = trio.Event()
        self._room = trio.Event()
        self._idle = trio.Event()
        self._warn_again = float("-inf")
        self._served_by = ""  # the pool that work came from last
        self.pools = [PoolStatus(pool.name, str(pool.url)) for pool in config.upstream.pools]
        self.on_batch: Callable[[], None] = lambda: None

    # ---- what the relay calls

    def submit(self, forward: Forward, now: float) -> bool:
        """Hand a share to the pool connection it is for.

        Returns: False if that connection is gone; the share is the caller's again.
        """
        conversation = self._conversation
        if (
            conversation is None
            or not conversation.working
            or forward.job.connection != conversation.connection
        ):
            return False
        conversation.submit(forward, now)
        # All that a share brings nearer is the end of the wait for its answer.
        if now + self._reply_seconds < self._armed:
            self._sooner.set()
        return True

    def push(self) -> None:
        """Send on what was said since; to be called at the end of every batch of shares.

        What the socket takes at once is not worth waking a task for, which costs more than sending it.
        """
        conversation = self._conversation
        if conversation is None or not conversation.has_output:
            return
        if self._socket is None:
            self._writable.set()
            return
        data = conversation.take_output()
        try:
            sent = os.write(self._socket, data)
        except OSError:
            sent = 0  # no room now, or broken: the writer finds out which
        self._tally.network_bytes["upstream", "out"] += sent
        if sent < len(data):
            self._unsent = data[sent:]
            self._socket = None
            self._writable.set()

    @property
    def account_user(self) -> str:
        """The user that the present pool knows us by."""
        conversation = self._conversation
        return self._config.upstream.user if conversation is None else conversation.account.user

    @property
    def current(self) -> int | None:
        """Place of the pool that works now in the list of pools, None without one."""
        conversation = self._conversation
        return self._place if conversation is not None and conversation.working else None

    @property
    def waiting(self) -> int:
        """Shares that a pool has not answered yet."""
        return self._conversation.waiting if self._conversation is not None else 0

    @property
    def is_full(self) -> bool:
        """Whether so many shares wait that no more should be read from miners."""
        return self.waiting >= QUEUE_HIGH

    def _warn_of_waiting(self) -> None:
        now = trio.current_time()
        if now >= self._warn_again:
            self._warn_again = now + WARN_SECONDS
            log.warning(
                "shares wait for the pool",
                waiting=self.waiting,
                note="limits.upstream_unanswered holds them back; raise it if the pool takes more at once",
            )

    async def room(self) -> None:
        """Wait until shares may be handed over again."""
        if self.is_full:
            self._warn_of_waiting()
        while self.waiting > QUEUE_LOW:
            if self._room.is_set():
                self._room = trio.Event()
            await self._room.wait()

    async def settled(self) -> None:
        """Wait until every share that was handed over has its verdict."""
        while self.waiting:
            if self._idle.is_set():
                self._idle = trio.Event()
            await self._idle.wait()

    # ---- what the conversation tells: noted here, passed on

    def pool_working(self, link: Conversation) -> None:
        """The pool has let us in."""
        assert self._status is not None
        self._status.state = "active"
        if self._served_by not in ("", self._status.name):
            # There is no other reason in this version: nobody moves from a pool that works.
            self._tally.switches[self._served_by, self._status.name, "lost"] += 1
        self._served_by = self._status.name
        log.info(
            "pool working",
            pool=self._status.name,
            **({"extranonce1": link.extranonce1} if link.extranonce1 else {}),
        )
        self._sink.pool_working(link)

    def pool_job(self, job: Job) -> None:
        """The pool gave a job."""
        assert self._status is not None
        self._status.difficulty = to_difficulty(job.target)
        self._status.last_job_at = time.time()
        self._sink.pool_job(job)

    def settle(self, forward: Forward, verdict: Verdict, now: float) -> None:
        """A share's verdict is in."""
        self._sink.settle(forward, verdict, now)

    # ---- the life of connections

    async def run(self) -> None:
        """Connect, talk, and come back after every fault, for ever."""
        preferred = self._first_choice()
        while True:
            self._place = preferred
            status = self.pools[preferred]
            pool = self._config.upstream.pools[preferred]
            fault = "closed by the pool"
            status.worked = False
            self._status = status
            try:
                await self._talk(pool, status)
            except* (PoolError, OSError, trio.BrokenResourceError, trio.TooSlowError) as group:
                fault = _first_line(group)
            status.state, status.last_fault = "down", fault
            if status.worked:
                self._backoff.reset()
            preferred = 0 if status.worked else (preferred + 1) % len(self.pools)
            wait = self._backoff.next()
            log.warning(
                "pool lost" if status.worked else "pool not to be had",
                pool=pool.name,
                address=str(pool.url),
                why=fault,
                retry_in=round(wait, 1),
            )
            await trio.sleep(wait)

    async def _talk(self, pool: Pool, status: PoolStatus) -> None:
        """Hold one connection from connect to its end."""
        status.state = "connecting"
        with trio.fail_after(self._config.limits.connect_seconds):
            stream = await _dial(pool.url)
        async with stream:
            if pool.url.scheme != UNIX:
                _set_timeouts(stream.socket)
            conversation = CONVERSATIONS[self._config.upstream.dialect](
                self._account(pool), self, self._numbers, trio.current_time(), status.sends_target_after
            )
            self._conversation = conversation
            self._socket, self._unsent = stream.socket.fileno(), b""
            began = trio.current_time()
            self.push()
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._read, stream, conversation, nursery.cancel_scope)
                    nursery.start_soon(self._write, stream, conversation)
                    nursery.start_soon(self._keep_time, conversation)
            finally:
                self._conversation = self._socket = None
                status.sends_target_after = conversation.sends_target_after
                lived = trio.current_time() - began
                status.worked = conversation.gave_job and lived >= STABLE_SECONDS
                conversation.abandon(trio.current_time())
                self._sink.pool_lost()
                self._after_batch(conversation)

    def _account(self, pool: Pool) -> Account:
        upstream, limits = self._config.upstream, self._config.limits
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
        )

    async def _read(
        self, stream: trio.SocketStream, conversation: Conversation, scope: trio.CancelScope
    ) -> None:
        received = self._tally.network_bytes
        while data := await stream.receive_some(RECEIVE_BYTES):
            received["upstream", "in"] += len(data)
            conversation.receive(data, trio.current_time())
            self._after_batch(conversation)
            if conversation.reconnect_asked:
                break
        scope.cancel()

    async def _write(self, stream: trio.SocketStream, conversation: Conversation) -> None:
        sent = self._tally.network_bytes
        while True:
            await self._writable.wait()
            self._writable = trio.Event()
            while data := self._unsent + conversation.take_output():
                self._unsent = b""
                await stream.send_all(data)
                sent["upstream", "out"] += len(data)
            self._socket = stream.socket.fileno()

    async def _keep_time(self, conversation: Conversation) -> None:
        while True:
            self._armed = conversation.next_deadline()
            with trio.move_on_at(self._armed):
                await self._sooner.wait()
            self._sooner = trio.Event()
            conversation.tick(trio.current_time())
            self._after_batch(conversation)

    def _after_batch(self, conversation: Conversation) -> None:
        """Let everything that came of one read or tick take effect at once."""
        for note in conversation.notes:
            log.warning("pool", pool=conversation.account.pool, note=note)
        conversation.notes.clear()
        self.push()
        self._rearm(conversation)
        if self.waiting <= QUEUE_LOW:
            self._room.set()
        if not self.waiting:
            self._idle.set()
        self.on_batch()

    def _rearm(self, conversation: Conversation) -> None:
        """Wake the timekeeper if it would sleep too long."""
        if conversation.next_deadline() < self._armed:
            self._sooner.set()


async def _dial(url: Address) -> trio.SocketStream:
    """Connect.

    Raises: OSError.
    """
    if url.scheme == UNIX:
        return await trio.open_unix_socket(url.path)
    # As bytes: Python's own encoding of names answers one that cannot be with no OSError.
    return await trio.open_tcp_stream(url.host.encode(), url.port, happy_eyeballs_delay=0.25)


def _set_timeouts(sock: trio.socket.SocketType) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_SECONDS * 1000)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, USER_TIMEOUT_SECONDS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, USER_TIMEOUT_SECONDS // 3)


def _first_line(group: BaseExceptionGroup[BaseException]) -> str:
    """Say in one line what ended a connection."""
    error: BaseException = group
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
