"""The view of a proxy of one process: the relays themselves."""

from collections import Counter

from proxy.ops.view import RelayView, View
from tests.downstream.farms import farm


def test_it_shows_what_the_relay_has_at_the_moment_of_asking() -> None:
    made = farm()
    view: View = RelayView(made.relay, lambda: Counter({("barn", "aion"): 1}))
    assert view.not_ready
    made.pool.comes()
    made.miner("rig1")
    assert view.not_ready == ""
    assert view.tally is made.tally
    assert view.book.connections == {"rig1": 1}
    assert view.slots["lent"] == 1
    assert [pool.name for pool in view.pools] == ["main"]
    assert view.miners() == {("barn", "aion"): 1}


def test_before_there_is_a_board_nobody_is_there() -> None:
    assert RelayView(farm().relay).miners() == {}
