"""Where everybody is before a login: listening sockets, visitors of the anteroom, strangers.

Strategy: they have an epoll of their own, which is one file among many on the board's.  A few of them are
heard a batch, and as many let in; who has logged in moves to the board's.  So a flood of strangers waits in a
queue of its own, and no share waits behind it.
The trap: an accept that fails for want of file numbers spins, so the listener rests until the next sweep.
"""

import select
from collections.abc import Callable, Mapping

from proxy.downstream.admission import Admission
from proxy.downstream.anteroom import Anteroom, LetIn
from proxy.downstream.connection import Connection
from proxy.downstream.entrance import Entrance

# Heard a batch, and let in: one who says junk costs 0.2 ms with the line that answers, the close and the log,
# so some 5 ms at the worst, which is what a batch of miners takes.
STRANGERS = 16


class Lobby:
    """The strangers of one board.

    Args:
        connections: the board's, by file number.
        on_events: acts on what a connection's events say.
        let_in: makes a connection of a socket that was accepted.
    """

    def __init__(
        self,
        admission: Admission,
        connections: Mapping[int, Connection],
        on_events: Callable[[Connection, int, float], None],
        let_in: LetIn,
    ) -> None:
        self.epoll = select.epoll()
        self.anteroom = Anteroom(self.epoll, admission, let_in)
        self._entrances: dict[int, Entrance] = {}
        self._connections = connections
        self._on_events = on_events
        self._let_in = let_in

    def open(self, entrance: Entrance) -> None:
        """Take miners by an entrance."""
        self._entrances[entrance.sock.fileno()] = entrance
        self.epoll.register(entrance.sock.fileno(), select.EPOLLIN)

    def shut(self, listener: str = "") -> None:
        """Accept nobody more, at one listener or at all; sockets are left as they are."""
        for fd, entrance in list(self._entrances.items()):
            if listener in ("", entrance.door.listener):
                if not entrance.resting:
                    self.epoll.unregister(fd)
                del self._entrances[fd]

    def stop_listening(self) -> None:
        """Accept nobody more, and send those away that are no connections yet."""
        entrances = list(self._entrances.values())
        self.shut()
        for entrance in entrances:
            entrance.sock.close()
        self.anteroom.close()

    def hear(self, seats: select.epoll, now: float) -> None:
        """Act on what is ready, as far as a batch goes.

        Args:
            seats: where those are heard from now on who have logged in.
        """
        for fd, events in self.epoll.poll(0, STRANGERS):
            connection = self._connections.get(fd)
            if connection is not None:
                self._on_events(connection, events, now)
                if connection.session.worker and connection.sock is not None:
                    self.epoll.unregister(fd)
                    connection.epoll = seats
                    seats.register(fd, connection.mask)
            elif fd in self._entrances:
                self._accept(self._entrances[fd], now)
            elif fd in self.anteroom.visitors:
                self.anteroom.on_ready(self.anteroom.visitors[fd], now)

    def sweep(self, now: float) -> None:
        """Once a second: visitors that say nothing, listeners that rest."""
        self.anteroom.sweep(now)
        for fd, entrance in self._entrances.items():
            if entrance.resting:
                entrance.resting = False
                self.epoll.register(fd, select.EPOLLIN)

    def _accept(self, entrance: Entrance, now: float) -> None:
        for sock, peer in entrance.accepted(STRANGERS):
            if entrance.balancers is None or not self.anteroom.receive(sock, peer, entrance, now):
                self._let_in(sock, peer, entrance, b"", now, now)
        if entrance.resting:
            self.epoll.unregister(entrance.sock.fileno())
