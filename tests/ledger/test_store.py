"""Where a ledger is: its URL, its connections, and what is said of it."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from proxy.errors import ConfigError
from proxy.ledger.store import LedgerError, faults, identity, make_engine, read_url, said


@pytest.mark.parametrize(
    ("text", "shown", "file"),
    [
        ("sqlite:///sluice.db", "sqlite:///sluice.db", "sluice.db"),
        ("sqlite:////var/lib/sluice.db", "sqlite:////var/lib/sluice.db", "/var/lib/sluice.db"),
        ("postgresql://me:hunter2@db:5432/x", "postgresql+psycopg://me:***@db:5432/x", ""),
    ],
)
def test_an_url_is_shown_without_its_password(text: str, shown: str, file: str) -> None:
    place = read_url(text)
    assert (str(place), place.file) == (shown, file)
    assert "hunter2" not in repr(place)


@pytest.mark.parametrize(
    "text",
    ["sqlite://", "sqlite:///", "sqlite:///:memory:", "postgresql://host", "postgresql://h:x/d", "huh"],
)
def test_an_url_that_names_no_ledger_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^ledger\.url: .*; use "):
        read_url(text)


def test_a_file_of_sqlite_needs_no_set_up_and_outlasts_a_power_cut(tmp_path: Path) -> None:
    engine = make_engine(read_url(f"sqlite:///{tmp_path}/x.db"))
    with engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "auto_vacuum")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "auto_vacuum": 2}  # 2: FULL; incremental
    engine.dispose()


def test_who_reads_changes_nothing(tmp_path: Path) -> None:
    place = read_url(f"sqlite:///{tmp_path}/x.db")
    with make_engine(place).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (x)")
    reading = make_engine(place, reading=True)
    with reading.connect() as connection, pytest.raises(OperationalError, match="readonly"):
        connection.exec_driver_sql("INSERT INTO t VALUES (1)")
    reading.dispose()


def test_two_writers_of_sqlite_come_one_after_the_other(tmp_path: Path) -> None:
    """Both read before they write, which without BEGIN IMMEDIATE ends in a lock that nobody gets."""
    place = read_url(f"sqlite:///{tmp_path}/x.db")
    first, second = make_engine(place), make_engine(place)
    with first.connect() as connection, connection.begin():
        other = sqlite3.connect(place.file, timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()
    for engine in (first, second):
        engine.dispose()


def test_a_fault_is_one_line_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"this is no database at all, " * 100)
    place = read_url(f"sqlite:///{tmp_path}/x.db")
    with pytest.raises(LedgerError) as caught, faults(place), make_engine(place).begin():
        pass
    assert str(caught.value) == (
        f"sqlite:///{tmp_path}/x.db: file is not a database; move the file away, and a new one is begun"
    )


def test_of_what_a_driver_says_the_first_line_stands() -> None:
    assert said(ValueError("\n  no\nyes\n")) == "no"
    assert said(ValueError()) == "ValueError"


def test_a_file_is_told_from_another_of_its_name(tmp_path: Path) -> None:
    file = tmp_path / "x"
    assert identity(str(file)) is None
    file.touch()
    before = identity(str(file))
    (tmp_path / "y").touch()
    (tmp_path / "y").rename(file)
    assert before is not None
    assert identity(str(file)) not in (before, None)
