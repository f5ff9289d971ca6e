"""Difficulties under numbers: one each, the pool's own the first."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.core.lanes import POOLS, Lanes
from proxy.core.vardiff import LEAST, MOST, tidy
from proxy.model.target import from_difficulty


def test_the_pools_own_is_there_without_being_asked_for() -> None:
    lanes = Lanes()
    assert len(lanes) == 1
    assert lanes.target(POOLS) is None


def test_a_difficulty_keeps_its_number() -> None:
    lanes = Lanes()
    assert [lanes.number(difficulty) for difficulty in (8, 0.5, 8.0, 16)] == [1, 2, 1, 3]
    assert [lanes.target(lane) for lane in range(1, 4)] == [from_difficulty(d) for d in (8, 0.5, 16)]


@given(st.lists(st.floats(LEAST, MOST), max_size=300))
def test_whatever_miners_ask_for_comes_to_few_lanes(asked: list[float]) -> None:
    lanes = Lanes()
    for difficulty in asked:
        lanes.number(tidy(difficulty))
    assert len(lanes) <= 1 + 121
