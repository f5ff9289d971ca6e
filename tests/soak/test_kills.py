"""Five kills under load, with either database: what a miner heard is in the book."""

from pathlib import Path

import pytest
import trio

from tests.kit import postgres as kit
from tests.soak.kills import GUARANTEE, Book, Options, Outcome, Run, faults, read_book, told

LONGEST = 300  # seconds, on a machine that does ten other things
FIVE = Options(kills=5, miners=20, rate=200.0, life=1.5)


def hold(outcome: Outcome, book: Book) -> None:
    """Every claim of the run holds."""
    assert faults(outcome, book) == [], told(outcome, book)
    assert len(outcome.kills) == FIVE.kills
    assert book.runs >= FIVE.kills + 1


async def test_five_kills_with_sqlite(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/killed.db"
    with trio.fail_after(LONGEST):
        outcome = await Run(FIVE, tmp_path, url).go()
    hold(outcome, read_book(url))


async def test_five_kills_with_postgresql_that_is_away_at_times(tmp_path: Path) -> None:
    with kit.running() as server:
        url = server.new_database()
        options = Options(kills=5, miners=20, rate=200.0, life=1.5, away=True)
        with trio.fail_after(LONGEST):
            outcome = await Run(options, tmp_path, url, server).go()
        hold(outcome, read_book(url))


# ---- the judge, on books that do not close


def run_of(
    kills: list[tuple[float, float]], accepted_by_pool: int, looks: list[tuple[float, int]]
) -> Outcome:
    """A run without verdicts."""
    return Outcome(kills, [], looks, accepted_by_pool)


def test_shares_are_in_doubt_from_a_second_before_a_kill() -> None:
    looks = [(float(n) / 10, n) for n in range(100)]
    assert run_of([(5.0, 5.3)], 99, looks).in_doubt() == pytest.approx(10 * (GUARANTEE + 0.3), abs=1)


@pytest.mark.parametrize(
    ("book", "line"),
    [
        (Book(accepted=100), "no verdict was read"),
        (Book(accepted=80), "the pool has 20 more than the ledger, of 13 in doubt"),
        (Book(accepted=101), "the pool has -1 more than the ledger, of 13 in doubt"),
        (Book(accepted=100, holes=["a has 4 rows from 1 to 5"]), "a has 4 rows from 1 to 5"),
    ],
)
def test_a_book_that_does_not_close_is_named(book: Book, line: str) -> None:
    looks = [(float(n) / 10, n) for n in range(100)]
    assert line in faults(run_of([(5.0, 5.3)], 100, looks), book)


def test_a_share_that_is_there_twice_is_named() -> None:
    book = Book(accepted=100)
    book.keys["rig1", "1", 2.0] = 2
    assert "1 shares are there more than once" in faults(run_of([(5.0, 5.3)], 100, []), book)
