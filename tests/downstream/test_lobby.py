"""Strangers wait in a queue of their own; who they are let in as is in test_board.py and test_anteroom.py."""

import select
import socket
from collections.abc import Iterator

import pytest

from proxy.config import Limits
from proxy.core.tally import Tally
from proxy.downstream.admission import Admission
from proxy.downstream.arrival import arrived
from proxy.downstream.connection import Connection
from proxy.downstream.entrance import Entrance
from proxy.downstream.lobby import STRANGERS, Lobby
from tests.kit.miners import FakeHouse, door


class Made:
    """A lobby at a listening socket, and who was let in and heard."""

    def __init__(self, listening: socket.socket) -> None:
        self.admission = Admission(FakeHouse(), Limits(), Tally(), lambda _session, _now: None)
        self.connections: dict[int, Connection] = {}
        self.heard: list[Connection] = []
        self.seats = select.epoll()
        self.callers: list[socket.socket] = []
        self.lobby = Lobby(self.admission, self.connections, self._hear, self._let_in)
        self.entrance = Entrance(listening, door())
        self.lobby.open(self.entrance)

    def _hear(self, connection: Connection, _events: int, _now: float) -> None:
        self.heard.append(connection)

    def _let_in(
        self, sock: socket.socket, address: str, entrance: Entrance, ahead: bytes, since: float, _now: float
    ) -> None:
        def nothing(_: Connection) -> None:
            pass

        made = arrived(self.admission, nothing, nothing, sock, address, entrance, ahead, since)
        made.epoll, made.mask = self.lobby.epoll, select.EPOLLIN
        self.lobby.epoll.register(made.fd, select.EPOLLIN)
        self.connections[made.fd] = made

    def call(self, count: int) -> None:
        """Connect so many, of whom none says anything yet."""
        self.callers += [socket.create_connection(self.entrance.sock.getsockname()) for _ in range(count)]

    def hear(self) -> None:
        """Let the lobby have its turn once."""
        self.lobby.hear(self.seats, 0.0)

    def close(self) -> None:
        """Close everything."""
        for connection in self.connections.values():
            if connection.sock is not None:
                connection.sock.close()
        for sock in self.callers:
            sock.close()
        self.lobby.epoll.close()
        self.seats.close()


@pytest.fixture
def made() -> Iterator[Made]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        lobby = Made(listening)
        yield lobby
        lobby.close()


def test_a_few_are_let_in_at_a_time(made: Made) -> None:
    made.call(STRANGERS + 1)
    made.hear()
    assert len(made.connections) == STRANGERS
    made.hear()
    assert len(made.connections) == STRANGERS + 1


def test_a_few_are_heard_at_a_time_and_all_in_turn(made: Made) -> None:
    made.call(2 * STRANGERS)
    for _ in range(2):
        made.hear()
    assert len(made.connections) == 2 * STRANGERS
    for caller in made.callers:
        caller.send(b"x")
    made.hear()
    assert len(made.heard) <= STRANGERS
    for _ in range(3):
        made.hear()
    assert set(made.heard) == set(made.connections.values())


def test_who_has_logged_in_is_heard_with_the_miners(made: Made) -> None:
    made.call(1)
    made.hear()
    (connection,) = made.connections.values()
    made.callers[0].send(b"x")
    connection.session.worker = "rig"
    made.hear()
    assert made.heard == [connection]
    assert connection.epoll is made.seats
    assert [fd for fd, _ in made.seats.poll(0)] == [connection.fd]
    made.hear()
    assert made.heard == [connection]


def test_who_has_gone_is_given_no_seat(made: Made) -> None:
    made.call(1)
    made.hear()
    (connection,) = made.connections.values()
    sock = connection.sock
    assert sock is not None
    made.callers[0].send(b"x")
    connection.session.worker, connection.sock = "rig", None
    made.hear()
    assert made.seats.poll(0) == []
    sock.close()


def test_a_listener_that_is_shut_lets_nobody_in(made: Made) -> None:
    made.lobby.shut("another")
    made.call(1)
    made.hear()
    assert len(made.connections) == 1
    made.lobby.shut(made.entrance.door.listener)
    made.call(1)
    made.hear()
    assert len(made.connections) == 1


def test_one_that_rests_goes_on_with_the_next_sweep(made: Made) -> None:
    made.call(1)
    made.entrance.resting = True
    made.lobby.epoll.unregister(made.entrance.sock.fileno())
    made.hear()
    assert not made.connections
    made.lobby.sweep(0.0)
    made.hear()
    assert len(made.connections) == 1
