"""What came in, added up by time or by worker: from the roll-ups, and from rows where those are not made yet.

Strategy: a minute is dirty until its sums are made of all its rows, the present one always.  So the sum of a
span is what its roll-ups have, less those of its dirty minutes, and the rows of these.  An hour is the sum
of its minutes' roll-ups, so the same holds of hours.
The trap: after an outage many minutes are dirty at once.  Beyond MAX_DIRTY the oldest stand as the roll-ups
have them; those are made anew a moment later.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, Table, distinct, func, select

from proxy.ledger.schema import HOUR, MICRO, MINUTE, dirty, hours, minutes, shares, sources
from proxy.model.share import Reason

MAX_DIRTY = 180  # minutes whose rows are added up for one answer: three times an hour's outage
GOOD = (Reason.ACCEPTED.value, Reason.KEPT.value)


class Sum(NamedTuple):
    """How many shares, and their difficulty summed."""

    shares: int
    work: float


class Span(NamedTuple):
    """From when until before when, seconds since 1970."""

    since: int
    until: int


class Presence(NamedTuple):
    """When a worker was there.

    Args:
        units: minutes, or hours, with a good share.
        last: when the last one with any share began.
    """

    units: int
    last: int


def by_time(
    connection: Connection, span: Span, step: int, worker: str | None = None
) -> dict[tuple[int, str], Sum]:
    """Add up by step of time and verdict.

    Args:
        span: its beginning is a whole step.
        step: seconds; a multiple of a minute.
        worker: of whom; None for all.
    Returns: by when the step began and the verdict; what had no share is left out.
    """
    total = _Total()
    total.add(connection, _rolled_by_time(hours if step % HOUR == 0 else minutes, span, step, worker))
    for part in stretches(dirty_minutes(connection, span)):
        total.add(connection, _rolled_by_time(minutes, part, step, worker), -1)
        total.add(connection, _rows_by_time(part, step, worker))
    return {(int(at), reason): found for (at, reason), found in total.sums()}


def by_worker(connection: Connection, span: Span, by_hour: bool = False) -> dict[tuple[str, str], Sum]:
    """Add up by worker and verdict.

    Args:
        span: whole minutes, or hours.
        by_hour: of the hours' roll-ups, which are kept for longer.
    """
    total = _Total()
    total.add(connection, _rolled_by_worker(hours if by_hour else minutes, span))
    for part in stretches(dirty_minutes(connection, span)):
        total.add(connection, _rolled_by_worker(minutes, part), -1)
        total.add(connection, _rows_by_worker(part))
    return dict(total.sums())


def presence(connection: Connection, span: Span, by_hour: bool = False) -> dict[str, Presence]:
    """Count in how many minutes each worker had work that counts.

    Args:
        span, by_hour: as above.
    """
    table, size = (hours, HOUR) if by_hour else (minutes, MINUTE)
    unit = table.c[0]
    unmade = dirty_minutes(connection, span)
    unsure = sorted({minute - minute % size for minute in unmade})
    within = (unit >= span.since, unit < span.until)
    good = table.c.reason.in_(GOOD)
    sure = select(table.c.worker, func.count(distinct(unit)).filter(good), func.max(unit))
    found = {
        worker: Presence(int(units), int(last))
        for worker, units, last in connection.execute(
            sure.where(*within, unit.not_in(unsure)).group_by(table.c.worker)
        )
    }
    # Rows are only ever added, so whoever is in a roll-up is there, whether it is made anew or not.
    there = set(connection.execute(select(table.c.worker, unit, good).where(*within, unit.in_(unsure))))
    for part in stretches(unmade):
        there |= set(connection.execute(_rows_by_unit(part, size)))
    busy = {(worker, at) for worker, at, is_good in there if is_good}
    for worker, at, _ in there:
        before = found.get(worker, Presence(0, 0))
        found[worker] = Presence(before.units, max(before.last, int(at)))
    for worker, _ in busy:
        found[worker] = Presence(found[worker].units + 1, found[worker].last)
    return found


def accepted_by_hour(
    connection: Connection, span: Span, rolled: bool = True
) -> dict[tuple[int, str, str], Sum]:
    """Add up what pools accepted, by hour, pool and worker.

    Args:
        span: whole hours.
        rolled: False for what is not rolled up yet alone.
    """
    total = _Total()
    if rolled:
        total.add(connection, _rolled_accepted(hours, span))
    for part in stretches(dirty_minutes(connection, span)):
        if rolled:
            total.add(connection, _rolled_accepted(minutes, part), -1)
        total.add(connection, _rows_accepted(part))
    return {(int(hour), pool, worker): found for (hour, pool, worker), found in total.sums()}


def dirty_minutes(connection: Connection, span: Span) -> list[int]:
    """Give the minutes of a span whose roll-ups are not made of all their rows, in their order.

    Returns: the latest MAX_DIRTY of them.
    """
    found = connection.execute(
        select(dirty.c.minute)
        .where(dirty.c.minute >= span.since, dirty.c.minute < span.until)
        .order_by(dirty.c.minute.desc())
        .limit(MAX_DIRTY)
    )
    return sorted(int(minute) for (minute,) in found)


def stretches(unmade: Iterable[int]) -> Iterator[Span]:
    """Put minutes that follow each other together, an hour's worth at most.

    Args:
        unmade: in their order.
    """
    span: Span | None = None
    for minute in unmade:
        if span is not None and minute == span.until and minute - span.since < HOUR:
            span = Span(span.since, minute + MINUTE)
            continue
        if span is not None:
            yield span
        span = Span(minute, minute + MINUTE)
    if span is not None:
        yield span


class _Total:
    """Adds up what several statements find: columns of key, the same for all, then a count and a work."""

    def __init__(self) -> None:
        self._sums: dict[tuple[Any, ...], tuple[int, float]] = {}

    def add(self, connection: Connection, statement: Select[Any], sign: int = 1) -> None:
        """Add what a statement finds, or take it away."""
        for *columns, count, work in connection.execute(statement):
            key = tuple(columns)
            before = self._sums.get(key, (0, 0.0))
            self._sums[key] = (before[0] + sign * int(count), before[1] + sign * float(work))

    def sums(self) -> Iterator[tuple[Any, Sum]]:
        """Give what is left, in the order of its keys."""
        for key, (count, work) in sorted(self._sums.items()):
            if count:
                yield key, Sum(count, work)


# Grouped by the name of what is selected: as an expression PostgreSQL would not know it again, for its
# numbers are parameters.
_BUCKET = "bucket"


def _rolled_by_time(table: Table, span: Span, step: int, worker: str | None) -> Select[Any]:
    unit, reason = table.c[0], table.c.reason
    found = select(
        (unit - unit % step).label(_BUCKET), reason, func.sum(table.c.count), func.sum(table.c.work)
    )
    found = found.where(unit >= span.since, unit < span.until).group_by(_BUCKET, reason)
    return found if worker is None else found.where(table.c.worker == worker)


def _rolled_by_worker(table: Table, span: Span) -> Select[Any]:
    unit, worker, reason = table.c[0], table.c.worker, table.c.reason
    found = select(worker, reason, func.sum(table.c.count), func.sum(table.c.work))
    return found.where(unit >= span.since, unit < span.until).group_by(worker, reason)


def _rows_by_time(span: Span, step: int, worker: str | None) -> Select[Any]:
    bucket = (shares.c.at // (step * MICRO) * step).label(_BUCKET)
    found = select(bucket, shares.c.reason, func.count(), func.sum(shares.c.difficulty))
    found = found.where(*of_span(span)).group_by(_BUCKET, shares.c.reason)
    return found if worker is None else found.where(of_worker(worker))


def _rows_by_worker(span: Span) -> Select[Any]:
    found = select(sources.c.worker, shares.c.reason, func.count(), func.sum(shares.c.difficulty))
    found = found.select_from(shares.join(sources, shares.c.source == sources.c.id))
    return found.where(*of_span(span)).group_by(sources.c.worker, shares.c.reason)


def _rows_by_unit(span: Span, size: int) -> Select[Any]:
    bucket = (shares.c.at // (size * MICRO) * size).label(_BUCKET)
    found = select(sources.c.worker, bucket, shares.c.reason.in_(GOOD)).distinct()
    return found.select_from(shares.join(sources, shares.c.source == sources.c.id)).where(*of_span(span))


def _rolled_accepted(table: Table, span: Span) -> Select[Any]:
    unit, pool, worker = table.c[0], table.c.pool, table.c.worker
    bucket = (unit - unit % HOUR).label(_BUCKET)
    found = select(bucket, pool, worker, func.sum(table.c.count), func.sum(table.c.work))
    found = found.where(unit >= span.since, unit < span.until, table.c.reason == GOOD[0])
    return found.group_by(_BUCKET, pool, worker)


def _rows_accepted(span: Span) -> Select[Any]:
    bucket = (shares.c.at // (HOUR * MICRO) * HOUR).label(_BUCKET)
    found = select(bucket, shares.c.pool, sources.c.worker, func.count(), func.sum(shares.c.difficulty))
    found = found.select_from(shares.join(sources, shares.c.source == sources.c.id))
    found = found.where(*of_span(span), shares.c.reason == GOOD[0])
    return found.group_by(_BUCKET, shares.c.pool, sources.c.worker)


def of_span(span: Span) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Say which rows are of a span."""
    return shares.c.at >= span.since * MICRO, shares.c.at < span.until * MICRO


def of_worker(worker: str) -> ColumnElement[bool]:
    """Say which rows are of a worker."""
    return shares.c.source.in_(select(sources.c.id).where(sources.c.worker == worker))
