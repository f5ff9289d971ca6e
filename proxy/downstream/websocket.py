"""Miners that come by WebSocket: a task each, and the sessions of all others.

    accepted → its PROXY header → TLS (wss) → the request for a WebSocket → at work

Strategy: trio-websocket speaks for each; a message is one line or several, and ends the last of them.
Answers and jobs go out by a writer, which takes what the session has by then.  Few miners come so, browsers
mostly, and a task each costs what docs/adr/0010-transports.md says; the board is for farms.
The traps: what one of these tasks raises would end the proxy, so nothing gets out of it; as on the board a
job is not queued behind what a slow reader has not taken, so the writer asks for the current one when it gets
there; and a cancel must leave time to say goodbye, so miners are shielded from it for a moment.
"""

import ssl
from typing import cast

import structlog
import trio
from trio_websocket import ConnectionClosed, HandshakeError, WebSocketConnection, wrap_server_stream

from proxy.downstream.admission import Admission
from proxy.downstream.entrance import NO_HEADER, NOT_TRUSTED, Entrance, Heard, Visitor
from proxy.downstream.fanout import Fanout
from proxy.downstream.firstjobs import FirstJobs
from proxy.downstream.house import House, PoolSide
from proxy.downstream.pacing import BURST_SECONDS, rate_of
from proxy.downstream.patience import secured_deadline, too_long
from proxy.downstream.session import MinerSession
from proxy.downstream.tls import NOT_TLS, TLS_FAULT
from proxy.downstream.tlscodec import fault_of
from proxy.downstream.wire import Wire
from proxy.wire.detect import not_tls, not_websocket
from proxy.wire.jsonrpc import printable

NO_REQUEST = "not_websocket"  # why a connection ended
CHOKED_SECONDS = 0.1  # between two looks at a miner whose shares have too few answers
IDLE_BYTES = 65_536  # of frames, beside its own, before a message comes: pings for days, or any fragments
STRANGERS_BYTES = 1024  # the same before a login: a browser pings, if at all, with some bytes
BATCH = 8  # let in, or sent away, between two checkpoints: each is a task or two, and half a millisecond
CLOSE_SECONDS = 1  # for the last words, and the miner's goodbye
REST_SECONDS = 1.0  # after no more files were to be had
TOO_BIG, GOING, POLICY = 1009, 1001, 1008  # codes of a close, RFC 6455, 7.4.1
GONE = (trio.BrokenResourceError, trio.ClosedResourceError, ConnectionClosed, HandshakeError)
ORDINARY = (1000, 1001, 1005)  # of a miner that goes
MOST_REASON = 100  # characters in a close; the frame has room for 123 bytes

log = structlog.get_logger()


class WebMiner:
    """A miner's session, and what is to be sent on its WebSocket."""

    __slots__ = ("due", "first_job_queued", "job_waits", "session")

    def __init__(self) -> None:
        self.session: MinerSession
        self.due = trio.Event()  # there is something to send, or to close
        self.job_waits = False  # there is new work
        self.first_job_queued = False

    def wake(self) -> None:
        """Let the writer look."""
        self.due.set()


