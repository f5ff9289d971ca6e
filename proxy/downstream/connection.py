"""One accepted TCP socket and what is left to send on it; nothing here waits.

Strategy: everything is sent at once without blocking.  What the socket does not take is a bounded
leftover, sent when the socket has room; a miner whose leftover grows past the bound is dropped.
The trap: jobs are not queued behind a leftover.  The line under way is finished, then the newest job
follows, so a slow reader gets current work instead of history.
"""

import contextlib
import errno
import select
import socket

from proxy.downstream.session import MinerSession

RECEIVE_BYTES = 16_384
MOST_READS = 64  # of what a miner that is hung up on still sends: 1 MiB


class Connection:
    """A miner's socket with its session.

    Attributes:
        is_plain: what is sent goes to the socket as it is, so others may send it (volley.py).
    """

    is_plain = True

    __slots__ = (
        "address",
        "budget",
        "choked",
        "dirty",
        "epoll",
        "fd",
        "first_job_queued",
        "half_closed",
        "job_waits",
        "last_call",
        "leftover",
        "limit",
        "mask",
        "parting",
        "session",
        "sock",
        "throttled",
    )

    def __init__(self, sock: socket.socket, address: str, limit: int, budget: float) -> None:
        self.sock: socket.socket | None = sock
        self.fd = sock.fileno()
        self.address = address
        self.session: MinerSession
        self.leftover = b""
        self.limit = limit  # bytes of leftover at most
        self.epoll: select.epoll  # that tells of it
        self.mask = 0  # what that is asked for
        self.budget = budget  # requests it may still send before it is slowed
        self.throttled = False
        self.choked = False  # too many of its shares wait for their verdict: it is not read meanwhile
        self.last_call = False  # closing, and the next sweep does not wait for its leftover any more
        self.first_job_queued = False
        self.half_closed = False
        self.parting = ""  # why the miner is sent away: it is read to its end, and told nothing more
        self.dirty = False  # output waits for the end of the batch
        self.job_waits = False  # a job was due while a leftover was under way

    @property
    def is_held(self) -> bool:
        """Whether it is not to be read for now."""
        return self.throttled or self.choked

    def unchoke(self, most: int) -> bool:
        """Have it read again once fewer shares than that wait for their verdict; true if so."""
        self.choked = self.session.unanswered >= most
        return not self.choked

    @property
    def is_behind(self) -> bool:
        """Whether something is to be done as soon as all is sent, or is not sent yet."""
        return bool(self.leftover) or self.half_closed or self.job_waits

    def send(self, data: bytes) -> str:
        """Send without blocking.

        Returns: "" if all is well, else why the miner must be dropped.
        """
        if self.leftover:
            return self._keep(self.leftover + data)
        if self.parting:
            return ""
        assert self.sock is not None
        try:
            sent = self.sock.send(data)
        except BlockingIOError:
            return self._keep(data)
        except OSError:
            return "reset"
        return self._keep(data[sent:]) if sent < len(data) else ""

    def took(self, data: bytes, sent: int) -> str:
        """Go on after a send that was made elsewhere and has not taken everything.

        Args:
            sent: how many bytes it took, or minus the error number.
        Returns: as send().
        """
        if sent >= 0:
            return self._keep(data[sent:])
        return self._keep(data) if -sent in (errno.EAGAIN, errno.EWOULDBLOCK, errno.EINTR) else "reset"

    def drain(self) -> str:
        """Send of the leftover what the socket now takes; returns as send()."""
        data, self.leftover = self.leftover, b""
        # As it stands: a connection that writes otherwise has written this already.
        return Connection.send(self, data) if data else ""

    def part(self, reason: str) -> None:
        """Say nothing more, and read on: the miner hangs up then, and what it had sent before counts."""
        self.parting = reason
        with contextlib.suppress(OSError):  # it is gone already
            self._shut()

    def _shut(self) -> None:
        assert self.sock is not None
        self.sock.shutdown(socket.SHUT_WR)

    def _keep(self, data: bytes) -> str:
        self.leftover = data
        return "slow_reader" if len(data) > self.limit else ""

    def hang_up(self, last_words: bool) -> None:
        """Close the socket.

        Args:
            last_words: an error line was just sent.  Closing with unread bytes makes the kernel send a
                reset, which can overtake that line; so what has come is read and thrown away first.
        """
        sock, self.sock = self.sock, None
        assert sock is not None
        if last_words:
            try:
                sock.shutdown(socket.SHUT_WR)
                for _ in range(MOST_READS):
                    if not sock.recv(RECEIVE_BYTES):
                        break
            except OSError:
                pass  # nothing more there, or the miner is gone already
        sock.close()
