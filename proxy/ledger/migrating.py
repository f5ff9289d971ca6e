"""Brings a database to the present schema, at start and in process.

Strategy: Alembic's steps, run on a connection of ours in one transaction, behind a lock: BEGIN IMMEDIATE of
SQLite, an advisory lock of PostgreSQL.  So of several proxies that start at once one does it, and the
others find it done.  A database that is at the newest schema already costs one query, and Alembic is not
even loaded.
The trap: a schema newer than ours means that a newer Sluice has the book; nothing is written then.
"""

import logging
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, inspect, text

from proxy.ledger import schema
from proxy.ledger.store import LedgerError, Place

_LOCK = 0x51_1CE_1ED6E4  # of PostgreSQL; any number that nobody else has
_VERSIONS = "alembic_version"


def migrate(engine: Engine, place: Place) -> None:
    """Make the tables, or bring them up to date.

    Raises: LedgerError for a schema newer than ours; else what SQLAlchemy raises.
    """
    with engine.connect() as connection, connection.begin():
        if _version(connection) == schema.HEAD:
            return
    with engine.connect() as connection, connection.begin():
        if not place.is_sqlite:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        version = _version(connection)
        if version == schema.HEAD:
            return
        _upgrade(connection, version, place)


def _version(connection: Connection) -> str | None:
    """Return the revision a database is at, None for an empty one."""
    if not inspect(connection).has_table(_VERSIONS):
        return None
    found = connection.execute(text(f"SELECT version_num FROM {_VERSIONS}")).scalar()
    return None if found is None else str(found)


def _upgrade(connection: Connection, version: str | None, place: Place) -> None:
    # It tells of every step and of each of its own parts; ours is one line (bookkeeper.py).
    logging.getLogger("alembic").setLevel(logging.WARNING)
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    if version is not None and version not in {step.revision for step in script.walk_revisions()}:
        raise LedgerError(
            f"{place}: its schema is {version}, which is newer than {schema.HEAD} of this version; "
            "run the newer Sluice, or name another ledger.url"
        )

    def steps(revision: Any, _context: Any) -> Any:
        return script._upgrade_revs(schema.HEAD, revision)

    with EnvironmentContext(config, script, fn=steps, destination_rev=schema.HEAD) as environment:
        environment.configure(connection=connection, transactional_ddl=True)
        environment.run_migrations()
