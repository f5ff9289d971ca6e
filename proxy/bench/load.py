"""The load: miners and a pool on one epoll in this process, against a proxy in another.

Strategy: as cheap as Python allows, so that the proxy is what is saturated: one recv a reply, whose
newlines are counted, one send a share, and the pool answers all shares of a read in one send.  A miner has
one share under way at a time; those that have none stand in a queue, so the shares go round.
Here: the loop, and how a share, a job or a login is got under way.  Not here: what is said (words.py),
what is measured (shares.py, memory.py, churn.py).
The trap: a slow proxy must not look like a finished one.  Every wait has an end, which is an error.
"""

import gc
import select
import socket
import time
from collections import deque
from collections.abc import Callable
from typing import Self

from proxy.bench.watched import Watched
from proxy.bench.words import Words, split
from proxy.errors import SluiceError

AT_ONCE = 100  # logins under way at a time: fewer than a listener's backlog, so that no connect waits
WAIT_SECONDS = 60  # for anything; the slowest of it takes 10
ADDRESSES = 16  # that miners come from: one has 28,000 ports, and each rests a minute after use
SPARE_FILES = 1024  # beside miners: the pool's connections, those who come and go
_EVENTS = 256
_POOL_READ = 1 << 18
_BUFFER = 65_536


class Miner:
    """One miner's socket, and what it knows for its next share."""

    __slots__ = ("head", "left", "news", "number", "rest", "session", "since", "sock", "tail")

    def __init__(self, sock: socket.socket, number: int) -> None:
        self.sock = sock
        self.number = number
        self.head = b""  # of a share's line, up to the nonce; b"" until it has a job
        self.tail = b""
        self.session = ""
        self.rest = b""  # of a line that has not come whole
        self.news = b""  # lines with a job, read when the next share is made
        self.since = 0.0  # when its share went out, 0 without one
        self.left = 0  # shares until it goes; 0 for one that stays


class _PoolEnd:
    __slots__ = ("rest", "sock", "welcomed")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.rest = b""
        self.welcomed = False


