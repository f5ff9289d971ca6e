"""From the queue to where rows last, whatever database and disk do; a step at a time, without threads."""

from collections.abc import Sequence
from pathlib import Path

import attrs
import msgspec
import pytest
from structlog.testing import capture_logs

from proxy.ledger.batch import MOST_ROWS, Batch, Counts, unpack
from proxy.ledger.recorder import LedgerRecorder
from proxy.ledger.spool import MEGABYTE, Spool
from proxy.ledger.writer import COMPLAINT_SECONDS, STATE_SECONDS, STUCK_SECONDS, Writer
from proxy.model.share import Reason
from tests.ledger.ends import NOON, Desk, ended, run_row


@attrs.define
class FakeLane:
    """A database that takes batches, is down, or does not answer.

    Args:
        takes: whether it does.
        batches: that it has.
    """

    takes: bool = True
    fault: str = ""
    spoilt: int = 0
    since: float | None = None
    batches: list[Batch] = attrs.Factory(list)
    has_ended: bool = False

    def start(self) -> None:
        """Begin."""

    def write(self, batches: Sequence[Batch], seconds: float) -> bool:
        """Take batches, or not."""
        assert 0 < seconds < 1
        if self.takes:
            self.batches += batches
        return self.takes

    def end(self, seconds: float) -> bool:
        """End."""
        self.has_ended = True
        return True

    @property
    def numbers(self) -> list[int]:
        """Of the shares that it has, in the order they came in."""
        return [row[1] for batch in self.batches for row in batch.rows]


