"""A pool's statement against the book, hour by hour: what the pool does not pay, or we do not know of.

Strategy: a share at the turn of an hour may stand in the one hour there and in the other here, for two clocks
are never the same.  So at every turn as many shares may have changed sides as are written within the slack
around it; what is still over is a difference.  Going from hour to hour, all ways in which the turns so far
can be explained are carried along as an interval, so that nothing is blamed on a clock twice.
The trap: only whole hours are compared, of which the book has all.
"""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, func, select

from proxy.errors import ConfigError
from proxy.ledger.book import Book
from proxy.ledger.schema import HOUR, MICRO, horizons, hours, runs, shares, sources
from proxy.ledger.spans import shown
from proxy.ledger.statement import Stated, Statement, names_of
from proxy.ledger.sums import Span, Sum, accepted_by_hour
from proxy.model.share import Reason

SLACK_SECONDS = 60.0  # that a pool's clock may be off, and a verdict be under way
ROUNDING = 1e-6  # of a sum of difficulties, which pools print with a few digits


class Difference(msgspec.Struct, frozen=True):
    """An hour in which statement and book do not agree.

    Args:
        hour: its beginning, seconds since 1970.
        worker: "" for all.
        unit: "shares" or "work".
        stated, ours: by the pool, by the book.
        off: what the pool has more, negative for what it has less.
    """

    hour: int
    worker: str
    unit: str
    stated: float
    ours: float
    off: float

    def __str__(self) -> str:
        """Say it in one line."""
        whom = f" of {self.worker}" if self.worker else ""
        less = "less" if self.off < 0 else "more"
        return (
            f"{shown(self.hour)}: the pool states {_plain(self.stated)} {self.unit}{whom}, the book has "
            f"{_plain(self.ours)}: {_plain(abs(self.off))} {less} than clocks explain"
        )


class Comparison(msgspec.Struct):
    """What came of it.

    Args:
        pool: whose statement it is.
        since, until: what was compared, seconds since 1970.
        hours: how many.
        notes: what is to be known and no difference.
    """

    pool: str
    since: int
    until: int
    hours: int
    differences: list[Difference]
    notes: list[str] = []


