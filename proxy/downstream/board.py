"""Serves every miner of TCP, TLS or a socket file with one task on one epoll, and WebSockets beside it.

Strategy: wait until the epoll has something, read what is ready without blocking, feed the sans-IO
sessions, send once a session at the end of the batch.  Batches are small and nothing awaits inside one,
so a file number cannot be reused under it, and other tasks get their turn every few milliseconds.
Who has not logged in is in the lobby, which is one file of the epoll, and has its say after the miners.
A job goes out in slices for the same reason; a newer job replaces one that is still going out.
Measured against other designs in docs/adr/0004-io-design.md.
The trap: an event that is never read spins, so a hang-up is always read.
"""

import select
import socket
from collections import Counter
from functools import partial

import trio

from proxy.config import Limits
from proxy.core.tally import Tally
from proxy.downstream.admission import Admission, Farewell
from proxy.downstream.arrival import arrived
from proxy.downstream.connection import RECEIVE_BYTES, Connection
from proxy.downstream.entrance import Entrance
from proxy.downstream.fanout import Fanout
from proxy.downstream.firstjobs import FirstJobs
from proxy.downstream.house import House, PoolSide
from proxy.downstream.lobby import Lobby
from proxy.downstream.session import Door
from proxy.downstream.sweep import SWEEP_SECONDS, Sweep
from proxy.downstream.tls import Handshakes, TlsConnection
from proxy.downstream.volley import Volley
from proxy.downstream.websocket import WebSockets

BATCH = 64  # sockets read between two checkpoints: some 3 ms under full load
BATCHES = 4  # read before their shares are sent on: some 10 ms under full load

_READ = select.EPOLLIN | select.EPOLLRDHUP if hasattr(select, "epoll") else 0


