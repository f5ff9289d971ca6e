"""Sums of minutes and hours, made of the rows.

Strategy: a batch marks its minutes as dirty, in its own transaction.  Once such a minute is over, all of it
is added up anew and takes the place of what was there, and its hour is changed by the difference; so nothing
is counted twice, whatever comes late or twice, and an hour is the sum of its minutes at any time.  The sums
are made in a transaction that only reads, which holds up nobody; the one that writes sees by the mark
whether something came in between, and then leaves it for the next time.
The trap: rows older than the horizon of `shares` are gone, so a minute before it cannot be made anew.  What
comes for it so late is added to its sums and deleted in one transaction.
"""

from collections.abc import Mapping
from typing import Any

import attrs
from sqlalchemy import Connection, Engine, Select, Table, delete, func, select

from proxy.ledger.inserting import module
from proxy.ledger.schema import HOUR, MICRO, MINUTE, dirty, horizons, hours, minutes, runs, shares, sources

# After its end, until a minute is added up: rows that come later have waited on disk, and mark it again.
GRACE_SECONDS = 5

_Key = tuple[str, str, str, str]  # proxy, worker, pool, reason
_Sums = dict[_Key, tuple[int, float]]


@attrs.frozen
class Engines:
    """Where sums are made.

    Args:
        reading: its transactions hold up nobody.
    """

    reading: Engine
    writing: Engine


def dirty_minutes(connection: Connection, now: float, most: int) -> list[int]:
    """Return minutes that are over and are to be added up, the oldest first.

    Args:
        now: seconds since 1970.
        most: of them.
    """
    before = now - MINUTE - GRACE_SECONDS
    found = select(dirty.c.minute).where(dirty.c.minute <= before).order_by(dirty.c.minute).limit(most)
    return list(connection.execute(found).scalars())


def roll(engines: Engines, minute: int) -> bool:
    """Add up a minute.

    Args:
        minute: its first second, since 1970.
    Returns: whether its sums are made; if not it has changed meanwhile and is still dirty.
    """
    with engines.reading.connect() as connection, connection.begin():
        touched = connection.execute(select(dirty.c.touched).where(dirty.c.minute == minute)).scalar()
        if touched is None:
            return True
        sums = None if minute < horizon(connection, shares) else _add_up(connection, minute)
    with engines.writing.connect() as connection, connection.begin():
        mine = delete(dirty).where(dirty.c.minute == minute, dirty.c.touched == touched)
        if not connection.execute(mine).rowcount:
            return False
        if sums is None or minute < horizon(connection, shares):
            _add_late(connection, minute)
        else:
            _replace(connection, minute, sums)
    return True


def horizon(connection: Connection, table: Table) -> int:
    """Return since when a table is complete, in seconds since 1970; 0 for ever."""
    return connection.execute(select(horizons.c.at).where(horizons.c.name == table.name)).scalar() or 0


def _add_up(connection: Connection, minute: int) -> _Sums:
    """Add up the rows of a minute."""
    among = shares.c.at >= minute * MICRO, shares.c.at < (minute + MINUTE) * MICRO
    # By source first: there are far fewer of them than rows, and their names are looked up once.
    by = (shares.c.run, shares.c.source, shares.c.pool, shares.c.reason)
    inner = (
        select(*by, func.count().label("count"), func.sum(shares.c.difficulty).label("work"))
        .where(*among)
        .group_by(*by)
        .subquery()
    )
    proxy, worker = func.coalesce(runs.c.proxy, ""), func.coalesce(sources.c.worker, "")
    # Outer joins: a row counts even where what it names is missing.
    whole = (
        select(proxy, worker, inner.c.pool, inner.c.reason, func.sum(inner.c.count), func.sum(inner.c.work))
        .select_from(
            inner.outerjoin(runs, runs.c.run == inner.c.run).outerjoin(
                sources, sources.c.id == inner.c.source
            )
        )
        .group_by(proxy, worker, inner.c.pool, inner.c.reason)
    )
    return _read(connection, whole)


def _read(connection: Connection, statement: Select[Any]) -> _Sums:
    return {
        (proxy, worker, pool, reason): (int(count), float(work))
        for proxy, worker, pool, reason, count, work in connection.execute(statement)
    }


def _replace(connection: Connection, minute: int, sums: _Sums) -> None:
    of_minute = minutes.c.minute == minute
    names = (minutes.c.proxy, minutes.c.worker, minutes.c.pool, minutes.c.reason)
    old = _read(connection, select(*names, minutes.c["count"], minutes.c.work).where(of_minute))
    changed = {key: value for key, value in sums.items() if old.get(key) != value}
    gone = old.keys() - sums.keys()
    if gone:
        connection.execute(delete(minutes).where(of_minute))
        changed = sums
    _put(connection, minutes, minute, changed, replace=True)
    difference = {
        key: (
            sums.get(key, (0, 0.0))[0] - old.get(key, (0, 0.0))[0],
            sums.get(key, (0, 0.0))[1] - old.get(key, (0, 0.0))[1],
        )
        for key in changed.keys() | gone
    }
    _put(connection, hours, minute // HOUR * HOUR, difference, replace=False)


def _add_late(connection: Connection, minute: int) -> None:
    """Add rows that came after their minute was retired to the sums that are kept still."""
    sums = _add_up(connection, minute)
    if minute >= horizon(connection, minutes):
        _put(connection, minutes, minute, sums, replace=False)
    hour = minute // HOUR * HOUR
    if hour >= horizon(connection, hours):
        _put(connection, hours, hour, sums, replace=False)
    connection.execute(
        delete(shares).where(shares.c.at >= minute * MICRO, shares.c.at < (minute + MINUTE) * MICRO)
    )


def _put(
    connection: Connection, table: Table, time: int, sums: Mapping[_Key, tuple[int, float]], replace: bool
) -> None:
    """Write sums, in the place of those that are there or on top of them."""
    if not sums:
        return
    made = module(connection.dialect.name).insert(table)
    new = made.excluded
    values = (
        {"count": new["count"], "work": new.work}
        if replace
        else {"count": table.c["count"] + new["count"], "work": table.c.work + new.work}
    )
    connection.execute(
        made.on_conflict_do_update(index_elements=list(table.primary_key), set_=values),
        _rows(table, time, sums),
    )


def _rows(table: Table, time: int, sums: Mapping[_Key, tuple[int, float]]) -> list[dict[str, Any]]:
    unit = next(iter(table.columns)).name
    # Sorted, so that two proxies that write the same hour do not wait for each other for ever.
    return [
        {
            unit: time,
            "proxy": proxy,
            "worker": worker,
            "pool": pool,
            "reason": reason,
            "count": count,
            "work": work,
        }
        for (proxy, worker, pool, reason), (count, work) in sorted(sums.items())
    ]
