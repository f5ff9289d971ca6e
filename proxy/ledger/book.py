"""A ledger that is read: opened for nothing else, looked at one state at a time, and never for ever.

Strategy: `Book.look()` gives a connection in a transaction that sees one state of the book, however many
statements it takes; a statement that needs longer than the book's seconds is ended.  Before the first one
the schema is looked at, so that an older or newer one is a line and not a missing column.
The traps: SQLite makes an empty file of a name that is wrong, so the file is looked for first; and a
snapshot that is held for long keeps SQLite's WAL from being emptied, so whoever reads much takes a new look
for each part of it.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from proxy.config.rules import LedgerUrl
from proxy.errors import ConfigError
from proxy.ledger import schema
from proxy.ledger.store import LedgerError, Place, faults, make_engine, read_url

STEPS = 20_000  # of SQLite's machine between two looks at the clock: about a millisecond
SECONDS = 600.0  # for a statement of somebody who waits at a terminal
_NO_TABLE = ("no such table: alembic_version", 'relation "alembic_version" does not exist')


@attrs.frozen(eq=False)
class Book:
    """A ledger to read.

    Args:
        engine: makes its connections.
        seconds: for one statement, or with SQLite for one look; then it is ended.
    """

    place: Place
    engine: Engine
    seconds: float = SECONDS

    @contextmanager
    def look(self) -> Iterator[Connection]:
        """Look at one state of the book.

        Raises: LedgerError if it cannot be read, or not within its seconds.
        """
        with faults(self.place), self._in_time(), self.engine.connect() as connection:
            if not self.place.is_sqlite:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                self._set_limit(connection)
                yield connection

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            if "interrupted" in str(error.orig) or "statement timeout" in str(error.orig):
                raise LedgerError(
                    f"{self.place}: no answer within {self.seconds:g} s; ask for a shorter time"
                ) from None
            raise

    def _set_limit(self, connection: Connection) -> None:
        if not self.place.is_sqlite:
            connection.execute(text(f"SET LOCAL statement_timeout = {round(self.seconds * 1000)}"))
            return
        until = time.monotonic() + self.seconds
        driver: Any = connection.connection.dbapi_connection
        driver.set_progress_handler(lambda: time.monotonic() > until, STEPS)


def open_book(url: str, seconds: float = SECONDS) -> Book:
    """Open a ledger for reading.

    Args:
        url: as `ledger.url`.
        seconds: for one statement.
    Raises: ConfigError if it is no URL; LedgerError if there is no ledger of this version's schema.
    """
    try:
        LedgerUrl().read(url)
    except ConfigError as error:
        raise ConfigError(f"ledger.url: {error}") from None
    if not url:
        raise ConfigError("ledger.url is empty, so no ledger is kept; give a URL")
    place = read_url(url)
    if place.is_sqlite and not os.path.exists(place.file):
        raise LedgerError(f"{place}: no such file; `sluice run` makes it, in the directory it is started in")
    book = Book(place, make_engine(place, reading=True), seconds)
    try:
        _prove(book)
    except LedgerError:
        book.close()
        raise
    return book


def _prove(book: Book) -> None:
    """Look whether the schema is the one that this version reads."""
    try:
        with book.look() as connection:
            version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except LedgerError as error:
        if any(words in str(error) for words in _NO_TABLE):
            raise LedgerError(f"{book.place}: there is no ledger in it yet; `sluice run` makes it") from None
        raise
    if version == schema.HEAD:
        return
    if version is not None and str(version) > schema.HEAD:
        raise LedgerError(
            f"{book.place}: its schema is {version}, newer than {schema.HEAD} of this version; "
            "read it with the newer Sluice"
        )
    raise LedgerError(
        f"{book.place}: its schema is {version or 'empty'}, older than {schema.HEAD}; "
        "`sluice run` of this version brings it up to date"
    )
