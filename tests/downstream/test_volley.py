"""A slice of miners gets a job in one go; who has no room or is gone is told, and nobody else suffers."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from proxy.downstream.connection import Connection
from proxy.downstream.volley import LEAST, Volley

JOB, OTHER = b'{"method":"mining.notify"}\n', b'{"method":"job"}\n'
LIMIT = 1000


class Range:
    """A volley, its connections, the miners' ends, and whom it told something about."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.told: list[tuple[Connection, str]] = []
        self.volley = Volley(lambda connection, fault: self.told.append((connection, fault)))

    def connect(self) -> tuple[Connection, socket.socket]:
        ours, theirs = socket.socketpair()
        self._stack.enter_context(ours)
        self._stack.enter_context(theirs)
        ours.setblocking(False)
        theirs.setblocking(False)
        return Connection(ours, "192.0.2.1", LIMIT, 1.0), theirs

    def connect_all(self, count: int) -> list[tuple[Connection, socket.socket]]:
        return [self.connect() for _ in range(count)]


@pytest.fixture
def at() -> Iterator[Range]:
    with ExitStack() as stack:
        yield Range(stack)


def fill(connection: Connection) -> None:
    """Leave no room for a byte."""
    assert connection.sock is not None
    with suppress(BlockingIOError):
        while True:
            connection.sock.send(b"x" * 65_536)


@pytest.mark.parametrize("count", [1, LEAST - 1, LEAST, 5 * LEAST])
def test_all_get_their_own_bytes(at: Range, count: int) -> None:
    ones, others = at.connect_all(count), at.connect_all(count)
    for (one, _), (other, _) in zip(ones, others, strict=True):
        at.volley.add(one, JOB)
        at.volley.add(other, OTHER)

    at.volley.fire()

    assert [theirs.recv(1000) for _, theirs in ones] == [JOB] * count
    assert [theirs.recv(1000) for _, theirs in others] == [OTHER] * count
    assert at.told == []


def test_a_volley_is_fired_once(at: Range) -> None:
    (connection, theirs) = at.connect()
    at.volley.add(connection, JOB)

    at.volley.fire()
    at.volley.fire()

    assert theirs.recv(1000) == JOB


@pytest.mark.parametrize("count", [LEAST - 1, 3 * LEAST])
def test_a_slow_reader_keeps_the_job_as_its_leftover(at: Range, count: int) -> None:
    connections = at.connect_all(count)
    slow = connections[2][0]
    fill(slow)
    for connection, _ in connections:
        at.volley.add(connection, JOB)

    at.volley.fire()

    assert at.told == [(slow, "")]
    assert slow.leftover == JOB
    assert all(theirs.recv(1000) == JOB for one, theirs in connections if one is not slow)


@pytest.mark.parametrize("count", [LEAST - 1, 3 * LEAST])
def test_a_slow_reader_that_cannot_keep_it_is_dropped(at: Range, count: int) -> None:
    connections = at.connect_all(count)
    slow = connections[0][0]
    slow.limit = len(JOB) - 1
    fill(slow)
    for connection, _ in connections:
        at.volley.add(connection, JOB)

    at.volley.fire()

    assert at.told == [(slow, "slow_reader")]


@pytest.mark.parametrize("count", [LEAST - 1, 3 * LEAST])
def test_one_that_is_gone_is_dropped(at: Range, count: int) -> None:
    connections = at.connect_all(count)
    gone, theirs = connections[-1]
    theirs.close()
    for connection, _ in connections:
        at.volley.add(connection, JOB)

    at.volley.fire()

    assert at.told == [(gone, "reset")]
    assert gone.leftover == b""
