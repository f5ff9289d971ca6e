"""The first schema: a row a share, and their sums."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make all tables."""
    op.create_table(
        "runs",
        sa.Column("run", _ID, primary_key=True, autoincrement=False),
        sa.Column("proxy", sa.Text, nullable=False),
        sa.Column("process", sa.Integer, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("last_seq", sa.BigInteger, nullable=False),
        sa.Column("lost", sa.BigInteger, nullable=False),
        sa.Column("counters", sa.Text, nullable=False),
        sa.Column("ended", sa.Boolean, nullable=False),
    )
    op.create_table(
        "sources",
        sa.Column("id", _ID, primary_key=True, autoincrement=False),
        sa.Column("worker", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("listener", sa.Text, nullable=False),
        sa.Column("dialect", sa.Text, nullable=False),
    )
    op.create_index("sources_worker", "sources", ["worker"])
    _shares()
    _blocks()
    _sums("minutes", "minute")
    _sums("hours", "hour")
    op.create_table(
        "dirty",
        sa.Column("minute", _ID, primary_key=True, autoincrement=False),
        sa.Column("touched", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "horizons",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "shipped",
        sa.Column("run", _ID, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
    )


def _shares() -> None:
    op.create_table(
        "shares",
        sa.Column("run", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("source", sa.BigInteger, nullable=False),
        sa.Column("pool", sa.Text, nullable=False),
        sa.Column("job", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("message", sa.Text),
        sa.Column("difficulty", sa.Double, nullable=False),
        sa.Column("reached", sa.Double),
        sa.Column("roundtrip_us", sa.BigInteger),
        sa.Column("block", sa.Boolean, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("shares_at", "shares", ["at"])
    op.create_index("shares_source_at", "shares", ["source", "at"])


def _blocks() -> None:
    op.create_table(
        "blocks",
        sa.Column("run", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("source", sa.BigInteger, nullable=False),
        sa.Column("pool", sa.Text, nullable=False),
        sa.Column("job", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("difficulty", sa.Double, nullable=False),
        sa.Column("reached", sa.Double),
        sqlite_with_rowid=False,
    )
    op.create_index("blocks_at", "blocks", ["at"])


def _sums(name: str, unit: str) -> None:
    op.create_table(
        name,
        sa.Column(unit, sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("proxy", sa.Text, primary_key=True),
        sa.Column("worker", sa.Text, primary_key=True),
        sa.Column("pool", sa.Text, primary_key=True),
        sa.Column("reason", sa.Text, primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("work", sa.Double, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index(f"{name}_worker", name, ["worker", unit])