class Board:
    """The one carrier of all miners.

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
        farewell: Farewell = lambda _session, _now: None,
    ) -> None:
        self._tally = tally
        self._pool_side = pool_side
        self.admission = Admission(house, limits, tally, farewell)  # its limits are everybody's
        self._epoll = select.epoll()
        self.connections: dict[int, Connection] = {}
        self._lobby = Lobby(self.admission, self.connections, self._on_events, self._let_in)
        self._epoll.register(self._lobby.epoll.fileno(), select.EPOLLIN)
        self._dirty: list[Connection] = []
        self._first_jobs = FirstJobs(self.flush)
        self.websockets = WebSockets(self.admission, pool_side)
        self._arrived = partial(arrived, self.admission, self._mark_dirty, self._await_turn)
        self._handshakes = Handshakes(self._shake_hands, self.flush)
        self._volley = Volley(self._after_send)
        self._fanout = Fanout(self.connections.values, self._gather, self._end_slice, tally.fanout)
        self._reading = True
        self._bytes_in = self._bytes_out = 0  # not yet in the tally, whose keys cost more than the sum

    def __len__(self) -> int:
        return len(self.connections) + len(self.websockets)

    @property
    def is_busy(self) -> bool:
        """Whether a job is going out."""
        return self._fanout.is_busy

    # ---- what others call

    def open(self, sock: socket.socket, door: Door) -> None:
        """Take plain miners from a listening, non-blocking socket."""
        self.admit_by(Entrance(sock, door))

    def admit_by(self, entrance: Entrance) -> None:
        """Take miners by an entrance."""
        entrance.prepare()
        if entrance.is_websocket:
            self.websockets.open(entrance)
            return
        self._lobby.open(entrance)

    def announce(self, house: House, received: float) -> None:
        """Send a house's current work to every miner in it.

        Args:
            received: when the pool's line was read, seconds of the monotonic clock.
        """
        self._fanout.announce(house, received)
        self.websockets.announce(house, received)

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
            if connection.choked and connection.unchoke(self.admission.limits.miner_unanswered):
                self._ask(connection)
            if fault or session.closing or connection.is_behind:
                self._after_send(connection, fault)
        network_bytes = self._tally.network_bytes
        network_bytes["downstream", "in"] += self._bytes_in
        network_bytes["downstream", "out"] += self._bytes_out
        self._bytes_in = self._bytes_out = 0

    def shut(self, listener: str = "") -> None:
        """Accept nobody more, at one listener or at all; sockets are left as they are."""
        self._lobby.shut(listener)
        self.websockets.shut(listener)

    def stop_listening(self) -> None:
        """Accept nobody more and read no further requests; answers still go out."""
        self._reading = False
        self.websockets.stop_listening()
        self._lobby.stop_listening()
        for connection in self.connections.values():
            self._ask(connection)

    def close_all(self, reason: str) -> None:
        """Send what can be sent and close every connection."""
        self.flush()
        for connection in list(self.connections.values()):
            self.close(connection, reason)
        self.websockets.close_all(reason)

    async def run(self) -> None:
        """Serve until cancelled."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._serve)
                nursery.start_soon(self._fanout.run)
                nursery.start_soon(self._first_jobs.run)
                nursery.start_soon(self._handshakes.run)
                nursery.start_soon(self.websockets.run)
                nursery.start_soon(self._keep_time)
        finally:
            self.stop_listening()
            self.close_all("shutdown")
            self._lobby.epoll.close()
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
            connection = self.connections.get(fd)
            if connection is not None:
                self._on_events(connection, events, now)
            else:
                self._lobby.hear(self._epoll, now)
        self.flush()
        return len(ready)

    def _on_events(self, connection: Connection, events: int, now: float) -> None:
        if events & select.EPOLLOUT:
            self._after_send(connection, connection.drain())
        if connection.sock is not None and events & ~select.EPOLLOUT:
            if connection.half_closed or not self._reading:
                # Only a full hang-up is of interest now; it must be read, or the epoll spins on it.
                if events & (select.EPOLLHUP | select.EPOLLERR):
                    self.close(connection, "reset")
            else:
                self._read(connection, now)

    def _read(self, connection: Connection, now: float) -> None:
        assert connection.sock is not None
        try:
            data = connection.sock.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self.close(connection, "reset")
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
            self._tally.limits["requests_per_second"] += 1
            self._ask(connection)
        if session.unanswered >= self.admission.limits.miner_unanswered:
            connection.choked = True
            self._tally.limits["miner_unanswered"] += 1
            self._ask(connection)

    def _on_end(self, connection: Connection) -> None:
        """The miner sends no more; it still gets the answers it is owed."""
        if connection.session.unanswered or connection.leftover or connection.session.out:
            connection.half_closed = True
            self._ask(connection)
        else:
            self.close(connection, "closed")

    def _ask(self, connection: Connection) -> None:
        """Tell the epoll what this connection waits for."""
        reads = not (connection.half_closed or connection.is_held or connection.session.closing)
        mask = (_READ if reads and self._reading else 0) | (select.EPOLLOUT if connection.leftover else 0)
        if mask != connection.mask:
            connection.mask = mask
            connection.epoll.modify(connection.fd, mask)

    # ---- accepting and closing

    def _let_in(
        self, sock: socket.socket, address: str, entrance: Entrance, ahead: bytes, since: float, now: float
    ) -> None:
        """Make a miner's connection of an accepted socket.

        Args:
            ahead: what it has sent already.
            since: when it was accepted.
        """
        if not self.admission.enter(entrance.door, address, now):
            sock.close()
            return
        connection = self._arrived(sock, address, entrance, ahead, since)
        self.connections[connection.fd] = connection
        connection.epoll, connection.mask = self._lobby.epoll, _READ
        connection.epoll.register(connection.fd, _READ)
        if not ahead:
            return
        if entrance.tls is not None:
            self._await_turn(connection)
            return
        self._bytes_in += len(ahead)
        connection.session.receive(ahead, now)
        connection.budget -= connection.session.requests

    def _await_turn(self, connection: Connection) -> None:
        """Read nothing more of a connection until its handshake has its turn."""
        connection.throttled = True
        self._ask(connection)
        self._handshakes.add(connection)

    def _shake_hands(self, connection: Connection, now: float) -> None:
        assert isinstance(connection, TlsConnection)
        connection.throttled = False
        connection.has_turn = True
        if self._reading and not connection.session.closing:
            self._read(connection, now)
        if connection.sock is not None:
            self._ask(connection)

    def _mark_dirty(self, connection: Connection) -> None:
        if not connection.dirty:
            connection.dirty = True
            self._dirty.append(connection)

    def _after_send(self, connection: Connection, fault: str) -> None:
        """Go on after a send: drop, wait for room, close if that was the last of it."""
        session = connection.session
        if fault:
            self.close(connection, fault)
        elif connection.leftover:
            self._ask(connection)
        elif session.closing:
            self.close(connection, session.closing)
        elif connection.half_closed and not session.unanswered and not session.out:
            self.close(connection, "closed")
        else:
            if connection.job_waits:
                self._give(connection, trio.current_time())
            self._ask(connection)

    def close(self, connection: Connection, reason: str) -> None:
        """Close a connection, if it is still open."""
        if connection.sock is None:
            return
        session = connection.session
        del self.connections[connection.fd]
        connection.epoll.unregister(connection.fd)
        connection.hang_up(last_words=bool(session.closing))
        self.admission.leave(session, connection.parting or reason, trio.current_time())

    # ---- jobs

    def _give(self, connection: Connection, now: float) -> None:
        """Send the current work, unless it has gone or a line is still under way."""
        self._gather(connection, now)
        self._volley.fire()

    def _gather(self, connection: Connection, now: float) -> None:
        """As _give(), but what can be sent with others' waits until the volley is fired."""
        if connection.sock is None:
            return
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
        self._bytes_out += len(data)
        if connection.is_plain and not connection.parting:
            self._volley.add(connection, data)
        elif (fault := connection.send(data)) or connection.leftover:
            self._after_send(connection, fault)

    def _end_slice(self) -> None:
        self._volley.fire()
        self.flush()

    # ---- time

    async def _keep_time(self) -> None:
        """Do once a second what is due."""
        sweep = Sweep(self.admission, self.connections.values, self._ask, self.close, self.flush)
        while True:
            await trio.sleep(SWEEP_SECONDS)
            now = trio.current_time()
            self.admission.house.warden.sweep(now)
            await sweep.round()
            self._lobby.sweep(now)
            self.flush()

    def count(self) -> Counter[tuple[str, str]]:
        """Count the miners that are here, by listener and dialect."""
        return self.admission.count()
