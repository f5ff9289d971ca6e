"""Missing rows are counted and named, by their numbers and the times around them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.ledger import gaps
from proxy.ledger.book import Book, open_book
from proxy.ledger.gaps import Gap, Numbers, find, first_from, highest, lowest
from tests.ledger.books import NOON, RUN, Author


def write(author: Author, missing: set[int], count: int = 10) -> None:
    """A run whose share n came at NOON + n."""
    process = author.process()
    for number in range(1, count + 1):
        process.share(NOON + number, written=number not in missing)
    author.process(RUN + 1).share(NOON + 3)


@pytest.mark.parametrize(
    ("missing", "found"),
    [
        (set(), []),
        ({4, 5}, [Gap(4, 5, NOON + 3, NOON + 6)]),
        ({1, 2}, [Gap(1, 2, 0, NOON + 3)]),
        ({10}, [Gap(10, 10, NOON + 9, 0)]),
        ({2, 4}, [Gap(2, 2, NOON + 1, NOON + 3), Gap(4, 4, NOON + 3, NOON + 5)]),
        (set(range(1, 11)), [Gap(1, 10, 0, 0)]),
    ],
)
def test_what_is_missing(author: Author, book: Book, missing: set[int], found: list[Gap]) -> None:
    write(author, missing)
    with book.look() as connection:
        assert find(connection, RUN, Numbers(1, 10)) == found
        assert highest(connection, RUN) == max({*range(1, 11)} - missing, default=0)
        assert lowest(connection, RUN) == min({*range(1, 11)} - missing, default=0)


def test_only_what_was_asked_for_is_looked_at(author: Author, book: Book) -> None:
    write(author, {2, 5, 9})
    with book.look() as connection:
        assert find(connection, RUN, Numbers(3, 8)) == [Gap(5, 5, NOON + 4, NOON + 6)]
        assert find(connection, RUN, Numbers(5, 5)) == [Gap(5, 5, NOON + 4, NOON + 6)]
        assert find(connection, RUN, Numbers(6, 5)) == []


def test_so_many_are_named_and_no_more(author: Author, book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gaps, "MOST_GAPS", 2)
    write(author, {2, 4, 6})
    with book.look() as connection:
        assert len(find(connection, RUN, Numbers(1, 10))) == 2


def test_where_in_a_run_a_moment_falls(author: Author, book: Book) -> None:
    write(author, {5})
    with book.look() as connection:
        assert [first_from(connection, RUN, NOON + at, 10) for at in (0, 1, 1.5, 4, 10, 11)] == [
            1,
            1,
            2,
            4,
            10,
            11,
        ]
        assert first_from(connection, RUN, NOON + 5, 10) == 5, (
            "one that is missing belongs to what comes after it"
        )
        assert first_from(connection, RUN, NOON + 99, 0) == 1


@settings(max_examples=25)
@given(st.integers(1, 30).flatmap(lambda count: st.tuples(st.just(count), st.sets(st.integers(1, count)))))
def test_rows_and_gaps_are_all_numbers(
    tmp_path_factory: pytest.TempPathFactory, run: tuple[int, set[int]]
) -> None:
    count, missing = run
    author = Author(f"sqlite:///{tmp_path_factory.mktemp('book')}/x.db")
    write(author, missing, count)
    book = open_book(author.url)
    with book.look() as connection:
        found = find(connection, RUN, Numbers(1, count))
    named = {number for gap in found for number in range(gap.first, gap.last + 1)}
    assert named == missing
    assert sum(gap.size for gap in found) == len(missing)
    book.close()
    author.close()
