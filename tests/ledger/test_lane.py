"""The thread that speaks to the database: faults, pauses, and the spool worked off."""

from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest

from proxy.ledger.batch import Batch, pack
from proxy.ledger.database import RowError
from proxy.ledger.lane import FIRST_PAUSE, LAST_PAUSE, Lane, _Job
from proxy.ledger.spool import MEGABYTE, Spool
from proxy.ledger.store import LedgerError
from tests.ledger.ends import batch_of, ended


@attrs.define
class Target:
    """A database that takes what it is told to, and remembers each row."""

    fault: str = ""
    bad: set[int] = attrs.Factory(set)
    rows: set[tuple[int, int]] = attrs.Factory(set)
    calls: int = 0
    closed: bool = False

    def write(self, batches: Sequence[Batch]) -> int:
        """Write batches."""
        self.calls += 1
        if self.fault:
            raise LedgerError(self.fault)
        ids = [row[:2] for batch in batches for row in batch.rows]
        if self.bad & {seq for _, seq in ids}:
            raise RowError("a row is bad")
        before = len(self.rows)
        self.rows.update(ids)
        return len(self.rows) - before

    def close(self) -> None:
        """Be let go of."""
        self.closed = True


class Bench:
    """A lane without its thread, at a time of the test's."""

    def __init__(self, directory: Path) -> None:
        self.now = 0.0
        self.target = Target()
        self.spool = Spool(directory, 1, 64 * MEGABYTE)
        self.lane = Lane(self.target, self.spool, lambda: self.now)

    def writes(self, *batches: Batch) -> bool:
        """Hand it batches; whether they are in."""
        job = _Job(batches)
        self.lane.work(job)
        return job.is_written

    def spools(self, batch: Batch) -> None:
        """Let a batch wait on disk."""
        self.spool.append(pack(batch), len(batch.rows))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A bench."""
    return Bench(tmp_path)


def some(count: int = 4, first: int = 1) -> Batch:
    """A batch."""
    return batch_of([ended(n) for n in range(count)], first=first)


def test_what_is_new_is_counted_once(bench: Bench) -> None:
    assert bench.writes(some(), some(4, first=3))
    assert bench.writes(some())
    assert bench.lane.written == 6


def test_a_fault_is_told_and_the_next_batch_that_is_taken_ends_it(bench: Bench) -> None:
    bench.target.fault = "it is away"
    assert not bench.writes(some())
    assert bench.lane.fault == "it is away"
    bench.target.fault = ""
    assert bench.writes(some())
    assert bench.lane.fault == ""


def test_after_a_fault_it_is_left_alone_longer_each_time(bench: Bench) -> None:
    bench.target.fault = "it is away"
    bench.spools(some())
    pauses = []
    for _ in range(8):
        bench.lane.catch_up(1.0)
        before = bench.now
        calls = bench.target.calls
        while bench.target.calls == calls:
            bench.now += 0.25
            bench.lane.catch_up(1.0)
        pauses.append(bench.now - before)
        bench.now -= 0.25
    assert pauses[0] <= 2 * FIRST_PAUSE
    assert max(pauses) <= LAST_PAUSE + 0.25


def test_while_it_is_left_alone_nobody_waits(bench: Bench) -> None:
    bench.target.fault = "it is away"
    bench.writes(some())
    assert not bench.lane.write([some()], seconds=1e9)
    assert bench.target.calls == 1


def test_the_spool_is_worked_off_in_order_and_each_row_is_there_once(bench: Bench) -> None:
    for first in (1, 5, 9):
        bench.spools(some(4, first))
    bench.spools(some(4, 9))  # written twice, as after a kill
    bench.lane.catch_up(1.0)
    assert bench.lane.written == len(bench.target.rows) == 12
    assert bench.spool.rows == 0


def test_what_the_database_refuses_stays_in_the_spool(bench: Bench) -> None:
    bench.spools(some())
    bench.target.fault = "it is away"
    bench.lane.catch_up(1.0)
    assert bench.spool.rows == 4
    bench.target.fault = ""
    bench.now += LAST_PAUSE
    bench.lane.catch_up(1.0)
    assert (bench.spool.rows, bench.lane.written, bench.lane.fault) == (0, 4, "")


def test_one_bad_row_does_not_hold_up_the_others(bench: Bench) -> None:
    bench.target.bad = {3, 7}
    assert bench.writes(some(5), some(5, first=6))
    assert {seq for _, seq in bench.target.rows} == {1, 2, 4, 5, 6, 8, 9, 10}
    assert (bench.lane.written, bench.lane.spoilt, bench.lane.fault) == (8, 2, "")


def test_a_defect_is_a_fault_and_not_the_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(_: object) -> int:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(bench.lane, "_target", type("T", (), {"write": staticmethod(breaks)}))
    assert not bench.writes(some())
    assert bench.lane.fault == "ZeroDivisionError: oh"


def test_what_earlier_runs_left_is_written_without_being_asked_for(tmp_path: Path) -> None:
    earlier = Spool(tmp_path, 2, MEGABYTE)
    earlier.append(pack(some(9)), 9)
    earlier.close()
    bench = Bench(tmp_path)
    bench.lane.catch_up(1.0)
    assert bench.lane.written == 9


def test_the_thread_writes_what_it_is_handed_and_ends(tmp_path: Path) -> None:
    target = Target()
    lane = Lane(target, Spool(tmp_path, 1, MEGABYTE))
    lane.start()
    assert lane.write([some()], seconds=60)
    assert lane.end(seconds=60)
    assert target.closed
    assert len(target.rows) == 4
