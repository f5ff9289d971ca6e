"""Shares one by one, histories and blocks out of the book, for the API and whoever asks.

Strategy: the latest first, by the indexes on time and on source and time; what only a verdict tells apart is
looked for in slices of time, so that a search for what is rare has an end.
The trap: a worker has as many sources as addresses it ever came from; each is looked through for itself,
because over several at once the database would sort them all.
"""

import heapq
from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, select

from proxy.ledger import schema
from proxy.ledger.book import Book
from proxy.ledger.schema import MICRO, MINUTE, blocks, share_id, shares, sources
from proxy.ledger.sums import GOOD, Span, by_time
from proxy.model.share import Reason

SLICE = 50_000  # rows looked through at a time
MOST_SLICES = 20  # for one answer; a million rows are a second's work
MOST_SOURCES = 500  # of a worker, the ones used last are not known apart
MOST_POINTS = 1500  # of a history: a day's minutes
NO_TIME = 2**62  # microseconds since 1970 that nobody will see


class Share(msgspec.Struct, frozen=True):
    """A share as it is shown; times are seconds since 1970, see schema.shares for the rest."""

    id: str
    at: float
    received_at: float
    worker: str
    address: str
    listener: str
    dialect: str
    pool: str
    job: str
    reason: str
    message: str
    difficulty: float
    reached: float | None
    roundtrip_ms: float | None
    block: bool


class Point(msgspec.Struct, frozen=True):
    """One step of a history.

    Args:
        at: when it began, seconds since 1970.
        seconds: that it has lasted so far.
        shares: by verdict.
        work: difficulty of the good ones, summed.
    """

    at: int
    seconds: float
    shares: dict[str, int]
    work: float


class Block(msgspec.Struct, frozen=True):
    """A share that met the network's target, too."""

    id: str
    at: float
    worker: str
    pool: str
    job: str
    reason: str
    difficulty: float
    reached: float | None


COLUMNS = (
    shares.c.run,
    shares.c.seq,
    shares.c.at,
    shares.c.received_at,
    sources.c.worker,
    sources.c.address,
    sources.c.listener,
    sources.c.dialect,
    shares.c.pool,
    shares.c.job,
    shares.c.reason,
    shares.c.message,
    shares.c.difficulty,
    shares.c.reached,
    shares.c.roundtrip_us,
    shares.c.block,
)
# Left: a row whose source is not there yet is a row all the same.
JOINED = shares.outerjoin(sources, shares.c.source == sources.c.id)


def latest(
    book: Book, worker: str = "", reason: str = "", since: float = 0.0, until: float = 0.0, limit: int = 100
) -> list[Share]:
    """Give shares, the latest first.

    Args:
        worker, reason: "" for any.
        since, until: seconds since 1970; 0 for no bound.
        limit: at most so many; of a rare verdict those among the last million shares.
    Raises: LedgerError
    """
    wanted = _Wanted(reason, int(since * MICRO), int(until * MICRO) if until else NO_TIME, limit)
    with book.look() as connection:
        if not worker:
            found = wanted.of(connection, None)
        else:
            ids = select(sources.c.id).where(sources.c.worker == worker).limit(MOST_SOURCES)
            parts = [wanted.of(connection, int(source)) for (source,) in connection.execute(ids).all()]
            found = heapq.nlargest(limit, (row for part in parts for row in part), key=lambda row: row.at)
    return [share_of(row) for row in found]


