"""Sums are those of the rows, whatever is rolled up already."""

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from proxy.ledger import schema
from proxy.ledger.book import Book, open_book
from proxy.ledger.schema import HOUR, MINUTE
from proxy.ledger.sums import Presence, Span, Sum, by_time, by_worker, dirty_minutes, presence, stretches
from tests.ledger.books import NOON, Author

DAY = Span(int(NOON) - 6 * HOUR, int(NOON) + 6 * HOUR)
START = int(NOON)


@pytest.fixture
def busy(author: Author) -> Author:
    """Three minutes of two workers on two proxies, the last one not over."""
    first, second = author.process(1), author.process(2, proxy="farm2")
    first.share(NOON + 5)
    first.share(NOON + 10, "kept", difficulty=1.0)
    first.share(NOON + 15, "stale")
    second.share(NOON + 20, worker="rig2", difficulty=8.0)
    first.share(NOON + 65)
    author.closes(NOON + 2 * MINUTE)
    second.share(NOON + 121, worker="rig2", difficulty=8.0)
    second.share(NOON + 122, "rejected", worker="rig2", difficulty=8.0)
    return author


def test_by_time_the_open_minute_counts_and_proxies_add_up(busy: Author, book: Book) -> None:
    with book.look() as connection:
        assert by_time(connection, DAY, MINUTE) == {
            (START, "accepted"): Sum(2, 10.0),
            (START, "kept"): Sum(1, 1.0),
            (START, "stale"): Sum(1, 2.0),
            (START + 60, "accepted"): Sum(1, 2.0),
            (START + 120, "accepted"): Sum(1, 8.0),
            (START + 120, "rejected"): Sum(1, 8.0),
        }
        assert by_time(connection, DAY, HOUR, "rig2") == {
            (START, "accepted"): Sum(2, 16.0),
            (START, "rejected"): Sum(1, 8.0),
        }
        assert by_time(connection, DAY, HOUR, "nobody") == {}


@pytest.mark.parametrize("by_hour", [False, True])
def test_by_worker(busy: Author, book: Book, by_hour: bool) -> None:
    with book.look() as connection:
        assert by_worker(connection, DAY, by_hour) == {
            ("rig1", "accepted"): Sum(2, 4.0),
            ("rig1", "kept"): Sum(1, 1.0),
            ("rig1", "stale"): Sum(1, 2.0),
            ("rig2", "accepted"): Sum(2, 16.0),
            ("rig2", "rejected"): Sum(1, 8.0),
        }


def test_a_row_that_comes_late_counts_before_its_minute_is_made_anew(busy: Author, book: Book) -> None:
    busy.process(3).share(NOON + 6, worker="rig3")
    with book.look() as connection:
        assert dirty_minutes(connection, DAY) == [START, START + 120]
        assert by_time(connection, DAY, MINUTE)[START, "accepted"] == Sum(3, 12.0)
        assert by_time(connection, DAY, HOUR)[START, "accepted"] == Sum(5, 22.0)
        assert by_worker(connection, DAY)["rig1", "accepted"] == Sum(2, 4.0)


def test_how_long_each_worker_was_there(busy: Author, book: Book) -> None:
    busy.process(3).share(NOON + 130, "stale", worker="rig3")
    with book.look() as connection:
        assert presence(connection, DAY) == {
            "rig1": Presence(2, START + 60),
            "rig2": Presence(2, START + 120),
            "rig3": Presence(0, START + 120),
        }
        assert presence(connection, DAY, by_hour=True) == {
            "rig1": Presence(1, START),
            "rig2": Presence(1, START),
            "rig3": Presence(0, START),
        }


def test_rows_that_were_retired_stay_in_the_sums(busy: Author, book: Book) -> None:
    with busy.engine.begin() as connection:
        connection.execute(delete(schema.shares).where(schema.shares.c.at < (START + 120) * schema.MICRO))
    with book.look() as connection:
        assert by_time(connection, DAY, HOUR)[START, "accepted"] == Sum(4, 20.0)


def test_minutes_that_follow_each_other_are_read_at_once() -> None:
    assert list(stretches([])) == []
    assert list(stretches([0, 60, 120, 300])) == [Span(0, 180), Span(300, 360)]
    long = list(stretches(range(0, 3 * HOUR, 60)))
    assert [span.until - span.since for span in long] == [HOUR] * 3


@settings(max_examples=15)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 7199),
            st.sampled_from(["accepted", "kept", "stale", "lost"]),
            st.sampled_from(["rig1", "rig2", "größe"]),
            st.booleans(),
        ),
        max_size=15,
    ),
    st.integers(0, 120),
)
def test_any_shares_in_any_order_add_up(
    tmp_path_factory: pytest.TempPathFactory, given_out: list[tuple[int, str, str, bool]], closed: int
) -> None:
    author = Author(f"sqlite:///{tmp_path_factory.mktemp('book')}/x.db")
    process = author.process()
    expected: dict[tuple[str, str], int] = defaultdict(int)
    for late in (False, True):
        for second, reason, worker, is_late in given_out:
            if is_late == late:
                process.share(NOON + second, reason, worker)
                expected[worker, reason] += 1
        if not late:
            author.closes(NOON + closed * MINUTE)
    book = open_book(author.url)
    with book.look() as connection:
        for by_hour in (False, True):
            found = by_worker(connection, DAY, by_hour)
            assert {key: count for key, (count, _) in found.items()} == expected
        steps = by_time(connection, DAY, HOUR)
        assert sum(count for count, _ in steps.values()) == len(given_out)
    book.close()
    author.close()