def compare(
    book: Book,
    statement: Statement,
    pool: str,
    since: float,
    until: float,
    slack: float = SLACK_SECONDS,
) -> Comparison:
    """Hold a statement against the book.

    Args:
        pool: its name in the book; "" if there is but one.
        since, until: seconds since 1970; only hours between them that the statement covers.
        slack: seconds.
    Raises: ConfigError if it is not clear of which pool it is; LedgerError.
    """
    with book.look() as connection:
        begin = max(statement.first, -(-int(since) // HOUR) * HOUR)
        end = min(statement.end, int(until) // HOUR * HOUR)
        notes = []
        horizon = max(_horizon(connection), _first_hour(connection))
        if begin < horizon:
            begin = -(-horizon // HOUR) * HOUR
            notes.append(f"the book has no hours before {shown(begin)}; the statement's are left out")
        span = Span(begin, max(begin, end))
        name = pool or _only_pool(connection, span)
        found = Comparison(name, span.since, span.until, (span.until - span.since) // HOUR, [], notes)
        if found.hours:
            found.differences = list(_Held(connection, statement, name, span, slack).differences())
    return found


def _horizon(connection: Connection) -> int:
    return int(connection.execute(select(horizons.c.at).where(horizons.c.name == hours.name)).scalar() or 0)


def _first_hour(connection: Connection) -> int:
    started = connection.execute(select(func.min(runs.c.started_at))).scalar()
    return 0 if started is None else int(started) // MICRO // HOUR * HOUR


def _only_pool(connection: Connection, span: Span) -> str:
    names = {pool for pool in _pools(connection, span) if pool not in ("", "none")}
    if len(names) == 1:
        return names.pop()
    known = ", ".join(sorted(names)) or "none at all"
    raise ConfigError(
        f"of which pool the statement is cannot be told, the book has {known}; say it by --pool"
    )


def _pools(connection: Connection, span: Span) -> Iterator[str]:
    within = (hours.c.hour >= span.since, hours.c.hour < span.until)
    of_pools = hours.c.reason == Reason.ACCEPTED.value
    for (pool,) in connection.execute(select(hours.c.pool).where(*within, of_pools).distinct()):
        yield pool
    for _, pool, _ in accepted_by_hour(connection, span, rolled=False):
        yield pool


class _Turn(NamedTuple):
    """What is written just before and just after the turn of an hour."""

    before: float
    after: float


class _Held:
    """Both sides, by worker and hour."""

    def __init__(
        self, connection: Connection, statement: Statement, pool: str, span: Span, slack: float
    ) -> None:
        self._connection = connection
        self._by_worker = statement.by_worker
        self._pool = pool
        self._span = span
        self._slack = slack
        self._ours: dict[tuple[int, str], Sum] = {}
        for (hour, of_pool, worker), found in accepted_by_hour(connection, span).items():
            if of_pool == pool:
                key = (hour, worker if statement.by_worker else "")
                before = self._ours.get(key, Sum(0, 0.0))
                self._ours[key] = Sum(before.shares + found.shares, before.work + found.work)
        names = names_of(statement, {worker for _, worker in self._ours})
        self._stated: dict[tuple[int, str], Stated] = {
            (hour, names[worker]): stated for (hour, worker), stated in statement.hours.items()
        }
        self._turns = {hour: self._turn(hour) for hour in range(span.since, span.until + HOUR, HOUR)}
        units = {"shares": False, "work": False}
        for stated in self._stated.values():
            units["shares"] |= stated.shares is not None
            units["work"] |= stated.work is not None
        self._units = [unit for unit, is_stated in units.items() if is_stated]

    def _turn(self, hour: int) -> dict[str, tuple[_Turn, _Turn]]:
        """Count around the turn of an hour: by worker, shares and work."""
        turn, width = hour * MICRO, int(self._slack * MICRO)
        is_after = (shares.c.at >= turn).label("is_after")
        worker = sources.c.worker if self._by_worker else func.min("").label("worker")
        statement = (
            select(worker, is_after, func.count(), func.sum(shares.c.difficulty))
            .select_from(shares.outerjoin(sources, shares.c.source == sources.c.id))
            .where(
                shares.c.at >= turn - width,
                shares.c.at < turn + width,
                shares.c.reason == Reason.ACCEPTED.value,
                shares.c.pool == self._pool,
            )
        )
        statement = (
            statement.group_by("is_after", sources.c.worker)
            if self._by_worker
            else statement.group_by("is_after")
        )
        found: dict[str, tuple[_Turn, _Turn]] = {}
        for name, after, count, work in self._connection.execute(statement):
            few, much = found.get(name or "", (_Turn(0, 0), _Turn(0, 0)))
            field = "after" if after else "before"
            found[name or ""] = (few._replace(**{field: int(count)}), much._replace(**{field: float(work)}))
        return found

    def differences(self) -> Iterator[Difference]:
        """Give all differences, worker by worker in the order of time."""
        workers = {worker for _, worker in self._ours} | {
            worker for hour, worker in self._stated if self._span.since <= hour < self._span.until
        }
        for worker in sorted(workers):
            for unit in self._units:
                yield from self._of(worker, unit)

    def _of(self, worker: str, unit: str) -> Iterator[Difference]:
        """Go from hour to hour.

        `low` .. `high` is what the pool may have put into this hour out of the last one, less what it put
        the other way, so that all before is explained.
        """
        first = self._around(self._span.since, worker, unit)
        low, high = -first.after, first.before
        for hour in range(self._span.since, self._span.until, HOUR):
            stated, ours = self._of_hour(hour, worker, unit)
            turn = self._around(hour + HOUR, worker, unit)
            # What is over in this hour must have gone into the next one.
            over_low, over_high = ours + low - stated, ours + high - stated
            rounding = ROUNDING * max(stated, ours) if unit == "work" else 0.0
            least, most = -turn.after - rounding, turn.before + rounding
            if over_high < least or over_low > most:
                off = least - over_high if over_high < least else most - over_low
                # All of it, if it is the hour's own; else it is what the turn before it left to explain.
                off = stated - ours if (stated - ours) * off > 0 else off
                yield Difference(hour, worker, unit, stated, ours, off)
                low, high = -turn.after, turn.before
            else:
                low, high = sorted((max(over_low, -turn.after), min(over_high, turn.before)))

    def _around(self, hour: int, worker: str, unit: str) -> _Turn:
        few, much = self._turns[hour].get(worker, (_Turn(0, 0), _Turn(0, 0)))
        return few if unit == "shares" else much

    def _of_hour(self, hour: int, worker: str, unit: str) -> tuple[float, float]:
        stated, ours = self._stated.get((hour, worker), Stated()), self._ours.get((hour, worker), Sum(0, 0.0))
        if unit == "shares":
            return stated.shares or 0, ours.shares
        return stated.work or 0.0, ours.work


def _plain(number: float) -> str:
    return f"{int(number)}" if float(number).is_integer() else f"{number:.3f}"
