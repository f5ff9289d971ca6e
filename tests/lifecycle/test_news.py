"""What the log is told of miners that go; the line of each minute is looked at in tests/test_app.py."""

import pytest
from structlog.testing import capture_logs

from proxy.lifecycle.news import LISTENER_REMOVED, TAKEOVER, Farewells
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
