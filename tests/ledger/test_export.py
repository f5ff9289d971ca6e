"""Shares in files: all of them, once, in order, in each format."""

import csv
import io
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from proxy.errors import ConfigError, SluiceError
from proxy.ledger import export as exporting
from proxy.ledger.book import Book
from proxy.ledger.export import FORMATS, SINKS, CsvSink, Wanted, export, parts
from tests.ledger.books import NOON, Author

ALL = Wanted(0.0, NOON + 3600)


@pytest.fixture
def busy(author: Author) -> Author:
    first, second = author.process(1), author.process(2)
    for number in range(7):
        first.share(NOON + number // 3)  # several of the same moment
        second.share(NOON + number // 3, "stale" if number % 2 else "accepted", worker="rig2")
    first.share(NOON + 9, "rejected", worker="=cmd|' /C calc'!A0", message="+1")
    return author


def numbers(book: Book, wanted: Wanted) -> list[str]:
    return [share.id for part in parts(book, wanted) for share in part]


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_every_share_comes_once_in_the_order_of_time(
    busy: Author, book: Book, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(exporting, "PART", size)
    shares = [share for part in parts(book, ALL) for share in part]
    assert len({share.id for share in shares}) == len(shares) == 15
    assert [share.at for share in shares] == sorted(share.at for share in shares)
    assert max(len(part) for part in parts(book, ALL)) <= size


def test_which_ones(busy: Author, book: Book) -> None:
    assert len(numbers(book, Wanted(NOON + 1, NOON + 2))) == 6
    assert len(numbers(book, Wanted(0, NOON + 99, worker="rig2"))) == 7
    assert len(numbers(book, Wanted(0, NOON + 99, worker="rig2", reason="stale"))) == 3
    assert numbers(book, Wanted(NOON + 10, NOON + 99)) == []


def read_back(kind: str, file: Path) -> list[dict[str, Any]]:
    if kind == "csv":
        return list(csv.DictReader(io.StringIO(file.read_text("utf-8"), newline="")))
    if kind == "jsonl":
        return [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    parquet = pytest.importorskip("pyarrow.parquet", reason="pip install 'sluice[parquet]'")
    rows: list[dict[str, Any]] = parquet.read_table(file).to_pylist()
    return rows


@pytest.mark.parametrize("kind", FORMATS)
def test_each_format(
    busy: Author, book: Book, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "parquet":
        pytest.importorskip("pyarrow", reason="pip install 'sluice[parquet]'")
        monkeypatch.setattr(exporting, "ROW_GROUP", 4)
    monkeypatch.setattr(exporting, "PART", 2)
    told: list[tuple[int, float]] = []
    file = tmp_path / "shares"
    assert export(book, ALL, kind, str(file), lambda *so_far: told.append(so_far)) == 15
    rows = read_back(kind, file)
    assert len(rows) == 15
    last = rows[-1]
    assert last["id"] == f"{1:016x}-8"
    assert str(last["difficulty"]) == "2.0"
    at = last["at"] if kind == "parquet" else datetime.fromisoformat(last["at"])
    assert at == datetime.fromtimestamp(NOON + 9, UTC)
    assert last["worker"] == ("'" if kind == "csv" else "") + "=cmd|' /C calc'!A0"
    assert last["message"] == ("'" if kind == "csv" else "") + "+1"
    assert [count for count, _ in told] == [2, 4, 6, 8, 10, 12, 14, 15]
    assert all(0 <= done <= 1 for _, done in told)
    assert [path.name for path in tmp_path.iterdir() if "shares" in path.name] == ["shares"]


def test_an_empty_time_gives_a_file_all_the_same(busy: Author, book: Book, tmp_path: Path) -> None:
    for kind in ("csv", "jsonl"):
        assert export(book, Wanted(0, 1), kind, str(tmp_path / kind)) == 0
    assert (tmp_path / "csv").read_text().startswith("id,at,received_at,worker,")
    assert (tmp_path / "jsonl").read_text() == ""


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    file = io.BytesIO()
    sink = CsvSink(file)
    assert exporting._cell("worker", cell) == f"'{cell}"
    assert exporting._cell("difficulty", -1.5) == -1.5
    sink.close()


def test_nothing_is_left_of_what_cannot_be_written(busy: Author, book: Book, tmp_path: Path) -> None:
    with pytest.raises(SluiceError, match="cannot be written: No such file or directory"):
        export(book, ALL, "csv", str(tmp_path / "none" / "x.csv"))
    target = tmp_path / "x.csv"
    target.write_text("as it was")

    def fails(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(book, ALL, "csv", str(target), fails)
    assert target.read_text() == "as it was"
    assert not (tmp_path / "x.csv.part").exists()


def test_parquet_without_pyarrow_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigError, match=r"needs pyarrow; install it with pip install 'sluice\[parquet\]'"):
        SINKS["parquet"](io.BytesIO())
