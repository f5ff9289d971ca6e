"""Closes the book: whether every share that a process counted has its row, and what became of all of them.

    received  = filtered by reason + kept + forwarded
    forwarded = accepted + rejected + lost

Strategy: rows have both sums by their nature, so they are held against what says more than they do: numbers
that a run gave out without a gap, and what its process counted itself, apart from any row.
The traps: what was retired is not missing, so nothing before the horizon is looked for; what a process that
runs has given out in the last moment is on its way; and of one that was killed nobody knows its last second.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, select

from proxy.ledger import gaps, schema
from proxy.ledger.batch import Counts
from proxy.ledger.book import Book
from proxy.ledger.gaps import Gap, Numbers
from proxy.ledger.schema import MICRO, runs, shares
from proxy.ledger.spans import shown
from proxy.model.share import FILTERED, FORWARDED, Reason

ALIVE_SECONDS = 30  # since a process was heard of last; it is heard of every ten
MOST_TOLD = 1000  # gaps in all
RUNNING, ENDED, DIED = "running", "ended", "died"

_KEPT, _ACCEPTED = Reason.KEPT.value, Reason.ACCEPTED.value
_FORWARDED = tuple(reason.value for reason in FORWARDED)


class Missing(msgspec.Struct, frozen=True):
    """Shares of one run that have no row; see gaps.Gap."""

    proxy: str
    process: int
    run: str
    first: int
    last: int
    count: int
    after: float
    before: float

    def __str__(self) -> str:
        """Say it in one line."""
        which = str(self.first) if self.count == 1 else f"{self.first} to {self.last}"
        of_whom = f"{self.proxy}/{self.process}" if self.process else self.proxy
        return f"{of_whom}, run {self.run}: {self.count} not written, number {which}, {self._when()}"

    def _when(self) -> str:
        if self.after and self.before:
            return f"between {shown(self.after)} and {shown(self.before)}"
        if self.after:
            return f"after {shown(self.after)}"
        return f"before {shown(self.before)}" if self.before else "at a time that no row tells"


class PoolAccount(msgspec.Struct):
    """What became of the shares that were sent to one pool; "none" has those that found none."""

    pool: str
    forwarded: int = 0
    accepted: int = 0
    rejected: int = 0
    lost: int = 0
    work: float = 0.0


class RunAccount(msgspec.Struct):
    """What one run has given out within the time.

    Args:
        state: RUNNING, ENDED in order, or DIED.
        rows: that are there.
        late: given out a moment ago by a process that runs, and on their way.
        unroomed: of all its missing rows those it had no room for in queue and spool.
        faults: where what it counted itself is not what it has written, a line each.
    """

    run: str
    proxy: str
    process: int
    state: str
    started_at: float
    seen_at: float
    rows: int = 0
    late: int = 0
    unroomed: int = 0
    missing: list[Missing] = []
    faults: list[str] = []


class Account(msgspec.Struct):
    """The book's account of a time.

    Args:
        since, until: seconds since 1970.
        shares: rows by verdict, all verdicts.
        work: their difficulty, likewise.
        missing: shares that were given out and have no row.
        late: those that are on their way.
        faults: whatever else does not fit together, a line each.
        notes: what is to be known and no fault, a line each.
    """

    since: float
    until: float
    shares: dict[str, int]
    work: dict[str, float]
    pools: list[PoolAccount]
    runs: list[RunAccount]
    missing: int = 0
    late: int = 0
    gaps: list[Missing] = []
    faults: list[str] = []
    notes: list[str] = []

    @property
    def holds(self) -> bool:
        """Whether every share is there."""
        return not self.missing and not self.faults

    @property
    def received(self) -> int:
        """Shares that miners sent, as far as their verdict stands."""
        return sum(self.shares.values())

    @property
    def filtered(self) -> dict[str, int]:
        """Those that were refused here, by reason."""
        return {reason.value: self.shares[reason.value] for reason in FILTERED if self.shares[reason.value]}

    @property
    def kept(self) -> int:
        """Those that no pool asked for."""
        return self.shares[_KEPT]

    @property
    def forwarded(self) -> int:
        """Those that were for a pool."""
        return sum(self.shares[reason] for reason in _FORWARDED)


def reconcile(book: Book, since: float, until: float, now: float, proxy: str = "") -> Account:
    """Make the account of a time.

    Args:
        since, until, now: seconds since 1970.
        proxy: of one proxy only; "" for all that write the book.
    Raises: LedgerError
    """
    with book.look() as connection:
        horizon = _horizon(connection)
        account = Account(max(since, horizon), min(until, now), _none(), dict.fromkeys(_none(), 0.0), [], [])
        if horizon > since > 0:
            account.notes.append(f"shares before {shown(horizon)} are retired; the sums begin there")
        pools: dict[str, PoolAccount] = {}
        for row in connection.execute(_runs_of(account, proxy)).all():
            _Reader(connection, account, pools, now, horizon).take(row)
    account.pools = [pools[name] for name in sorted(pools)]
    for each in account.runs:
        account.gaps += each.missing[: MOST_TOLD - len(account.gaps)]
        account.faults += each.faults
    return account


def _none() -> dict[str, int]:
    return {reason.value: 0 for reason in Reason}


def _horizon(connection: Connection) -> float:
    """Say since when all rows are kept."""
    found = select(schema.horizons.c.at).where(schema.horizons.c.name == shares.name)
    return float(connection.execute(found).scalar() or 0)


def _runs_of(account: Account, proxy: str) -> Any:
    within = (runs.c.seen_at >= account.since * MICRO, runs.c.started_at < account.until * MICRO)
    found = select(runs).where(*within).order_by(runs.c.started_at, runs.c.run)
    return found.where(runs.c.proxy == proxy) if proxy else found


class _Reader:
    """Adds run after run to an account."""

    def __init__(
        self,
        connection: Connection,
        account: Account,
        pools: dict[str, PoolAccount],
        now: float,
        horizon: float,
    ) -> None:
        self._connection = connection
        self._account = account
        self._pools = pools
        self._now = now
        self._horizon = horizon

    def take(self, row: Row[Any]) -> None:
        """Add a run."""
        state = ENDED if row.ended else DIED
        if not row.ended and self._now - row.seen_at / MICRO < ALIVE_SECONDS:
            state = RUNNING
        found = RunAccount(
            run=f"{row.run:016x}",
            proxy=row.proxy,
            process=row.process,
            state=state,
            started_at=row.started_at / MICRO,
            seen_at=row.seen_at / MICRO,
            unroomed=row.lost,
        )
        numbers, last_row = self._numbers(row)
        sums = self._sums(row.run, numbers)
        found.rows = sum(sums.values())
        self._look_for_missing(row, found, numbers, last_row)
        self._hold_against_counts(row, found, numbers, sums)
        self._account.runs.append(found)

    def _numbers(self, row: Row[Any]) -> tuple[Numbers, int]:
        """Return the numbers that the run gave out within the time, and the highest that has a row."""
        connection, run, account = self._connection, row.run, self._account
        last_row = gaps.highest(connection, run)
        highest = max(last_row, row.last_seq)
        first, last = 1, highest
        started = row.started_at / MICRO
        if started < account.since:
            first = gaps.first_from(connection, run, account.since, highest)
        if started < self._horizon:
            # What was before the first row that is left has been retired.
            first = max(first, gaps.lowest(connection, run) or highest + 1)
        if row.seen_at / MICRO >= account.until:
            last = gaps.first_from(connection, run, account.until, highest) - 1
        return Numbers(first, last), last_row

    def _sums(self, run: int, numbers: Numbers) -> Counter[tuple[str, str]]:
        """Add rows up by pool and verdict, to the account as well."""
        statement = (
            select(shares.c.pool, shares.c.reason, func.count(), func.sum(shares.c.difficulty))
            .where(shares.c.run == run, shares.c.seq >= numbers.first, shares.c.seq <= numbers.last)
            .group_by(shares.c.pool, shares.c.reason)
        )
        found: Counter[tuple[str, str]] = Counter()
        account = self._account
        for pool, reason, count, work in self._connection.execute(statement):
            found[pool, reason] += int(count)
            account.shares[reason] = account.shares.get(reason, 0) + int(count)
            account.work[reason] = account.work.get(reason, 0.0) + float(work)
            if reason in _FORWARDED:
                sums = self._pools.setdefault(pool, PoolAccount(pool))
                sums.forwarded += int(count)
                setattr(sums, reason, getattr(sums, reason) + int(count))
                sums.work += float(work) if reason == _ACCEPTED else 0.0
        return found

    def _look_for_missing(self, row: Row[Any], found: RunAccount, numbers: Numbers, last_row: int) -> None:
        if found.state == RUNNING and numbers.last > last_row:
            found.late = numbers.last - max(last_row, numbers.first - 1)
            self._account.late += found.late
            numbers = Numbers(numbers.first, last_row)
        missing = numbers.size - found.rows
        if missing > 0:
            self._account.missing += missing
            found.missing = [
                self._missing(found, gap) for gap in gaps.find(self._connection, row.run, numbers)
            ]
            if found.unroomed:
                self._account.notes.append(
                    f"{found.proxy}, run {found.run}: queue and spool had no room for {found.unroomed} shares"
                )
        if found.state == DIED and self._account.since <= found.seen_at < self._account.until:
            self._account.notes.append(
                f"{found.proxy}, run {found.run} ended without a word at {shown(found.seen_at)}: "
                "what it judged in its last second may have no row"
            )

    def _missing(self, found: RunAccount, gap: Gap) -> Missing:
        return Missing(
            found.proxy, found.process, found.run, gap.first, gap.last, gap.size, gap.after, gap.before
        )

    def _hold_against_counts(
        self, row: Row[Any], found: RunAccount, numbers: Numbers, sums: Counter[tuple[str, str]]
    ) -> None:
        """Hold what the process counted itself against its own sums, and its rows where all are here."""
        counts = read_counts(row.counters)
        if not counts.seq:
            return
        name = f"{found.proxy}, run {found.run}"
        found.faults += [f"{name}: {fault}" for fault in unbalanced(counts)]
        if numbers.first != 1 or numbers.last - found.late < counts.seq:
            return
        rows = Counter(sums)
        if numbers.last > counts.seq:
            rows -= self._rows_after(row.run, counts.seq, numbers.last)
        by_reason: Counter[str] = Counter()
        for (_, reason), count in rows.items():
            by_reason[reason] += count
        short = {
            reason: count - by_reason[reason]
            for reason, count in counts.shares.items()
            if count != by_reason[reason]
        }
        if not short:
            return
        told = ", ".join(f"{reason} {difference:+d}" for reason, difference in sorted(short.items()))
        if all(difference > 0 for difference in short.values()) and found.missing:
            self._account.notes.append(f"{name}: what is missing, by verdict: {told.replace('+', '')}")
        else:
            found.faults.append(f"{name}: counted otherwise than written: {told}")

    def _rows_after(self, run: int, seq: int, last: int) -> Counter[tuple[str, str]]:
        statement = (
            select(shares.c.pool, shares.c.reason, func.count())
            .where(shares.c.run == run, shares.c.seq > seq, shares.c.seq <= last)
            .group_by(shares.c.pool, shares.c.reason)
        )
        return Counter({(pool, reason): int(n) for pool, reason, n in self._connection.execute(statement)})


def read_counts(text: str) -> Counts:
    """Read what a process counted; of what cannot be read there is nothing to hold against."""
    try:
        return msgspec.json.decode(text, type=Counts)
    except msgspec.DecodeError:
        return Counts()


def unbalanced(counts: Counts) -> list[str]:
    """Tell which sums of a process's own counts do not hold."""
    ended = sum(counts.shares.values())
    to_pools = sum(counts.shares.get(reason, 0) for reason in _FORWARDED)
    faults = []
    if counts.received != ended + counts.in_flight:
        faults.append(f"{counts.received} received, but {ended} ended and {counts.in_flight} are under way")
    if sum(counts.forwarded.values()) != to_pools + counts.in_flight:
        faults.append(
            f"{sum(counts.forwarded.values())} forwarded, but {to_pools} have the pool's verdict "
            f"and {counts.in_flight} are under way"
        )
    if ended != counts.seq:
        faults.append(f"{ended} verdicts, but {counts.seq} rows given out")
    return faults


def verdicts(found: Mapping[str, int]) -> str:
    """Say counts by verdict in a line."""
    return ", ".join(f"{count} {reason}" for reason, count in found.items()) or "none"
