"""What came in, added up: by time or by worker; from the roll-ups, and from the rows where those are not made.

Strategy: a minute is dirty until its sums are made of all its rows, the present one always.  So the sum of a
span is what its roll-ups have, less those of its dirty minutes, and the rows of these.  An hour is the sum
of its minutes' roll-ups, so the same holds of hours.
The trap: after an outage many minutes are dirty at once.  Beyond MAX_DIRTY the oldest stand as the roll-ups
have them; those are made anew a moment later.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, Table, distinct, func, select

from proxy.ledger.schema import HOUR, MICRO, MINUTE, dirty, hours, minutes, shares, sources
from proxy.model.share import Reason

MAX_DIRTY = 180  # minutes whose rows are added up for one answer: three times an hour's outage
GOOD = (Reason.ACCEPTED.value, Reason.KEPT.value)


class Sum(NamedTuple):
    """How many shares, and their difficulty, summed."""

    count: int
    work: float


class Span(NamedTuple):
    """From when until before when, seconds since 1970."""

    since: int
    until: int


def by_time(
    connection: Connection, span: Span, step: int, worker: str | None = None
) -> dict[tuple[int, str], Sum]:
    """Add up by step of time and verdict.

    Args:
        span: its beginning is a whole step.
        step: seconds; a multiple of a minute.
        worker: of whom; None for all.
    Returns: by when the step began and the verdict; steps and verdicts without a share are left out.
    """
    table = hours if step % HOUR == 0 else minutes
    total = _Total()
    total.add(_rolled_by_time(connection, table, span, step, worker))
    for part in _stretches(dirty_minutes(connection, span)):
        total.add(_rolled_by_time(connection, minutes, part, step, worker), -1)
        total.add(_rows_by_time(connection, part, step, worker))
    return total.sums()


def by_worker(connection: Connection, span: Span, by_hour: bool = False) -> dict[tuple[str, str], Sum]:
    """Add up by worker and verdict.

    Args:
        span: whole minutes, or hours.
        by_hour: of the hours' roll-ups, which are kept for longer.
    """
    total = _Total()
    total.add(_rolled_by_worker(connection, hours if by_hour else minutes, span))
    for part in _stretches(dirty_minutes(connection, span)):
        total.add(_rolled_by_worker(connection, minutes, part), -1)
        total.add(_rows_by_worker(connection, part))
    return total.sums()


class Presence(NamedTuple):
    """When a worker was there.

    Args:
        units: minutes, or hours, with a good share.
        last: when the last minute, or hour, with any share began.
    """

    units: int
    last: int


def presence(connection: Connection, span: Span, by_hour: bool = False) -> dict[str, Presence]:
    """Count in how many minutes each worker had work that counts.

    Args:
        span, by_hour: as above.
    """
    table = hours if by_hour else minutes
    unit = table.c[0]
    found: dict[str, Presence] = {}
    good = func.count(distinct(unit)).filter(table.c.reason.in_(GOOD))
    rolled = select(table.c.worker, good, func.max(unit)).where(unit >= span.since, unit < span.until)
    for worker, units, last in connection.execute(rolled.group_by(table.c.worker)):
        found[worker] = Presence(int(units), int(last))
    size = HOUR if by_hour else MINUTE
    seen = set()
    for part in _stretches(dirty_minutes(connection, span)):
        for worker, at, is_good in connection.execute(_rows_by_unit(part, size)):
            before = found.get(worker, Presence(0, 0))
            # Of a unit that has a roll-up already only its being there is known, not whether it has work.
            fresh = is_good and at // MICRO > before.last and (worker, at) not in seen
            seen.add((worker, at))
            found[worker] = Presence(before.units + fresh, before.last)
    return {worker: _latest(worker, has, seen) for worker, has in found.items()}
