"""Keeps every worker process running: starts it, hears its reports, replaces it when it dies or hangs.

Strategy: a task for each worker that goes round: start, charge, take reports until the channel ends, reap,
say so in one line, wait, again.  The first replacement comes at once; a worker that dies young makes the
next one wait, longer each time, and nothing ever gives up.
The traps: a worker that hangs keeps its channel open, so silence counts as death; and a process that is
not waited for stays behind as a zombie, whatever else goes wrong.
"""

import signal
from collections.abc import Callable
from random import Random

import structlog
import trio

from proxy.upstream.backoff import Backoff
from proxy.wire.lines import LineBuffer
from proxy.workers.messages import LINE_BYTES, Change, Charge, Report, Stop, line, read_told
from proxy.workers.process import Worker
from proxy.workers.questions import Ask
from proxy.workers.roster import Life, Roster

START_SECONDS = 60  # until the first report: sixty-four interpreters may be starting on one core
SILENT_SECONDS = 10  # reports come every second
STABLE_SECONDS = 10  # one that lived so long is replaced at once, and the waits start small again
END_SECONDS = 2  # from closing the channel to the end of the process
CHANGE_SECONDS = 3  # that a worker has for another configuration; a good one needs some milliseconds
MOST_WAIT = 30  # seconds between two starts of one that dies at once
RECEIVE_BYTES = 65_536

log = structlog.get_logger()


class Supervisor:
    """Keeps a number of workers.

    Args:
        count: how many.
        start: starts the process of a number.
        charge: makes the charge of a number, for a worker of that name.
        random: spreads the waits.
    """

    def __init__(
        self,
        count: int,
        roster: Roster,
        start: Callable[[int], Worker],
        charge: Callable[[int, str], Charge],
        random: Random,
    ) -> None:
        self._count = count
        self._roster = roster
        self._start = start
        self._charge = charge
        self._random = random
        self._stop = trio.Event()
        self._leaves = False
        self._serial = 0  # of the configuration
        self._news = trio.Event()  # there is something to tell all workers
        self._heard = trio.Event()  # one has reported
        self._ended = trio.Event()
        self._workers: dict[int, Worker] = {}
        self.replaced = 0

    async def run(self) -> None:
        """Keep the workers until all have ended after stop(), or until cancelled, which kills them."""
        async with trio.open_nursery() as nursery:
            for number in range(1, self._count + 1):
                nursery.start_soon(self._keep, number)
        self._ended.set()

    async def change(self) -> None:
        """Have every worker go by what its charge now says, and return when all do, or are too slow."""
        self._serial += 1
        self._tell_news()
        with trio.move_on_after(CHANGE_SECONDS):
            while any(life.serial < self._serial for life in self._roster.lives):
                await self._heard.wait()

    def ask(self, life: Life, ask: Ask) -> None:
        """Put a question to a worker; its answer goes to life.answered()."""
        life.outbox.append(line(ask))
        self._tell_news()

    def _tell_news(self) -> None:
        self._news.set()
        self._news = trio.Event()

    async def stop(self, seconds: float, leaves: bool = False) -> None:
        """Have every worker end in order, and return when all have.

        Args:
            seconds: after which those that have not are killed.
            leaves: see messages.Stop.
        """
        self._leaves = self._leaves or leaves
        self._stop.set()
        self._tell_news()
        with trio.move_on_after(seconds):
            await self._ended.wait()
        for number, worker in self._workers.items():
            log.warning("worker process killed", worker_process=number, why="did not end when told to")
            worker.kill()
        await self._ended.wait()

    # ---- one worker after the other

    async def _keep(self, number: int) -> None:
        backoff = Backoff(MOST_WAIT, self._random)
        died_young = False  # the one before; the first to die has no wait
        while not self._stop.is_set():
            began = trio.current_time()
            why = await self._one_life(number)
            if self._stop.is_set():
                return
            self.replaced += 1
            if trio.current_time() >= began + STABLE_SECONDS:
                backoff.reset()
                died_young = False
            wait = backoff.next() if died_young else 0.0
            died_young = True
            log.warning("worker process lost", worker_process=number, why=why, replaced_in=round(wait, 1))
            with trio.move_on_after(wait):
                await self._stop.wait()

    async def _one_life(self, number: int) -> str:
        """Start a worker and stay with it.

        Returns: how it ended.
        """
        try:
            worker = self._start(number)
        except OSError as error:
            return f"cannot be started: {error.strerror}"
        life = self._roster.begin(number)
        self._workers[number] = worker
        log.debug("worker process started", worker_process=number, pid=worker.pid)
        fault = ""
        try:
            fault = await self._attend(worker, life)
            if not fault:
                with trio.move_on_after(END_SECONDS):
                    return _ending(await worker.wait())
                fault = "hung up and did not end; killed"
        finally:
            worker.kill()
            with trio.CancelScope(shield=True):  # a killed process ends at once
                await worker.wait()
                await trio.aclose_forcefully(worker.channel)
            del self._workers[number]
            self._roster.end(life)
        return fault

    async def _attend(self, worker: Worker, life: Life) -> str:
        """Say what is to be done and take reports until the channel ends.

        Returns: why the worker must be killed, "" if it need not.
        """
        fault = ""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._tell, worker, life)
            fault = await self._listen(worker, life)
            nursery.cancel_scope.cancel()
        return fault

    async def _tell(self, worker: Worker, life: Life) -> None:
        told, charge = self._serial, self._charge(life.number, life.name)
        charge.serial = told
        try:
            await worker.channel.send_all(line(charge))
            while not self._stop.is_set():
                if life.outbox:
                    lines, life.outbox = life.outbox, []
                    await worker.channel.send_all(b"".join(lines))
                    continue
                if told == self._serial:
                    await self._news.wait()
                    continue
                told, charge = self._serial, self._charge(life.number, life.name)
                await worker.channel.send_all(line(Change(charge.config, charge.pools, told)))
            await worker.channel.send_all(line(Stop(self._leaves)))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return  # it has died, which whoever listens to it hears

    async def _listen(self, worker: Worker, life: Life) -> str:
        lines = LineBuffer(LINE_BYTES)
        patience: float = START_SECONDS
        while True:
            with trio.move_on_after(patience) as waiting:
                try:
                    data = await worker.channel.receive_some(RECEIVE_BYTES)
                except trio.BrokenResourceError:
                    return ""
            if waiting.cancelled_caught:
                return f"no report for {patience:g} s; killed"
            if not data:
                return ""
            try:
                for text in lines.feed(bytes(data)):
                    said = read_told(text)
                    if isinstance(said, Report):
                        self._roster.take(life, said)
                    else:
                        life.answered(said)
                    patience = SILENT_SECONDS
                self._heard.set()
                self._heard = trio.Event()
            except ValueError as error:
                return f"a report without sense ({error}); killed"
            if lines.overflow:
                return f"a report of more than {LINE_BYTES} bytes; killed"


def _ending(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"ended by signal {-status}"
