"""Every share of a time into a file, in the order of time: CSV, JSON lines, Parquet.

Strategy: part by part, each a look of its own at the book from where the last one ended, so that memory is
flat and nobody else is held up, whatever the time.
The trap: names and messages are strangers' words, and a spreadsheet runs what begins with = + - or @; so in
CSV such a cell has an apostrophe in front.  JSON lines and Parquet have the words as they came.
"""

import csv
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Protocol

import attrs
import msgspec
from sqlalchemy import select, tuple_

from proxy.errors import ConfigError, SluiceError
from proxy.ledger.book import Book
from proxy.ledger.reading import COLUMNS, JOINED, Share, share_of
from proxy.ledger.schema import MICRO, shares
from proxy.ledger.spans import iso
from proxy.ledger.sums import of_worker

PART = 5000  # rows of one look, 5 MB of them
ROW_GROUP = 50_000  # rows of a part of a Parquet file
FORMATS = ("csv", "jsonl", "parquet")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NAMES = Share.__struct_fields__


@attrs.frozen
class Wanted:
    """Which shares.

    Args:
        since, until: seconds since 1970.
        worker, reason: "" for any.
    """

    since: float
    until: float
    worker: str = ""
    reason: str = ""


def parts(book: Book, wanted: Wanted) -> Iterator[list[Share]]:
    """Give shares in parts, in the order of time.

    Raises: LedgerError
    """
    last: tuple[int, int, int] | None = None
    where = [shares.c.at < int(wanted.until * MICRO)]
    if wanted.worker:
        where.append(of_worker(wanted.worker))
    if wanted.reason:
        where.append(shares.c.reason == wanted.reason)
    while True:
        begin = int(wanted.since * MICRO) if last is None else last[0]
        found = select(*COLUMNS).select_from(JOINED).where(shares.c.at >= begin, *where)
        if last is not None:
            found = found.where(tuple_(shares.c.at, shares.c.run, shares.c.seq) > last)
        found = found.order_by(shares.c.at, shares.c.run, shares.c.seq).limit(PART)
        with book.look() as connection:
            rows = connection.execute(found).all()
        if rows:
            last = (rows[-1].at, rows[-1].run, rows[-1].seq)
            yield [share_of(row) for row in rows]
        if len(rows) < PART:
            return


class Sink(Protocol):
    """Who writes shares in one format."""

    def write(self, part: list[Share]) -> None:
        """Write a part."""

    def close(self) -> None:
        """Write what belongs at the end."""


class CsvSink:
    """Comma-separated, with a header; times as 2026-11-20T14:30:05.123456Z."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._write(",".join(_NAMES) + "\r\n")

    def _write(self, text: str) -> None:
        self._file.write(text.encode("utf-8", "replace"))

    def write(self, part: list[Share]) -> None:
        """Write a part."""
        lines = _Lines()
        csv.writer(lines).writerows([_cell(name, getattr(share, name)) for name in _NAMES] for share in part)
        self._write("".join(lines))

    def close(self) -> None:
        """Nothing is left."""


class _Lines(list[str]):
    def write(self, line: str) -> None:
        self.append(line)


def _cell(name: str, value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    if isinstance(value, bool):
        return "true" if value else "false"
    return iso(value, "microseconds") if name in ("at", "received_at") else value


class JsonSink:
    """One JSON object a line."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, part: list[Share]) -> None:
        """Write a part."""
        for share in part:
            told = msgspec.structs.asdict(share)
            told |= {name: iso(told[name], "microseconds") for name in ("at", "received_at")}
            self._file.write(msgspec.json.encode(told) + b"\n")

    def close(self) -> None:
        """Nothing is left."""


class ParquetSink:
    """A Parquet file; times are its own type.

    Raises: ConfigError without pyarrow.
    """

    def __init__(self, file: IO[bytes]) -> None:
        try:
            import pyarrow as arrow
            import pyarrow.parquet as parquet
        except ImportError:
            raise ConfigError(
                "--format parquet needs pyarrow; install it with pip install 'sluice[parquet]', or take jsonl"
            ) from None
        moment = arrow.timestamp("us", tz="UTC")
        kinds = {"at": moment, "received_at": moment, "block": arrow.bool_()}
        kinds |= dict.fromkeys(("difficulty", "reached", "roundtrip_ms"), arrow.float64())
        self._arrow: Any = arrow
        self._schema = arrow.schema([(name, kinds.get(name, arrow.string())) for name in _NAMES])
        self._writer: Any = parquet.ParquetWriter(file, self._schema, compression="zstd")
        self._rows: list[Share] = []

    def write(self, part: list[Share]) -> None:
        """Write a part, once there is enough for a row group."""
        self._rows += part
        if len(self._rows) >= ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        columns = {
            name: [
                _moment(getattr(row, name)) if name in ("at", "received_at") else getattr(row, name)
                for row in self._rows
            ]
            for name in _NAMES
        }
        self._writer.write_table(self._arrow.table(columns, schema=self._schema))
        self._rows = []

    def close(self) -> None:
        """Write the last row group and the file's end."""
        self._flush()
        self._writer.close()


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


SINKS: dict[str, Callable[[IO[bytes]], Sink]] = {"csv": CsvSink, "jsonl": JsonSink, "parquet": ParquetSink}


def export(
    book: Book, wanted: Wanted, kind: str, path: str, tell: Callable[[int, float], None] = lambda *_: None
) -> int:
    """Write shares.

    Args:
        kind: one of FORMATS.
        path: of the file, which is there only once it is whole; "" or "-" for standard output.
        tell: called now and then with the rows so far and the part of the time that is done.
    Returns: how many.
    Raises: ConfigError, LedgerError; SluiceError if it cannot be written.
    """
    with _opened(path, kind) as file:
        sink = SINKS[kind](file)
        count = 0
        for part in parts(book, wanted):
            sink.write(part)
            count += len(part)
            tell(count, (part[-1].at - wanted.since) / max(1.0, wanted.until - wanted.since))
        sink.close()
    return count


@contextmanager
def _opened(path: str, kind: str) -> Iterator[IO[bytes]]:
    if path in ("", "-"):
        if kind == "parquet" and sys.stdout.isatty():
            raise ConfigError("--format parquet is nothing for a terminal; name a file with --output")
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    unfinished = Path(f"{path}.part")
    try:
        with unfinished.open("wb") as file:
            yield file
        os.replace(unfinished, path)
    except OSError as error:
        raise SluiceError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        unfinished.unlink(missing_ok=True)
