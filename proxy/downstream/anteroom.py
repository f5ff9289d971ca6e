"""Where connections from a load balancer wait until it has said whom they are from.

Strategy: they are on the board's epoll, but not among its connections: no session, no place under an
address.  They have as long as a login may take, and count for the bound of all miners.
The trap: who hangs up here without a word is a health check, and leaves no trace.
"""

import select
import socket
from collections.abc import Callable

from proxy.downstream.admission import Admission
from proxy.downstream.entrance import NO_HEADER, NOT_TRUSTED, Entrance, Heard, Visitor

# Lets a visitor in: its socket, whom it is from, by which entrance, what it has sent, when it came, now.
LetIn = Callable[[socket.socket, str, Entrance, bytes, float, float], None]


class Anteroom:
    """Visitors of one board.

    Args:
        epoll: tells when one of them has sent something.
        let_in: called for each that turns out to be a miner; it is not in the epoll then.
    """

    def __init__(self, epoll: select.epoll, admission: Admission, let_in: LetIn) -> None:
        self._epoll = epoll
        self._admission = admission
        self._let_in = let_in
        self.visitors: dict[int, Visitor] = {}

    def receive(self, sock: socket.socket, peer: str, entrance: Entrance, now: float) -> bool:
        """Take in a connection that was accepted; false if it need not wait here."""
        balancers = entrance.balancers
        assert balancers is not None
        if not balancers.trusts(peer):
            if not balancers.required:
                return False
            sock.close()
            self._admission.turn_away(entrance.door, peer, NO_HEADER, NOT_TRUSTED, now)
            return True
        if len(self.visitors) + self._admission.here >= self._admission.limits.max_miners:
            sock.close()
            self._admission.turn_away(entrance.door, peer, "full", "", now)
            return True
        sock.setblocking(False)
        self.visitors[sock.fileno()] = Visitor(sock, peer, entrance, now)
        self._epoll.register(sock.fileno(), select.EPOLLIN | select.EPOLLRDHUP)
        return True

    def on_ready(self, visitor: Visitor, now: float) -> None:
        """Read what a visitor has sent."""
        heard = visitor.read()
        if heard is Heard.WAITS:
            return
        self._take_out(visitor)
        if heard is Heard.COMES:
            self._let_in(visitor.sock, visitor.address, visitor.entrance, visitor.data, visitor.since, now)
        else:
            self._close(visitor, now)

    def sweep(self, now: float) -> None:
        """Close those that have been here for too long."""
        seconds = self._admission.limits.login_seconds
        for visitor in list(self.visitors.values()):
            if now >= visitor.since + seconds:
                visitor.reason = "login_timeout"
                visitor.detail = f"no PROXY header within {seconds:g} s (limits.login_seconds)"
                self._take_out(visitor)
                self._close(visitor, now)

    def close(self) -> None:
        """Send everybody away."""
        for visitor in list(self.visitors.values()):
            self._take_out(visitor)
            visitor.sock.close()

    def _take_out(self, visitor: Visitor) -> None:
        file = visitor.sock.fileno()
        del self.visitors[file]
        self._epoll.unregister(file)

    def _close(self, visitor: Visitor, now: float) -> None:
        visitor.sock.close()
        if visitor.reason:
            door = visitor.entrance.door
            self._admission.turn_away(door, visitor.address, visitor.reason, visitor.detail, now)