class Load:
    """Miners and pool; a context manager that closes them all.

    Args:
        words: the dialect.
        spins: whether to poll without waiting where exact times are wanted: only on a core of our own.
    """

    def __init__(self, words: Words, spins: bool) -> None:
        self.words = words
        self.spins = spins
        self.miners: dict[int, Miner] = {}
        self.idle: deque[Miner] = deque()
        self.in_flight = 0
        self.answered = 0  # shares
        self.lines = 0  # to miners at work
        self.logged_in = 0
        self.times: list[float] | None = None  # of round trips, where they are wanted
        self.on_leave: Callable[[Miner], None] = lambda _miner: None
        self._coming = 0
        self._nonce = 0
        self._number = 0
        self._pool: dict[int, _PoolEnd] = {}
        self._others: dict[int, Callable[[], None]] = {}
        self._buffer = bytearray(_BUFFER)
        self._epoll = select.epoll()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._watch(self._listener.fileno(), self._accept)
        self.port: int = self._listener.getsockname()[1]  # where miners go
        self.pool_port = self.port

    def __enter__(self) -> Self:
        # The collector would stop the load for as long as a round trip takes.
        gc.collect()
        gc.disable()
        return self

    def __exit__(self, *_: object) -> None:
        gc.enable()
        for end in self._pool.values():
            end.sock.close()
        for miner in self.miners.values():
            miner.sock.close()
        self._listener.close()
        self._epoll.close()

    # ---- the loop

    def turn(self, timeout: float = 0.0) -> None:
        """Do what there is to do.

        Args:
            timeout: seconds to wait for something.
        """
        miners, pool = self.miners, self._pool
        for fd, _ in self._epoll.poll(timeout, _EVENTS):
            miner = miners.get(fd)
            if miner is not None:
                self._on_miner(miner)
                continue
            end = pool.get(fd)
            if end is not None:
                self._on_pool(end)
            elif fd in self._others:
                self._others[fd]()

    def until(self, done: Callable[[], bool], what: str) -> None:
        """Go on until something is so.

        Raises: SluiceError after WAIT_SECONDS.
        """
        end = time.monotonic() + WAIT_SECONDS
        while not done():
            self.turn(0.01)
            if time.monotonic() > end:
                raise SluiceError(f"bench: waited {WAIT_SECONDS} s for {what}")

    def rest(self, seconds: float) -> None:
        """Do nothing but answer for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.turn(left)

    def serve(self, watched: Watched) -> None:
        """Be miners and pool of a proxy from now on; wait until it has work."""
        self._watch(watched.fileno(), watched.read)
        self.until(lambda: watched.ready and watched.port > 0, "the proxy to have work")
        self.port = watched.port

    def _watch(self, fd: int, on_input: Callable[[], None]) -> None:
        self._epoll.register(fd, select.EPOLLIN)
        self._others[fd] = on_input

    # ---- miners come and go

    def log_in(self, count: int, progress: Callable[[float], None] = lambda _part: None) -> None:
        """Bring more miners, and wait until all of them have work."""
        begun, wanted = self.logged_in, self.logged_in + count

        def all_here() -> bool:
            while self._coming < min(AT_ONCE, wanted - self.logged_in):
                self.bring()
            progress((self.logged_in - begun) / count)
            return self.logged_in >= wanted

        self.until(all_here, f"{count} miners to be logged in")

    def bring(self, stays_for: int = 0) -> None:
        """Let one miner connect and say hello.

        Args:
            stays_for: shares after which it goes; 0 if it stays.
        """
        miner = self.connect()
        miner.left = stays_for
        self._coming += 1
        miner.sock.sendall(self.words.hello(miner.number))

    def bring_stranger(self) -> None:
        """Let one miner connect that sends shares without logging in: for the pool itself."""
        miner = self.connect()
        self.words.stranger(miner)
        self.idle.append(miner)

    def connect(self) -> Miner:
        """Let one miner connect; it has said nothing yet."""
        self._number += 1
        sock = socket.socket()
        sock.bind((f"127.0.0.{1 + self._number % ADDRESSES}", 0))
        sock.connect(("127.0.0.1", self.port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        miner = self.miners[sock.fileno()] = Miner(sock, self._number)
        self._epoll.register(sock.fileno(), select.EPOLLIN)
        return miner

    def dismiss(self, miner: Miner) -> None:
        """Hang up; a verdict that is still to come is nobody's."""
        if miner.since:
            self.in_flight -= 1
        del self.miners[miner.sock.fileno()]
        self._epoll.unregister(miner.sock.fileno())
        miner.sock.close()

    # ---- miners work

    def submit(self) -> None:
        """Send a share of the miner that has waited longest."""
        self.submit_of(self.idle.popleft())

    def submit_of(self, miner: Miner) -> None:
        """Send a share of a miner that has none under way."""
        if miner.news:
            news, miner.news = miner.news, b""
            for line in news.splitlines():
                self.words.learn(miner, line)
        self._nonce += 1
        self.in_flight += 1
        line = self.words.share(miner, self._nonce)
        miner.since = time.perf_counter()
        if miner.sock.send(line) < len(line):
            raise SluiceError("bench: the proxy does not read what its miners send")

    def _on_miner(self, miner: Miner) -> None:
        got = miner.sock.recv_into(self._buffer)
        if not got:
            raise SluiceError("bench: the proxy closed a miner's connection")
        if not miner.head:
            self._learn(miner, self._buffer[:got])
            return
        lines = self._buffer.count(b"\n", 0, got)
        self.lines += lines
        if self._buffer.find(b'"method"', 0, got) >= 0:
            # Only what is newest counts, and it may stand behind the verdict on a share.
            miner.news = bytes(self._buffer[:got])
            lines -= miner.news.count(b'"method"')
        if lines and miner.since:
            self._on_verdict(miner)

    def _on_verdict(self, miner: Miner) -> None:
        if self.times is not None:
            self.times.append(time.perf_counter() - miner.since)
        miner.since = 0.0
        self.in_flight -= 1
        self.answered += 1
        if not miner.left:
            self.idle.append(miner)
            return
        miner.left -= 1
        if miner.left:
            self.submit_of(miner)
        else:
            self.on_leave(miner)

    def _learn(self, miner: Miner, data: bytes | bytearray) -> None:
        *lines, miner.rest = (miner.rest + data).split(b"\n")
        for line in lines:
            answer = self.words.learn(miner, line)
            if answer:
                miner.sock.sendall(answer)
        if not miner.head:
            return
        self._coming -= 1
        self.logged_in += 1
        if miner.left:
            self.submit_of(miner)
        else:
            self.idle.append(miner)

    # ---- the pool

    def give_job(self) -> int:
        """Give a new job on every pool connection.

        Returns: how many there are.
        """
        line = self.words.job()
        ends = [end for end in self._pool.values() if end.welcomed]
        for end in ends:
            end.sock.sendall(line)
        return len(ends)

    def _accept(self) -> None:
        sock, _ = self._listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._pool[sock.fileno()] = _PoolEnd(sock)
        self._epoll.register(sock.fileno(), select.EPOLLIN)

    def _on_pool(self, end: _PoolEnd) -> None:
        data = end.sock.recv(_POOL_READ)
        if not data:
            del self._pool[end.sock.fileno()]
            self._epoll.unregister(end.sock.fileno())
            end.sock.close()
            return
        if end.rest:
            data = end.rest + data
        *lines, end.rest = data.split(b"\n")
        yes, answers = self.words.yes, []
        for line in lines:
            request_id, is_share = split(line)
            if is_share:
                answers.append(yes % request_id)
            else:
                answers.append(self.words.welcome(request_id, line))
                end.welcomed = True
        end.sock.sendall(b"".join(answers))
