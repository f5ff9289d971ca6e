"""What the log is told of miners that go; the line of each minute is looked at in tests/test_app.py."""

from collections import Counter

import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from proxy.core.conduct import Step
from proxy.core.penalties import Miner
from proxy.core.workerbook import WorkerBook
from proxy.downstream.warden import News
from proxy.lifecycle.news import (
    FORGET_SECONDS,
    LISTENER_REMOVED,
    TAKEOVER,
    Farewells,
    Finds,
    Penalised,
    forget_workers,
)
from proxy.model.ended import Ended
from proxy.model.share import Reason
from tests.kit.miners import Dialogue, FakeHouse


@pytest.mark.parametrize("reason", ["closed", "shutdown", TAKEOVER, LISTENER_REMOVED])
def test_ordinary_ends_are_for_who_looks_closely(reason: str) -> None:
    miner = Dialogue(FakeHouse())
    miner.session.close(reason)
    with capture_logs() as said:
        Farewells()(miner.session, miner.now)
    assert [line["log_level"] for line in said] == ["debug"]


def test_others_are_said_once_and_then_counted() -> None:
    farewells, miner = Farewells(), Dialogue(FakeHouse())
    miner.session.close("idle", "no share for 600 s")
    with capture_logs() as said:
        for _ in range(3):
            farewells(miner.session, miner.now)
    assert [(line["event"], line["reason"], line["why"]) for line in said] == [
        ("miner dropped", "idle", "no share for 600 s")
    ]


def test_a_step_is_said_once_a_minute_for_an_address_and_then_counted() -> None:
    penalised = Penalised()
    news = [
        News(
            Step.WARN, Miner("farm", f"rig{number}", "192.0.2.1"), 0.0, 0, 20, 5, Counter(invalid_solution=5)
        )
        for number in range(3)
    ]
    with capture_logs() as said:
        for one in news:
            penalised(one, 10.0)
        penalised(news[0], 71.0)
        penalised(News(Step.BAN, "192.0.2.1", 60.0, 1, 0, 0, Counter()), 71.0)
    assert [(line["event"], line.get("worker"), line.get("repeated", 0)) for line in said] == [
        ("bad shares", "rig0", 0),
        ("bad shares", "rig0", 2),
        ("address banned", None, 0),
    ]
    assert said[0]["latest"] == "5 invalid_solution"
    assert (said[2]["seconds"], said[2]["latest"]) == (60, "flood")


def a_block(reason: Reason, job: str = "1", message: str = "", at: float = 1000.0) -> Ended:
    """A share that met the network's target."""
    value = (2**256 // 5000).to_bytes(32, "big")
    return Ended(
        at,
        at,
        "rig1",
        "192.0.2.1",
        "farm",
        "aion",
        "main",
        job,
        reason,
        message,
        4.0,
        value,
        0.01,
        block=True,
    )


def test_a_block_is_said_and_told_of() -> None:
    told: list[Ended] = []
    with capture_logs() as said:
        Finds(told.append)(a_block(Reason.ACCEPTED))
    assert said == [
        {
            "event": "block found",
            "log_level": "info",
            "worker": "rig1",
            "pool": "main",
            "job": "1",
            "reached": "5000",
        }
    ]
    assert [share.job for share in told] == ["1"]


@pytest.mark.parametrize(
    ("reason", "message", "why"), [(Reason.REJECTED, "stale", "stale"), (Reason.LOST, "", "lost")]
)
def test_one_that_the_pool_did_not_take_is_a_warning_and_no_find(
    reason: Reason, message: str, why: str
) -> None:
    told: list[Ended] = []
    with capture_logs() as said:
        Finds(told.append)(a_block(reason, message=message))
    assert [(line["event"], line["log_level"], line["why"]) for line in said] == [
        ("block candidate refused", "warning", why)
    ]
    assert told == []


def test_many_blocks_of_one_job_are_one_line_but_all_are_told() -> None:
    told: list[Ended] = []
    finds = Finds(told.append)
    with capture_logs() as said:
        for job in ("1", "1", "2"):
            finds(a_block(Reason.ACCEPTED, job))
    assert [line["job"] for line in said] == ["1", "2"]
    assert len(told) == 3


def test_workers_that_were_away_for_too_long_are_forgotten() -> None:
    book = WorkerBook(keep_seconds=3600.0)

    async def play() -> None:
        record = book.join("rig1", trio.current_time())
        record.good(Reason.ACCEPTED, 4.0, trio.current_time())
        book.part(record, trio.current_time())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(forget_workers, lambda: book)
            await trio.sleep(1800)
            assert book.find("rig1") is record
            await trio.sleep(1800 + 2 * FORGET_SECONDS)
            assert book.find("rig1") is None
            nursery.cancel_scope.cancel()

    trio.run(play, clock=MockClock(autojump_threshold=0))
