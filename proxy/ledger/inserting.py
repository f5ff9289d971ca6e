"""The statements by which a batch gets into the database.

Strategy: rows go in by the hundred in one statement, not one by one.  With SQLite that is a long VALUES: the
interpreter lock is given back once for 250 rows and not 250 times, which costs the loop nothing.  PostgreSQL
gets them as one JSON text, which is quicker to make than 13 parameters a row.  Whatever is there already is
left as it is, so a batch may be written any number of times.
The trap: two proxies that write the same sources or minutes in another order would wait for each other for
ever, so both are sorted.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from random import SystemRandom
from typing import Any

import msgspec
from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from proxy.ledger import schema
from proxy.ledger.batch import BLOCK, Batch, Row, Source, minutes_of

# Rows of one statement; each size is prepared once and kept.
SIZES = (250, 50, 10, 1)

_random = SystemRandom()
_json: Callable[[Any], bytes] = msgspec.json.Encoder().encode


class _Share(msgspec.Struct):
    """A row of shares as an object whose names are short."""

    a: int
    b: int
    c: int
    d: int
    e: int
    f: str
    g: str
    h: str
    i: str | None
    j: float
    k: float | None
    l: int | None  # noqa: E741  # the twelfth
    m: bool


class _Source(msgspec.Struct):
    """A row of sources, likewise."""

    a: int
    b: str
    c: str
    d: str
    e: str


def write(connection: Connection, batch: Batch, fresh: Sequence[Source]) -> int:
    """Write a batch within the transaction that has begun.

    Args:
        fresh: those of its sources that may not be there yet.
    Returns: how many of its rows were not there before.
    """
    insert = _insert_sqlite if connection.dialect.name == "sqlite" else _insert_postgresql
    _run(connection, batch)
    if fresh:
        insert(connection, schema.sources, sorted(fresh))
    if not batch.rows:
        return 0
    count = insert(connection, schema.shares, batch.rows)
    blocks = [row for row in batch.rows if row[BLOCK]]
    if blocks:
        _blocks(connection, blocks)
    mark(connection, minutes_of(batch.rows))
    return count


def mark(connection: Connection, minutes: Iterable[int]) -> None:
    """Have the sums of minutes made anew.

    Args:
        minutes: their first seconds since 1970.
    """
    # A number that never comes twice: who has read a mark sees whether it is still the same one.
    rows = [{"minute": minute, "touched": _random.getrandbits(63)} for minute in sorted(minutes)]
    connection.execute(_marking(connection.dialect.name), rows)


@cache
def _marking(dialect: str) -> Any:
    made = module(dialect).insert(schema.dirty)
    return made.on_conflict_do_update(
        index_elements=[schema.dirty.c.minute], set_={"touched": made.excluded.touched}
    )


def module(dialect: str) -> Any:
    """Return what SQLAlchemy has for one database only."""
    return sqlite if dialect == "sqlite" else postgresql


def _run(connection: Connection, batch: Batch) -> None:
    """Write how the run stands, unless something newer is there."""
    values = dict(zip(schema.runs.columns.keys(), msgspec.structs.astuple(batch.run), strict=True))
    connection.execute(_running(connection.dialect.name), values)


@cache
def _running(dialect: str) -> Any:
    made = module(dialect).insert(schema.runs)
    runs, new = schema.runs.c, made.excluded
    return made.on_conflict_do_update(
        index_elements=[runs.run],
        set_={name: new[name] for name in ("seen_at", "last_seq", "lost", "counters", "ended")},
        where=(new.last_seq >= runs.last_seq) & (new.seen_at >= runs.seen_at),
    )


def _blocks(connection: Connection, rows: Sequence[Row]) -> None:
    names = schema.shares.columns.keys()
    kept = set(schema.blocks.columns.keys())
    values = [{name: value for name, value in zip(names, row, strict=True) if name in kept} for row in rows]
    statement = module(connection.dialect.name).insert(schema.blocks).on_conflict_do_nothing()
    connection.execute(statement, values)


def _insert_sqlite(connection: Connection, table: Table, rows: Sequence[Sequence[Any]]) -> int:
    count = start = 0
    for size in SIZES:
        while len(rows) - start >= size:
            values: list[Any] = []
            for row in rows[start : start + size]:
                values += row
            count += connection.exec_driver_sql(_many(table.name, size), tuple(values)).rowcount
            start += size
    return count


@cache
def _many(name: str, size: int) -> str:
    columns = schema.metadata.tables[name].columns.keys()
    row = f"({','.join('?' * len(columns))})"
    return f"INSERT OR IGNORE INTO {name} ({', '.join(columns)}) VALUES {','.join([row] * size)}"


def _insert_postgresql(connection: Connection, table: Table, rows: Sequence[Sequence[Any]]) -> int:
    form: Any = _Share if table is schema.shares else _Source
    text = _json([form(*row) for row in rows]).decode()
    return connection.exec_driver_sql(_from_json(table.name), (text,)).rowcount


@cache
def _from_json(name: str) -> str:
    columns = schema.metadata.tables[name].columns
    letters = [chr(ord("a") + place) for place in range(len(columns))]
    make: Any = postgresql.dialect
    dialect = make()
    types = [column.type.compile(dialect) for column in columns]
    record = ", ".join(f"{letter} {type_}" for letter, type_ in zip(letters, types, strict=True))
    return (
        f"INSERT INTO {name} ({', '.join(columns.keys())}) SELECT {', '.join(letters)} "
        f"FROM json_to_recordset(%s::json) AS given({record}) ON CONFLICT DO NOTHING"
    )
