"""The one thread that speaks to the database.

Strategy: it is handed batches and says whether they are in; while nobody hands it any it works off the
spool.  After a fault the database is left alone for a while, longer each time, and whoever has a batch is
told at once that it must wait elsewhere.
The trap: a call to a database may take as long as it likes (a peer that is gone, a disk that hangs), so
nobody waits for this thread longer than they said; a batch that they have put elsewhere meanwhile may be
written twice, which does no harm.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import attrs
import msgspec
import structlog

from proxy.ledger.batch import Batch, unpack
from proxy.ledger.database import RowError
from proxy.ledger.spool import Spool
from proxy.ledger.store import LedgerError

FIRST_PAUSE, LAST_PAUSE = 0.5, 10.0  # seconds between two attempts; the second after about six of them
ADOPT_SECONDS = 30  # between two looks for what other runs left; one that takes over finds us alive first
CATCH_UP_SECONDS = 0.1  # of the spool's work before a batch that waits

log = structlog.get_logger()


class Target(Protocol):
    """Where batches go; see database.Database."""

    def write(self, batches: Sequence[Batch]) -> int:
        """Write batches in one transaction; returns how many rows are new."""

    def close(self) -> None:
        """Let go of it."""


@attrs.define(eq=False)
class _Job:
    batches: Sequence[Batch]
    is_over: bool = False
    is_written: bool = False


class Lane:
    """Writes batches, and works off the spool; one thread.

    Args:
        clock: monotonic seconds.

    Attributes:
        written: rows that were not in the database before.
        spoilt: rows that it does not take.
        fault: what is wrong with the database; "" while it is well.
        since: when the batch in hand was begun; None without one.
    """

    def __init__(self, target: Target, spool: Spool, clock: Callable[[], float] = time.monotonic) -> None:
        self.written = 0
        self.spoilt = 0
        self.fault = ""
        self.since: float | None = None
        self._target = target
        self._spool = spool
        self._clock = clock
        self._changed = threading.Condition()
        self._job: _Job | None = None
        self._ends = False
        self._pause = FIRST_PAUSE
        self._not_before = 0.0
        self._adopt_at = 0.0
        self._thread = threading.Thread(target=self._run, name="ledger database", daemon=True)

    # ---- for whoever has batches

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def write(self, batches: Sequence[Batch], seconds: float) -> bool:
        """Have batches written.

        Args:
            seconds: to wait for it at most.
        Returns: whether they are in; if not they may be later all the same.
        """
        if self.is_busy or (self.fault and self._clock() < self._not_before):
            return False
        job = _Job(batches)
        with self._changed:
            self._job = job
            self._changed.notify_all()
            self._changed.wait_for(lambda: job.is_over, seconds)
        return job.is_written

    @property
    def is_busy(self) -> bool:
        """Whether a batch is in hand."""
        return self._job is not None

    def end(self, seconds: float) -> bool:
        """Have it end.

        Returns: whether it has, within so many seconds.
        """
        with self._changed:
            self._ends = True
            self._changed.notify_all()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    # ---- the thread

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._job is not None or self._ends, FIRST_PAUSE / 2)
                job, ends = self._job, self._ends
            if job is not None:
                self.work(job)
            elif ends:
                break
            else:
                self.catch_up(CATCH_UP_SECONDS)
        self._target.close()

    def work(self, job: _Job) -> None:
        """Write what was handed over."""
        self.since = self._clock()
        job.is_written = self._attempt(job.batches)
        self.since = None
        with self._changed:
            job.is_over = True
            self._job = None
            self._changed.notify_all()

    def catch_up(self, seconds: float) -> None:
        """Work off the spool, for so many seconds or until a batch waits."""
        if self._clock() < self._not_before:
            return
        until = self._clock() + seconds
        try:
            if self._clock() >= self._adopt_at:
                self._adopt_at = self._clock() + ADOPT_SECONDS
                self._adopt()
            while not self._job and self._clock() < until:
                record = self._spool.first()
                if record is None or not self._attempt([unpack(record)]):
                    return
                self._spool.done()
        except (OSError, ValueError) as error:
            self._pause_after(f"{self._spool.directory}: {error}")

    def _adopt(self) -> None:
        rows = self._spool.adopt()
        if rows:
            log.info("shares of an earlier run found", rows=rows, directory=str(self._spool.directory))

    def _attempt(self, batches: Sequence[Batch]) -> bool:
        try:
            self.written += self._write(batches)
        except LedgerError as error:
            self._pause_after(str(error))
            return False
        except Exception as error:  # a defect, but not one that may end this thread
            log.exception("ledger defect")
            self._pause_after(f"{type(error).__name__}: {error}")
            return False
        self.fault = ""
        self._pause = FIRST_PAUSE
        self._not_before = 0.0
        return True

    def _pause_after(self, fault: str) -> None:
        self.fault = fault
        self._not_before = self._clock() + self._pause
        self._pause = min(LAST_PAUSE, self._pause * 2)

    def _write(self, batches: Sequence[Batch]) -> int:
        try:
            return self._target.write(batches)
        except RowError as error:
            if len(batches) > 1:
                return sum(self._write([batch]) for batch in batches)
            return self._write_apart(batches[0], str(error))

    def _write_apart(self, batch: Batch, fault: str) -> int:
        """Write a batch in halves, until the row at fault is alone; that one is given up."""
        half = len(batch.rows) // 2
        if not half:
            if not batch.rows:
                raise LedgerError(fault)
            self.spoilt += 1
            log.error("a share cannot be written down", share=batch.rows[0][1], fault=fault)
            return 0
        parts = batch.rows[:half], batch.rows[half:]
        return sum(self._write([msgspec.structs.replace(batch, rows=rows)]) for rows in parts)
