"""Figures and times, as short as they are."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.ops import topwords as words

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (math.nan, "–"),
        (0, "0"),
        (7, "7"),
        (999, "999"),
        (1000, "1.00k"),
        (0.417, "0.42"),
        (35.84, "35.8"),
        (358.2, "358"),
        (1234.5, "1.23k"),
        (45_100_000, "45.1M"),
        (999_600, "1.00M"),
        (-12.34, "-12.3"),
    ],
)
def test_an_amount(value: float | None, shown: str) -> None:
    assert words.amount(value) == shown


@given(st.floats() | st.integers(-(10**30), 10**30) | st.none())
def test_any_amount_is_short(value: float | None) -> None:
    assert len(words.amount(value)) <= 7


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        (None, "–"),
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.99123, "99.1 %"),
        (0.00001, "<0.1 %"),
        (0.99999, ">99.9 %"),
    ],
)
def test_all_and_nothing_are_said_only_when_they_are_true(part: float | None, shown: str) -> None:
    assert words.percent(part) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (0, "0 s"), (59.9, "59 s"), (60, "1 min"), (7300, "2 h"), (200_000, "2 d"), (-3, "0 s")],
)
def test_a_time_that_passed(value: float | None, shown: str) -> None:
    assert words.seconds(value) == shown


def test_milliseconds() -> None:
    assert [words.milliseconds(value) for value in (None, 0.708, 5.875, 1200)] == [
        "–",
        "0.71 ms",
        "5.88 ms",
        "1.20k ms",
    ]


@pytest.mark.parametrize("text", [None, "", "yesterday", "12:00", "2026-13-01T00:00:00Z", "\x1b"])
def test_what_is_no_time(text: str | None) -> None:
    assert words.since(text, NOON) == words.until(text, NOON) == "–"


def test_before_and_after() -> None:
    assert words.since("2026-01-31T11:59:48Z", NOON) == "12 s"
    assert words.since("2026-01-31T11:59:48", NOON) == "12 s"
    assert words.until("2026-01-31T12:05:30+00:00", NOON) == "5 min"


def test_bad_shares_are_those_that_were_refused() -> None:
    shares = {"accepted": 80, "kept": 5, "lost": 5, "stale": 4, "rejected": 6}
    assert words.bad(shares) == 10
    assert words.worst(shares) == "rejected"
    assert words.reject_ratio(shares) == 0.1


def test_without_shares() -> None:
    assert (words.bad({}), words.worst({"stale": 0}), words.reject_ratio({})) == (0, "", None)
