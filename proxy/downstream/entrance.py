"""A listening socket, and the anteroom where a load balancer's word is heard before a miner is let in.

    off       nobody waits here: a connection is the miner's, its address the peer's
    optional  from a trusted peer a header is read if the first bytes are one
    required  from a trusted peer a header; anybody else is closed

Strategy: a visitor has a socket and what has come of its header, and no session.  Once it is known whom
it is from, it is let in, and what follows its header is read as if it came just now.
The trap: a balancer's health check says LOCAL, or nothing at all, and hangs up; it is no miner, so it is
neither counted nor logged.  Only when it goes on to speak is it one.
"""

import errno
import ipaddress
import socket
from collections.abc import Iterable, Iterator
from enum import Enum

import attrs

from proxy.downstream.certificates import ServerTls
from proxy.downstream.connection import RECEIVE_BYTES
from proxy.downstream.listeners import UNIX, peer_text
from proxy.downstream.session import Door
from proxy.errors import MinerError
from proxy.wire.proxyheader import Header, looks_like_header, read_header

# Of an accept that found no room for another file; the listener rests then, or it would spin.
NO_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
NO_HEADER = "proxy_header"  # why a connection ended; the detail says what was wrong with it
# A cut line sends no reset: a miner that has acknowledged nothing for so long is gone, and one that had
# nothing to acknowledge is asked.  A line may well be out for half a minute, and TCP makes up for that.
UNHEARD_SECONDS = 60
NOT_TRUSTED = "not from listen.trusted_proxies, and listen.proxy_protocol is required"


class Balancers:
    """Whose PROXY headers are believed at one listener.

    Args:
        required: whether nobody may come without one.
        networks: of the balancers, as the configuration has them.
    """

    def __init__(self, required: bool, networks: Iterable[str]) -> None:
        self.required = required
        self._networks = [ipaddress.ip_network(network) for network in networks]

    def trusts(self, peer: str) -> bool:
        """Tell whether a peer's header counts; who may open our socket file is trusted by that."""
        if peer == UNIX:
            return True
        try:
            address = ipaddress.ip_address(peer.partition("%")[0])
        except ValueError:
            return False
        return any(address in network for network in self._networks)


@attrs.define(slots=True, eq=False)
class Entrance:
    """A listening socket and what its miners have in common.

    Args:
        tls: makes the listener's TLS connections; None where it is plain.
        balancers: None where no PROXY header is looked for.
        is_websocket: whether miners come by WebSocket.
        path: what they must ask for then, "" for anything.
    """

    sock: socket.socket
    door: Door
    tls: ServerTls | None = None
    balancers: Balancers | None = None
    is_websocket: bool = False
    path: str = ""
    resting: bool = False

    def prepare(self) -> None:
        """Set on the socket what those that it accepts have from it: system calls once, not for each."""
        sock, tcp = self.sock, socket.IPPROTO_TCP
        if sock.family == socket.AF_UNIX:
            return
        sock.setsockopt(tcp, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(tcp, socket.TCP_USER_TIMEOUT, UNHEARD_SECONDS * 1000)
            sock.setsockopt(tcp, socket.TCP_KEEPIDLE, UNHEARD_SECONDS)
            sock.setsockopt(tcp, socket.TCP_KEEPINTVL, UNHEARD_SECONDS // 3)

    def accepted(self, most: int) -> Iterator[tuple[socket.socket, str]]:
        """Accept who waits: sockets, and the address of each peer.

        It rests from when no more files are to be had.
        """
        for _ in range(most):
            try:
                sock, address = self.sock.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in NO_FILES:
                    self.resting = True
                    return
                continue  # that one connection was gone before it was taken
            yield sock, peer_text(address)


class Heard(Enum):
    """How it stands with a visitor."""

    WAITS = "more is to come"
    COMES = "it is a miner, by `address`, and `data` is what it has sent so far"
    GOES = "it has hung up or was wrong, for `reason`; quietly if that is empty"


@attrs.define(slots=True, eq=False)
class Visitor:
    """A connection of which it is not known yet whom it is from.

    Args:
        peer: its address as the socket has it.
        since: when it was accepted, seconds of the monotonic clock.
    """

    sock: socket.socket
    peer: str
    entrance: Entrance
    since: float
    data: bytes = b""
    reason: str = ""
    detail: str = ""
    _header: Header | None = None

    @property
    def address(self) -> str:
        """Whom it is from, as far as that is known."""
        return (self._header.address if self._header else None) or self.peer

    def read(self) -> Heard:
        """Read what is there."""
        try:
            data = self.sock.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return Heard.WAITS
        except OSError:
            return self._gone("reset")
        return self.take(data) if data else self._gone("closed")

    def take(self, data: bytes) -> Heard:
        """Take bytes as they came, at least one."""
        self.data += data
        if self._header is None:
            balancers = self.entrance.balancers
            try:
                if balancers is not None and not balancers.required and not looks_like_header(self.data):
                    self._header = Header(0)
                else:
                    self._header = read_header(self.data)
            except MinerError as error:
                self.reason, self.detail = NO_HEADER, str(error)
                return Heard.GOES
            if self._header is None:
                return Heard.WAITS
            self.data = self.data[self._header.consumed :]
        # Of one that names nobody, a health check, there is no miner before it speaks.
        return Heard.COMES if self.data or self._header.address else Heard.WAITS

    def _gone(self, reason: str) -> Heard:
        # Half a header is somebody's fault; none at all, or a whole one and no more, is a health check.
        if self.data:
            self.reason = reason
        return Heard.GOES
