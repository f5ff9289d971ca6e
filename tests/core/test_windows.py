"""Work a second: against a plain list of all that was added, and in a bounded space."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.windows import SPANS, STEP, Windows

SECONDS = {"1m": 60.0, "10m": 600.0, "1h": 3600.0, "24h": 86_400.0}
LONGEST_BAR = {"1m": 5.0, "10m": 30.0, "1h": 180.0, "24h": 1800.0}


def test_a_steady_miner_has_the_same_rate_over_every_span() -> None:
    windows = Windows(0.0)
    for second in range(200_000):
        windows.add(2.0, float(second))

    assert windows.rates(200_000.0) == pytest.approx(dict.fromkeys(SPANS, 2.0), rel=0.01)


def test_a_young_miner_is_measured_by_its_age() -> None:
    windows = Windows(100.0)
    windows.add(30.0, 110.0)

    assert windows.rates(130.0) == pytest.approx(dict.fromkeys(SPANS, 1.0))


def test_a_first_share_makes_no_giant() -> None:
    windows = Windows(100.0)
    windows.add(30.0, 100.0)

    assert windows.rates(100.0)["24h"] == 30.0 / STEP


def test_a_miner_that_stops_fades_from_the_short_spans_first() -> None:
    windows = Windows(0.0)
    for second in range(7200):
        windows.add(1.0, float(second))

    later = windows.rates(7200.0 + 1800.0)

    assert later["1m"] == later["10m"] == 0.0
    assert later["1h"] == pytest.approx(0.5, rel=0.06)
    assert later["24h"] == pytest.approx(0.8, rel=0.01)


def test_what_is_older_than_a_day_is_gone() -> None:
    windows = Windows(0.0)
    windows.add(1e9, 1.0)

    assert windows.rates(90_000.0) == dict.fromkeys(SPANS, 0.0)


@given(st.lists(st.tuples(st.floats(0, 4000), st.floats(0, 1000)), max_size=60), st.floats(0, 4000))
def test_rates_are_those_of_the_work_in_the_span(steps: list[tuple[float, float]], wait: float) -> None:
    windows, now, added = Windows(0.0), 0.0, []
    for pause, work in steps:
        now += pause
        windows.add(work, now)
        added.append((now, work))
    now += wait

    rates = windows.rates(now)

    for span, bar in LONGEST_BAR.items():
        # The oldest bar has gone by a part: the span is at most that much shorter than its name says.
        start = now // bar * bar - (SECONDS[span] - bar)
        within = sum(work for at, work in added if at // bar * bar >= start)
        seconds = max(min(max(now, STEP), now - start), STEP)
        assert rates[span] == pytest.approx(within / seconds, rel=1e-6, abs=1e-6)


def test_a_history_is_the_bars_of_a_span_oldest_first() -> None:
    windows = Windows(0.0)
    windows.add(90.0, 10.0)
    windows.add(180.0, 200.0)

    history = windows.history("1h", 270.0)

    assert [(point.at, point.rate) for point in history] == [(0.0, 0.5), (180.0, 2.0)]


def test_the_bar_in_which_a_miner_came_counts_from_then_on() -> None:
    windows = Windows(170.0)
    windows.add(10.0, 175.0)
    windows.add(90.0, 200.0)

    assert [point.rate for point in windows.history("1h", 360.0)] == [1.0, 0.5, 0.0]


@given(st.lists(st.floats(0, 100_000), max_size=20), st.sampled_from(SPANS))
def test_a_history_never_has_more_bars_than_its_span(pauses: list[float], span: str) -> None:
    windows, now = Windows(0.0), 0.0
    for pause in pauses:
        now += pause
        windows.add(1.0, now)

    history = windows.history(span, now)

    times = [point.at for point in history]
    assert times == sorted(set(times))
    assert len(times) <= SECONDS[span] / LONGEST_BAR[span]
    assert all(now - at <= SECONDS[span] for at in times)
