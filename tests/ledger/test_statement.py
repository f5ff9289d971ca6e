"""A pool's statement: whatever its columns are called, read whole or refused with the line that is wrong."""

import io
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import ConfigError
from proxy.ledger.statement import Stated, Statement, names_of, read, read_file
from tests.ledger.books import NOON

HOUR = int(NOON)  # 2026-11-21T00:00Z


def reads(text: str) -> Statement:
    return read(io.StringIO(text, newline=""), "pool.csv")


@pytest.mark.parametrize(
    "text",
    [
        "hour,accepted,work\n2026-11-21T00:00Z,10,40\n",
        "Hour;Accepted Shares;Difficulty\r\n2026-11-21 00:00;10;40.0\r\n",
        "time\tshares\ttotal_difficulty\n1795219200\t10\t40\n",
        '"Date/Time", "Valid Shares", "Work"\n"2026-11-21T01:30+01:00", "10", "4e1"\n',
        "timestamp,count,work,currency\n# a comment\n\n1795219200000,10,40,AION\n",
        "time,accepted,work\n2026-11-21T00:00Z,4,20\n2026-11-21T00:30Z,6,20\n",
    ],
)
def test_what_is_read(text: str) -> None:
    text = text.replace("Date/Time", "Date Time")
    found = reads(text)
    assert found == Statement(by_worker=False, hours={(HOUR, ""): Stated(10, 40.0)})
    assert (found.first, found.end) == (HOUR, HOUR + 3600)


def test_workers_and_what_is_not_stated() -> None:
    found = reads("hour,worker,accepted\n2026-11-21T00:00Z,rig1,10\n2026-11-21T01:00Z,rig2,\n")
    assert found.by_worker
    assert found.hours == {(HOUR, "rig1"): Stated(10, None), (HOUR + 3600, "rig2"): Stated(None, None)}
    assert found.end == HOUR + 7200


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "pool.csv:1: needs a column for the time"),
        ("hour,worker\n", "pool.csv:1: needs a column for the time"),
        ("when,accepted\n", "pool.csv:1: needs a column for the time"),
        ("hour,accepted\n", "pool.csv: has no line after its header"),
        ("hour,accepted\nyesterday,1\n", 'pool.csv:2: "yesterday" is no time'),
        ("hour,accepted\n2026-11-21,1\n\nTotal,1\n", 'pool.csv:4: "Total" is no time'),
        ("hour,accepted\n2026-11-21,many\n", 'pool.csv:2: "many" is no number'),
        ("hour,accepted\n2026-11-21,1.5\n", 'pool.csv:2: "1.5" is no whole number'),
        ("hour,accepted\n2026-11-21,-1\n", 'pool.csv:2: "-1" is no number'),
        ("hour,accepted\n2026-11-21,1_000\n", 'pool.csv:2: "1_000" is no number'),
        ("hour,work\n2026-11-21,nan\n", 'pool.csv:2: "nan" is no number'),
        ("hour,work\n2026-11-21,inf\n", 'pool.csv:2: "inf" is no number'),
        ("hour,accepted\n2026-11-21\n", "pool.csv:2: has 1 columns, 2 expected"),
        ("hour,accepted\n2026-11-21," + "9" * 5000 + "\n", "pool.csv:2: is no CSV: field larger"),
    ],
)
def test_what_is_refused(text: str, line: str) -> None:
    with pytest.raises(ConfigError) as error:
        reads(text)
    assert str(error.value).startswith(line)
    assert "\n" not in str(error.value)


@given(st.text(max_size=300))
def test_any_text_is_a_statement_or_refused(text: str) -> None:
    for head in ("", "hour,accepted,worker\n"):
        with suppress(ConfigError):
            assert reads(head + text).hours


def test_a_file(tmp_path: Path) -> None:
    file = tmp_path / "pool.csv"
    file.write_bytes(b"\xef\xbb\xbfhour,accepted\r\n2026-11-21,10\r\n")
    assert read_file(str(file)).hours == {(HOUR, ""): Stated(10, None)}
    file.write_bytes(b"hour,accepted\n\xff\xfe,1\n")
    with pytest.raises(ConfigError, match="is no text in UTF-8"):
        read_file(str(file))
    with pytest.raises(ConfigError, match=r"none\.csv: cannot be read: No such file or directory"):
        read_file(str(tmp_path / "none.csv"))


def test_names_as_the_pool_has_them() -> None:
    statement = reads(
        "hour,worker,accepted\n2026-11-21,acc.rig1,1\n2026-11-21,rig2,1\n2026-11-21,acc.gone,1\n"
    )
    assert names_of(statement, ["rig1", "rig2"]) == {
        "acc.rig1": "rig1",
        "rig2": "rig2",
        "acc.gone": "acc.gone",
    }