class Bench:
    """A writer with all that is around it."""

    def __init__(self, directory: Path, most: int = 100_000, spool_bytes: int = MEGABYTE) -> None:
        self.now = 0.0
        self.desk = Desk()
        self.recorder = LedgerRecorder(most)
        self.spool = Spool(directory, 1, spool_bytes)
        self.lane = FakeLane()
        self.writer = Writer(
            run_row(),
            self.recorder,
            self.spool,
            self.lane,  # type: ignore[arg-type]
            self.counts,
            lambda: NOON,
            lambda: self.now,
            lambda: NOON + self.now,
        )

    def counts(self) -> Counts:
        """What the process has counted."""
        return self.desk.counts()

    def shares(self, count: int, reason: Reason = Reason.ACCEPTED) -> None:
        """So many shares end."""
        for _ in range(count):
            self.recorder.record(self.desk.count(ended(self.now, reason=reason)))

    def spooled(self) -> list[Batch]:
        """What waits on disk; it is taken away."""
        found = []
        while (record := self.spool.first()) is not None:
            found.append(unpack(record))
            self.spool.done()
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A bench."""
    return Bench(tmp_path)


def numbers(batches: Sequence[Batch]) -> list[int]:
    """Of the shares in batches."""
    return [row[1] for batch in batches for row in batch.rows]


# ---- all is well


def test_shares_go_straight_into_the_database(bench: Bench) -> None:
    bench.shares(5)
    bench.writer.tick()
    assert bench.lane.numbers == [1, 2, 3, 4, 5]
    assert (bench.writer.pending, bench.spool.rows) == (0, 0)


def test_many_go_in_batches_of_one_call(bench: Bench) -> None:
    bench.shares(2 * MOST_ROWS + 1)
    bench.writer.tick()
    assert [len(batch.rows) for batch in bench.lane.batches] == [MOST_ROWS, MOST_ROWS, 1]


def test_with_the_last_batch_goes_how_the_run_stands(bench: Bench) -> None:
    bench.shares(3)
    bench.shares(2, Reason.STALE)
    bench.now = 1.5
    bench.writer.tick()
    (batch,) = bench.lane.batches
    run = batch.run
    assert (run.last_seq, run.lost, run.seen_at, run.ended) == (5, 0, (NOON + 1) * 10**6 + 500_000, False)
    counts = msgspec.json.decode(run.counters, type=Counts)
    assert counts == Counts(5, {"accepted": 3, "stale": 2}, {"main": 3}, 0, 5)


def test_how_the_run_stands_is_never_ahead_of_its_rows(bench: Bench) -> None:
    """What was counted after the queue was looked at belongs to the next batch."""
    bench.shares(2 * MOST_ROWS)
    bench.writer.tick()
    assert [batch.run.last_seq for batch in bench.lane.batches] == [0, 2 * MOST_ROWS]
    bench.shares(20 * MOST_ROWS)
    bench.writer.tick()
    assert bench.lane.batches[-1].run.last_seq == 2 * MOST_ROWS
    bench.writer.tick()
    bench.writer.tick()
    assert bench.lane.batches[-1].run.last_seq == 22 * MOST_ROWS == len(set(bench.lane.numbers))


def test_a_share_between_two_books_is_waited_for(bench: Bench) -> None:
    """The tally has it, the recorder has not yet: read then, the two would differ for ever."""
    looks = 0

    def counts() -> Counts:
        nonlocal looks
        looks += 1
        if looks == 3:
            bench.recorder.record(half)
        return bench.desk.counts()

    bench.shares(4)
    half = bench.desk.count(ended())
    bench.counts = counts  # type: ignore[method-assign]
    bench.writer._counts = counts
    bench.writer.tick()
    run = bench.lane.batches[-1].run
    assert (looks, run.last_seq) == (4, 5)
    assert msgspec.json.decode(run.counters, type=Counts).seq == 5


def test_while_no_share_comes_it_says_now_and_then_that_it_lives(bench: Bench) -> None:
    for _ in range(int(5 * 3 * STATE_SECONDS)):
        bench.now += 0.2
        bench.writer.tick()
    assert len(bench.lane.batches) == 3
    assert bench.lane.numbers == []


# ---- the database is away


def test_shares_wait_on_disk_in_their_order(bench: Bench) -> None:
    bench.lane.takes = False
    bench.shares(3)
    bench.writer.tick()
    bench.lane.takes = True
    bench.shares(2)
    bench.writer.tick()  # behind those that wait, not before them
    assert bench.lane.batches == []
    assert bench.writer.pending == 5
    assert numbers(bench.spooled()) == [1, 2, 3, 4, 5]
    bench.shares(1)
    bench.writer.tick()
    assert bench.lane.numbers == [6]


def test_how_the_run_stands_waits_with_its_rows(bench: Bench) -> None:
    bench.lane.takes = False
    bench.shares(3)
    bench.writer.tick()
    (batch,) = bench.spooled()
    assert (batch.run.last_seq, len(batch.sources)) == (3, 1)


def test_it_is_said_once_and_once_more_when_it_is_well(bench: Bench) -> None:
    with capture_logs() as logs:
        for fault in ("", "gone", "gone", "away", "", ""):
            bench.lane.fault = fault
            bench.writer.tick()
    assert [(line["log_level"], line["event"]) for line in logs] == [
        ("error", "ledger down"),
        ("info", "ledger well again"),
    ]
    assert logs[0]["fault"] == "gone"


def test_a_call_that_does_not_come_back_is_a_fault(bench: Bench) -> None:
    bench.lane.since = 0.0
    bench.now = STUCK_SECONDS
    assert bench.writer.fault == ""
    bench.now += 0.1
    assert bench.writer.fault == "no answer for more than 5 s"


# ---- the disk is full, too


def test_what_has_no_place_is_held_then_queued_then_counted_as_lost(tmp_path: Path) -> None:
    bench = Bench(tmp_path, most=3000, spool_bytes=100)
    bench.lane.takes = False
    with capture_logs() as logs:
        for _ in range(20):
            bench.shares(1000)
            bench.writer.tick()
    assert [line["event"] for line in logs] == ["ledger has no room on disk", "shares not written down"]
    assert "see ledger.spool_megabytes" in logs[0]["fault"]
    assert bench.writer.lost == 20_000 - bench.writer.pending
    assert bench.writer.lost > 0
    bench.lane.takes = True
    while bench.writer.pending:
        bench.writer.tick()
    run = bench.lane.batches[-1].run
    assert run.last_seq == 20_000
    assert run.lost == 20_000 - len(bench.lane.numbers)
    assert len(set(bench.lane.numbers)) == len(bench.lane.numbers)


def test_losses_are_told_of_once_a_minute(tmp_path: Path) -> None:
    bench = Bench(tmp_path, most=0)
    with capture_logs() as logs:
        for _ in range(10):
            bench.shares(1)
            bench.now += COMPLAINT_SECONDS / 4
            bench.writer.tick()
    assert [line["lost"] for line in logs] == [1, 5, 9]


def test_rows_that_the_database_does_not_take_are_lost_too(bench: Bench) -> None:
    bench.lane.spoilt = 2
    bench.shares(1)
    bench.writer.tick()
    assert bench.writer.lost == bench.lane.batches[-1].run.lost == 2


def test_room_on_disk_comes_back(tmp_path: Path) -> None:
    bench = Bench(tmp_path, spool_bytes=3000)
    bench.lane.takes = False
    with capture_logs() as logs:
        while bench.spool.bytes < 2000:
            bench.shares(10)
            bench.writer.tick()
        bench.shares(1000)
        bench.writer.tick()
        bench.spooled()
        bench.writer.tick()
    assert [line["event"] for line in logs] == ["ledger has no room on disk", "ledger has room on disk again"]


# ---- the end


def test_at_the_end_every_row_is_in_the_database_and_the_run_is_over(bench: Bench) -> None:
    bench.shares(2500)
    bench.writer.finish()
    assert bench.lane.numbers == list(range(1, 2501))
    run = bench.lane.batches[-1].run
    assert (run.last_seq, run.ended) == (2500, True)
    assert bench.lane.has_ended


def test_at_the_end_what_the_database_does_not_take_is_on_disk(bench: Bench, tmp_path: Path) -> None:
    bench.lane.takes, bench.lane.fault = False, "gone"
    bench.shares(2500)
    bench.writer.finish()
    after = Spool(tmp_path, 2, MEGABYTE)
    assert after.adopt() == 2500
    batches = []
    while (record := after.first()) is not None:
        batches.append(unpack(record))
        after.done()
    assert numbers(batches) == list(range(1, 2501))
    assert (batches[-1].run.last_seq, batches[-1].run.ended) == (2500, True)
