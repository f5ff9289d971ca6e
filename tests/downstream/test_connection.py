"""One socket and its leftover: all is sent in order, never more than the bound is kept."""

import socket
from collections.abc import Iterator

import pytest

from proxy.downstream.connection import Connection

LINE = b'{"id":null,"method":"mining.notify","params":[]}\n' * 40


@pytest.fixture
def pair() -> Iterator[tuple[Connection, socket.socket]]:
    """A connection with small kernel buffers, and its miner's end."""
    near, far = socket.socketpair()
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    near.setblocking(False)
    far.setblocking(False)
    with near, far:
        yield Connection(near, "192.0.2.1", limit=20_000, budget=1.0), far


def read_all(sock: socket.socket) -> bytes:
    """Read what is there."""
    data = b""
    try:
        while more := sock.recv(65_536):
            data += more
    except BlockingIOError:
        pass
    return data


def fill(connection: Connection) -> bytes:
    """Send until the socket takes no more; return what was sent."""
    sent = b""
    while not connection.leftover:
        assert connection.send(LINE) == ""
        sent += LINE
    return sent


def test_what_the_socket_takes_leaves_nothing_behind(pair: tuple[Connection, socket.socket]) -> None:
    connection, far = pair
    assert connection.send(b"one\n") == ""
    assert connection.leftover == b""
    assert far.recv(100) == b"one\n"


def test_leftover_is_kept_in_order_and_drained(pair: tuple[Connection, socket.socket]) -> None:
    connection, far = pair
    sent = fill(connection)
    assert connection.send(b"last\n") == ""
    heard = read_all(far)
    while connection.leftover:
        assert connection.drain() == ""
        heard += read_all(far)
    assert heard == sent + b"last\n"


def test_drain_without_leftover_does_nothing(pair: tuple[Connection, socket.socket]) -> None:
    connection, far = pair
    assert connection.drain() == ""
    with pytest.raises(BlockingIOError):
        far.recv(1)


def test_drain_of_a_full_socket_keeps_everything(pair: tuple[Connection, socket.socket]) -> None:
    connection, _ = pair
    fill(connection)
    while connection.leftover:
        before = connection.leftover
        assert connection.drain() == ""
        if connection.leftover == before:
            break
    assert connection.leftover == before


def test_more_than_the_bound_is_a_slow_reader(pair: tuple[Connection, socket.socket]) -> None:
    connection, _ = pair
    fill(connection)
    room = connection.limit - len(connection.leftover)
    assert connection.send(b"x" * room) == ""
    assert connection.send(b"x") == "slow_reader"


def test_a_closed_peer_is_a_reset(pair: tuple[Connection, socket.socket]) -> None:
    connection, far = pair
    far.close()
    assert connection.send(b"x") == "reset"
    connection.leftover = b"y"
    assert connection.drain() == "reset"


def test_hanging_up_after_last_words_reads_what_is_there(pair: tuple[Connection, socket.socket]) -> None:
    connection, far = pair
    far.send(b"more and more")
    connection.send(b"last words\n")
    connection.hang_up(last_words=True)
    assert connection.sock is None
    assert read_all(far) == b"last words\n"


@pytest.mark.parametrize("last_words", [True, False])
def test_hanging_up_on_one_that_has_gone(pair: tuple[Connection, socket.socket], last_words: bool) -> None:
    connection, far = pair
    far.close()
    connection.hang_up(last_words)
    assert connection.sock is None
