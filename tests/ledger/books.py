"""A book that a test writes by hand, share by share, and closes minute by minute."""

import tempfile
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import msgspec
from sqlalchemy import delete, insert, select

from proxy.ledger import schema
from proxy.ledger.batch import Batch, Counts, Row, Run
from proxy.ledger.inserting import write
from proxy.ledger.migrating import migrate
from proxy.ledger.schema import HOUR, MICRO, MINUTE, source_id
from proxy.ledger.store import make_engine, read_url

NOON = 1_795_219_200.0 // HOUR * HOUR  # some hour's beginning, in seconds since 1970
RUN = 0x1234_5678_9ABC_DEF0
_NO_POOL = {"accepted": "main", "rejected": "main", "lost": "main"}


def counts_of(rows: list[Row], in_flight: int = 0) -> Counts:
    """What a process that gave out these rows would have counted."""
    shares = Counter(row[7] for row in rows)
    forwarded = Counter(row[5] for row in rows if row[5])
    if in_flight:
        forwarded["main"] += in_flight
    return Counts(len(rows) + in_flight, dict(shares), dict(forwarded), in_flight, len(rows))


@attrs.define
class Process:
    """One run, and who writes it down.

    Args:
        rows: all that it has given out, written or not.
    """

    author: "Author"
    run: int
    proxy: str = "farm1"
    number: int = 0
    started: float = NOON
    rows: list[Row] = attrs.field(factory=list)
    sources: dict[int, Any] = attrs.field(factory=dict)
    in_flight: int = 0
    lost: int = 0

    def share(
        self,
        at: float,
        reason: str = "accepted",
        worker: str = "rig1",
        difficulty: float = 2.0,
        address: str = "192.0.2.1",
        pool: str | None = None,
        message: str | None = None,
        block: bool = False,
        written: bool = True,
    ) -> None:
        """Give out a share.

        Args:
            written: whether its row gets into the book, too.
        """
        place = (worker, address, "farm", "aion")
        source = source_id(*place)
        self.sources[source] = (source, *place)
        at_micro = round(at * MICRO)
        pool = _NO_POOL.get(reason, "") if pool is None else pool
        trip = 5000 if reason in ("accepted", "rejected") else None
        row = (
            self.run,
            len(self.rows) + 1,
            at_micro,
            at_micro - (trip or 0),
            source,
            pool,
            "00000001",
            reason,
            message,
            difficulty,
            difficulty * 1.5,
            trip,
            block,
        )
        self.rows.append(row)
        if written:
            self._write([row])

    def is_seen(self, at: float, ended: bool = False, counts: Counts | None = None) -> None:
        """Write how it stands."""
        counts = counts_of(self.rows, self.in_flight) if counts is None else counts
        state = self._state(at, ended, counts)
        with self.author.engine.begin() as connection:
            write(connection, Batch(state, [], []), [])

    def _state(self, at: float, ended: bool, counts: Counts) -> Run:
        return Run(
            self.run,
            self.proxy,
            self.number,
            "1.0",
            round(self.started * MICRO),
            round(at * MICRO),
            len(self.rows),
            self.lost,
            msgspec.json.encode(counts).decode(),
            ended,
        )

    def _write(self, rows: list[Row]) -> None:
        sources = [self.sources[row[4]] for row in rows]
        state = self._state(rows[-1][2] / MICRO, False, counts_of(self.rows, self.in_flight))
        with self.author.engine.begin() as connection:
            write(connection, Batch(state, rows, sources), sources)


@cache
def _empty_book() -> bytes:
    """The file of a book without a row: to make its tables takes longer than most tests."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "empty.db"
        place = read_url(f"sqlite:///{file}")
        engine = make_engine(place)
        migrate(engine, place)
        engine.dispose()
        return file.read_bytes()


class Author:
    """A new book.

    Args:
        url: where.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.place = read_url(url)
        if self.place.is_sqlite:
            Path(self.place.file).write_bytes(_empty_book())
        self.engine = make_engine(self.place)
        migrate(self.engine, self.place)

    def process(self, run: int = RUN, **about: Any) -> Process:
        """Start a run."""
        return Process(self, run, **about)

    def closes(self, until: float) -> None:
        """Make the roll-ups of all minutes that are over, the way that is quickest to check by eye."""
        with self.engine.begin() as connection:
            due = [
                minute
                for (minute,) in connection.execute(select(schema.dirty.c.minute))
                if minute + MINUTE <= until
            ]
            connection.execute(delete(schema.dirty).where(schema.dirty.c.minute.in_(due)))
            for unit, table, size in (
                (due, schema.minutes, MINUTE),
                ({m - m % HOUR for m in due}, schema.hours, HOUR),
            ):
                for at in unit:
                    self._sum(connection, table, at, size, until)

    def _sum(self, connection: Any, table: Any, at: int, size: int, until: float) -> None:
        sums: dict[Any, list[float]] = {}
        end = min(at + size, int(until) // MINUTE * MINUTE)
        joined = select(
            schema.runs.c.proxy,
            schema.sources.c.worker,
            schema.shares.c.pool,
            schema.shares.c.reason,
            schema.shares.c.difficulty,
        ).where(
            schema.shares.c.run == schema.runs.c.run,
            schema.shares.c.source == schema.sources.c.id,
            schema.shares.c.at >= at * MICRO,
            schema.shares.c.at < end * MICRO,
        )
        for *key, difficulty in connection.execute(joined):
            found = sums.setdefault(tuple(key), [0, 0.0])
            found[0] += 1
            found[1] += difficulty
        connection.execute(delete(table).where(table.c[0] == at))
        for key, (count, work) in sums.items():
            connection.execute(insert(table).values((at, *key, count, work)))

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()
