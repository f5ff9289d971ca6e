"""A simulated Aion miner on a real socket: solves, submits, and is as bad as it is ordered to be.

Strategy: connect, work, and when the connection goes wait and connect again, as the reference miner
does for ever.  One connection is link.py, the shares come from rig.py and faults.py.  At every turn, at
random distances with the ordered mean, the mix says what kind of share to send, or what trouble to make.
The trap: shares are dug when their turn has come, so a job change while digging is normal; the share is
then for a job that is no longer current, and is thrown away.
"""

import random
from collections.abc import Callable
from contextlib import AsyncExitStack

import attrs
import trio

from proxy.native import Equihash
from proxy.sim.faults import Forge, Mix, Shot
from proxy.sim.link import Login, Memory, MinerLink
from proxy.sim.report import FarmReport
from proxy.sim.rig import Rig, Source, solving
from proxy.sim.trouble import Troublemaker
from proxy.sim.verdicts import DESERVED, SHARES, SHARES_APART, Kind
from proxy.sim.waiting import Changes

REFERENCE_AGENT = "nheqminer/0.2.1"
SOME_ADDRESS = "0xa0" + "5107ce" * 10 + "00"  # has the form that a kernel's address check wants


@attrs.frozen(kw_only=True)
class MinerOptions:
    """How a simulated miner is.

    Args:
        equihash: the proof it solves; 48,5 takes some 60 µs a nonce.
        user, password, agent: who it says it is; "{n}" in the user becomes its number in a farm.
        against: who judges it: "sluice", "solo" or "p2"; decides what a bad share deserves.
        shares_per_second: mean, exponentially spaced; 0 for a miner that only listens.
        mix: how often it does what.
        seed: of everything random.
        reconnect_seconds: between a lost connection and the next.
        extranonce_subscribe: whether it asks for extranonce1 changes.
        obeys_set_target: as MinerLink has it; needed when a miner talks to a "p2" pool directly.
        stale_may_pass: as MinerLink has it.
        all_solutions: submits every solution of a nonce, as real miners do.
        disconnect_seconds: mean time between connections it drops itself; 0 for never.
        hold_seconds: how long a trouble's connection is held.
        drain_seconds: how long replies are waited for at the end.
        source: where proofs come from; None to solve.
        max_shares: stop sending after so many turns; 0 for no end.
    """

    equihash: Equihash = attrs.field(factory=lambda: Equihash(48, 5))
    user: str = SOME_ADDRESS
    password: str = "x"
    agent: str = REFERENCE_AGENT
    against: str = attrs.field(default="sluice", validator=attrs.validators.in_(list(DESERVED)))
    shares_per_second: float = 1.0
    mix: Mix = attrs.field(factory=Mix)
    seed: int = 0
    reconnect_seconds: float = 3.0
    extranonce_subscribe: bool = True
    obeys_set_target: bool = False
    stale_may_pass: bool = False
    all_solutions: bool = False
    disconnect_seconds: float = 0.0
    hold_seconds: float = 5.0
    drain_seconds: float = 5.0
    source: Source | None = None
    max_shares: int = 0


