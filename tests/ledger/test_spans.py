"""Times as people and machines write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import ConfigError
from proxy.ledger.spans import iso, read_moment, read_time, shown

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("words", "moment"),
    [
        ("24h", NOW - 86_400),
        ("90m", NOW - 5400),
        ("1.5h", NOW - 5400),
        ("7d", NOW - 604_800),
        ("2w", NOW - 1_209_600),
        ("30s", NOW - 30),
        ("999999999w", 0),
        ("all", 0),
        (" ALL ", 0),
        ("1799990000", 1_799_990_000),
        ("1799990000.25", 1_799_990_000.25),
        ("1799990000250", 1_799_990_000.25),
        ("1970-01-02", 86_400),
        ("1970-01-02T00:00", 86_400),
        ("1970-01-02 00:00:01", 86_401),
        ("1970-01-02T00:00Z", 86_400),
        ("1970-01-02T00:00+01:00", 82_800),
    ],
)
def test_what_is_a_moment(words: str, moment: float) -> None:
    assert read_moment(words, NOW) == moment


@pytest.mark.parametrize(
    "words",
    ["", "yesterday", "24", "h", "-1h", "24 h", "2026-13-01", "1969-12-31", "0001-01-01", "9" * 40, "1e9h"],
)
def test_what_is_none(words: str) -> None:
    with pytest.raises(ConfigError, match="is no time: give a span") as error:
        read_moment(words, NOW)
    assert "\n" not in str(error.value)


@given(st.text(max_size=60))
def test_any_text_is_a_moment_or_none(words: str) -> None:
    moment = read_time(words)
    assert moment is None or 0 <= moment < 1e12


@given(st.floats(0, 4e9))
def test_what_is_written_can_be_read_again(moment: float) -> None:
    read = read_time(iso(moment))
    assert read is not None
    assert abs(read - moment) < 0.002


def test_how_moments_are_shown() -> None:
    assert shown(86_401) == "1970-01-02 00:00:01"
    assert iso(86_401.5) == "1970-01-02T00:00:01.500Z"
