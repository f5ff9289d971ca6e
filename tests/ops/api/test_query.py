"""What may be asked for, and what is refused, naming the parameter."""

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from proxy.ops.api.answer import RefusedError
from proxy.ops.api.query import MOST, MOST_OFFSET, MOST_TEXT, USUAL, Query
from tests.ops.api.rigs import scope_of

NAMES = ("search", "limit", "offset", "order", "sort", "since")


def asked(query: str) -> Query:
    """The parameters of a request."""
    return Query(Request(scope_of(f"/x?{query}")), *NAMES)


def test_what_is_not_given_is_as_usual() -> None:
    query = asked("")
    assert query.page() == (USUAL, 0)
    assert query.text("search") == ""
    assert query.choice("sort", ("a", "b"), "b") == "b"
    assert query.moment("since") == 0.0
    assert not query.descending()
    assert query.descending("desc")


def test_what_is_given_is_taken() -> None:
    query = asked("limit=1000&offset=7&search=rig%201&order=desc&sort=a&since=1970-01-01T00:01:00Z")
    assert query.page() == (1000, 7)
    assert query.text("search") == "rig 1"
    assert query.descending()
    assert query.choice("sort", ("a", "b"), "b") == "a"
    assert query.moment("since") == 60.0


def test_a_zone_with_a_plus_is_understood_either_way() -> None:
    for written in ("1970-01-01T01:00:00+01:00", "1970-01-01T01:00:00%2B01:00"):
        assert asked(f"since={written}").moment("since") == 0.0
    assert asked("since=1969-01-01T00:00:00Z").moment("since") == 0.0


@pytest.mark.parametrize(
    ("query", "look", "why"),
    [
        ("limit=0", Query.page, f"limit: must be a whole number from 1 to {MOST}"),
        ("limit=1001", Query.page, "limit"),
        ("limit=", Query.page, "limit"),
        ("limit=1_0", Query.page, "limit"),
        ("limit=%D9%A1", Query.page, "limit"),
        ("limit=1e2", Query.page, "limit"),
        ("limit=" + "1" * 5000, Query.page, "limit"),
        ("offset=-1", Query.page, "offset"),
        (f"offset={MOST_OFFSET + 1}", Query.page, "offset"),
        ("order=up", Query.descending, "order: must be one of asc, desc"),
        ("search=" + "x" * (MOST_TEXT + 1), lambda q: q.text("search"), "search: must have at most 256"),
        ("sort=", lambda q: q.choice("sort", ("a",), "a"), "sort: must be one of a"),
        ("since=yesterday", lambda q: q.moment("since"), "since: must be a time like 2026-01-31"),
        ("since=2026-01-31T12:00:00", lambda q: q.moment("since"), "since"),
        ("since=", lambda q: q.moment("since"), "since"),
    ],
)
def test_what_is_out_of_bounds_is_refused(query: str, look: Callable[[Query], object], why: str) -> None:
    with pytest.raises(RefusedError, match=why) as refusal:
        look(asked(query))
    assert refusal.value.status == 400


def test_a_name_that_is_not_known_is_said_and_not_passed_over() -> None:
    with pytest.raises(RefusedError, match="colour: no such parameter; there is search, limit"):
        asked("colour=5")
    with pytest.raises(RefusedError, match="limit: is given twice"):
        asked("limit=5&limit=6")
    with pytest.raises(RefusedError, match="there is none"):
        Query(Request(scope_of("/x?a=1")))


@given(st.text(), st.text())
def test_whatever_is_asked_is_answered_or_refused_in_one_line(name: str, value: str) -> None:
    refusals: list[str] = []
    try:
        query = asked(f"{quote(name)}={quote(value)}")
        query.text("search")
        query.page()
        query.moment("since")
    except RefusedError as error:
        refusals.append(str(error))
    assert all(line.isprintable() and len(line) < 200 for line in refusals)


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_time_is_taken(moment: datetime) -> None:
    assert asked(f"since={quote(moment.isoformat())}").moment("since") == max(0.0, moment.timestamp())
