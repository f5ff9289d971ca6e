"""Serves every plain miner, of TCP or of a socket file, with one task on one epoll.

Strategy: wait until the epoll has something, read what is ready without blocking, feed the sans-IO
sessions, send once a session at the end of the batch.  Batches are small and nothing awaits inside one,
so a file number cannot be reused under it, and other tasks get their turn every few milliseconds.
A job goes out in slices for the same reason; a newer job replaces one that is still going out.
Measured against other designs in docs/adr/0004-io-design.md.
The traps: an event that is never read spins, so a hang-up is always read; an accept that fails for want
of file numbers spins, so the listener rests until the next sweep.
"""

import errno
import select
import socket
from collections import Counter
from collections.abc import Callable
from functools import partial

import attrs
import trio

from proxy.config import Limits
from proxy.core.tally import Tally
from proxy.downstream.connection import RECEIVE_BYTES, Connection
from proxy.downstream.firstjobs import FirstJobs
from proxy.downstream.house import House, PoolSide
from proxy.downstream.listeners import UNIX, peer_text
from proxy.downstream.session import Door, MinerSession

BATCH = 64  # sockets read between two checkpoints: some 3 ms under full load
BATCHES = 4  # read before their shares are sent on: some 10 ms under full load
FANOUT_SLICE = 128  # miners a job goes to between two checkpoints
SWEEP_SECONDS = 1.0
BURST_SECONDS = 10  # of its rate: what a miner may send at once after a quiet time
_NO_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

_READ = select.EPOLLIN | select.EPOLLRDHUP if hasattr(select, "epoll") else 0


@attrs.define(slots=True, eq=False)
class _Entrance:
    """A listening socket and what its miners have in common."""

    sock: socket.socket
    door: Door
    resting: bool = False


