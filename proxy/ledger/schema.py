"""The tables of the ledger, as the newest schema has them; what led to them is in migrations/.

    runs       a process from its start to its end; how many rows it gave out, and what it counted itself
    sources    who sends shares: worker, address, listener, dialect
    shares     one row a share
    blocks     the few shares that are blocks, kept for ever
    minutes    shares of a worker by pool and verdict, added up, and hours likewise
    dirty      minutes whose sums are to be made anew
    horizons   since when each of the tables is complete: what is older has been retired
    shipped    how far each run's rows have been published, where they are

Strategy: a row's id is (run, seq): run is a random number of the process, seq counts 1, 2, 3 … in it without
a gap, so a row that is written twice is there once, and one that is missing is known to be.  A source's id is
a hash of what it says, so that every proxy gives it the same without asking.  Sums are made anew for a whole
minute from its rows, so that making them twice does no harm; an hour is changed with each of its minutes by
as much as that, so it is their sum at any time.
The trap: times are whole microseconds since 1970 in `at`, `received_at`, `seen_at`, and whole seconds in
`minute` and `hour`; SQLite has no other type that sorts.
"""

from hashlib import blake2b

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
)

HEAD = "0001"  # the newest of migrations/versions
MICRO = 1_000_000
MINUTE, HOUR, DAY = 60, 3600, 86_400

metadata = MetaData()

# SQLite has rows by number only where the type is called INTEGER; it holds 64 bits there, too.
_Id = BigInteger().with_variant(Integer(), "sqlite")

runs = Table(
    "runs",
    metadata,
    Column("run", _Id, primary_key=True, autoincrement=False),  # 63 random bits
    Column("proxy", Text, nullable=False),  # [ledger] proxy of it
    Column("process", Integer, nullable=False),  # 0, or the number of the worker process
    Column("version", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),  # of what follows
    Column("last_seq", BigInteger, nullable=False),  # the highest it gave out by then
    Column("lost", BigInteger, nullable=False),  # rows it had no room for, of those up to last_seq
    Column("counters", Text, nullable=False),  # JSON: see batch.Counts
    Column("ended", Boolean, nullable=False),  # in order, with every row written
)

sources = Table(
    "sources",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=False),  # source_id() of the rest
    Column("worker", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("listener", Text, nullable=False),
    Column("dialect", Text, nullable=False),
    Index("sources_worker", "worker"),
)

shares = Table(
    "shares",
    metadata,
    Column("run", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),  # when its verdict stood
    Column("received_at", BigInteger, nullable=False),  # when it was handed to the pool, else `at`
    Column("source", BigInteger, nullable=False),
    Column("pool", Text, nullable=False),  # "" not forwarded, "none" no pool was up
    Column("job", Text, nullable=False),
    Column("reason", Text, nullable=False),  # a value of model.share.Reason
    Column("message", Text),  # the pool's own, or what is wrong
    Column("difficulty", Double, nullable=False),  # asked; 0 if the work is not known
    Column("reached", Double),  # NULL if its value was not looked at
    Column("roundtrip_us", BigInteger),  # NULL without a verdict of the pool
    Column("block", Boolean, nullable=False),  # its value is under the network's target
    Index("shares_at", "at"),
    Index("shares_source_at", "source", "at"),
    sqlite_with_rowid=False,
)

blocks = Table(
    "blocks",
    metadata,
    Column("run", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("source", BigInteger, nullable=False),
    Column("pool", Text, nullable=False),
    Column("job", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("difficulty", Double, nullable=False),
    Column("reached", Double),
    Index("blocks_at", "at"),
    sqlite_with_rowid=False,
)


def _sums(name: str, unit: str) -> Table:
    return Table(
        name,
        metadata,
        Column(unit, BigInteger, primary_key=True, autoincrement=False),  # its first second, since 1970
        Column("proxy", Text, primary_key=True),
        Column("worker", Text, primary_key=True),
        Column("pool", Text, primary_key=True),
        Column("reason", Text, primary_key=True),
        Column("count", BigInteger, nullable=False),
        Column("work", Double, nullable=False),  # difficulty, summed
        Index(f"{name}_worker", "worker", unit),
        sqlite_with_rowid=False,
    )


minutes = _sums("minutes", "minute")
hours = _sums("hours", "hour")

dirty = Table(
    "dirty",
    metadata,
    Column("minute", _Id, primary_key=True, autoincrement=False),
    Column("touched", BigInteger, nullable=False),  # another number after every batch of it
)

horizons = Table(
    "horizons",
    metadata,
    Column("name", Text, primary_key=True),  # shares, minutes or hours
    Column("at", BigInteger, nullable=False),  # seconds since 1970; what is older is gone
)

shipped = Table(
    "shipped",
    metadata,
    Column("run", _Id, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),  # all rows up to it
)


def source_id(worker: str, address: str, listener: str, dialect: str) -> int:
    """Return the id of a source: 63 bits of a hash over its fields."""
    text = "\0".join((worker, address, listener, dialect))
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def share_id(run: int, seq: int) -> str:
    """Return a share's id as it is shown outside."""
    return f"{run:016x}-{seq}"
