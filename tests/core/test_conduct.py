"""One sender's account: which step its sums amount to, how they fade, and that they are bounded."""

import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config import Ban as Settings
from proxy.core.conduct import AGAIN, EVIDENCE, FADE, MAX_DETAIL, MAX_ID, WINDOW, Conduct, Step
from tests.wire.hostile import patient

HALF = Settings(check_after=40, bad_ratio=0.5)


def sinned(
    conduct: Conduct, times: int, now: float = 0.0, settings: Settings = HALF, guilt: float = 1.0
) -> Step:
    """Let it sin some times; the last step that was come to."""
    last = Step.NONE
    for _ in range(times):
        conduct.add("invalid_solution", guilt, settings, now, "1f", "")
        last = conduct.reached(settings, now) or last
    return last


def test_steps_come_at_a_quarter_half_and_the_whole_of_the_limits() -> None:
    conduct, came = Conduct(0.0), {}
    for count in range(1, 41):
        step = sinned(conduct, 1)
        if step:
            came[count] = step
    assert came == {10: Step.WARN, 20: Step.THROTTLE, 40: Step.BAN}


@pytest.mark.parametrize(
    ("good", "bad", "step"),
    [
        (36, 4, Step.NONE),
        (35, 5, Step.WARN),
        (31, 9, Step.WARN),
        (30, 10, Step.THROTTLE),
        (21, 19, Step.THROTTLE),
        (20, 20, Step.BAN),
        (0, 39, Step.THROTTLE),
    ],
)
def test_both_limits_must_be_reached(good: int, bad: int, step: Step) -> None:
    conduct = Conduct(0.0)
    conduct.good = good
    sinned(conduct, bad)
    assert conduct.judged(HALF) is step


def test_what_weighs_half_alone_just_reaches_the_usual_ratio() -> None:
    assert sinned(Conduct(0.0), 40, guilt=0.5) is Step.BAN
    conduct = Conduct(0.0)
    conduct.good = 1
    assert sinned(conduct, 50, guilt=0.5) < Step.BAN


def test_good_ones_bring_it_down_again() -> None:
    conduct = Conduct(0.0)
    assert sinned(conduct, 30) is Step.THROTTLE
    conduct.good += 91
    assert conduct.judged(HALF) is Step.WARN
    conduct.good += 120
    assert conduct.judged(HALF) is Step.NONE


def test_old_sins_fade_by_the_hour_without_any() -> None:
    conduct = Conduct(0.0)
    sinned(conduct, 32)
    conduct.fade(FADE - 1)
    assert conduct.bad == 32
    conduct.fade(FADE)
    assert conduct.bad == 16
    conduct.fade(5 * FADE)
    assert conduct.bad == 1


def test_nobody_sins_more_by_knowing_the_hour() -> None:
    """What comes without an hour's rest counts whole, whenever it began."""
    conduct = Conduct(0.0)
    assert sinned(conduct, 30, FADE - 1) is Step.THROTTLE
    assert sinned(conduct, 10, FADE + 1) is Step.BAN


def test_a_good_past_does_not_excuse_for_ever() -> None:
    conduct = Conduct(0.0)
    sinned(conduct, 1)
    conduct.good += 100_000
    assert sinned(conduct, WINDOW) is Step.BAN


def test_a_warning_is_not_repeated_for_a_while() -> None:
    conduct, warned = Conduct(0.0), []
    for now in range(0, int(2 * AGAIN), 10):
        conduct.good += 9 if now % 200 < 100 else 5  # now above the limit, now below
        conduct.add("duplicate", 1.0, HALF, now, "", "")
        if conduct.reached(HALF, now):
            warned.append(now)
    assert len(warned) == 2
    assert warned[1] - warned[0] >= AGAIN


def test_each_ban_is_twice_as_long_up_to_a_bound() -> None:
    settings, conduct, now = Settings(seconds=60, max_seconds=600), Conduct(0.0), 10_000.0
    lasted = []
    for _ in range(7):
        lasted.append(conduct.banned(settings, now))
        now += lasted[-1]
    assert lasted == [60, 120, 240, 480, 600, 600, 600]


