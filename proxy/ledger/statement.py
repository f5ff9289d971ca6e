"""A pool's statement: accepted work by hour, as CSV, out of a pool's web page or a spreadsheet.

    hour,accepted,difficulty            time;worker;shares
    2026-11-20T14:00Z,3610,14440        1795219200;rig1;412

Strategy: columns are known by their names, which differ from pool to pool; a moment is ISO 8601, UTC where it
names no zone, or seconds since 1970, and counts for the hour it is in.  A line that cannot be read is a
fault with its number: half a statement is worse than none.
"""

import csv
import io
import math
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

import attrs

from proxy.errors import ConfigError
from proxy.ledger.schema import HOUR
from proxy.ledger.spans import read_time

MOST_LINES = 1_000_000  # a year of a hundred workers, by hour
MOST_BYTES = 268_435_456
MOST_CELL = 4096  # characters

# What pools and people call them, in lower case, words joined by "_".
_NAMES = {
    "time": (
        "time",
        "hour",
        "at",
        "timestamp",
        "date",
        "datetime",
        "date_time",
        "start",
        "from",
        "period",
        "utc",
    ),
    "shares": (
        "accepted",
        "accepted_shares",
        "shares",
        "shares_accepted",
        "valid",
        "valid_shares",
        "good_shares",
        "count",
    ),
    "work": (
        "work",
        "accepted_work",
        "difficulty",
        "accepted_difficulty",
        "total_difficulty",
        "share_difficulty",
        "sum_difficulty",
    ),
    "worker": ("worker", "worker_name", "rig", "rig_name", "miner", "name", "username", "user"),
}
_WANTED = 'a column for the time ("time" or "hour") and one for "accepted" shares or "work"'


@attrs.define
class Stated:
    """What a pool states of one hour, and of one worker where it tells them apart.

    Args:
        shares, work: accepted, and their difficulty; None where it does not say.
    """

    shares: int | None = None
    work: float | None = None


@attrs.frozen
class Statement:
    """What a pool states.

    Args:
        by_worker: whether it tells workers apart.
        hours: by the hour's beginning, seconds since 1970, and the worker, "" for all.
    """

    by_worker: bool
    hours: dict[tuple[int, str], Stated]

    @property
    def first(self) -> int:
        """Beginning of its first hour."""
        return min(hour for hour, _ in self.hours)

    @property
    def end(self) -> int:
        """End of its last hour."""
        return max(hour for hour, _ in self.hours) + HOUR


def read_file(path: str) -> Statement:
    """Read a statement from a file.

    Raises: ConfigError, with file and line.
    """
    try:
        if os.path.getsize(path) > MOST_BYTES:
            raise ConfigError(
                f"{path}: more than {MOST_BYTES // 1_048_576} MB; cut it to the time in question"
            )
        with open(path, encoding="utf-8-sig", newline="") as file:
            return read(file, path)
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is no text in UTF-8; save it as CSV") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None


def read(file: TextIO, name: str) -> Statement:
    """Read a statement.

    Args:
        file: at its beginning.
        name: for what is said of it.
    Raises: ConfigError, with name and line.
    """
    lines = _lines(file, name)
    number, header = next(lines, (1, []))
    places = _places(header)
    if "time" not in places or not {"shares", "work"} & places.keys():
        raise ConfigError(f"{name}:{number}: needs {_WANTED}, in its first line")
    found: dict[tuple[int, str], Stated] = {}
    for number, cells in lines:
        try:
            _add(found, places, cells)
        except ValueError as error:
            raise ConfigError(f"{name}:{number}: {error}") from None
    if not found:
        raise ConfigError(f"{name}: has no line after its header")
    return Statement("worker" in places, found)


def _lines(file: TextIO, name: str) -> Iterator[tuple[int, list[str]]]:
    """Give each line that has something in it, with its number."""
    head = file.readline(MOST_CELL * 8)
    delimiter = max(",;\t|", key=head.count)
    rows = csv.reader(_chained(head, file), delimiter=delimiter, skipinitialspace=True)
    csv.field_size_limit(MOST_CELL)
    while True:
        try:
            cells = next(rows, None)
        except csv.Error as error:
            raise ConfigError(f"{name}:{rows.line_num}: is no CSV: {error}") from None
        if cells is None:
            return
        if rows.line_num > MOST_LINES:
            raise ConfigError(f"{name}: more than {MOST_LINES} lines; cut it to the time in question")
        if any(cell.strip() for cell in cells) and not cells[0].lstrip().startswith("#"):
            yield rows.line_num, cells


def _chained(head: str, file: TextIO) -> Iterator[str]:
    yield from io.StringIO(head, newline="")
    yield from file


def _places(header: Sequence[str]) -> dict[str, int]:
    """Find out which column is what; of several that would do, the first."""
    names = [re.sub(r"\W+", "_", cell.strip().lower()).strip("_") for cell in header]
    places = {}
    for what, known in _NAMES.items():
        place = next((names.index(name) for name in known if name in names), None)
        if place is not None:
            places[what] = place
    return places


def _add(found: dict[tuple[int, str], Stated], places: dict[str, int], cells: Sequence[str]) -> None:
    def cell(what: str) -> str | None:
        if what not in places:
            return None
        if places[what] >= len(cells):
            raise ValueError(f"has {len(cells)} columns, {places[what] + 1} expected")
        return cells[places[what]].strip()

    moment = read_time(cell("time") or "")
    if moment is None:
        raise ValueError(
            f'"{_shown(cell("time") or "")}" is no time; 2026-11-20T14:00Z or seconds since 1970'
        )
    key = (int(moment) // HOUR * HOUR, cell("worker") or "")
    stated = found.setdefault(key, Stated())
    shares, work = cell("shares"), cell("work")
    if shares:
        stated.shares = (stated.shares or 0) + _whole(shares)
    if work:
        stated.work = (stated.work or 0.0) + _number(work)


def _whole(text: str) -> int:
    number = _number(text)
    if number != int(number):
        raise ValueError(f'"{_shown(text)}" is no whole number of shares')
    return int(number)


def _number(text: str) -> float:
    try:
        number = float(text) if "_" not in text else math.nan
    except ValueError:
        number = math.nan
    if not 0 <= number < 1e300:
        raise ValueError(f'"{_shown(text)}" is no number; digits and one point, no separators')
    return number


def _shown(text: str) -> str:
    return text[:40] if text[:40].isprintable() else ascii(text[:40])


def names_of(statement: Statement, known: Iterable[str]) -> dict[str, str]:
    """Say which worker of ours each name of a statement is.

    Args:
        known: our workers.
    Returns: a pool that was sent "account.rig1" may say just that, or "rig1".
    """
    ours = set(known)
    found = {}
    for _, name in statement.hours:
        after = name.partition(".")[2]
        found[name] = after if name not in ours and after in ours else name
    return found