class WebSockets:
    """The carrier of all miners that come by WebSocket.

    Args:
        admission: counts them with all others.
        pool_side: where shares go, and when no more may.
    """

    def __init__(self, admission: Admission, pool_side: PoolSide) -> None:
        self._admission = admission
        self._pool_side = pool_side
        self._entrances: list[Entrance] = []
        self.miners: set[WebMiner] = set()
        self._coming = 0  # accepted, and not counted as miners yet
        self._reading = True
        self._first_jobs = FirstJobs(lambda: None)
        self._fanout = Fanout(lambda: self.miners, self._give, lambda: None, None)
        self._turns = trio.StrictFIFOLock()
        self._nursery: trio.Nursery | None = None  # of miners
        self._serving: trio.Nursery | None = None  # of all else
        self._scope = trio.CancelScope(shield=True)
        self._kept = trio.Event()
        self._over = trio.Event()

    def __len__(self) -> int:
        return len(self.miners)

    # ---- what the board calls

    def open(self, entrance: Entrance) -> None:
        """Take miners from a listening, non-blocking socket."""
        self._entrances.append(entrance)
        if self._serving is not None:
            self._serving.start_soon(self._accept, entrance)

    def announce(self, house: House, received: float) -> None:
        """Send a house's current work to every miner in it."""
        if self.miners:
            self._fanout.announce(house, received)

    def shut(self, listener: str = "") -> None:
        """Accept nobody more, at one listener or at all; sockets are left as they are."""
        for entrance in list(self._entrances):
            if listener in ("", entrance.door.listener):
                trio.lowlevel.notify_closing(entrance.sock)
                self._entrances.remove(entrance)

    def stop_listening(self) -> None:
        """Accept nobody more and read no further requests; answers still go out."""
        self._reading = False
        entrances = list(self._entrances)
        self.shut()
        for entrance in entrances:
            entrance.sock.close()

    def close_all(self, reason: str) -> None:
        """Have every connection closed once what can be sent is."""
        for miner in self.miners:
            miner.session.close(reason)

    async def run(self) -> None:
        """Serve until cancelled, and for a moment longer."""
        async with trio.open_nursery() as nursery:
            try:
                # Not by start(): a cancel before it has begun would wait for what is shielded from it.
                nursery.start_soon(self._keep_miners)
                await self._kept.wait()
                async with trio.open_nursery() as self._serving:
                    for entrance in self._entrances:
                        self._serving.start_soon(self._accept, entrance)
                    self._serving.start_soon(self._fanout.run)
                    self._serving.start_soon(self._first_jobs.run)
                    self._serving.start_soon(self._sweep)
            finally:
                self._serving = None
                self.close_all("shutdown")
                self._scope.deadline = trio.current_time() + CLOSE_SECONDS
                self._over.set()

    # ---- coming in

    async def _keep_miners(self) -> None:
        with self._scope:
            async with trio.open_nursery() as self._nursery:
                self._kept.set()
                await self._over.wait()

    async def _accept(self, entrance: Entrance) -> None:
        assert self._nursery is not None
        while True:
            try:
                await trio.lowlevel.wait_readable(entrance.sock)
            except (trio.ClosedResourceError, ValueError):
                return  # stop_listening() has closed it
            for sock, peer in entrance.accepted(BATCH):
                sock.setblocking(False)
                self._nursery.start_soon(self._receive, Visitor(sock, peer, entrance, _now()))
            if entrance.resting:
                await trio.sleep(REST_SECONDS)
                entrance.resting = False

    async def _receive(self, visitor: Visitor) -> None:
        """Find out whom a connection is from, and serve it."""
        sock, door = visitor.sock, visitor.entrance.door
        with sock:
            balancers, peer = visitor.entrance.balancers, visitor.peer
            if balancers is not None and balancers.trusts(peer):
                if not await self._hear_balancer(visitor):
                    return
            elif balancers is not None and balancers.required:
                self._admission.turn_away(door, peer, NO_HEADER, NOT_TRUSTED, _now())
                return
            if not self._admission.enter(door, visitor.address, _now()):
                return
            miner = WebMiner()
            session = miner.session = MinerSession(
                self._admission.house, door, visitor.address, visitor.since, miner.wake
            )
            session.deadline = visitor.since + self._admission.limits.login_seconds  # a handshake takes time
            self.miners.add(miner)
            reason = "reset"
            try:
                reason = await self._serve(miner, visitor)
            except* GONE:
                pass  # in the middle of a handshake; once there is a WebSocket its reader knows
            except* Exception:
                # Nobody foresaw it; it is this one's end and nobody else's.
                log.exception("a WebSocket's task failed", listener=door.listener, address=visitor.address)
            finally:
                self.miners.discard(miner)
                self._admission.leave(session, reason, _now())

    async def _hear_balancer(self, visitor: Visitor) -> bool:
        """Wait for a PROXY header; false if no miner comes of it."""
        admission, door, limits = self._admission, visitor.entrance.door, self._admission.limits
        if self._coming + admission.here >= limits.max_miners:
            admission.turn_away(door, visitor.peer, "full", "", _now())
            return False
        heard = Heard.WAITS
        self._coming += 1
        with trio.move_on_at(visitor.since + limits.login_seconds) as patience:
            while heard is Heard.WAITS:
                await trio.lowlevel.wait_readable(visitor.sock)
                heard = visitor.read()
        self._coming -= 1
        if patience.cancelled_caught:
            visitor.reason = "login_timeout"
            visitor.detail = f"no PROXY header within {limits.login_seconds:g} s (limits.login_seconds)"
        if heard is not Heard.COMES and visitor.reason:
            admission.turn_away(door, visitor.address, visitor.reason, visitor.detail, _now())
        return heard is Heard.COMES

    async def _serve(self, miner: WebMiner, visitor: Visitor) -> str:
        """Serve a miner to its end; returns why that came, where the session has no reason."""
        session = miner.session
        stream = trio.SocketStream(trio.socket.from_stdlib_socket(visitor.sock))
        wire = Wire(stream, visitor.data, self._turns)
        reason = "closed"
        async with stream, trio.open_nursery() as nursery:
            with trio.move_on_at(session.deadline) as patience:
                websocket = await self._shake_hands(nursery, patience, miner, wire, visitor.entrance)
            if patience.cancelled_caught or websocket is None:
                if trio.current_time() >= session.deadline:
                    seconds = self._admission.limits.login_seconds
                    session.close(
                        "login_timeout", f"no WebSocket within {seconds:g} s (limits.login_seconds)"
                    )
                elif wire.is_closed:
                    session.close(NO_REQUEST, "no request for a WebSocket that can be understood")
                nursery.cancel_scope.cancel()
                return reason
            nursery.start_soon(self._write, miner, websocket, nursery.cancel_scope)
            wire.heard()
            wire.most = self._admission.limits.login_line_bytes + STRANGERS_BYTES
            session.deadline = secured_deadline(self._admission.limits, visitor.since, _now())
            reason = await self._read(miner, websocket, wire)
            session.close(reason)
            nursery.cancel_scope.cancel()
        return reason

    async def _shake_hands(
        self,
        nursery: trio.Nursery,
        patience: trio.CancelScope,
        miner: WebMiner,
        wire: Wire,
        entrance: Entrance,
    ) -> WebSocketConnection | None:
        """Get as far as a WebSocket; None if it cannot be, and the session then says why."""
        session, stream = miner.session, cast("trio.abc.Stream", wire)
        wire.on_end = patience.cancel
        if entrance.tls is not None:
            stream = trio.SSLStream(wire, entrance.tls.context, server_side=True, https_compatible=True)
            if not await self._shake_tls(session, wire, stream):
                return None
        elif detail := not_websocket(await wire.peek()):
            session.close(NO_REQUEST, detail)
            return None
        request = await wrap_server_stream(
            nursery, stream, message_queue_size=1, max_message_size=entrance.door.line_bytes
        )
        path = request.path.partition("?")[0]
        if entrance.path and path != entrance.path:
            session.close(NO_REQUEST, f"the path {printable(path.encode(), 64)} is not here")
            await request.reject(404)
            return None
        websocket = await request.accept()
        wire.on_end = lambda: None
        wire.shaking = False
        return websocket

    async def _shake_tls(self, session: MinerSession, wire: Wire, stream: trio.SSLStream[Wire]) -> bool:
        detail = not_tls(await wire.peek())
        if detail:
            session.close(NOT_TLS, detail)
            return False
        try:
            await stream.do_handshake()
        except trio.BrokenResourceError as error:
            cause = error.__cause__
            if isinstance(cause, ssl.SSLError):
                session.close(TLS_FAULT, f"TLS: {fault_of(cause)}")
            return False
        return True

    # ---- at work

    async def _read(self, miner: WebMiner, websocket: WebSocketConnection, wire: Wire) -> str:
        """Feed the session until the miner goes or is to go; returns why."""
        session, limits, pool_side = miner.session, self._admission.limits, self._pool_side
        budget = limits.requests_per_second * BURST_SECONDS
        last = _now()
        while True:
            try:
                message = await websocket.get_message()
            except ConnectionClosed as closed:
                if wire.is_too_much and not session.worker:
                    session.close("line_too_long", too_long(limits, limits.login_line_bytes))
                return self._why(session, closed)
            wire.heard()
            while pool_side.is_full:
                await pool_side.room()
            if not self._reading or session.closing:
                continue
            now = _now()
            rate = rate_of(session, limits, now)
            budget, last = min(rate * BURST_SECONDS, budget + rate * (now - last)), now
            before = session.requests
            data = message.encode() if isinstance(message, str) else message
            self._admission.count_bytes(len(data), 0)
            # Lines end with their message, whether it says so or not.
            session.receive(data if data.endswith(b"\n") else data + b"\n", now)
            if session.worker:
                wire.most = session.door.line_bytes + IDLE_BYTES
            pool_side.push()
            if sum(map(len, session.out)) > limits.outgoing_bytes:
                return "slow_reader"
            budget -= session.requests - before
            if budget < 0:
                self._admission.held_up("requests_per_second")
                await trio.sleep(-budget / rate)
            await self._until_answered(session)

    async def _until_answered(self, session: MinerSession) -> None:
        """Wait while too many of a miner's shares have no verdict."""
        most = self._admission.limits.miner_unanswered
        if session.unanswered >= most:
            self._admission.held_up("miner_unanswered")
        while session.unanswered >= most and not session.closing:  # noqa: ASYNC110  # rare
            await trio.sleep(CHOKED_SECONDS)

    def _why(self, session: MinerSession, closed: ConnectionClosed) -> str:
        code = closed.reason.code if closed.reason is not None else 0
        if code == TOO_BIG:
            session.close("line_too_long", f"a message of more than {session.door.line_bytes} bytes")
        return "closed" if code in ORDINARY else "reset"

    async def _write(self, miner: WebMiner, websocket: WebSocketConnection, scope: trio.CancelScope) -> None:
        """Send what the session has until it is to close, and close."""
        session = miner.session
        try:
            while not (session.closing and not session.out):
                await miner.due.wait()
                miner.due = trio.Event()
                if session.first_job_due is not None and not miner.first_job_queued:
                    miner.first_job_queued = True
                    self._first_jobs.add(session)
                while lines := self._next_lines(miner):
                    self._admission.count_bytes(0, len(lines))
                    for line in lines.splitlines():
                        await websocket.send_message(line.decode())
            with trio.move_on_after(CLOSE_SECONDS):
                code = GOING if session.closing == "shutdown" else POLICY
                await websocket.aclose(code, session.close_detail[:MOST_REASON] or session.closing)
        except ConnectionClosed:
            return  # the reader has it, too, and says why
        scope.cancel()

    def _next_lines(self, miner: WebMiner) -> bytes:
        """What is to be sent now: answers, then the current work if that is due."""
        session = miner.session
        data = session.take_output()
        if not data and miner.job_waits:
            miner.job_waits = False
            works = session.house.works
            if works and session.at_work:
                data = session.offer(works, _now())
        return data

    def _give(self, miner: WebMiner, _now: float) -> None:
        miner.job_waits = True
        miner.due.set()

    async def _sweep(self) -> None:
        """Once a second: deadlines, of a few at a time, for each wakes tasks."""
        while True:
            await trio.sleep(1)
            now, expired = _now(), 0
            for miner in list(self.miners):
                session = miner.session
                if not session.closing and (now >= session.deadline or now >= session.next_look):
                    session.expire(now)
                    expired += 1
                    if expired % BATCH == 0:
                        await trio.lowlevel.checkpoint()


def _now() -> float:
    return trio.current_time()
