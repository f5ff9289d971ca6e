"""A simulated pool on real sockets, of either dialect, with faults to order.

    async with trio.open_nursery() as nursery:
        pool = await nursery.start(SimPool(PoolOptions(style="p2")).run)
        ...                      # pool.url, pool.tally, pool.new_job(), await pool.lose(2)

Strategy: this file is the pool as a whole, its jobs and what can be ordered of it while it lives; one
connection is pool_session.py, what is said styles.py, what is judged judging.py, and each has its login_
counterpart.  The options say how the pool is from the start, the methods do something to it once.
Everything random comes from one seed.
The trap: a lost pool must really refuse connections, so its listener is closed and the port taken again.
"""

import random
from collections import OrderedDict
from collections.abc import Callable
from functools import partial

import trio

from proxy.model import target as targets
from proxy.model.hexdigits import is_hex
from proxy.sim import places
from proxy.sim.aion_session import AionSession
from proxy.sim.judging import Judge, PoolTally, SeenShare, Shelf
from proxy.sim.login_judging import BlobJudge, EquihashLoginJudge, LoginJudge
from proxy.sim.login_session import LoginSession
from proxy.sim.login_styles import BlobWork, EquihashWork, LoginStyle, LoginWork, header_of
from proxy.sim.pool_options import PoolOptions
from proxy.sim.pool_session import PoolSession
from proxy.sim.styles import P2, Kind, PoolJob, Solo, Style
from proxy.sim.waiting import Changes

__all__ = ["PoolOptions", "SimPool"]

Meet = Callable[[trio.abc.HalfCloseableStream, str], PoolSession]

FIRST_HEIGHT = 3_000_000  # of a chain that has lived for a while
JOB_TIMES = 1000  # of how many jobs the moment of writing is remembered
PORT_TRIES = 100  # at a tenth of a second each, to get the own port again


