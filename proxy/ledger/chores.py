"""What is done in the ledger beside writing: sums are made, what is old goes; a thread of its own.

Strategy: a round every few seconds, in small transactions, so that whoever writes shares waits for none of
them for long.  Of several proxies with one PostgreSQL one at a time does it.  A round that fails is left;
the next one begins where it ended, for all that is to be done stands in the database.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import attrs
import structlog
from sqlalchemy import Engine, text

from proxy.config import Ledger
from proxy.ledger import retention
from proxy.ledger.migrating import migrate
from proxy.ledger.rollup import Engines, dirty_minutes, roll
from proxy.ledger.schema import DAY, hours, minutes
from proxy.ledger.store import LedgerError, Place, faults, make_engine

ROUND_SECONDS = 10
RETIRE_SECONDS = 60
SOURCES_SECONDS = 3600
MOST_MINUTES = 60  # added up in a round: after an hour's outage all of them
MOST_RETIRED = 30  # whole minutes, or hours, deleted in a round; far more than come in
_LOCK = 0x51_1CE_5075  # of PostgreSQL; any number that nobody else has

log = structlog.get_logger()


@attrs.define(eq=False)
class _Due:
    """When something is to be done again, seconds of the monotonic clock."""

    every: float
    at: float = 0.0

    def now(self, clock: float) -> bool:
        """Whether it is time; then it is put off."""
        if clock < self.at:
            return False
        self.at = clock + self.every
        return True


class Chores:
    """Makes sums and retires rows.

    Args:
        says: whether a fault is logged; else somebody else does.
        clock: monotonic seconds.
        wall_clock: seconds since 1970.
    """

    def __init__(
        self,
        place: Place,
        settings: Ledger,
        says: bool,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._place = place
        self._settings = settings
        self._says = says
        self._clock = clock
        self._wall_clock = wall_clock
        self._engines: Engines | None = None
        self._retire = _Due(RETIRE_SECONDS)
        self._sources = _Due(SOURCES_SECONDS)
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ledger chores", daemon=True)
        self.fault = ""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """Have it end, after the transaction it is in."""
        self._ends.set()

    @property
    def has_ended(self) -> bool:
        """Whether it has."""
        return not self._thread.is_alive()

    def _run(self) -> None:
        self.round()
        while not self._ends.wait(ROUND_SECONDS):
            self.round()
        self._close()

    def round(self) -> None:
        """Do what is to be done now."""
        try:
            with faults(self._place):
                engines = self._engines or self._open()
                with self._alone(engines.writing) as alone:
                    if alone:
                        self._work(engines)
        except LedgerError as error:
            self._close()
            self._say(str(error))
        except Exception:  # a defect, but shares are written down without us
            self._close()
            log.exception("ledger defect")
        else:
            self._say("")

    def _work(self, engines: Engines) -> None:
        with engines.reading.connect() as connection:
            due = dirty_minutes(connection, self._wall_clock(), MOST_MINUTES)
        for minute in due:
            if self._ends.is_set():
                return
            roll(engines, minute)
        if self._retire.now(self._clock()):
            self._by_age(engines.writing)
            self._by_size(engines.writing)

    def _by_age(self, engine: Engine) -> None:
        settings, now = self._settings, self._wall_clock()
        days = (
            (settings.retention_days, retention.retire_shares),
            (settings.minutes_days, lambda engine, before: retention.retire_sums(engine, minutes, before)),
            (settings.hours_days, lambda engine, before: retention.retire_sums(engine, hours, before)),
        )
        for kept, retire in days:
            if kept:
                self._repeat(lambda retire=retire, kept=kept: retire(engine, now - kept * DAY))  # type: ignore[misc]
        if self._sources.now(self._clock()):
            retention.retire_sources(engine)

    def _by_size(self, engine: Engine) -> None:
        most, before = self._settings.max_megabytes, self._wall_clock() - retention.KEPT_SECONDS
        if not self._place.is_sqlite or not most:
            return

        def shrink() -> bool:
            if retention.used_megabytes(engine) <= most:
                return False
            # Rows first: there are many more of them, and their sums stay.
            return retention.retire_shares(engine, before) or retention.retire_sums(engine, minutes, before)

        self._repeat(shrink)
        retention.give_back(engine)

    def _repeat(self, step: Callable[[], bool]) -> None:
        for _ in range(MOST_RETIRED):
            if self._ends.is_set() or not step():
                return

    # ---- the database

    def _open(self) -> Engines:
        writing = make_engine(self._place)
        migrate(writing, self._place)
        self._engines = Engines(make_engine(self._place, reading=True), writing)
        return self._engines

    def _close(self) -> None:
        engines, self._engines = self._engines, None
        if engines is not None:
            for engine in (engines.reading, engines.writing):
                engine.dispose()

    @contextmanager
    def _alone(self, engine: Engine) -> Iterator[bool]:
        """Say whether we are the one who does it now."""
        if self._place.is_sqlite:
            yield True  # who writes is alone in any case
            return
        with engine.connect() as connection, connection.begin():
            alone = connection.execute(text(f"SELECT pg_try_advisory_xact_lock({_LOCK})")).scalar()
            yield bool(alone)

    def _say(self, fault: str) -> None:
        if self._says and fault and not self.fault:
            log.error("ledger down", fault=fault, note="no sums are made, nothing is retired")
        elif self._says and self.fault and not fault:
            log.info("ledger well again")
        self.fault = fault
