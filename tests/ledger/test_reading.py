"""Shares one by one, histories, blocks."""

import pytest

from proxy.ledger import reading
from proxy.ledger.book import Book
from proxy.ledger.reading import found_blocks, history, latest
from proxy.ledger.schema import HOUR, MINUTE
from tests.ledger.books import NOON, RUN, Author


def jobs(shares: list[reading.Share]) -> list[str]:
    """Which shares, by their numbers in the run."""
    return [share.id.rpartition("-")[2] for share in shares]


@pytest.fixture
def busy(author: Author) -> Author:
    """Six shares of two workers, one of which came from two addresses."""
    process = author.process()
    process.share(NOON + 1)
    process.share(NOON + 2, "rejected", message="low difficulty share", difficulty=4.0)
    process.share(NOON + 3, worker="rig2")
    process.share(NOON + 4, address="192.0.2.9", block=True)
    process.share(NOON + 5, "stale", worker="rig2")
    process.share(NOON + 6, "rejected", block=True)
    return author


def test_a_share_is_shown_with_all_that_is_known(busy: Author, book: Book) -> None:
    share = latest(book)[-2]
    assert share == reading.Share(
        id=f"{RUN:016x}-2",
        at=NOON + 2,
        received_at=NOON + 2 - 0.005,
        worker="rig1",
        address="192.0.2.1",
        listener="farm",
        dialect="aion",
        pool="main",
        job="00000001",
        reason="rejected",
        message="low difficulty share",
        difficulty=4.0,
        reached=6.0,
        roundtrip_ms=5.0,
        block=False,
    )


def test_the_latest_come_first(busy: Author, book: Book) -> None:
    assert jobs(latest(book)) == ["6", "5", "4", "3", "2", "1"]
    assert jobs(latest(book, limit=2)) == ["6", "5"]


def test_which_ones_can_be_said(busy: Author, book: Book) -> None:
    assert jobs(latest(book, worker="rig1")) == ["6", "4", "2", "1"]
    assert jobs(latest(book, worker="rig1", limit=3)) == ["6", "4", "2"]
    assert jobs(latest(book, reason="rejected")) == ["6", "2"]
    assert jobs(latest(book, worker="rig1", reason="rejected", limit=1)) == ["6"]
    assert jobs(latest(book, since=NOON + 3, until=NOON + 5)) == ["4", "3"]
    assert latest(book, worker="nobody") == []


def test_a_rare_verdict_is_looked_for_slice_by_slice(
    busy: Author, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "SLICE", 2)
    assert jobs(latest(book, reason="rejected")) == ["6", "2"]
    assert jobs(latest(book, worker="rig2", reason="stale")) == ["5"]
    monkeypatch.setattr(reading, "MOST_SLICES", 2)
    assert jobs(latest(book, reason="rejected")) == ["6"], "and not for ever"


def test_a_row_whose_source_is_not_there_is_a_row(busy: Author, book: Book) -> None:
    with busy.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM sources")
    assert [share.worker for share in latest(book)] == [""] * 6


# ---- histories


def test_a_history_ends_with_the_present_minute(busy: Author, book: Book) -> None:
    busy.closes(NOON + MINUTE)
    busy.process(7, started=NOON).share(NOON + MINUTE + 30, "kept", difficulty=1.0)
    now = NOON + MINUTE + 40
    points = history(book, HOUR, MINUTE, now)
    assert [(point.at - NOON, point.seconds) for point in points] == [(0, 60), (60, 40)]
    assert points[0].shares == {"accepted": 3, "stale": 1, "rejected": 2}
    assert [point.work for point in points] == [6.0, 1.0]


def test_a_history_of_a_worker(busy: Author, book: Book) -> None:
    (point,) = history(book, 24 * HOUR, HOUR, NOON + 10, "rig2")
    assert point == reading.Point(int(NOON), 10.0, {"accepted": 1, "stale": 1}, 2.0)


def test_steps_without_a_share_are_empty_once_there_is_a_book(busy: Author, book: Book) -> None:
    points = history(book, 3 * HOUR, HOUR, NOON + 2 * HOUR + 1)
    assert [point.shares for point in points[1:]] == [{}, {}]
    assert [point.at - NOON for point in points] == [0, HOUR, 2 * HOUR]


def test_there_is_no_history_without_a_share(book: Book) -> None:
    assert history(book, HOUR, MINUTE, NOON) == []


def test_a_history_has_only_so_many_steps(busy: Author, book: Book) -> None:
    assert len(history(book, 10**9, 1, NOON + 10**7)) == reading.MOST_POINTS


# ---- blocks


def test_found_blocks(busy: Author, book: Book) -> None:
    (block,) = found_blocks(book)
    assert (block.id, block.at, block.worker, block.pool) == (f"{RUN:016x}-4", NOON + 4, "rig1", "main")
    assert (block.reason, block.reached) == ("accepted", 3.0)
    assert [block.id[-1] for block in found_blocks(book, reasons=["accepted", "rejected", "lost"])] == [
        "6",
        "4",
    ]
    assert len(found_blocks(book, limit=1, reasons=["accepted", "rejected"])) == 1
