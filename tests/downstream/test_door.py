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


def test_its_sessions_are_counted_by_what_they_speak() -> None:
    both = door()
    first = both.count_in("unknown")
    second = both.count_in("unknown")
    assert both.here == {("farm", "unknown"): 2}
    first = both.count_in("aion", instead=first)
    assert both.here == {("farm", "unknown"): 1, ("farm", "aion"): 1}
    both.count_out(first)
    both.count_out(second)
    assert both.here == {}


def test_a_session_counts_under_its_dialect_as_soon_as_it_is_known() -> None:
    both = door()
    miner = Dialogue(FakeHouse(), at=both)
    assert both.here == {("farm", "unknown"): 1}
    miner.logs_in()
    assert both.here == {("farm", "aion"): 1}
    assert miner.session.label == ("farm", "aion")
