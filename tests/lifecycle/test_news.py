"""What the log is told of miners that go; the line of each minute is looked at in tests/test_app.py."""

from collections import Counter

import pytest
from structlog.testing import capture_logs

from proxy.core.conduct import Step
from proxy.core.penalties import Miner
from proxy.downstream.warden import News
from proxy.lifecycle.news import LISTENER_REMOVED, TAKEOVER, Farewells, Penalised
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
