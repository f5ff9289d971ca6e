"""A worker process: an ordinary proxy whose one pool is its parent.

Strategy: its listening sockets are inherited, its configuration comes over the channel, and what it
counts goes back over it.  It has no HTTP side, and says in the log only what its parent cannot.
The traps: two workers must never give a job the same id, or a miner that comes from one to the other
would ignore it; a parent that dies must take its workers with it, even one that hangs; and Ctrl-C is the
parent's to obey.
"""

import ctypes
import itertools
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from random import Random

import structlog
import trio

from proxy import collector
from proxy.app import Proxy
from proxy.downstream.board import Board
from proxy.downstream.guests import Guests
from proxy.errors import ConfigError
from proxy.lifecycle import news
from proxy.lifecycle.keeping import Keeping
from proxy.model.ended import Ended
from proxy.ops import logs
from proxy.ops.crowd import Crowd
from proxy.ops.events import MOST_A_SECOND
from proxy.ops.ledgerreader import LedgerBlock
from proxy.ops.local import LocalCrowd
from proxy.relay import Relay, Shared
from proxy.upstream.session import Upstream
from proxy.wire.lines import LineBuffer
from proxy.workers.messages import LINE_BYTES, Change, Charge, Order, Stop, Told, line, read_order, report
from proxy.workers.questions import Ask, answers
from proxy.workers.records import Telling
from proxy.workers.talk import ParentSink

MOST_WORKERS = 64  # as the configuration has it; ids of jobs leave room for so many
REPORT_SECONDS = 1
PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15

# Of every worker's pool side, which is the parent's to speak of.
_PARENTS_NEWS = ("pool working", "work", "another pool connection", "pool connection not needed any more")

log = structlog.get_logger()


class WorkerProxy(Proxy):
    """A proxy on inherited sockets that reports to its parent.

    Args:
        charge: what to do.
        channel: where reports go.
    """

    def __init__(self, charge: Charge, channel: trio.abc.SendStream) -> None:
        self._place = charge.number - 1
        self._serial = charge.serial
        self._pool_names = charge.pools
        self._channel = channel
        self._found: list[LedgerBlock] = []  # since the last report
        self._sending = trio.Lock()  # reports and answers share the channel
        self._due = trio.Event()
        super().__init__(charge.config, keeps_ledger=charge.keeps_ledger)
        self._telling = Telling(self._shared.workers)
        for listen, file in zip(charge.config.listen, charge.listening, strict=True):
            sock = socket.socket(fileno=file)
            self.ports.adopt(listen, sock)
        self.when_ready(self._due_now)

    async def say_last(self) -> None:
        """Send the last report."""
        await self._report(last=True)

    async def change(self, order: Change) -> None:
        """Go by another configuration; where that cannot be, by the old one."""
        self._pool_names[:] = order.pools  # of its pool sides, too
        try:
            await self.apply(order.config)
        except ConfigError as error:
            # The parent could: a file has changed since then.
            log.error("configuration refused, the old one stays", fault=str(error))
        self._serial = order.serial
        self._due_now()

    async def answer(self, ask: Ask) -> None:
        """Answer a question of the parent's."""
        async with aclosing(answers(ask, self.view.crowd)) as found:
            async for part in found:
                await self._say(part)

    # ---- what an ordinary proxy has otherwise

    def _make_crowd(self, board: Board) -> Crowd:
        shared, process = self._shared, f"{self._place + 1}-"
        return LocalCrowd(Guests(board), shared.workers, shared.warden.penalties, self.http.turns, process)

    def _make_keeping(self, is_on: bool) -> Keeping:
        return Keeping(self.config, self.tally, is_on, process=self._place + 1, does_chores=False)

    def _configure_log(self) -> None:
        settings = self.config.log
        logs.configure(settings.level, settings.format, before=[_marked(self._place + 1)])

    def _say_leaving(self) -> None:
        """The parent has said it."""

    def _make_shared(self) -> Shared:
        # The ids of one worker lie between those of the others, so none ever meets another's.
        serial = int(time.time() * 1000) * MOST_WORKERS + self._place
        return Shared(
            itertools.count(serial, MOST_WORKERS),
            itertools.count(MOST_WORKERS + self._place, MOST_WORKERS),
            warden=self._make_warden(),
            tell_block=news.Finds(self._tell_block),
        )

    def _tell_block(self, share: Ended) -> None:
        if len(self._found) < MOST_A_SECOND:
            self._found.append(LedgerBlock.of(share))

    def _make_upstream(self, relay: Relay, first_choice: Callable[[], int]) -> Upstream:
        sink = ParentSink(relay, self._pool_names)
        return Upstream(self.config, sink, self.tally, Random(), first_choice)

    def _say_proof_check(self) -> None:
        """The parent has said it."""

    def _say_stopping(self) -> None:
        """The parent has said it."""

    def _say_stopped(self) -> None:
        """The parent will, for all."""

    async def _run_beside(self) -> None:
        """Report once a second, and at once when there is work for the first time."""
        while True:
            await self._report(last=False)
            with trio.move_on_after(REPORT_SECONDS):
                await self._due.wait()
            self._due = trio.Event()

    # ---- reports

    def _due_now(self) -> None:
        self._due.set()

    async def _report(self, last: bool) -> None:
        view = self.view
        self._shared.workers.forget(trio.current_time())
        parts = [part async for part in self._telling.parts()]
        found, self._found = self._found, []
        for names, records in parts:
            told = report(
                view.tally,
                view.miners(),
                view.slots,
                names,
                has_work=not view.not_ready,
                last=last and names is parts[-1][0],
                serial=self._serial,
                records=records,
                found=found,
                ledger=self.keeping.standing,
            )
            found = []
            await self._say(told)

    async def _say(self, told: Told) -> None:
        async with self._sending:
            try:
                await self._channel.send_all(line(told))
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return  # the parent is gone, and whoever listens to it ends us


