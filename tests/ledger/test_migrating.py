"""The schema, brought up to date at start: from nothing, by several at once, and not from a newer one."""

import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from proxy.ledger import schema
from proxy.ledger.migrating import migrate
from proxy.ledger.store import LedgerError, Place, make_engine, read_url


@pytest.fixture
def place(url: str) -> Place:
    """Where an empty database is."""
    return read_url(url)


@pytest.fixture
def engine(place: Place) -> Engine:
    """To it."""
    return make_engine(place)


def test_an_empty_database_gets_the_schema_as_the_code_has_it(engine: Engine, place: Place) -> None:
    migrate(engine, place)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == []
        assert context.get_current_revision() == schema.HEAD
    engine.dispose()


def test_again_changes_nothing(engine: Engine, place: Place) -> None:
    migrate(engine, place)
    with engine.begin() as connection:
        connection.execute(schema.dirty.insert().values(minute=60, touched=1))
    migrate(engine, place)
    with engine.connect() as connection:
        assert connection.execute(schema.dirty.select()).all() == [(60, 1)]
    engine.dispose()


def test_several_that_start_at_once_get_on(place: Place) -> None:
    faults = []
    barrier = threading.Barrier(4)

    def start() -> None:
        engine = make_engine(place)
        barrier.wait()
        try:
            migrate(engine, place)
        except Exception as error:
            faults.append(error)
        engine.dispose()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    engine = make_engine(place)
    assert set(schema.metadata.tables) <= set(inspect(engine).get_table_names())
    engine.dispose()


def test_a_newer_schema_is_left_alone(engine: Engine, place: Place) -> None:
    migrate(engine, place)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(LedgerError) as caught:
        migrate(engine, place)
    assert str(caught.value) == (
        f"{place}: its schema is 9999, which is newer than {schema.HEAD} of this version; "
        "run the newer Sluice, or name another ledger.url"
    )
    engine.dispose()


def test_a_step_that_fails_leaves_nothing_half_done(
    engine: Engine, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE horizons (mine INTEGER)"))  # in the way of the last table
    with pytest.raises(Exception, match="horizons"):
        migrate(engine, place)
    assert inspect(engine).get_table_names() == ["horizons"]
    engine.dispose()