class SimPool:
    """A pool that hands out random jobs and judges for itself.

    Attributes:
        port: bound since run() has started, the same for ever.
        tally: its books.
        changes: touched whenever the tally, a session or a job changes; see until().
        shares: what came, if the options ask for a record.
        target: what shares are judged by now, of 256 bits; a blob's result has the first 64 of them.
        difficulty: as it was asked for last; a target of few digits is coarser.
    """

    def __init__(self, options: PoolOptions | None = None) -> None:
        self.options = options = options or PoolOptions()
        self.random = random.Random(options.seed)
        self.host = ""
        self.port = 0
        self.tally = PoolTally()
        self.changes = Changes()
        self.shares: list[SeenShare] = []
        self.silent = options.silent
        self.sessions: set[PoolSession] = set()
        self.style: Kind
        self._meet: Meet
        if options.dialect == "login":
            self.style, self._meet = self._login()
        else:
            self.style, self._meet = self._aion()
        self.difficulty = options.difficulty
        self.target, self._network = self._targets()
        self._former_target = self.target
        self._target_moved = -float("inf")
        self._number = 0  # of the last job since the (re)start
        self._height = FIRST_HEIGHT
        self._written: OrderedDict[str, float] = OrderedDict()
        self._banned: dict[str, float] = {}
        self._door: trio.CancelScope | None = None
        self._door_closed = trio.Event()
        self._outage = trio.Lock()  # one at a time
        self._nursery: trio.Nursery | None = None
        self._start_afresh()

    def _aion(self) -> tuple[Kind, Meet]:
        options = self.options
        style: Style = Solo() if options.style == "solo" else P2(self.random.randrange(1 << 20))
        judge = Judge(style, options.equihash, self.tally, options.strict, options.trust)
        return style, partial(AionSession, self, style, judge)

    def _login(self) -> tuple[Kind, Meet]:
        options = self.options
        work: LoginWork
        judge: LoginJudge
        if options.blob:
            work = BlobWork(self.random.randbytes(32).hex(), options.digits)
            judge = BlobJudge(self.tally, options.strict, options.trust)
        else:
            work = EquihashWork(options.equihash, options.digits)
            judge = EquihashLoginJudge(options.equihash, self.tally, options.strict, options.trust)
        style = LoginStyle(work, options.extra_members)
        return style, partial(LoginSession, self, style, judge)

    # ---- living

    async def run(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        task_status: "trio.TaskStatus[SimPool]" = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Serve until cancelled; started with the pool itself once its port is bound and a job is there.

        Args:
            host: a name or address, or the path of a socket file.
        Raises: OSError if the port cannot be had.
        """
        self.host, self.port = host, port
        async with trio.open_nursery() as self._nursery:
            await self.come_up()
            self._nursery.start_soon(self._make_jobs)
            task_status.started(self)
            await trio.sleep_forever()

    @property
    def url(self) -> str:
        """Where miners find it."""
        return places.url_of(self.host, self.port)

    async def talk(self, stream: trio.abc.HalfCloseableStream, address: str = "memory") -> None:
        """Serve one connection over any stream; returns when it has ended."""
        self.tally.connections += 1
        if trio.current_time() < self._banned.get(address, 0.0):
            self.tally.turned_away += 1
            await trio.aclose_forcefully(stream)
            return
        session = self._meet(stream, address)
        self.sessions.add(session)
        self.changes.touch()
        try:
            await session.run()
        finally:
            self.sessions.discard(session)
            self.changes.touch()

    async def until(self, condition: "Callable[[SimPool], object]", seconds: float = 10.0) -> None:
        """Wait until the condition, of this pool, holds.

        Raises: trio.TooSlowError.
        """
        with trio.fail_after(seconds):
            await self.changes.until(lambda: condition(self))

    async def _accept(self, stream: trio.SocketStream) -> None:
        await self.talk(stream, places.address_of(stream))

    async def _serve(self, listeners: list[trio.SocketListener], door: trio.CancelScope) -> None:
        try:
            with door:
                await trio.serve_listeners(self._accept, listeners, handler_nursery=self._nursery)
        finally:
            places.leave(self.host)
        self._door_closed.set()

    async def _make_jobs(self) -> None:
        while self.options.job_seconds > 0:
            await trio.sleep(self.options.job_seconds)
            self.new_job()

    # ---- what sessions ask

    def next_extranonce1(self) -> str:
        """The next of this start: a counter, behind four random bytes where there is room for them."""
        size = self.style.extranonce1_bytes
        self._extranonces += 1
        counter = self._extranonces.to_bytes(8, "big")[-4:] if size >= 8 else b""
        if counter:
            return (self._instance + counter).hex()
        return f"{(self._extranonces + int.from_bytes(self._instance[:2], 'big')) & 0xFFFF:04x}"

    def session_id(self) -> str:
        """Sixteen hex digits, or the thirteen characters of one kind of Aion pool."""
        if self.options.dialect == "login":
            return self.random.randbytes(8).hex()
        return "0HL" + "".join(self.random.choices("ABCDEFGHIJKLMNOPQRSTUV0123456789", k=10))

    def knows(self, name: str) -> bool:
        """Whether a user may come in; a worker's name may follow the account behind a dot, in style p2."""
        if self.options.users is not None:
            account = name.split(".")[0] if self.style.name == "p2" else name
            return account in self.options.users
        return not (self.options.strict and self.style.name == "solo") or _is_address(name)

    def target_for(self, job: PoolJob | None) -> int:
        """What a share for the job must be below."""
        login = self.options.dialect == "login"
        if job is None or not (self.style.sends_set_target or login):
            return job.target if job else 0
        if trio.current_time() < self._target_moved + self.options.target_grace:
            return max(self.target, job.target if login else self._former_target)
        return self.target

    def paramless(self) -> None:
        """A request without params has come; a real solo pool's process ends by it."""
        self.tally.paramless += 1
        if self.options.strict and self._nursery is not None and not self._outage.locked():
            self._nursery.start_soon(self.restart, self.options.restart_seconds)

    def ban(self, address: str) -> None:
        """Cut an address off, all its connections, without an answer."""
        self.tally.bans += 1
        self._banned[address] = trio.current_time() + self.options.ban_seconds
        for session in list(self.sessions):
            if session.address == address:
                session.cut()

    # ---- jobs, and what can be ordered while it runs

    def new_job(self, clean: bool | None = None) -> PoolJob:
        """Make a job with a new header hash and give it to all.

        Args:
            clean: None for the options' ratio.
        """
        if clean is None:
            clean = self.random.random() < self.options.clean_ratio
        self._height += 1
        return self._hand_out(self._next_job(self.random.randbytes(32).hex(), clean))

    def _next_job(self, header: str, clean: bool) -> PoolJob:
        self._number += 1
        self.tally.jobs += 1
        name = self.style.job_id(self._number)
        return PoolJob(self.tally.jobs, name, header, self.target, self._network, clean, self._height)

    def _hand_out(self, job: PoolJob) -> PoolJob:
        self.shelf.add(job)
        self._written[job.header] = trio.current_time()
        if len(self._written) > JOB_TIMES:
            self._written.popitem(last=False)
        for session in list(self.sessions):
            if self.options.garbage and self.random.random() < self.options.garbage:
                session.say(self.random.choice(self.style.junk))
            session.give(job)
        self.changes.touch()
        return job

    def job_written(self, work: str) -> float | None:
        """When a job was handed out; seconds of this process's Trio clock.

        Args:
            work: its header, or a blob that was made of it; hex.
        """
        return self._written.get(work if len(work) <= 64 else header_of(work))

    def rebroadcast(self) -> None:
        """Give the current job again under its own id, as one kind of pool does."""
        if self.shelf.current is not None:
            for session in list(self.sessions):
                session.give(self.shelf.current)

    def set_difficulty(self, difficulty: float) -> None:
        """Move the share target: by set_target at once, in style solo by a new job.

        In dialect login the same work is given again under a new id, and what was seen of it stays seen.
        """
        self.difficulty, self._former_target = difficulty, self.target
        self.target, self._network = self._targets()
        self._target_moved = trio.current_time()
        current = self.shelf.current
        if self.style.sends_set_target:
            for session in list(self.sessions):
                session.tell_target()
        elif self.options.dialect == "login" and current is not None:
            job = self._next_job(current.header, clean=False)
            job.nonces, job.values = current.nonces, current.values
            self._hand_out(job)
        else:
            self.new_job()

    def move_extranonce(self) -> None:
        """Give every connection a new extranonce1, and a clean job to use it with."""
        for session in list(self.sessions):
            session.move(self.next_extranonce1())
        self.new_job(clean=True)

    def inject(self, data: bytes) -> None:
        """Send any bytes to all, such as lines that make no sense."""
        for session in list(self.sessions):
            session.say(data)

    def ask_reconnect(self, host: str = "", port: int = 0, wait: int = 0) -> None:
        """Send client.reconnect; without a host it means the same address."""
        if self.options.dialect == "login" and not host:
            host, port = self.host, self.port
        self.inject(self.style.reconnect(host, port, wait))

    def hush(self, silent: bool = True) -> None:
        """Answer nothing any more, or again; what is said meanwhile stays unheard."""
        self.silent = silent

    def drop(self) -> None:
        """Cut every connection, and go on listening."""
        for session in list(self.sessions):
            session.cut()

    async def go_down(self) -> None:
        """Cut every connection and refuse new ones."""
        if self._door is not None:
            self._door.cancel()
            await self._door_closed.wait()
            self._door = None
        self.drop()
        await self.changes.until(lambda: not self.sessions)

    async def come_up(self) -> None:
        """Listen, on the port it has had before if there was one; with a job if there is none yet.

        Raises: OSError if the port cannot be had.
        """
        if self._door is not None:
            return
        assert self._nursery is not None
        listeners = await self._listen()
        self.port = places.port_of(listeners[0])
        self._door = trio.CancelScope()
        self._door_closed = trio.Event()
        if self.shelf.current is None:
            self.new_job()
        self._nursery.start_soon(self._serve, listeners, self._door)

    async def lose(self, seconds: float) -> None:
        """Be gone for a while: connections cut, new ones refused; jobs and ids stay."""
        async with self._outage:
            await self.go_down()
            await trio.sleep(seconds)
            await self.come_up()

    async def restart(self, seconds: float = 0.0) -> None:
        """Be gone for a while and forget everything: job ids start again, extranonce1 is another."""
        async with self._outage:
            await self.go_down()
            self._start_afresh()
            await trio.sleep(seconds)
            await self.come_up()

    async def _listen(self) -> list[trio.SocketListener]:
        again = PORT_TRIES if self.sessions or self.tally.jobs else 1
        for _ in range(again - 1):
            try:
                return await places.listen(self.host, self.port)
            except OSError:  # somebody's outgoing connection may have the port for a moment
                await trio.sleep(0.1)
        return await places.listen(self.host, self.port)

    def _start_afresh(self) -> None:
        keep = self.options.jobs_kept
        self.shelf = Shelf(self.style.jobs_kept if keep is None else keep, self.options.expires)
        self._number = 0
        self._instance = self.random.randbytes(4)
        self._extranonces = -1

    def _targets(self) -> tuple[int, int]:
        """What shares are judged by, and the number that stands in jobs."""
        if isinstance(self.style, LoginStyle):
            return self.style.targets(self.difficulty)
        target = targets.from_difficulty(self.difficulty)
        if not self.style.sends_set_target:
            return target, target
        network = self.options.network_difficulty
        return target, targets.from_difficulty(self.difficulty * 1000 if network is None else network)


def _is_address(name: str) -> bool:
    """What the solo pool's kernel takes: an account address, or any forty characters."""
    digits = name.removeprefix("0x")
    if len(digits) == 64 and digits.startswith("a0") and is_hex(digits):
        return True
    return len(name) == 40
