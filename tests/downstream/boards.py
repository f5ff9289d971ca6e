"""A board on a real loopback socket, and what its tests share."""

import os
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import trio

from proxy.config import Address, Limits, Listen
from proxy.core.tally import Tally
from proxy.downstream.board import Board
from proxy.downstream.connection import Connection
from proxy.downstream.door import Door
from proxy.downstream.entrance import Entrance
from proxy.downstream.listeners import bind
from proxy.downstream.session import MinerSession
from tests.kit.miners import FakeHouse, SocketMiner, door

LOOPBACK = "127.0.0.1"


def listening(host: str = LOOPBACK, send_buffer: int = 0) -> socket.socket:
    """Listen on any free port.

    Args:
        send_buffer: bytes the kernel is to take for each miner, 0 for as many as it likes.
    """
    sock = bind(Listen(url=Address("stratum+tcp", host, 0)))
    if send_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    return sock


def open_files() -> int:
    """Count the descriptors this process has."""
    return len(os.listdir("/proc/self/fd"))


def resets(miner: SocketMiner) -> None:
    """Hang up with a reset, as port scanners do."""
    sock = miner.stream.socket
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@attrs.define(eq=False)
class FakePoolSide:
    """Has room when the test says so, and counts how often it was told to send."""

    is_full: bool = False
    has_room: trio.Event = attrs.Factory(trio.Event)
    pushed: int = 0

    async def room(self) -> None:
        await self.has_room.wait()
        self.is_full = False

    def push(self) -> None:
        self.pushed += 1


@attrs.define(eq=False)
class Opened:
    """A board that runs, its house, and what it has told of sessions that ended."""

    board: Board
    house: FakeHouse
    tally: Tally
    address: tuple[Any, ...]
    pool_side: FakePoolSide
    ended: list[MinerSession] = attrs.Factory(list)

    async def connect(self, receive_buffer: int = 0) -> SocketMiner:
        """Connect a miner."""
        return await SocketMiner.connect(self.address, receive_buffer)

    def connections(self) -> list[Connection]:
        """The board's connections, oldest first."""
        return list(self.board.connections.values())

    async def until(self, condition: Any) -> None:
        """Wait for what the board does by itself; looked at whenever nothing else happens."""
        while not condition():  # noqa: ASYNC110  # nothing tells of it
            await trio.sleep(0.05)

    def reasons(self) -> dict[str, int]:
        """Why connections ended, counted."""
        return {reason: count for (_, reason), count in self.tally.disconnects.items()}


@asynccontextmanager
async def opened(
    limits: Limits | None = None,
    house: FakeHouse | None = None,
    sock: socket.socket | None = None,
    make: Callable[[socket.socket, Door], Entrance] = Entrance,
) -> AsyncIterator[Opened]:
    """Run a board; when it is left, every connection, slice and descriptor must be back.

    Args:
        make: makes the entrance that its miners come by.
    """
    files = open_files() - (sock is not None)
    limits = limits or Limits()
    house = house or FakeHouse()
    tally = Tally()

    pool_side = FakePoolSide()
    board = Board(house, limits, tally, pool_side, lambda session, now: made.ended.append(session))
    sock = sock or listening()
    made = Opened(board, house, tally, sock.getsockname(), pool_side)
    board.admit_by(make(sock, door(limits)))

    def on_job() -> None:
        board.announce(house, trio.current_time())
        board.flush()

    house.on_job = on_job
    async with trio.open_nursery() as nursery:
        nursery.start_soon(board.run)
        yield made
        nursery.cancel_scope.cancel()
    assert len(board) == 0
    assert not board.admission.here
    assert not board._lobby.anteroom.visitors
    assert tally.connections["farm"] == sum(made.reasons().values())
    assert house.space is None or house.space.lent == 0
    assert not house.held
    assert not house.workers
    # Miners that the test has not closed are its own.
    assert open_files() <= files


class _Steps(trio.abc.Instrument):
    def __init__(self, most: int, scope: trio.CancelScope) -> None:
        self.left = most
        self.scope = scope

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        self.left -= 1
        if self.left < 0:
            self.scope.cancel()


async def stays_quiet(seconds: float = 5.0, steps: int = 200) -> None:
    """Let time pass and fail if anything runs hot meanwhile: a spinning task lets no time pass at all."""
    with trio.CancelScope() as scope:
        instrument = _Steps(steps, scope)
        trio.lowlevel.add_instrument(instrument)
        try:
            await trio.sleep(seconds)
        finally:
            trio.lowlevel.remove_instrument(instrument)
    assert not scope.cancelled_caught, "something spins"
