"""The events: each belongs to a side, is compared by content, and stays small."""

import inspect
from typing import get_args

import attrs
import msgspec

from proxy.wire import events

MINERS = set(get_args(events.MinerEvent))
POOLS = set(get_args(events.PoolEvent))
# What a Reply turns out to hold once it is known what it answers.
INSIDE_A_REPLY = {events.LoggedIn}


def test_every_event_is_said_by_one_side_at_least() -> None:
    defined = {
        event
        for _, event in inspect.getmembers(events, inspect.isclass)
        if (attrs.has(event) or issubclass(event, msgspec.Struct)) and event.__module__ == events.__name__
    }
    assert defined == MINERS | POOLS | INSIDE_A_REPLY


def test_only_what_means_nothing_is_said_by_both() -> None:
    assert {events.UnknownMethod, events.Ignored} == MINERS & POOLS


def test_events_are_compared_by_content() -> None:
    assert events.Authorize(b"1", "rig", "x") == events.Authorize(b"1", "rig", "x")
    assert events.Authorize(b"1", "rig", "x") != events.Authorize(b"2", "rig", "x")
    one: object = events.BadSubmit(b"1", "why")
    assert one != events.BadRequest(b"1", "why")


def test_no_event_has_room_for_more_than_its_fields() -> None:
    for event in MINERS | POOLS | INSIDE_A_REPLY:
        assert not event.__dictoffset__, event