async def orders(channel: trio.abc.ReceiveStream) -> AsyncGenerator[Order, None]:
    """Hear what the parent says, until it is gone."""
    lines = LineBuffer(LINE_BYTES)
    while True:
        try:
            data = await channel.receive_some()
        except trio.BrokenResourceError:
            return
        if not data:
            return
        for text in lines.feed(bytes(data)):
            yield read_order(text)


async def run(sock: socket.socket) -> None:
    """Be a worker until the parent ends it."""
    channel = trio.SocketStream(trio.socket.from_stdlib_socket(sock))
    with trio.open_signal_receiver(signal.SIGTERM) as signals:
        async with channel, aclosing(orders(channel)) as heard:
            charge = await anext(heard, None)
            if not isinstance(charge, Charge):
                return  # the parent has died, or has ended before it began
            logs.configure(charge.config.log.level, charge.config.log.format, before=[_marked(charge.number)])
            await _work(WorkerProxy(charge, channel), heard, signals)


async def _work(proxy: WorkerProxy, heard: AsyncGenerator[Order, None], signals: AsyncIterator[int]) -> None:
    async with trio.open_nursery() as nursery:

        async def heed_signals() -> None:
            async for _ in signals:
                if proxy.stopping:
                    nursery.cancel_scope.cancel()
                proxy.stop()

        async def obey() -> None:
            async for order in heard:
                if isinstance(order, Ask):
                    nursery.start_soon(proxy.answer, order)
                elif isinstance(order, Change):
                    await proxy.change(order)
                elif isinstance(order, Stop):
                    if order.leaves:
                        proxy.leave()
                    break
            proxy.stop()  # what a parent that is gone means, too

        nursery.start_soon(heed_signals)
        nursery.start_soon(obey)
        await proxy.run()
        await proxy.say_last()
        nursery.cancel_scope.cancel()


def _marked(number: int) -> structlog.typing.Processor:
    """Mark each line with the worker it is from, and leave out what the parent says itself."""

    def mark(
        _logger: structlog.typing.WrappedLogger, method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        if method == "info" and event.get("event") in _PARENTS_NEWS:
            raise structlog.DropEvent
        event["worker_process"] = number
        return event

    return mark


def _die_with_parent(parent: int) -> None:
    """Ask the kernel to end us with our parent; a worker that hangs would not hear of its death."""
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    prctl(PR_SET_NAME, b"sluice worker", 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        sys.exit(1)


def main() -> None:
    """Run the worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with_parent(os.getppid())
    sock = socket.socket(fileno=os.dup(0))
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    collector.tune()
    trio.run(run, sock)