def test_an_hour_of_good_conduct_makes_up_for_one_ban() -> None:
    settings, conduct = Settings(seconds=60, max_seconds=3600), Conduct(0.0)
    assert conduct.banned(settings, 0.0) == 60
    assert conduct.banned(settings, 60.0) == 120
    assert conduct.banned(settings, 180.0) == 240
    assert conduct.banned(settings, 420.0 + 2 * FADE) == 120
    assert conduct.banned(settings, 420.0 + 20 * FADE) == 60


def test_bans_without_end_are_no_overflow() -> None:
    conduct = Conduct(0.0)
    for _ in range(5000):
        assert conduct.banned(Settings(max_seconds=3600), 0.0) <= 3600


def test_the_last_few_are_kept_as_evidence_fit_to_show() -> None:
    conduct = Conduct(0.0)
    for number in range(20):
        conduct.add("malformed", 1.0, HALF, float(number), f"{number}\x1b[2J" + "é" * 500, "\ud800\n" * 500)
    assert [one.at for one in conduct.evidence] == [float(number) for number in range(12, 20)]
    assert conduct.evidence[0].job_id.startswith("12?[2J???")
    for one in conduct.evidence:
        assert len(one.job_id) == MAX_ID
        assert len(one.detail) == MAX_DETAIL
        assert (one.job_id + one.detail).isprintable()
        assert (one.job_id + one.detail).isascii()


def test_it_stays_small() -> None:
    conduct = Conduct(0.0)
    for number in range(20):
        conduct.add("malformed", 1.0, HALF, number / 7, f"\x00{number}" * 100, f"\xff{number}" * 100)
    held = [conduct, conduct.evidence, *conduct.evidence]
    held += [part for one in conduct.evidence for part in (one.at, one.job_id, one.detail)]
    assert sum(map(sys.getsizeof, held)) < 3500
    assert not hasattr(conduct, "__dict__")


limits = st.builds(Settings, check_after=st.integers(1, 200), bad_ratio=st.floats(0.01, 1))


@patient
@given(
    limits,
    st.lists(
        st.tuples(st.floats(0, 3 * FADE), st.integers(0, 200), st.sampled_from([0.5, 1.0])), max_size=80
    ),
)
def test_the_sums_stay_within_the_window(settings: Settings, sins: list[tuple[float, int, float]]) -> None:
    conduct, now = Conduct(0.0), 0.0
    for seconds, good, guilt in sins:
        now += seconds
        conduct.good += good
        conduct.add("duplicate", guilt, settings, now, "", "")
        conduct.reached(settings, now)
        assert 0 <= conduct.guilt <= conduct.bad * (1 + 1e-9)
        assert conduct.good + conduct.bad <= max(WINDOW, settings.check_after) * (1 + 1e-9)
        assert len(conduct.evidence) <= EVIDENCE
        assert math.isfinite(conduct.bad)


@patient
@given(limits, st.integers(0, 500), st.floats(0, 1e9))
def test_bad_ones_alone_end_in_a_ban_after_just_so_many(settings: Settings, rest: int, now: float) -> None:
    conduct = Conduct(now)
    came = [sinned(conduct, 1, now + count, settings) for count in range(settings.check_after + rest)]
    assert came.index(Step.BAN) == settings.check_after - 1


@patient
@given(limits, st.integers(0, 400), st.integers(0, 400))
def test_better_conduct_is_never_a_higher_step(settings: Settings, good: int, bad: int) -> None:
    conduct = Conduct(0.0)
    conduct.good, conduct.bad, conduct.guilt = good, bad, bad
    step = conduct.judged(settings)
    conduct.good += 1
    # One more share may make it enough to judge by, but never for the worse of the ratio.
    if conduct.judged(settings) > step:
        assert good + bad < settings.check_after
