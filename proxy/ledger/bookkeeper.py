"""All of the writing side, put together from the configuration: what a proxy starts, stops and asks.

    recorder ─→ writer (a thread) ─┬→ lane (a thread) ─→ database ←─ chores (a thread)
                                   └→ spool ─→ lane

With several processes each worker has the upper row, the parent the chores.
"""

import secrets
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from proxy.config import Ledger
from proxy.ledger.batch import Counts, Run
from proxy.ledger.chores import Chores
from proxy.ledger.database import Database
from proxy.ledger.lane import Lane
from proxy.ledger.recorder import LedgerRecorder
from proxy.ledger.schema import MICRO
from proxy.ledger.shipping import Shipper
from proxy.ledger.spool import MEGABYTE, Spool
from proxy.ledger.standing import BEHIND, DOWN, OK, Standing
from proxy.ledger.store import Place, read_url
from proxy.ledger.writer import Writer
from proxy.version import __version__

# Between two of its threads; Python's own 5 ms would be as long as the loop may be held up at all.
SWITCH_SECONDS = 0.0005
MOST_PENDING = 20_000  # that wait without anything being wrong: four seconds of a full load

log = structlog.get_logger()


class Bookkeeper:
    """Keeps the ledger.

    Args:
        settings: with a url.
        counts: reads what this process has counted itself.
        process: 0, or the number of this worker process.
        writes: whether shares are recorded here.
        does_chores: whether sums are made and old rows retired here.

    Raises: ConfigError if the url is none.
    """

    def __init__(
        self,
        settings: Ledger,
        counts: Callable[[], Counts],
        process: int = 0,
        writes: bool = True,
        does_chores: bool = True,
    ) -> None:
        self.place = read_url(settings.url)
        self.run = secrets.randbits(63)
        self.recorder = LedgerRecorder()
        self._settings = settings
        self._offset = 0.0
        self._writes = writes
        self._spool = Spool(
            spool_directory(settings, self.place), self.run, settings.spool_megabytes * MEGABYTE
        )
        self._lane = Lane(Database(self.place, time.monotonic), self._spool)
        self._writer = Writer(self._row(process), self.recorder, self._spool, self._lane, counts, self._ahead)
        self._chores = Chores(self.place, settings, says=not writes) if does_chores else None
        self._shipper: Shipper | None = None
        if settings.nats and does_chores:
            self._shipper = Shipper(self.place, settings.nats, settings.nats_subject, name_of(settings))

    def start(self, ahead: float) -> None:
        """Begin.

        Args:
            ahead: seconds that the clock of the shares' times is ahead of time.perf_counter(), always.
        """
        self._offset = -ahead
        if self._writes:
            sys.setswitchinterval(min(SWITCH_SECONDS, sys.getswitchinterval()))
            self._writer.start()
        if self._chores is not None:
            self._chores.start()
        if self._shipper is not None:
            self._shipper.start()

    def end(self, seconds: float) -> None:
        """Write what is left, and end; what is not in the database within so many seconds stays on disk."""
        if self._chores is not None:
            self._chores.end()
        if self._writes:
            self._writer.end(seconds)
        if self._shipper is not None:
            self._shipper.end(lambda: not self._writes or self._writer.has_ended)

    @property
    def has_ended(self) -> bool:
        """Whether every share is where it will last; the chores may be left."""
        if self._shipper is not None and not self._shipper.has_ended:
            return False
        return not self._writes or self._writer.has_ended

    @property
    def standing(self) -> Standing:
        """How it does."""
        writer = self._writer
        fault = writer.fault or ("" if self._writes or self._chores is None else self._chores.fault)
        pending, spooled = writer.pending, self._spool.rows
        state, reason = OK, ""
        if fault:
            state, reason = DOWN, fault
        elif spooled or pending > MOST_PENDING:
            state, reason = BEHIND, f"{pending} shares wait to be written"
        return Standing(state, pending, self._lane.written, writer.lost, self._spool.bytes, reason)

    def say_where(self) -> None:
        """Log where the book is."""
        log.info("ledger", url=str(self.place), spool=str(self._spool.directory), run=f"{self.run:016x}")

    def _ahead(self) -> float:
        """Seconds that the wall clock, which may be set, is ahead of the shares' clock now."""
        return time.time() - time.perf_counter() + self._offset

    def _row(self, process: int) -> Run:
        now = int(time.time() * MICRO)
        return Run(self.run, name_of(self._settings), process, __version__, now, now, 0, 0, "{}")


def name_of(settings: Ledger) -> str:
    """Return what this proxy is called in the book."""
    return settings.proxy or socket.gethostname()


def spool_directory(settings: Ledger, place: Place) -> Path:
    """Return where batches wait."""
    if settings.spool:
        return Path(settings.spool)
    return Path(f"{place.file}.spool" if place.is_sqlite else "sluice-spool")
