"""Each kind of value: what it takes, what it refuses and in which words."""

import datetime
from typing import Any

import pytest

from proxy.config import rules
from proxy.config.rules import (
    Choice,
    Difficulty,
    LedgerUrl,
    Network,
    Networks,
    Number,
    Pattern,
    Rule,
    Text,
    Whole,
    shown,
)
from proxy.errors import ConfigError


@pytest.mark.parametrize(
    ("rule", "value", "read"),
    [
        (Whole(1, 10), 1, 1),
        (Whole(1, 10), 10, 10),
        (Number(0.1, 10), 0.1, 0.1),
        (Number(0.1, 10), 10, 10),
        (Text(), "", ""),
        (Text(), "größe 1", "größe 1"),
        (Choice(("a", "b")), "b", "b"),
        (Pattern("[a-z]+", "letters"), "abc", "abc"),
        (Pattern("[a-z]+", "letters", empty=True), "", ""),
        (Networks(), [], ()),
        (Networks(), ["10.1.2.3/8", "::1"], ("10.0.0.0/8", "::1/128")),
        (LedgerUrl(), "", ""),
        (LedgerUrl(), "sqlite:///x.db", "sqlite:///x.db"),
        (Network(), "auto", "auto"),
        (Network(), "notify", "notify"),
        (Network(), 0, 0),
        (Network(), 1.5e9, 1.5e9),
        (Difficulty(), "upstream", "upstream"),
        (Difficulty(), 8, 8),
        (Difficulty(), 0.5, 0.5),
    ],
)
def test_taken(rule: Rule, value: Any, read: Any) -> None:
    got = rule.read(value)
    assert got == read
    assert type(got) is type(read)


@pytest.mark.parametrize(
    ("rule", "value", "words"),
    [
        (Whole(1, 3600), "ten", 'must be a whole number from 1 to 3600, not "ten"'),
        (Whole(1, 10), 0, "must be a whole number from 1 to 10, not 0"),
        (Whole(1, 10), 11, "must be a whole number from 1 to 10, not 11"),
        (Whole(1, 10), 1.0, "must be a whole number from 1 to 10, not 1.0"),
        (Whole(0, 1), True, "must be a whole number from 0 to 1, not true"),
        (Number(0.1, 1e6), "1", 'must be a number from 0.1 to 1000000, not "1"'),
        (Number(0.1, 3600), 0.09, "must be a number from 0.1 to 3600, not 0.09"),
        (Number(0, 1), False, "must be a number from 0 to 1, not false"),
        (Number(0, 1), float("nan"), "must be a number from 0 to 1, not nan"),
        (Text(), 5, "must be text, not 5 (int)"),
        (Text(secret=True), 12345, "must be text (int)"),
        (Text(most=3), "four", "must have at most 3 characters, not 4"),
        (Text(), "a\nb", "must be one line of text, without control characters"),
        (Text(), "\udcff", "must be one line of text, without control characters"),
        (Choice(("a", "b", "c")), "d", 'must be "a", "b" or "c", not "d"'),
        (Choice(("a", "b")), ["a"], 'must be "a" or "b", not an array'),
        (Pattern("[a-z]+", "letters"), "", 'must be letters, not ""'),
        (Pattern("[a-z]+", "letters", empty=True), "a\n", r'must be letters, not "a\n"'),
        (Networks(), "10.0.0.0/8", 'must be an array like ["10.0.0.0/8"], not "10.0.0.0/8"'),
        (Networks(), ["ten"], 'must hold IP networks like "10.0.0.0/8", not "ten"'),
        (Networks(), [10], 'must hold IP networks like "10.0.0.0/8", not 10'),
        (LedgerUrl(), "mysql://me:hunter2@h", 'must be "sqlite:///FILE", "postgresql://…" or "" for none'),
        (Network(), "solo", 'must be "auto", "notify", or a number from 0, not "solo"'),
        (Network(), -1, "not -1"),
        (Network(), True, "not true"),
        (Difficulty(), "hard", 'must be "upstream", a number above 0, or a table'),
        (Difficulty(), 0, "not 0"),
        (Difficulty(), True, "not true"),
    ],
)
def test_refused(rule: Rule, value: Any, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        rule.read(value)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("rule", [Whole(1, 10), Number(0, 1), Text(), Difficulty(), Networks()])
def test_a_number_too_long_to_print(rule: Rule) -> None:
    value: Any = 16**5000
    with pytest.raises(ConfigError, match="not a huge number"):
        rule.read([value] if isinstance(rule, Networks) else value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x" * 100, '"' + "x" * 60 + '…"'),
        ("\x1b[2J", r'"\u001b[2J"'),
        ("größe", '"größe"'),
        ({"a": 1}, "a table"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
    ],
)
def test_a_value_is_shown_on_one_short_line(value: object, text: str) -> None:
    assert shown(value) == text


def test_a_bound_is_written_as_a_person_would() -> None:
    assert (rules.plain(1e6), rules.plain(0.1), rules.plain(3600)) == ("1000000", "0.1", "3600")