class _Wanted:
    """Which shares; looks for them in one source or in all."""

    def __init__(self, reason: str, since: int, until: int, limit: int) -> None:
        self._reason = reason
        self._since = since
        self._until = until
        self._limit = limit
        self._slices = MOST_SLICES

    def of(self, connection: Connection, source: int | None) -> list[Row[Any]]:
        """Give the latest of a source; None for all."""
        found: list[Row[Any]] = []
        until = self._until
        if not self._reason:
            return list(connection.execute(self._rows(source, self._since, until, self._limit)))
        while len(found) < self._limit and self._slices > 0 and until > self._since:
            self._slices -= 1
            begin = self._slice(connection, source, until)
            found += connection.execute(self._rows(source, begin, until, self._limit - len(found)))
            until = begin
        return found

    def _rows(self, source: int | None, since: int, until: int, limit: int) -> Select[Any]:
        found = select(*COLUMNS).select_from(JOINED).where(shares.c.at >= since, shares.c.at < until)
        if source is not None:
            found = found.where(shares.c.source == source)
        if self._reason:
            found = found.where(shares.c.reason == self._reason)
        return found.order_by(shares.c.at.desc()).limit(limit)

    def _slice(self, connection: Connection, source: int | None, until: int) -> int:
        """Return when the last SLICE shares before a time begin."""
        found = select(shares.c.at).where(shares.c.at >= self._since, shares.c.at < until)
        if source is not None:
            found = found.where(shares.c.source == source)
        at = connection.execute(found.order_by(shares.c.at.desc()).offset(SLICE - 1).limit(1)).scalar()
        return self._since if at is None else max(self._since, int(at))


def share_of(row: Any) -> Share:
    """Make a share of a row of COLUMNS."""
    return Share(
        id=share_id(row.run, row.seq),
        at=row.at / MICRO,
        received_at=row.received_at / MICRO,
        worker=row.worker or "",
        address=row.address or "",
        listener=row.listener or "",
        dialect=row.dialect or "",
        pool=row.pool,
        job=row.job,
        reason=row.reason,
        message=row.message or "",
        difficulty=row.difficulty,
        reached=row.reached,
        roundtrip_ms=None if row.roundtrip_us is None else row.roundtrip_us / 1000,
        block=bool(row.block),
    )


def history(book: Book, seconds: float, step: int, now: float, worker: str | None = None) -> list[Point]:
    """Give what came in, step by step, oldest first; the last one is the present one.

    Args:
        seconds: how far back, MOST_POINTS steps at most.
        step: seconds; a multiple of a minute.
        now: seconds since 1970.
        worker: of whom; None for the farm.
    Raises: LedgerError
    """
    step = max(MINUTE, step // MINUTE * MINUTE)
    count = max(1, min(MOST_POINTS, round(seconds / step)))
    last = int(now // step * step)
    span = Span(last - (count - 1) * step, last + step)
    with book.look() as connection:
        found = by_time(connection, span, step, worker)
        first = _first_row(connection, span)
    points = []
    for at in range(span.since, span.until, step):
        if at + step <= first:
            continue
        counts = {reason: found[at, reason].shares for reason in _REASONS if (at, reason) in found}
        work = sum(found[at, reason].work for reason in GOOD if (at, reason) in found)
        points.append(Point(at, min(float(step), max(1.0, now - at)), counts, work))
    return points


_REASONS = tuple(reason.value for reason in Reason)


def _first_row(connection: Connection, span: Span) -> int:
    """Say since when there is a book at all; steps before that are not empty but unknown."""
    for table in (schema.hours, schema.minutes):
        unit = table.c[0]
        first = connection.execute(select(unit).order_by(unit).limit(1)).scalar()
        if first is not None:
            return int(first)
    first = connection.execute(
        select(schema.dirty.c.minute).order_by(schema.dirty.c.minute).limit(1)
    ).scalar()
    return span.until if first is None else int(first)


def found_blocks(book: Book, limit: int = 100, reasons: Iterable[str] = GOOD) -> list[Block]:
    """Give blocks, the latest first.

    Args:
        reasons: what the pool made of them.
    Raises: LedgerError
    """
    joined = blocks.outerjoin(sources, blocks.c.source == sources.c.id)
    found = select(*blocks.c, sources.c.worker).select_from(joined).where(blocks.c.reason.in_(list(reasons)))
    with book.look() as connection:
        rows = connection.execute(found.order_by(blocks.c.at.desc()).limit(limit)).all()
    return [
        Block(
            id=share_id(row.run, row.seq),
            at=row.at / MICRO,
            worker=row.worker or "",
            pool=row.pool,
            job=row.job,
            reason=row.reason,
            difficulty=row.difficulty,
            reached=row.reached,
        )
        for row in rows
    ]
