"""Databases to keep books in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.ledger.book import Book, open_book
from tests.kit import postgres as kit
from tests.ledger.books import Author


@pytest.fixture(scope="session")
def postgres() -> Iterator[kit.Postgres]:
    """A PostgreSQL server; the test is skipped where there is none."""
    with kit.running() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty place for a ledger, of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/sluice.db"
        return
    server: kit.Postgres = request.getfixturevalue("postgres")
    made = server.new_database()
    yield made
    server.drop(made)


@pytest.fixture
def author(url: str) -> Iterator[Author]:
    """A new book of each kind, to be written by hand."""
    made = Author(url)
    yield made
    made.close()


@pytest.fixture
def book(author: Author) -> Iterator[Book]:
    """The same, as it is read."""
    opened = open_book(author.url)
    yield opened
    opened.close()
