"""What a listener's sessions have in common: both dialects' flows are made by what a door holds."""

from proxy.downstream.dialects import FLOWS
from proxy.downstream.door import Flow
from tests.kit.miners import Dialogue, FakeHouse, door


def test_a_door_asks_for_nothing_of_its_own_unless_it_is_told_to() -> None:
    plain = door()
    assert (plain.vardiff, plain.takes_suffix) == (None, False)


def test_a_flow_of_each_dialect_is_what_a_session_needs() -> None:
    session = Dialogue(FakeHouse()).session
    flows: list[Flow] = [make(session) for make in FLOWS.values()]
    assert [flow.dialect for flow in flows] == list(FLOWS)
