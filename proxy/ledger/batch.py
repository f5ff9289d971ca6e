"""What is written at once: rows, whose they are, and how the run that gave them out stands.

Strategy: a batch has all that it needs beside it, so that one that waited in a file for an hour, or for the
next start, can be written by whoever finds it.  Times become those of the wall clock here.
The trap: what a miner sends ends up in a database, and PostgreSQL takes no text with a NUL in it, and JSON
no infinity; one such row would hold up all others for ever, so none is made.
"""

import math
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import attrs
import msgspec

from proxy.ledger.schema import MICRO, source_id
from proxy.model.ended import Ended

MOST_ROWS = 1000  # of a batch: 0.2 s of a full load, some 120 kB
MOST_SOURCES = 100_000  # remembered, 300 bytes each; then all are hashed anew
_WHOLE = float(2**256)

# In the order of the columns of schema.shares.
Row = tuple[
    int, int, int, int, int, str, str, str, str | None, float, float | None, int | None, bool
]  # run, seq, at, received_at, source, pool, job, reason, message, difficulty, reached, roundtrip_us, block
Source = tuple[int, str, str, str, str]  # in the order of schema.sources
AT: Final = 2  # places in a row
BLOCK: Final = 12


class Counts(msgspec.Struct, frozen=True):
    """What a process has counted itself, apart from any row; the text of `runs.counters` as JSON.

    Args:
        received: shares that miners sent.
        shares: by verdict.
        forwarded: by pool, "none" when none was up.
        in_flight: forwarded shares without a verdict.
        seq: rows given out when this was read; 0 if it was read while one was being counted.
    """

    received: int = 0
    shares: dict[str, int] = {}
    forwarded: dict[str, int] = {}
    in_flight: int = 0
    seq: int = 0


class Run(msgspec.Struct, array_like=True):
    """A row of `runs`, in the order of its columns."""

    run: int
    proxy: str
    process: int
    version: str
    started_at: int
    seen_at: int
    last_seq: int
    lost: int
    counters: str
    ended: bool = False


class Batch(msgspec.Struct, array_like=True):
    """What is written in one transaction.

    Args:
        sources: all that the rows name.
    """

    run: Run
    rows: list[Row]
    sources: list[Source]


_encode: Callable[[Batch], bytes] = msgspec.msgpack.Encoder().encode
_decode: Callable[[bytes], Batch] = msgspec.msgpack.Decoder(Batch).decode


def pack(batch: Batch) -> bytes:
    """Make a batch a record for a file: 44 bytes a row, a third of what it is unpressed."""
    return zlib.compress(_encode(batch), 1)


def unpack(record: bytes) -> Batch:
    """Make a record a batch again.

    Raises: ValueError for one that is none.
    """
    try:
        return _decode(zlib.decompress(record))
    except (zlib.error, msgspec.DecodeError) as error:
        raise ValueError(f"no batch: {error}") from None


def plain(text: str) -> str:
    """Return text that any database takes."""
    if text.isascii() and text.isprintable():
        return text
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\N{REPLACEMENT CHARACTER}")


@attrs.define(eq=False)
class Drafter:
    """Makes rows of shares.

    Args:
        run: their run's number.
    """

    run: int
    _sources: dict[tuple[str, str, str, str], Source] = attrs.field(factory=dict)

    def rows(self, shares: Iterable[tuple[int, Ended]], offset: float) -> tuple[list[Row], list[Source]]:
        """Make rows, and the sources that they name.

        Args:
            shares: with their numbers.
            offset: seconds that the wall clock is ahead of the clock of their times.
        """
        rows, named, known, run = [], {}, self._sources, self.run
        for number, share in shares:
            place = (share.worker, share.address, share.listener, share.dialect)
            source = known.get(place) or self._source(place)
            named[source[0]] = source
            value, roundtrip = share.value, share.roundtrip
            least = int.from_bytes(value, "big") if value else 0
            rows.append(
                (
                    run,
                    number,
                    int((share.at + offset) * MICRO),
                    int((share.received + offset) * MICRO),
                    source[0],
                    plain(share.pool),
                    plain(share.job),
                    share.reason.value,
                    plain(share.message) if share.message else None,
                    share.difficulty if math.isfinite(share.difficulty) else 0.0,
                    _WHOLE / least if least else None,
                    None if roundtrip is None else int(roundtrip * MICRO),
                    share.block,
                )
            )
        return rows, list(named.values())

    def _source(self, place: tuple[str, str, str, str]) -> Source:
        if len(self._sources) >= MOST_SOURCES:
            self._sources.clear()
        worker, address, listener, dialect = (plain(text) for text in place)
        made = (source_id(worker, address, listener, dialect), worker, address, listener, dialect)
        self._sources[place] = made
        return made


def minutes_of(rows: Sequence[Row]) -> set[int]:
    """Return the minutes that rows fall into, as seconds since 1970."""
    return {row[AT] // (60 * MICRO) * 60 for row in rows}
