"""What is due once a second, for many at once; its effects on real sockets are in test_board.py."""

import socket
from collections.abc import Iterator

import pytest
import trio

from proxy.config import Limits
from proxy.core.tally import Tally
from proxy.downstream.admission import Admission
from proxy.downstream.arrival import arrived
from proxy.downstream.connection import Connection
from proxy.downstream.entrance import Entrance
from proxy.downstream.sweep import DEEDS, LOOKS, Sweep
from tests.kit.miners import FakeHouse, door

LIMITS = Limits(first_line_seconds=5, login_seconds=10, requests_per_second=1)


@pytest.fixture
def sock() -> Iterator[socket.socket]:
    """One for all: nothing is sent here."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours


class Swept:
    """Connections that came at second 0, and what a sweep has done with them."""

    def __init__(self, sock: socket.socket, count: int) -> None:
        admission = Admission(FakeHouse(), LIMITS, Tally(), lambda _session, _now: None)
        entrance = Entrance(sock, door(LIMITS))

        def nothing(_: Connection) -> None:
            pass

        self.connections = [
            arrived(admission, nothing, nothing, sock, "192.0.2.1", entrance, b"", 0.0) for _ in range(count)
        ]
        self.asked: list[Connection] = []
        self.closed: list[Connection] = []
        self.flushed: list[int] = []  # how many were closing by then
        self.sweep = Sweep(
            admission,
            lambda: self.connections,
            self.asked.append,
            lambda connection, _reason: self.closed.append(connection),
            lambda: self.flushed.append(self.closing()),
        )

    def closing(self) -> int:
        """How many are to be closed."""
        return sum(bool(connection.session.closing) for connection in self.connections)


async def test_a_crowd_of_deadlines_is_met_in_slices(autojump_clock: object, sock: socket.socket) -> None:
    swept = Swept(sock, 2 * DEEDS + 1)
    await trio.sleep(LIMITS.first_line_seconds)
    await swept.sweep.round()
    assert swept.flushed == [DEEDS, 2 * DEEDS, 2 * DEEDS + 1]


async def test_others_have_their_turn_between_two_slices(autojump_clock: object, sock: socket.socket) -> None:
    swept = Swept(sock, 3 * DEEDS)
    await trio.sleep(LIMITS.first_line_seconds)
    seen: list[int] = []

    async def look_on() -> None:
        seen.append(swept.closing())
        await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(look_on)
        await swept.sweep.round()
    assert 0 < seen[0] < 3 * DEEDS


async def test_who_has_nothing_due_costs_a_look(autojump_clock: object, sock: socket.socket) -> None:
    swept = Swept(sock, LOOKS + 1)
    await trio.sleep(1)
    await swept.sweep.round()
    assert swept.flushed == [0, 0]
    assert not swept.closing()


async def test_who_was_told_to_go_has_one_more_round(autojump_clock: object, sock: socket.socket) -> None:
    swept = Swept(sock, 1)
    await trio.sleep(LIMITS.first_line_seconds)
    for _ in range(2):
        await swept.sweep.round()
        assert not swept.closed
    await swept.sweep.round()
    assert swept.closed == swept.connections


async def test_who_has_gone_meanwhile_is_let_be(autojump_clock: object, sock: socket.socket) -> None:
    swept = Swept(sock, 1)
    (connection,) = swept.connections
    connection.sock = None
    connection.budget, connection.throttled = 0, True
    await trio.sleep(LIMITS.first_line_seconds)
    await swept.sweep.round()
    assert (swept.asked, swept.closing()) == ([], 0)


async def test_a_slowed_one_is_read_again(autojump_clock: object, sock: socket.socket) -> None:
    swept = Swept(sock, 1)
    (connection,) = swept.connections
    connection.budget, connection.throttled = 0, True
    await swept.sweep.round()
    assert swept.asked == [connection]
    assert not connection.throttled
