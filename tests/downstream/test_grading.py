"""Another difficulty for miners that are here: who gets it, and who has a reason not to."""

import copy
from typing import Any

import attrs

from proxy.config import Vardiff
from proxy.downstream.door import Door
from proxy.downstream.grading import regrade
from proxy.downstream.pace import Pace
from proxy.model.target import MAX_TARGET
from tests.kit.miners import Dialogue, FakeHouse, door

FOLLOWS = Vardiff(start=2, min=1, max=64)


class Listener:
    """A door that changes, and one miner behind it who is at work."""

    def __init__(self, **keys: Any) -> None:
        self.house = FakeHouse()
        self.house.new_job(MAX_TARGET // 8)
        if "difficulty" in keys:
            keys["lane"] = self.house.lane_of(keys.pop("difficulty"))
        self.door = door(**keys)
        self.miner = Dialogue(self.house, at=self.door)

    def becomes(self, difficulty: float = 0.0, vardiff: Vardiff | None = None) -> None:
        """Have another difficulty, 0 for the pool's."""
        former: Door = copy.copy(self.door)
        start = difficulty if vardiff is None else vardiff.start
        self.door.lane = self.house.lane_of(start) if start else 0
        self.door.vardiff = vardiff
        regrade([self.miner.session], former, self.miner.now)

    def pace(self) -> Pace | None:
        """How the difficulty follows the miner."""
        return self.miner.session.pace

    def is_told_target(self) -> bool:
        """Whether the miner has just heard of another target."""
        return any(line.get("method") == "mining.set_target" for line in self.miner.hears())


def test_a_fixed_one_for_all_reaches_a_miner_at_work_at_once() -> None:
    at = Listener()
    at.miner.logs_in()
    lane = at.miner.session.assignment.lane
    at.becomes(difficulty=4.0)
    assert at.is_told_target()
    assert at.miner.session.assignment.lane != lane


def test_one_that_is_not_at_work_yet_begins_with_it() -> None:
    at = Listener()
    at.becomes(difficulty=4.0)
    assert at.miner.hears() == []
    at.miner.logs_in()
    assert at.miner.session.assignment.lane == at.door.lane


def test_from_now_on_it_follows_the_miner() -> None:
    at = Listener()
    at.miner.logs_in()
    at.becomes(vardiff=FOLLOWS)
    pace = at.pace()
    assert pace is not None
    assert at.miner.session.next_look == at.miner.now + pace.every


def test_it_follows_nobody_any_more() -> None:
    at = Listener(vardiff=FOLLOWS)
    at.miner.logs_in()
    assert at.pace() is not None
    at.becomes()
    assert at.pace() is None
    assert at.miner.session.next_look == float("inf")
    assert at.miner.session.assignment.lane == 0


def test_within_other_bounds_a_miner_keeps_its_place() -> None:
    at = Listener(vardiff=FOLLOWS)
    at.miner.logs_in()
    at.miner.session.pace = None  # it would have to grow first
    at.becomes(vardiff=attrs.evolve(FOLLOWS, start=0.5, min=0.25))
    pace = at.pace()
    assert pace is not None
    before = pace.difficulty
    at.becomes(vardiff=attrs.evolve(FOLLOWS, start=0.25, min=0.125))
    pace = at.pace()
    assert pace is not None
    assert pace.difficulty == before
    at.becomes(vardiff=attrs.evolve(FOLLOWS, start=0.125, min=0.125, max=0.125))
    pace = at.pace()
    assert pace is not None
    assert pace.difficulty == 0.125


def test_who_has_asked_for_one_keeps_it() -> None:
    for keys in ({"vardiff": FOLLOWS}, {"difficulty": 4.0}):
        at = Listener(**keys)
        at.miner.logs_in()
        at.miner.session.ask(1.0, at.miner.now)
        lane = at.miner.session.assignment.lane
        at.becomes(difficulty=2.0)
        assert at.miner.session.assignment.lane == lane
