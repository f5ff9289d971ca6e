"""The thread that empties the queue: five times a second, whatever the database does.

    queue ─→ rows ─→ database, if it answers within 0.4 s
                 └─→ spool, if it does not, or if something waits there already
                       └─→ held here, if that has no room either; then the queue fills up, and is full

Strategy: so a row is in the database or on our own disk within a second of its verdict, however long a call
to the database takes; that is why the database has a thread of its own, see lane.py.  With each batch goes
how the run stands: what it counted itself, read at a moment when no share was being counted.
The trap: this thread takes the interpreter lock from the loop, so rows are made in parts.
"""

import threading
import time
from collections import deque
from collections.abc import Callable

import msgspec
import structlog

from proxy.ledger.batch import MOST_ROWS, Batch, Counts, Drafter, Run, pack
from proxy.ledger.lane import Lane
from proxy.ledger.recorder import LedgerRecorder
from proxy.ledger.schema import MICRO
from proxy.ledger.spool import Spool, SpoolError

TICK_SECONDS = 0.2
PATIENCE_SECONDS = 0.4  # with the database; with the tick and the spool's own disk less than a second
STUCK_SECONDS = 5  # after which a database that does not answer is said to be down
STATE_SECONDS = 10  # between two words on how the run stands while no share comes
MOST_HELD = 10  # batches that are neither in the database nor in the spool; the rest waits in the queue
TRIES = 20  # at a moment when no share is being counted; there is one between any two
COMPLAINT_SECONDS = 60  # between two lines on shares that are lost

log = structlog.get_logger()


