"""The database of the ledger: its address, its connections, and what went wrong with it in one line.

Strategy: one engine for those who write and one for those who read, made by the same rules.  SQLite needs
no set-up: WAL, so that readers do not hold up the writer, and synchronous=FULL, so that what is committed
survives a power cut.  PostgreSQL is spoken to by psycopg 3; every wait on it has an end.
The traps: Python's sqlite3 begins transactions when it likes, so that is switched off, and a writer begins
with BEGIN IMMEDIATE, or two that read first would lock each other out; and a file of SQLite that is deleted
goes on taking rows that nobody will ever see.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from proxy.errors import ConfigError, SluiceError

BUSY_SECONDS = 2  # that SQLite waits for another writer; theirs last milliseconds
CONNECT_SECONDS = 3  # for a connection to PostgreSQL
STATEMENT_SECONDS = 60  # for one statement of it; the longest adds up an hour
SILENT_SECONDS = 10  # that a peer may leave our bytes unacknowledged
WAL_PAGES = 16_000  # of 4 KiB, until the WAL goes into the file: fewer times, so that pages go there once
WAL_BYTES = 67_108_864  # that the WAL may keep of its file
CACHE_KIB = 16_384

SQLITE, POSTGRESQL = "sqlite", "postgresql"


class LedgerError(SluiceError):
    """The ledger's database cannot be used; the text is one line: what is wrong and what to do."""


@attrs.frozen
class Place:
    """Where the ledger is.

    Args:
        url: as SQLAlchemy has it.
    """

    url: URL = attrs.field(repr=False)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file."""
        return self.url.get_backend_name() == SQLITE

    @property
    def file(self) -> str:
        """Path of the SQLite file; "" for another database."""
        return str(self.url.database) if self.is_sqlite else ""

    def __str__(self) -> str:
        """Say it without the password."""
        return f"sqlite:///{self.file}" if self.is_sqlite else self.url.render_as_string()


def read_url(text: str) -> Place:
    """Read `ledger.url`.

    Raises: ConfigError if it is no URL, or names what is not installed.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ConfigError('ledger.url: this is none; use "sqlite:///FILE" or "postgresql://…"') from None
    if url.get_backend_name() == SQLITE:
        if not url.database or url.database == ":memory:" or url.host:
            raise ConfigError('ledger.url: names no file; use "sqlite:///FILE" or "sqlite:////absolute/FILE"')
        return Place(url)
    if not url.database:
        raise ConfigError('ledger.url: names no database; use "postgresql://user@host/database"')
    url = url.set(drivername="postgresql+psycopg")
    try:
        url.get_dialect().import_dbapi()
    except (ImportError, NoSuchModuleError):
        raise ConfigError(
            "ledger.url: PostgreSQL needs psycopg; install it with pip install 'sluice[postgres]'"
        ) from None
    return Place(url)


def make_engine(place: Place, reading: bool = False) -> Engine:
    """Make an engine; nothing is connected yet.

    Args:
        reading: it is only read from, and waits for no writer.
    """
    arguments: dict[str, Any]
    if place.is_sqlite:
        arguments = {"timeout": BUSY_SECONDS, "check_same_thread": False, "cached_statements": 64}
    else:
        settings = {"statement_timeout": STATEMENT_SECONDS * 1000, "lock_timeout": BUSY_SECONDS * 1000}
        if reading:
            settings["default_transaction_read_only"] = 1
        arguments = {
            "connect_timeout": CONNECT_SECONDS,
            "tcp_user_timeout": SILENT_SECONDS * 1000,
            "application_name": "sluice",
            "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
            "prepare_threshold": None,  # poolers between us and the server lose prepared statements
        }
    # What a URL asks for itself comes first.
    arguments = {name: value for name, value in arguments.items() if name not in place.url.query}
    pooling: dict[str, Any] = (
        {"poolclass": NullPool} if reading else {"pool_size": 1, "max_overflow": 2, "pool_timeout": 10}
    )
    engine = create_engine(place.url, connect_args=arguments, **pooling)
    if place.is_sqlite:
        _make_sqlite_behave(engine, reading)
    return engine


def _make_sqlite_behave(engine: Engine, reading: bool) -> None:
    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        if reading:
            cursor.execute("PRAGMA query_only = 1")
            return
        cursor.execute("PRAGMA auto_vacuum = INCREMENTAL")  # has an effect on a new file only
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
        cursor.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
        cursor.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


@contextmanager
def faults(place: Place) -> Iterator[None]:
    """Turn what SQLAlchemy and drivers raise into one line.

    Raises: LedgerError
    """
    try:
        yield
    except DBAPIError as error:
        raise LedgerError(f"{place}: {said(error.orig or error)}") from error
    except (SQLAlchemyError, OSError) as error:
        raise LedgerError(f"{place}: {said(error)}") from error


def said(error: BaseException) -> str:
    """Return the first line of what a driver says, the way to mend it behind where we know one."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0][:300] if lines else type(error).__name__
    for words, help_ in _HELP.items():
        if words in text:
            return f"{text}; {help_}"
    return text


_HELP = {
    "not a database": "move the file away, and a new one is begun",
    "malformed": "move the file away, and a new one is begun",
    "unable to open": "its directory must be there and be ours to write",
    "readonly": "the file and its directory must be ours to write",
    "is full": "make room on its disk",
}


def identity(file: str) -> tuple[int, int] | None:
    """Return what tells a file from another of its name; None if it is not there."""
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_dev, found.st_ino