class Board:
    """The one carrier of all plain TCP miners.

    Args:
        house: where sessions belong.
        pool_side: where shares go, and when no more may.
        farewell: told of every session that ended, for the log.
    """

    def __init__(
        self,
        house: House,
        limits: Limits,
        tally: Tally,
        pool_side: PoolSide,
        farewell: Callable[[MinerSession, float], None] = lambda _session, _now: None,
    ) -> None:
        self._house = house
        self._limits = limits
        self._tally = tally
        self._pool_side = pool_side
        self._farewell = farewell
        self._epoll = select.epoll()
        self._entrances: dict[int, _Entrance] = {}
        self._connections: dict[int, Connection] = {}
        self._by_address: Counter[str] = Counter()
        self._dirty: list[Connection] = []
        self._first_jobs = FirstJobs(self.flush)
        self._job_event = trio.Event()
        self._announced: dict[House, float] = {}
        self._reading = True
        self._bytes_in = self._bytes_out = 0  # not yet in the tally, whose keys cost more than the sum

    def __len__(self) -> int:
        return len(self._connections)

    # ---- what others call

    def open(self, sock: socket.socket, door: Door) -> None:
        """Take miners from a listening, non-blocking socket."""
        # Sockets that are accepted have these from it, which is a system call less for each.
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._entrances[sock.fileno()] = _Entrance(sock, door)
        self._epoll.register(sock.fileno(), select.EPOLLIN)

    def announce(self, house: House, received: float) -> None:
        """Send a house's current work to every miner in it.

        Args:
            received: when the pool's line was read, seconds of the monotonic clock.
        """
        self._announced[house] = received  # a newer job of it replaces one that is not out yet
        self._job_event.set()

    def flush(self) -> None:
        """Send what sessions have to say; called at the end of every batch on either side."""
        dirty, self._dirty = self._dirty, []
        for connection in dirty:
            connection.dirty = False
            if connection.sock is None:
                continue
            session = connection.session
            if session.first_job_due is not None and not connection.first_job_queued:
                connection.first_job_queued = True
                self._first_jobs.add(session)
            fault = ""
            if session.out:
                data = session.take_output()
                self._bytes_out += len(data)
                fault = connection.send(data)
            if fault or session.closing or connection.is_behind:
                self._after_send(connection, fault)
        network_bytes = self._tally.network_bytes
        network_bytes["downstream", "in"] += self._bytes_in
        network_bytes["downstream", "out"] += self._bytes_out
        self._bytes_in = self._bytes_out = 0

    def stop_listening(self) -> None:
        """Accept nobody more and read no further requests; answers still go out."""
        self._reading = False
        for fd, entrance in self._entrances.items():
            if not entrance.resting:
                self._epoll.unregister(fd)
            entrance.sock.close()
        self._entrances.clear()
        for connection in self._connections.values():
            self._ask(connection)

    def close_all(self, reason: str) -> None:
        """Send what can be sent and close every connection."""
        self.flush()
        for connection in list(self._connections.values()):
            self._close(connection, reason)

    async def run(self) -> None:
        """Serve until cancelled."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._serve)
                nursery.start_soon(self._send_jobs)
                nursery.start_soon(self._first_jobs.run)
                nursery.start_soon(self._sweep)
        finally:
            self.stop_listening()
            self.close_all("shutdown")
            self._epoll.close()

    # ---- reading

    async def _serve(self) -> None:
        pool_side = self._pool_side
        while True:
            if pool_side.is_full:
                await pool_side.room()
            await trio.lowlevel.wait_readable(self._epoll.fileno())
            # Under load more is ready than one batch, and waiting for it again costs more than a look.
            for _ in range(BATCHES):
                if self._serve_batch() < BATCH or pool_side.is_full:
                    break
                await trio.lowlevel.checkpoint()
            # Not after each batch: of many pool connections each gets few of its shares.
            pool_side.push()

    def _serve_batch(self) -> int:
        """Act on what is ready, as far as a batch goes; say how much that was."""
        now = trio.current_time()
        ready = self._epoll.poll(0, BATCH)
        for fd, events in ready:
            connection = self._connections.get(fd)
            if connection is not None:
                self._on_events(connection, events, now)
            elif fd in self._entrances:
                self._accept(self._entrances[fd], now)
        self.flush()
        return len(ready)

    def _on_events(self, connection: Connection, events: int, now: float) -> None:
        if events & select.EPOLLOUT:
            self._after_send(connection, connection.drain())
        if connection.sock is not None and events & ~select.EPOLLOUT:
            if connection.half_closed or not self._reading:
                # Only a full hang-up is of interest now; it must be read, or the epoll spins on it.
                if events & (select.EPOLLHUP | select.EPOLLERR):
                    self._close(connection, "reset")
            else:
                self._read(connection, now)

    def _read(self, connection: Connection, now: float) -> None:
        assert connection.sock is not None
        try:
            data = connection.sock.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self._close(connection, "reset")
            return
        session = connection.session
        if not data:
            self._on_end(connection)
            return
        self._bytes_in += len(data)
        before = session.requests
        session.receive(data, now)
        connection.budget -= session.requests - before
        if connection.budget < 0 and not connection.throttled:
            connection.throttled = True
            self._ask(connection)

    def _on_end(self, connection: Connection) -> None:
        """The miner sends no more; it still gets the answers it is owed."""
        if connection.session.unanswered or connection.leftover or connection.session.out:
            connection.half_closed = True
            self._ask(connection)
        else:
            self._close(connection, "closed")

    def _ask(self, connection: Connection) -> None:
        """Tell the epoll what this connection waits for."""
        reads = not (connection.half_closed or connection.throttled or connection.session.closing)
        mask = (_READ if reads and self._reading else 0) | (select.EPOLLOUT if connection.leftover else 0)
        if mask != connection.mask:
            connection.mask = mask
            self._epoll.modify(connection.fd, mask)

    # ---- accepting and closing

    def _accept(self, entrance: _Entrance, now: float) -> None:
        for _ in range(BATCH):
            try:
                sock, address = entrance.sock.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _NO_FILES:
                    entrance.resting = True
                    self._epoll.unregister(entrance.sock.fileno())
                    return
                continue  # that one connection was gone before it was taken
            self._admit(sock, peer_text(address), entrance.door, now)

    def _admit(self, sock: socket.socket, address: str, door: Door, now: float) -> None:
        self._tally.connections[door.listener] += 1
        limits = self._limits
        if len(self._connections) >= limits.max_miners or (
            self._by_address[address] >= limits.max_miners_per_address and address != UNIX
        ):
            self._tally.disconnects[door.listener, "full"] += 1
            sock.close()
            return
        sock.setblocking(False)
        connection = Connection(
            sock, address, limits.outgoing_bytes, limits.requests_per_second * BURST_SECONDS
        )
        connection.session = MinerSession(
            self._house, door, address, now, partial(self._mark_dirty, connection)
        )
        self._connections[connection.fd] = connection
        self._by_address[address] += 1
        connection.mask = _READ
        self._epoll.register(connection.fd, _READ)

    def _mark_dirty(self, connection: Connection) -> None:
        if not connection.dirty:
            connection.dirty = True
            self._dirty.append(connection)

    def _after_send(self, connection: Connection, fault: str) -> None:
        """Go on after a send: drop, wait for room, close if that was the last of it."""
        session = connection.session
        if fault:
            self._close(connection, fault)
        elif connection.leftover:
            self._ask(connection)
        elif session.closing:
            self._close(connection, session.closing)
        elif connection.half_closed and not session.unanswered and not session.out:
            self._close(connection, "closed")
        else:
            if connection.job_waits:
                self._give(connection, trio.current_time())
            self._ask(connection)

    def _close(self, connection: Connection, reason: str) -> None:
        if connection.sock is None:
            return
        session = connection.session
        del self._connections[connection.fd]
        self._epoll.unregister(connection.fd)
        connection.hang_up(last_words=bool(session.closing))
        self._by_address[connection.address] -= 1
        if not self._by_address[connection.address]:
            del self._by_address[connection.address]
        session.closing = session.closing or reason
        session.end()
        self._tally.disconnects[session.listener, session.closing] += 1
        self._farewell(session, trio.current_time())

    # ---- jobs

    def _give(self, connection: Connection, now: float) -> None:
        """Send the current work, unless a line is still under way."""
        session = connection.session
        if connection.leftover:
            connection.job_waits = True
            return
        connection.job_waits = False
        works = session.house.works
        data = session.offer(works, now) if works and session.at_work else b""
        if not data:
            return
        if connection.dirty and session.out:
            session.out.append(data)
            data = session.take_output()
        fault = connection.send(data)
        self._bytes_out += len(data)
        if fault or connection.leftover:
            self._after_send(connection, fault)

    async def _send_jobs(self) -> None:
        while True:
            await self._job_event.wait()
            self._job_event = trio.Event()
            announced, self._announced = self._announced, {}
            await self._send_announced(announced)

    async def _send_announced(self, announced: dict[House, float]) -> None:
        works = {house: house.works for house in announced}
        connections = list(self._connections.values())
        for start in range(0, len(connections), FANOUT_SLICE):
            if all(house.works is not announced_works for house, announced_works in works.items()):
                return  # newer jobs are announced, or there are none any more
            now = trio.current_time()
            for connection in connections[start : start + FANOUT_SLICE]:
                if connection.sock is not None:
                    self._give(connection, now)
            self.flush()
            await trio.lowlevel.checkpoint()
        now = trio.current_time()
        for house, received in announced.items():
            if connections and house.works and house.works is works[house]:
                self._tally.fanout.observe(now - received)

    # ---- time

    async def _sweep(self) -> None:
        """Once a second: deadlines, budgets, listeners that rest."""
        limits = self._limits
        rate, burst = limits.requests_per_second, limits.requests_per_second * BURST_SECONDS
        while True:
            await trio.sleep(SWEEP_SECONDS)
            now = trio.current_time()
            for connection in list(self._connections.values()):
                if connection.budget < burst:
                    connection.budget = min(burst, connection.budget + rate * SWEEP_SECONDS)
                    if connection.throttled and connection.budget > 0:
                        connection.throttled = False
                        self._ask(connection)
                session = connection.session
                if connection.last_call:
                    self._close(connection, session.closing)
                elif session.closing:
                    connection.last_call = True
                elif now >= session.deadline:
                    session.expire(now)
            self.flush()
            for fd, entrance in self._entrances.items():
                if entrance.resting:
                    entrance.resting = False
                    self._epoll.register(fd, select.EPOLLIN)

    def sockets(self) -> list[socket.socket]:
        """The sockets of all miners, for a measurement to compare with."""
        return [c.sock for c in self._connections.values() if c.sock is not None]

    def count(self) -> Counter[tuple[str, str]]:
        """Count the miners that are here, by listener and dialect."""
        return Counter((c.session.listener, c.session.dialect) for c in self._connections.values())
