"""What is old goes: rows by their age and by the room they take, sums by their age.

Strategy: rows go by whole minutes, each in a transaction that also moves the horizon past it, so that a
minute is either all there or all gone and its sums are known to be final.  A minute that is dirty still
stays.  Nothing younger than a quarter of an hour goes, whatever room it takes: the writer relies on it.
The trap: a file of SQLite does not shrink by itself, its free pages are used again; only when half of it is
free is some of it given back, for that writes as much as it frees.
"""

from typing import Any

from sqlalchemy import Connection, Engine, Table, delete, exists, func, select

from proxy.ledger.inserting import module
from proxy.ledger.rollup import horizon
from proxy.ledger.schema import (
    DAY,
    HOUR,
    MICRO,
    MINUTE,
    blocks,
    dirty,
    horizons,
    hours,
    shares,
    sources,
)

KEPT_SECONDS = 900  # the least that is kept
MEGABYTE = 1_048_576
FREE_PAGES = 2000  # given back at once: 8 MB


def retire_shares(engine: Engine, before: float) -> bool:
    """Delete the oldest minute of rows.

    Args:
        before: seconds since 1970; a younger minute is left.
    Returns: whether there was one.
    """
    with _one_state(engine) as connection, connection.begin():
        oldest = connection.execute(select(func.min(shares.c.at))).scalar()
        if oldest is None:
            return False
        end = oldest // MICRO // MINUTE * MINUTE + MINUTE
        waits = connection.execute(select(func.min(dirty.c.minute))).scalar()
        if end > before or (waits is not None and waits < end):
            return False
        _move(connection, shares, end)
        connection.execute(delete(shares).where(shares.c.at < end * MICRO))
    return True


def retire_sums(engine: Engine, table: Table, before: float) -> bool:
    """Delete the oldest hour of minutes, or the oldest day of hours.

    Args:
        before: seconds since 1970.
    Returns: whether there was one.
    """
    unit = next(iter(table.columns))
    step = DAY if table is hours else HOUR
    with engine.connect() as connection, connection.begin():
        oldest = connection.execute(select(func.min(unit))).scalar()
        if oldest is None or oldest // step * step + step > before:
            return False
        end = oldest // step * step + step
        _move(connection, table, end)
        connection.execute(delete(table).where(unit < end))
    return True


def retire_sources(engine: Engine) -> int:
    """Delete sources that no row names any more; returns how many.

    Sums have the names of workers themselves.
    """
    with engine.connect() as connection, connection.begin():
        if connection.dialect.name != "sqlite":
            # A row of another proxy may be on its way; to wait for it is dearer than the few sources.
            return 0
        unused = delete(sources).where(
            ~exists(select(1).where(shares.c.source == sources.c.id)),
            ~exists(select(1).where(blocks.c.source == sources.c.id)),
        )
        return connection.execute(unused).rowcount


def used_megabytes(engine: Engine) -> float:
    """Return the room that a file of SQLite needs for what is in it."""
    with engine.connect() as connection:
        pages, free, size = (
            _pragma(connection, name) for name in ("page_count", "freelist_count", "page_size")
        )
    return (pages - free) * size / MEGABYTE


def give_back(engine: Engine) -> None:
    """Make a file of SQLite smaller, if half of it is free."""
    with engine.connect() as connection:
        if _pragma(connection, "freelist_count") * 2 > _pragma(connection, "page_count") > FREE_PAGES:
            # As a script: each page is a step of it, and execute() takes only the first.
            driver: Any = connection.connection.dbapi_connection
            driver.executescript(f"PRAGMA incremental_vacuum({FREE_PAGES})")


def _one_state(engine: Engine) -> Connection:
    """Connect so that every statement sees the same rows: what comes meanwhile is not deleted."""
    if engine.dialect.name == "sqlite":
        return engine.connect()  # whoever writes is alone
    return engine.connect().execution_options(isolation_level="REPEATABLE READ")


def _pragma(connection: Connection, name: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {name}").scalar() or 0)


def _move(connection: Connection, table: Table, end: int) -> None:
    """Move a horizon, never back."""
    if horizon(connection, table) >= end:
        return
    made = module(connection.dialect.name).insert(horizons).values(name=table.name, at=end)
    connection.execute(made.on_conflict_do_update(index_elements=[horizons.c.name], set_={"at": end}))
