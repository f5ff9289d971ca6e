"""How hard a miner's work is to be: what follows it, within what the pool asks, and what it asks for."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config import Vardiff
from proxy.core.vardiff import LEAST, MOST, tidy
from proxy.downstream.pace import LOOK_SECONDS, Pace, fixed

QUICK = Vardiff(start=16, min=1, max=1e6, target_seconds=1)


def test_silence_makes_it_easier_and_is_noted_once() -> None:
    pace = Pace(QUICK, 0.0, 1e9)
    pace.look(3.9, 1e9)
    assert (pace.difficulty, pace.changed) == (16, False)
    pace.look(4.0, 1e9)
    assert (pace.difficulty, pace.changed) == (4, True)


def test_many_shares_make_it_harder() -> None:
    pace = Pace(QUICK, 0.0, 1e9)
    for number in range(9):
        pace.solved(number * 0.01, 16, 1e9)
    assert pace.changed
    assert pace.difficulty > 16


def test_time_without_work_is_no_silence() -> None:
    pace = Pace(QUICK, 0.0, 1e9)
    for second in range(0, 60, 2):
        pace.look(float(second), 0)
    assert not pace.changed
    pace.look(61.9, 1e9)
    assert not pace.changed, "only since then does it have any"


def test_a_share_that_comes_when_there_is_no_work_says_nothing() -> None:
    pace = Pace(QUICK, 0.0, 1e9)
    pace.solved(100.0, 16, 0)
    assert (pace.difficulty, pace.changed) == (16, False)


def test_at_the_pools_difficulty_the_next_of_the_grid_is_asked_for() -> None:
    pace = Pace(QUICK, 0.0, 7.3)
    assert pace.difficulty == 8
    pace.look(1.0, 5.0)
    assert pace.difficulty == pytest.approx(4 * math.sqrt(2))
    pace.look(1.0, 4.0)
    assert pace.difficulty == 4


def test_no_work_at_first_bounds_nothing() -> None:
    pace = Pace(QUICK, 0.0, 0)
    assert pace.difficulty == 16
    pace.look(1.0, 5.0)
    assert pace.changed
    assert pace.difficulty == pytest.approx(4 * math.sqrt(2))


@given(st.floats(LEAST, MOST), st.floats(LEAST, MOST))
def test_what_is_asked_for_is_the_start_or_on_the_grid_and_all_the_pool_asks_at_most(
    start: float, ceiling: float
) -> None:
    asked = Pace(Vardiff(start=start, min=LEAST, max=MOST), 0.0, ceiling).difficulty
    if start < ceiling:
        assert asked == start
    else:
        assert asked >= ceiling
        assert asked == tidy(asked) <= 2 * ceiling


@pytest.mark.parametrize(("target", "every"), [(0.1, LOOK_SECONDS), (15, 15)])
def test_a_look_costs_too_much_to_have_it_more_often_than_shares_are_wanted(
    target: float, every: float
) -> None:
    assert Pace(Vardiff(target_seconds=target), 0.0, 1e9).every == every


@pytest.mark.parametrize(
    ("asked", "settings", "got"),
    [
        (1000, None, 1024),
        (1024, None, 1024),
        (1e-3, None, 1e-3),  # the nearest of the grid is below the least
        (1000, QUICK, 1024),
        (0.01, QUICK, 1),
        (1e9, QUICK, 1e6),
    ],
)
def test_a_difficulty_that_a_miner_asks_for(asked: float, settings: Vardiff | None, got: float) -> None:
    assert fixed(asked, settings) == pytest.approx(min(got, MOST))
