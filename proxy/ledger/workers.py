"""How each worker did: its speed, what became of its shares, how much of the time it was there.

Strategy: sums of minutes, and of hours where the time goes back further than minutes are kept.
The trap: the time begins no earlier than the book, or a farm in its first hour would look lazy.
"""

import msgspec
from sqlalchemy import Connection, select

from proxy.errors import ConfigError
from proxy.ledger.book import Book
from proxy.ledger.schema import HOUR, MINUTE, dirty, horizons, hours, minutes
from proxy.ledger.sums import GOOD, Presence, Span, Sum, by_worker, presence
from proxy.model.share import Reason

SORTS = ("sols", "name", "accepted", "bad", "uptime", "seen", *(reason.value for reason in Reason))
_BAD = tuple(reason.value for reason in Reason if reason.value not in GOOD)


class WorkerRow(msgspec.Struct, frozen=True):
    """One worker.

    Args:
        sols_per_second: of accepted and kept work, over the whole time.
        shares: by verdict.
        uptime: part of the time's minutes, or hours, in which it had work that counts.
        last_seen: when the last one with any share began, seconds since 1970.
    """

    worker: str
    sols_per_second: float
    shares: dict[str, int]
    uptime: float
    last_seen: int

    @property
    def good(self) -> int:
        """Shares that were accepted or kept."""
        return sum(self.shares.get(reason, 0) for reason in GOOD)

    @property
    def bad(self) -> int:
        """Shares that came to nothing."""
        return sum(self.shares.get(reason, 0) for reason in _BAD)


class WorkerTable(msgspec.Struct, frozen=True):
    """All workers of a time.

    Args:
        since, until: as it could be had, seconds since 1970.
        unit: seconds that `uptime` is counted in.
    """

    since: float
    until: float
    unit: int
    rows: list[WorkerRow]


def table(book: Book, since: float, until: float) -> WorkerTable:
    """Make the table of a time, in the order of names.

    Args:
        since, until: seconds since 1970.
    Raises: LedgerError
    """
    with book.look() as connection:
        by_hour = since < _horizon(connection)
        size = HOUR if by_hour else MINUTE
        begin = max(int(since) // size * size, _first(connection, by_hour) // size * size)
        span = Span(begin, max(begin + size, -(-int(until) // size) * size))
        sums = by_worker(connection, span, by_hour)
        there = presence(connection, span, by_hour)
    seconds = max(float(MINUTE), min(until, span.until) - begin)
    units = -(-seconds // size)
    by_name: dict[str, dict[str, Sum]] = {}
    for (worker, reason), found in sums.items():
        by_name.setdefault(worker, {})[reason] = found
    rows = [
        _row(name, of, there.get(name, Presence(0, 0)), seconds, units)
        for name, of in sorted(by_name.items())
    ]
    return WorkerTable(begin, min(until, span.until), size, rows)


def _row(name: str, sums: dict[str, Sum], there: Presence, seconds: float, units: float) -> WorkerRow:
    work = sum(sums[reason].work for reason in GOOD if reason in sums)
    shares: dict[str, int] = {
        reason.value: sums[reason.value].shares for reason in Reason if reason.value in sums
    }
    return WorkerRow(name, work / seconds, shares, min(1.0, there.units / units), there.last)


def in_order(rows: list[WorkerRow], sort: str) -> list[WorkerRow]:
    """Put rows into an order; the largest first, names by the alphabet.

    Args:
        sort: one of SORTS.
    Raises: ConfigError for any other.
    """
    if sort == "name":
        return sorted(rows, key=lambda row: row.worker)
    if sort not in SORTS:
        raise ConfigError(f'--sort "{sort}": must be one of {", ".join(SORTS)}')

    def key(row: WorkerRow) -> float:
        match sort:
            case "sols":
                return row.sols_per_second
            case "bad":
                return row.bad
            case "uptime":
                return row.uptime
            case "seen":
                return row.last_seen
        return row.shares.get(sort, 0)

    return sorted(rows, key=lambda row: (-key(row), row.worker))


def _horizon(connection: Connection) -> int:
    found = select(horizons.c.at).where(horizons.c.name == minutes.name)
    return int(connection.execute(found).scalar() or 0)


def _first(connection: Connection, by_hour: bool) -> int:
    """Say when the book begins."""
    unit = hours.c.hour if by_hour else minutes.c.minute
    firsts = [connection.execute(select(unit).order_by(unit).limit(1)).scalar()]
    firsts.append(connection.execute(select(dirty.c.minute).order_by(dirty.c.minute).limit(1)).scalar())
    known = [int(first) for first in firsts if first is not None]
    return min(known, default=0)
