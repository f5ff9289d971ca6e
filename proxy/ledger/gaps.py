"""Which rows of a run are missing: those whose numbers were given out and are not in the book.

Strategy: within a run numbers are dense, so a span of them is whole if it has as many rows as numbers.  Only
where it has not are the rows looked at in their order, to name the numbers and the times around them.
Where in a run a moment falls is found by halving, for its rows are written in the order of time.
The trap: a process that runs has given out numbers that are on their way; those behind its last row are late
and not missing.
"""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from proxy.ledger.schema import MICRO, shares

MOST_GAPS = 100  # of a run that are named; whoever has more has one cause for all


class Numbers(NamedTuple):
    """A span of numbers, both ends in it; none if `last` is below `first`."""

    first: int
    last: int

    @property
    def size(self) -> int:
        """How many they are."""
        return max(0, self.last - self.first + 1)


class Gap(NamedTuple):
    """Numbers of a run that have no row.

    Args:
        after, before: times of the rows around them, seconds since 1970; 0 where there is none.
    """

    first: int
    last: int
    after: float
    before: float

    @property
    def size(self) -> int:
        """How many they are."""
        return self.last - self.first + 1


def highest(connection: Connection, run: int) -> int:
    """Return the highest number that has a row, 0 without one."""
    statement = select(shares.c.seq).where(shares.c.run == run).order_by(shares.c.seq.desc()).limit(1)
    return int(connection.execute(statement).scalar() or 0)


def lowest(connection: Connection, run: int) -> int:
    """Return the lowest number that has a row, 0 without one."""
    statement = select(shares.c.seq).where(shares.c.run == run).order_by(shares.c.seq).limit(1)
    return int(connection.execute(statement).scalar() or 0)


def first_from(connection: Connection, run: int, moment: float, most: int) -> int:
    """Return the lowest number of which no row before it is older than a moment.

    Args:
        moment: seconds since 1970.
        most: the highest number.
    Returns: 1 .. most + 1.
    """
    low, high, limit = 1, most + 1, int(moment * MICRO)
    while low < high:
        middle = (low + high) // 2
        row = connection.execute(
            select(shares.c.seq, shares.c.at)
            .where(shares.c.run == run, shares.c.seq >= middle, shares.c.seq <= most)
            .order_by(shares.c.seq)
            .limit(1)
        ).first()
        if row is None or row.at >= limit:
            high = middle
        else:
            low = int(row.seq) + 1
    return low


def find(connection: Connection, run: int, numbers: Numbers) -> list[Gap]:
    """Name the numbers of a span that have no row, the first MOST_GAPS stretches of them."""
    return list(_gaps(connection, run, numbers))[:MOST_GAPS]


def _gaps(connection: Connection, run: int, numbers: Numbers) -> Iterator[Gap]:
    if not numbers.size:
        return
    of_run = (shares.c.run == run, shares.c.seq >= numbers.first, shares.c.seq <= numbers.last)
    ends = connection.execute(select(func.min(shares.c.seq), func.max(shares.c.seq)).where(*of_run)).one()
    if ends[0] is None:
        yield _gap(connection, run, numbers.first, numbers.last)
        return
    if ends[0] > numbers.first:
        yield _gap(connection, run, numbers.first, int(ends[0]) - 1)
    following = func.lead(shares.c.seq).over(order_by=shares.c.seq).label("following")
    each = select(shares.c.seq, following).where(*of_run).subquery()
    broken = select(each).where(each.c.following > each.c.seq + 1).order_by(each.c.seq).limit(MOST_GAPS)
    for seq, after in connection.execute(broken):
        yield _gap(connection, run, int(seq) + 1, int(after) - 1)
    if ends[1] < numbers.last:
        yield _gap(connection, run, int(ends[1]) + 1, numbers.last)


def _gap(connection: Connection, run: int, first: int, last: int) -> Gap:
    of_run = select(shares.c.at).where(shares.c.run == run)
    before = connection.execute(of_run.where(shares.c.seq == first - 1)).scalar()
    after = connection.execute(of_run.where(shares.c.seq == last + 1)).scalar()
    return Gap(first, last, (before or 0) / MICRO, (after or 0) / MICRO)
