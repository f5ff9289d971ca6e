"""The ledger as the API asks it: answers of the book, or one line that says why there is none."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
import trio.testing

from proxy.ledger.book import Book
from proxy.ledger.standing import Standing
from proxy.ops import ledgerview
from proxy.ops.ledgerreader import LedgerDownError, LedgerReader, LedgerState, PoolSum, ShareQuery
from proxy.ops.ledgerview import LedgerView
from tests.ledger.books import NOON, Author

STANDING = Standing("behind", 5, 100, 1, 4096, "5 shares wait")
HOUR = 3600.0


@pytest.fixture
def author(tmp_path: Path) -> Iterator[Author]:
    made = Author(f"sqlite:///{tmp_path}/sluice.db")
    process = made.process(started=NOON)
    process.share(NOON + 1)
    process.share(NOON + 2, "rejected", worker="rig2", message="no")
    process.share(NOON + 3, block=True, difficulty=6.0)
    process.is_seen(NOON + 4, ended=True)
    yield made
    made.close()


@pytest.fixture
def view(author: Author, monkeypatch: pytest.MonkeyPatch) -> LedgerReader:
    monkeypatch.setattr(time, "time", lambda: NOON + 10)
    return LedgerView(author.url, lambda: STANDING)


def test_its_state_is_the_writers(view: LedgerReader) -> None:
    assert view.state == LedgerState("behind", 5, 100, 1, "5 shares wait")


async def test_shares(view: LedgerReader) -> None:
    first, _ = await view.shares(ShareQuery(worker="rig1", limit=10))
    assert (first.at, first.block, first.difficulty, first.reached) == (NOON + 3, True, 6.0, 9.0)
    assert first.id.endswith("-3")
    (refused,) = await view.shares(ShareQuery(reason="rejected"))
    assert (refused.worker, refused.message, refused.roundtrip_ms) == ("rig2", "no", 5.0)
    assert await view.shares(ShareQuery(since=NOON + 5)) == []


async def test_history(view: LedgerReader) -> None:
    (point,) = await view.history(24 * HOUR, HOUR)
    assert (point.at, point.sols_per_second) == (NOON, 0.8)
    assert point.shares == {"accepted": 2, "rejected": 1}
    (point,) = await view.history(24 * HOUR, HOUR, "rig2")
    assert point.shares == {"rejected": 1}


async def test_the_account(view: LedgerReader) -> None:
    told = await view.reconcile(NOON)
    assert told.holds
    assert (told.received, told.forwarded, told.accepted, told.rejected) == (3, 3, 2, 1)
    assert told.pools == [PoolSum("main", 3, 2, 1, 0)]


async def test_an_account_is_made_once_in_a_while(
    view: LedgerReader, author: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    await view.reconcile(NOON)
    with author.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM shares WHERE seq = 2")
    assert (await view.reconcile(NOON)).holds, "the one of a moment ago"
    assert not (await view.reconcile(NOON - 1)).holds, "of another time"
    monkeypatch.setattr(time, "time", lambda: NOON + 30)
    told = await view.reconcile(NOON)
    assert (told.holds, told.missing, len(told.gaps)) == (False, 1, 1)
    assert "1 not written, number 2" in told.gaps[0]


async def test_blocks(view: LedgerReader) -> None:
    (block,) = await view.blocks(10)
    assert (block.at, block.worker, block.pool, block.reached) == (NOON + 3, "rig1", "main", 9.0)


# ---- when there is nothing to answer with


async def test_a_ledger_that_is_not_there_is_said_and_found_when_it_comes(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/later.db"
    view = LedgerView(url, lambda: STANDING)
    with pytest.raises(LedgerDownError, match="no such file"):
        await view.blocks(1)
    author = Author(url)
    assert await view.blocks(1) == []
    author.close()


async def test_one_that_breaks_is_opened_anew(view: LedgerReader, author: Author) -> None:
    await view.blocks(1)
    with author.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        connection.exec_driver_sql("ALTER TABLE blocks RENAME TO finds")
    with pytest.raises(LedgerDownError, match="no such table"):
        await view.blocks(1)
    with pytest.raises(LedgerDownError, match="newer than"):
        await view.blocks(1)


async def test_only_so_many_ask_at_once_and_the_loop_goes_on(
    view: LedgerReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, go_on = threading.Semaphore(0), threading.Event()

    def slow(book: Book, **_: object) -> list[object]:
        asked.release()
        go_on.wait(60)
        return []

    monkeypatch.setattr(ledgerview, "found_blocks", slow)
    monkeypatch.setattr(ledgerview, "MOST_WAITING", ledgerview.AT_ONCE + 1)
    answers: list[object] = []

    async def ask() -> None:
        answers.append(await view.blocks(1))

    async with trio.open_nursery() as nursery:
        for _ in range(ledgerview.AT_ONCE + 1):
            nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(LedgerDownError, match="too many questions at once"):
            await view.blocks(1)
        assert answers == []
        go_on.set()
    assert answers == [[]] * (ledgerview.AT_ONCE + 1)
