"""A simulated miner on a real socket: solves, submits, and is as bad as it is ordered to be.

Strategy: connect, work, and when the connection goes wait and connect again, as the reference miner
does for ever.  One connection is link.py, the shares come from rig.py and faults.py, and what differs
from dialect to dialect comes from dialects.py.  At every turn, at random distances with the ordered mean,
the mix says what kind of share to send, or what trouble to make.
The trap: shares are dug when their turn has come, so a job change while digging is normal; the share is
then for a job that is no longer current, and is thrown away.
"""

import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial

import trio

from proxy.sim import places
from proxy.sim.dialects import speak
from proxy.sim.faults import Shot
from proxy.sim.link import Memory, MinerLink
from proxy.sim.miner_options import SOME_ADDRESS, MinerOptions
from proxy.sim.report import FarmReport
from proxy.sim.rig import difficulty_of
from proxy.sim.trouble import Troublemaker
from proxy.sim.verdicts import SHARES, SHARES_APART, Kind
from proxy.sim.waiting import Changes

__all__ = ["SOME_ADDRESS", "MinerOptions", "SimMiner"]


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
        self._dialect = speak(options, host, port, self._random)
        self._troublemaker = Troublemaker(
            self._dial, self._dialect.manners, report, options.hold_seconds, options.against
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
        return await places.connect(self._host, self._port, self._local_address)

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
            self.link = link = self._dialect.link(stream, self.report, self._memory, self.changes)
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

    async def _work(self, link: MinerLink, gate: AsyncExitStack) -> bool:
        """Work on one connection until it goes (then the link's scope is cancelled) or we are done."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(link.listen)
            nursery.start_soon(link.tend)
            if await link.login():
                await gate.aclose()
                self._working = True
                self.report.online += 1
                self.changes.touch()
                if self.options.disconnect_seconds:
                    nursery.start_soon(self._disconnect, link)
                await self._take_turns(link)
                with trio.move_on_after(self.options.drain_seconds):
                    await self.changes.until(lambda: link.is_settled and self._trouble not in SHARES_APART)
            nursery.cancel_scope.cancel()
        return True

    def _follow(self, link: MinerLink) -> None:
        """Do what the server's last words ask for."""
        if link.gives_up:
            self.report.quits += 1
            self._stop.set()
            self.finished.set()
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
            idle = not (options.shares_per_second or options.sols_per_second)
            if idle or (options.max_shares and self._turns >= options.max_shares):
                self.finished.set()
                self.changes.touch()
                await self._stop.wait()
                return
            due = await self._until_turn(link, due)
            await self.changes.until(lambda: self._is_stopping() or link.task is not None)
            if not self._is_stopping():
                self._turns += 1
                await self._take_turn(link)

    async def _until_turn(self, link: MinerLink, due: float) -> float:
        """Wait for the next turn, or a stop.

        Args:
            due: when the last one was to be.
        Returns: when this one was.
        """
        options = self.options
        target, rate = b"", options.shares_per_second
        while not self._is_stopping():
            if options.sols_per_second:
                await self.changes.until(lambda: self._is_stopping() or link.task is not None)
                target = link.task.target if link.task is not None else b""
                rate = options.sols_per_second / difficulty_of(target)
            # Never more than a second behind: a burst after a pause would measure nothing.
            due = max(due, trio.current_time() - 1.0) + self._random.expovariate(rate)
            with trio.move_on_at(due) as wait:
                if target:
                    await self.changes.until(partial(self._is_disturbed, link, target))
                else:
                    await self._stop.wait()
            if wait.cancelled_caught:
                break
            due = trio.current_time()  # at another target chance begins anew; it has no memory
        return due

    def _is_disturbed(self, link: MinerLink, target: bytes) -> bool:
        """Whether a miner that digs for shares below a target has to look up."""
        return self._is_stopping() or (link.task is not None and link.task.target != target)

    def _is_stopping(self) -> bool:
        return self._stop.is_set()

    async def _take_turn(self, link: MinerLink) -> None:
        kind = self.options.mix.draw(self._random)
        task = link.task
        assert task is not None
        if kind in SHARES_APART and kind not in self._dialect.manners.before_share:
            self.report.impossible[kind.value] += 1
            kind = Kind.GOOD
        if kind not in SHARES:
            if self._trouble is None:
                await self._make_trouble(kind, await self._dialect.forge.good(task, kind))
                return
            kind = Kind.GOOD  # one trouble at a time is enough
        shot = await self._dialect.forge.make(kind, task, link.previous)
        if shot is None and kind is not Kind.GOOD:
            self.report.impossible[kind.value] += 1
            shot = await self._dialect.forge.good(task)
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
