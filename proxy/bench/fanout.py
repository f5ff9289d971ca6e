"""How long a new job takes to the last of many miners, against the least it could take.

Strategy: the real relay and board in this process, the miners in another (crowd.py), and between rounds a
bare loop of non-blocking sends of the same bytes over the same sockets: what the kernel alone asks.
Rounds alternate, so that a machine that slows down slows both.  Two times are taken: until the last
byte is handed to the kernel, and until the last miner has read it.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count as counting
from random import Random
from statistics import median

import attrs
import trio

from proxy.bench import crowd
from proxy.config import Address, Config, Http, Listen, Pool, Upstream
from proxy.core.tally import FANOUT_BOUNDS, Histogram, Tally
from proxy.doors import make_door
from proxy.downstream.board import Board
from proxy.downstream.listeners import bind
from proxy.downstream.session import Door
from proxy.errors import SluiceError
from proxy.model.job import Job
from proxy.native import Equihash
from proxy.openfiles import raise_limit
from proxy.relay import Relay, Shared
from proxy.upstream.aion import AionConversation
from proxy.upstream.conversation import Account
from proxy.upstream.session import Upstream as PoolSide
from proxy.wire import aion

ROUNDS = 11
WAIT_SECONDS = 60  # for the crowd to log in, or to read a job
SPARE_FILES = 64
_LOOPBACK = Address("stratum+tcp", "127.0.0.1", 0)


@attrs.frozen
class FanoutRow:
    """One row of the table; times in milliseconds, medians over the rounds.

    Args:
        bare_ms, board_ms: until the last byte was handed to the kernel.
        bare_seen_ms, board_seen_ms: until the last miner had read it.
        ratio: board_ms / bare_ms, median of the ratios of neighbouring rounds.
    """

    connections: int
    bare_ms: float
    board_ms: float
    ratio: float
    bare_seen_ms: float
    board_seen_ms: float


class _Watch(Histogram):
    """Hears of the end of a fan-out."""

    def __init__(self) -> None:
        super().__init__(FANOUT_BOUNDS)
        self.done = trio.Event()

    def observe(self, value: float) -> None:
        super().observe(value)
        self.done.set()
        self.done = trio.Event()


class _NoPool:
    """The pool side, where no share ever goes."""

    is_full = False

    async def room(self) -> None:
        await trio.lowlevel.checkpoint()

    def push(self) -> None:
        pass


class _Crowd:
    """The miners' process and the times it reports."""

    def __init__(self, process: trio.Process) -> None:
        self._process = process
        self._text = b""

    async def seen(self) -> int:
        """Wait for the next report: when the last miner had its line, in monotonic nanoseconds."""
        assert self._process.stdout is not None
        while b"\n" not in self._text:
            with trio.fail_after(WAIT_SECONDS):
                data = await self._process.stdout.receive_some()
            if not data:
                raise SluiceError("bench fanout: the miners' process ended; see its message above")
            self._text += data
        line, _, self._text = self._text.partition(b"\n")
        return int(line)


def room_for(connections: int) -> int:
    """Raise this process's limit of open files and say how many connections fit."""
    return raise_limit(connections + SPARE_FILES) - SPARE_FILES


async def measure(connections: int, progress: Callable[[float], None]) -> FanoutRow:
    """Measure one number of connections.

    Args:
        progress: told the part done, 0 to 1.
    Raises: SluiceError if the miners' process fails.
    """
    tally = Tally()
    tally.fanout = watch = _Watch()
    relay, door, sock = _house(tally, connections)
    async with trio.open_nursery() as nursery:
        board = Board(relay, door.limits, tally, _NoPool())
        relay.attach(board)
        port = sock.getsockname()[1]
        board.open(sock, door)
        nursery.start_soon(board.run)
        async with _crowd(port, connections) as miners:
            await miners.seen()
            rounds = []
            for number in range(ROUNDS):
                bare = await _bare_round(board, relay, miners)
                rounds.append((*bare, *await _board_round(relay, watch, miners, number)))
                progress((number + 1) / ROUNDS)
        nursery.cancel_scope.cancel()
    return _row(connections, rounds)


def _row(connections: int, rounds: list[tuple[float, float, float, float]]) -> FanoutRow:
    bare, bare_seen, board, board_seen = (median(column) for column in zip(*rounds, strict=True))
    return FanoutRow(
        connections=connections,
        bare_ms=bare * 1e3,
        board_ms=board * 1e3,
        ratio=median(row[2] / row[0] for row in rounds),
        bare_seen_ms=bare_seen * 1e3,
        board_seen_ms=board_seen * 1e3,
    )


def relay_config(connections: int) -> Config:
    """A configuration with room for the crowd."""
    pools = (Pool(name="bench", url=_LOOPBACK),)
    config = Config(
        upstream=Upstream(user="bench", pools=pools), listen=(Listen(url=_LOOPBACK),), http=Http(address="")
    )
    room = max(connections, config.limits.max_miners)
    return attrs.evolve(
        config, limits=attrs.evolve(config.limits, max_miners=room, max_miners_per_address=room)
    )


def _house(tally: Tally, connections: int) -> tuple[Relay, Door, socket.socket]:
    """Build a relay with one job and a listening socket."""
    config = relay_config(connections)
    relay = Relay(config, Equihash(), tally, time.perf_counter, time.time, Shared(counting(1)))
    relay.upstream = PoolSide(config, relay, tally, Random(1))
    account = Account(
        "bench", "bench", "x", "bench", "127.0.0.1", 0, 3, 20.0, 300.0, "equihash/210_9", "AION0PoW"
    )
    link = AionConversation(account, relay, counting(1), 0.0)
    link.extranonce1 = "0011223344556677"
    relay.pool_working(link)
    relay.pool_job(_job(0))
    door = make_door(config, config.listen[0], [], lane=0)
    return relay, door, bind(config.listen[0])


def _job(number: int) -> Job:
    header = number.to_bytes(32, "big").hex()
    return Job("bench", 1, f"{number:x}", header, 2**255, True, trio.current_time())


@asynccontextmanager
async def _crowd(port: int, connections: int) -> AsyncIterator[_Crowd]:
    command = [sys.executable, "-m", crowd.__name__, str(port), str(connections)]
    async with trio.open_nursery() as nursery:
        process: trio.Process = await nursery.start(
            _run_process, command, {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        )
        yield _Crowd(process)
        nursery.cancel_scope.cancel()


async def _run_process(
    command: list[str],
    environment: dict[str, str],
    task_status: trio.TaskStatus[trio.Process] = trio.TASK_STATUS_IGNORED,
) -> None:
    process = await trio.lowlevel.open_process(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )
    try:
        task_status.started(process)
        await process.wait()
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()


async def _bare_round(board: Board, relay: Relay, miners: _Crowd) -> tuple[float, float]:
    line = aion.notify(relay.works[0])
    senders = [one.sock.send for one in board.connections.values() if one.sock is not None]
    began, began_ns = time.perf_counter(), time.monotonic_ns()
    for send in senders:
        send(line)
    handed = time.perf_counter() - began
    return handed, (await miners.seen() - began_ns) / 1e9


async def _board_round(relay: Relay, watch: _Watch, miners: _Crowd, number: int) -> tuple[float, float]:
    done = watch.done
    began, began_ns = time.perf_counter(), time.monotonic_ns()
    relay.pool_job(_job(number + 1))
    await done.wait()
    handed = time.perf_counter() - began
    return handed, (await miners.seen() - began_ns) / 1e9
