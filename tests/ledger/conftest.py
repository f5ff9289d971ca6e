"""Databases to keep books in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit import postgres as kit


@pytest.fixture(scope="session")
def postgres() -> Iterator[kit.Postgres]:
    """A PostgreSQL server; the test is skipped where there is none."""
    with kit.running() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty place for a ledger, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/sluice.db"
    server: kit.Postgres = request.getfixturevalue("postgres")
    return server.new_database()