class SimMiner:
    """A miner that talks to one address.

    Args:
        options: how it is.
        report: the book it writes into.
        gate: held while connecting and logging in, so that a thousand miners do not all at once.
        local_address: where its connections come from, None for what the system takes.
        tell: touched together with `changes`.

    Attributes:
        link: the present connection, None between two.
        finished: set once it sends nothing more.
    """

    def __init__(
        self,
        host: str,
        port: int,
        options: MinerOptions | None = None,
        report: FarmReport | None = None,
        *,
        gate: trio.Semaphore | None = None,
        local_address: str | None = None,
        tell: Changes | None = None,
    ) -> None:
        self.options = options = options or MinerOptions()
        self.report = report = report if report is not None else FarmReport()
        self.changes = Changes(tell)
        self.link: MinerLink | None = None
        self.finished = trio.Event()  # has sent all it was to send, or was turned away for good
        self._host = host
        self._port = port
        self._local_address = local_address
        self._gate = gate
        self._random = random.Random(options.seed)
        self._memory = Memory()
        self._stop = trio.Event()
        self._working = False
        self._turns = 0
        self._trouble: Kind | None = None  # under way on a second connection
        self._nursery: trio.Nursery | None = None
        self._login = Login(
            options.user, options.password, options.agent, host, port, options.extranonce_subscribe
        )
        rig = Rig(options.source or solving(options.equihash), options.all_solutions)
        self._forge = Forge(options.equihash, rig, self._random, options.user, options.against)
        self._troublemaker = Troublemaker(
            self._dial, self._login, report, options.hold_seconds, options.against
        )

    async def run(self) -> None:
        """Mine until stopped, turned away or cancelled."""
        async with trio.open_nursery() as self._nursery:
            while not self._is_stopping():
                await self._connect_and_work()
                with trio.move_on_after(self.options.reconnect_seconds):
                    await self._stop.wait()
            self._nursery.cancel_scope.cancel()

    def stop(self) -> None:
        """Send nothing more, wait for replies, then leave."""
        self._stop.set()
        self.finished.set()
        if self.link is not None and not self._working:
            self.link.scope.cancel()
        self.changes.touch()

    @property
    def done(self) -> bool:
        """Whether it sends nothing more."""
        return self.finished.is_set()

    async def until(self, condition: "Callable[[SimMiner], object]", seconds: float = 10.0) -> None:
        """Wait until the condition, of this miner, holds; it is looked at whenever something has come.

        Raises: trio.TooSlowError.
        """
        with trio.fail_after(seconds):
            await self.changes.until(lambda: condition(self))

    # ---- connections

    async def _dial(self) -> trio.abc.Stream:
        return await trio.open_tcp_stream(self._host, self._port, local_address=self._local_address)

    async def _connect_and_work(self) -> None:
        async with AsyncExitStack() as gate:
            if self._gate is not None:
                await gate.enter_async_context(self._gate)
            if self._is_stopping():
                return
            try:
                stream = await self._dial()
            except OSError:
                self.report.connect_failures += 1
                self.changes.touch()
                return
            self.link = link = self._new_link(stream)
            if self._is_stopping():  # while the stream was being opened
                link.scope.cancel()
            self.report.connects += 1
            over = False
            try:
                with link.scope:
                    over = await self._work(link, gate)
            finally:
                self.report.online -= self._working
                self._working = False
                self.report.disconnects += not over
                link.settle(over)
                self.link = None
                self._follow(link)
                self.changes.touch()
                await trio.aclose_forcefully(stream)

    def _new_link(self, stream: trio.abc.Stream) -> MinerLink:
        options = self.options
        return MinerLink(
            stream,
            self._login,
            self.report,
            self._memory,
            self.changes,
            against=options.against,
            obeys_set_target=options.obeys_set_target,
            stale_may_pass=options.stale_may_pass,
            one_share_a_nonce=not options.all_solutions,
        )

    async def _work(self, link: MinerLink, gate: AsyncExitStack) -> bool:
        """Work on one connection until it goes (then the link's scope is cancelled) or we are done."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(link.listen)
            if await link.login():
                await gate.aclose()
                self._working = True
                self.report.online += 1
                self.changes.touch()
                if self.options.disconnect_seconds:
                    nursery.start_soon(self._disconnect, link)
                await self._take_turns(link)
                with trio.move_on_after(self.options.drain_seconds):
                    await self.changes.until(lambda: not link.pending and self._trouble not in SHARES_APART)
            nursery.cancel_scope.cancel()
        return True

    def _follow(self, link: MinerLink) -> None:
        """Do what the server's last words ask for."""
        if link.login_refused == "authorize":
            # The reference miner ends its process then, and never tries again.
            self.report.quits += 1
            self._stop.set()
            self.finished.set()
        elif link.login_refused:
            self.report.violations["subscribe_refused"] += 1
        if link.reconnect is not None:
            self._host = link.reconnect.host or self._host
            self._port = link.reconnect.port or self._port

    async def _disconnect(self, link: MinerLink) -> None:
        await trio.sleep(self._random.expovariate(1 / self.options.disconnect_seconds))
        link.scope.cancel()

    # ---- turns

    async def _take_turns(self, link: MinerLink) -> None:
        options = self.options
        due = trio.current_time()
        while not self._is_stopping():
            if not options.shares_per_second or (options.max_shares and self._turns >= options.max_shares):
                self.finished.set()
                self.changes.touch()
                await self._stop.wait()
                return
            # Never more than a second behind: a burst after a pause would measure nothing.
            due = max(due, trio.current_time() - 1.0) + self._random.expovariate(options.shares_per_second)
            with trio.move_on_at(due):
                await self._stop.wait()
            await self.changes.until(lambda: self._is_stopping() or link.task is not None)
            if not self._is_stopping():
                self._turns += 1
                await self._take_turn(link)

    def _is_stopping(self) -> bool:
        return self._stop.is_set()

    async def _take_turn(self, link: MinerLink) -> None:
        kind = self.options.mix.draw(self._random)
        task = link.task
        assert task is not None
        if kind not in SHARES:
            if self._trouble is None:
                await self._make_trouble(kind, await self._forge.good(task, kind))
                return
            kind = Kind.GOOD  # one trouble at a time is enough
        shot = await self._forge.make(kind, task, link.previous)
        if shot is None and kind is not Kind.GOOD:
            self.report.impossible[kind.value] += 1
            shot = await self._forge.good(task)
        if shot is None:
            self._turns = self.options.max_shares or self._turns  # no more proofs to be had
        elif link.task is task:
            await link.submit(shot)

    async def _make_trouble(self, kind: Kind, shot: Shot | None) -> None:
        async def make() -> None:
            assert shot is not None
            try:
                await self._troublemaker.make(kind, shot)
            finally:
                self._trouble = None
                self.changes.touch()

        if shot is not None and self._nursery is not None:
            self._trouble = kind
            self._nursery.start_soon(make)
