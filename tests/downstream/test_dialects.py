"""Every dialect that a listener may be configured for is spoken."""

from typing import get_args, get_type_hints

from proxy.config.rules import Choice
from proxy.config.sections import Listen
from proxy.downstream.aion import AionFlow
from proxy.downstream.dialects import FLOWS
from proxy.downstream.login import LoginFlow
from tests.kit.miners import Dialogue, FakeHouse


def test_what_may_be_configured_is_spoken() -> None:
    _, rule = get_args(get_type_hints(Listen, include_extras=True)["dialect"])
    assert isinstance(rule, Choice)
    assert {*FLOWS, "auto"} == set(rule.words)


def test_each_dialect_has_its_own_flow_and_the_flow_its_name() -> None:
    assert dict(FLOWS) == {"aion": AionFlow, "login": LoginFlow}
    session = Dialogue(FakeHouse()).session
    assert {name: make(session).dialect for name, make in FLOWS.items()} == {name: name for name in FLOWS}


def test_who_has_not_said_is_taken_for_an_aion_miner() -> None:
    """As on every port before there was a choice: what is wrong is told in the older form."""
    assert next(iter(FLOWS)) == "aion"
