"""A ledger is opened to be read, or it is said in one line why not."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from proxy.errors import ConfigError
from proxy.ledger.book import Book, open_book
from proxy.ledger.schema import HEAD
from proxy.ledger.store import LedgerError
from tests.kit.postgres import Postgres, free_port
from tests.ledger.books import NOON, Author


def why(url: str) -> str:
    """The line that says why it cannot be read."""
    with pytest.raises((LedgerError, ConfigError)) as error:
        open_book(url)
    line = str(error.value)
    assert "\n" not in line
    return line


def test_one_that_is_there_is_read(author: Author, book: Book) -> None:
    author.process().share(NOON)
    with book.look() as connection:
        assert connection.execute(text("SELECT count(*) FROM shares")).scalar() == 1


def test_a_look_sees_one_state_however_long_it_lasts(author: Author, book: Book) -> None:
    process = author.process()
    process.share(NOON)
    with book.look() as connection:
        count = text("SELECT count(*) FROM shares")
        assert connection.execute(count).scalar() == 1
        process.share(NOON + 1)
        assert connection.execute(count).scalar() == 1
    with book.look() as connection:
        assert connection.execute(count).scalar() == 2


def test_nothing_can_be_written_by_a_reader(book: Book) -> None:
    with pytest.raises(LedgerError, match=r"read-?only"), book.look() as connection:
        connection.execute(text("DELETE FROM shares"))


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    line = why(f"sqlite:///{tmp_path}/none.db")
    assert line.startswith(f"sqlite:///{tmp_path}/none.db: no such file; `sluice run` makes it")
    assert not (tmp_path / "none.db").exists()


def test_a_file_without_a_ledger(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "empty.db").close()
    (tmp_path / "empty.db").touch()
    assert "there is no ledger in it yet" in why(f"sqlite:///{tmp_path}/empty.db")


def test_a_database_without_a_ledger(postgres: Postgres) -> None:
    assert "there is no ledger in it yet" in why(postgres.new_database())


@pytest.mark.parametrize(
    ("version", "words"),
    [("9999", f"its schema is 9999, newer than {HEAD}"), ("0000", f"its schema is 0000, older than {HEAD}")],
)
def test_another_schema(author: Author, version: str, words: str) -> None:
    with author.engine.begin() as connection:
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{version}'"))
    assert words in why(author.url)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "junk.db").write_bytes(b"junk " * 1000)
    assert "file is not a database" in why(f"sqlite:///{tmp_path}/junk.db")


def test_a_file_of_which_a_part_is_lost(tmp_path: Path) -> None:
    author = Author(f"sqlite:///{tmp_path}/cut.db")
    author.process().share(NOON)
    author.close()
    file = tmp_path / "cut.db"
    whole = file.read_bytes()
    file.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    assert "malformed" in why(author.url)


def test_a_server_that_is_not_there() -> None:
    line = why(f"postgresql://sluice:hunter2@127.0.0.1:{free_port()}/book")
    assert "onnection refused" in line
    assert "hunter2" not in line


def test_a_database_that_is_not_there(postgres: Postgres) -> None:
    assert 'database "nothing" does not exist' in why(postgres.url("nothing"))


@pytest.mark.parametrize("url", ["mysql://h/x", "sluice.db", "sqlite://", "postgresql://h", ""])
def test_what_is_no_url_of_a_ledger(url: str) -> None:
    assert "ledger.url" in why(url)


def test_a_statement_that_takes_too_long_is_ended(author: Author) -> None:
    book = open_book(author.url, seconds=0.05)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with (
        pytest.raises(LedgerError, match=r"no answer within 0\.05 s; ask for a shorter time"),
        book.look() as connection,
    ):
        connection.execute(text(endless))
    book.close()