class Writer:
    """Gets shares from the queue to where they last; one thread.

    Args:
        run: the row of its run, as it begins.
        counts: reads what the process has counted itself.
        offset: seconds that the wall clock is ahead of the clock of the shares' times, now.
        clock: monotonic seconds.
        wall_clock: seconds since 1970.
    """

    def __init__(
        self,
        run: Run,
        recorder: LedgerRecorder,
        spool: Spool,
        lane: Lane,
        counts: Callable[[], Counts],
        offset: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._run_row = run
        self._recorder = recorder
        self._spool = spool
        self._lane = lane
        self._counts = counts
        self._offset = offset
        self._clock = clock
        self._wall_clock = wall_clock
        self._drafter = Drafter(run.run)
        self._held: deque[Batch] = deque()
        self._state_at = 0.0
        self._complained_at: float | None = None
        self._complained_of = 0
        self._said = ""
        self._spool_said = ""
        self._ends = threading.Event()
        self._end_seconds = 0.0
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)

    # ---- for everyone

    def start(self) -> None:
        """Begin."""
        self._lane.start()
        self._thread.start()

    def end(self, seconds: float) -> None:
        """Write what is left and end; what the database has not taken within so many seconds is spooled."""
        self._end_seconds = seconds
        self._ends.set()

    @property
    def has_ended(self) -> bool:
        """Whether everything is where it will last."""
        return not self._thread.is_alive()

    @property
    def pending(self) -> int:
        """Shares that are not in the database yet."""
        return len(self._recorder) + sum(len(batch.rows) for batch in list(self._held)) + self._spool.rows

    @property
    def lost(self) -> int:
        """Shares that will not be in the book."""
        return self._recorder.refused + self._lane.spoilt

    @property
    def fault(self) -> str:
        """What is wrong with the database, "" if nothing is."""
        since = self._lane.since
        if not self._lane.fault and since is not None and self._clock() - since > STUCK_SECONDS:
            return f"no answer for more than {STUCK_SECONDS} s"
        return self._lane.fault

    # ---- the thread

    def _run(self) -> None:
        self._open_spool()
        while not self._ends.wait(TICK_SECONDS):
            self._guarded(self.tick)
        self._guarded(self.finish)

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception:  # a defect; the rows are held still, and the next time may go better
            log.exception("ledger defect")

    def tick(self) -> None:
        """Take what is in the queue, and put it where it lasts."""
        self._take(ended=False)
        self._put()
        self._say()

    def finish(self) -> None:
        """Put everything where it lasts, in the database if that can be."""
        until = self._clock() + self._end_seconds
        pause = threading.Event()
        while True:
            self._take(ended=False)
            self._put()
            if not len(self._recorder) and (not self._spool.rows or self.fault):
                break
            if self._clock() >= until:
                break
            pause.wait(TICK_SECONDS / 4)
        self._take(ended=True)
        self._put(max(PATIENCE_SECONDS, until - self._clock()))
        self._say()
        has_ended = self._lane.end(max(PATIENCE_SECONDS, until - self._clock()))
        if has_ended:
            self._spool.close()

    def _open_spool(self) -> None:
        try:
            self._spool.open()
        except SpoolError as error:
            self._say_spool(str(error))

    # ---- from the queue

    def _take(self, ended: bool) -> None:
        if len(self._held) >= MOST_HELD:
            return
        before, state = self._run_row, self._state(ended)
        made: list[Batch] = []
        while len(self._held) + len(made) < MOST_HELD:
            shares = self._recorder.take(MOST_ROWS)
            if not shares:
                break
            rows, sources = self._drafter.rows(shares, self._offset())
            made.append(Batch(before, rows, sources))
        if not len(self._recorder):
            # Every share that the state knows of is in these batches, or was in an earlier one.
            self._run_row = state
        if not made and (ended or self._clock() >= self._state_at):
            made.append(Batch(state, [], []))
        if made:
            made[-1].run = self._run_row
            self._held.extend(made)
            self._state_at = self._clock() + STATE_SECONDS

    def _state(self, ended: bool) -> Run:
        given, counts = self._read()
        return msgspec.structs.replace(
            self._run_row,
            seen_at=int(self._wall_clock() * MICRO),
            last_seq=given,
            lost=self.lost,
            counters=msgspec.json.encode(counts).decode(),
            ended=ended,
        )

    def _read(self) -> tuple[int, Counts]:
        """Read the counts at a moment when all of them have the same shares."""
        for _ in range(TRIES):
            given = self._recorder.given
            try:
                counts = self._counts()
            except RuntimeError:  # a first share of its kind came while they were read
                continue
            total = sum(counts.shares.values())
            if given == self._recorder.given == total and counts.received == total + counts.in_flight:
                return given, msgspec.structs.replace(counts, seq=given)
            time.sleep(0)  # noqa: TID251  # lets the loop go on; this is not its thread
        return given, counts  # its seq is 0: not of one moment

    # ---- to where it lasts

    def _put(self, patience: float = PATIENCE_SECONDS) -> None:
        held = self._held
        if not held:
            return
        if not self._spool.rows and self._lane.write(list(held), patience):
            held.clear()
            return
        while held:
            batch = held[0]
            if batch.rows or batch.run.ended:  # how the run stands alone is not worth the disk's time
                try:
                    self._spool.append(pack(batch), len(batch.rows))
                except SpoolError as error:
                    self._say_spool(str(error))
                    return
                self._say_spool("")
            held.popleft()

    # ---- the log

    def _say(self) -> None:
        fault = self.fault
        if fault and not self._said:
            log.error("ledger down", fault=fault, note="shares flow on; their rows wait on disk")
        elif self._said and not fault:
            log.info("ledger well again", waiting=self._spool.rows)
        self._said = fault
        self._complain()

    def _say_spool(self, fault: str) -> None:
        if fault and not self._spool_said:
            log.error("ledger has no room on disk", fault=fault, note="rows wait in memory, then are lost")
        elif self._spool_said and not fault:
            log.info("ledger has room on disk again")
        self._spool_said = fault

    def _complain(self) -> None:
        lost, now = self.lost, self._clock()
        if lost == self._complained_of:
            return
        if self._complained_at is not None and now - self._complained_at < COMPLAINT_SECONDS:
            return
        log.error("shares not written down", lost=lost, before=self._complained_of)
        self._complained_at, self._complained_of = now, lost
