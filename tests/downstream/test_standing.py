"""What is remembered of one connection: when something last changed for its miner."""

from proxy.downstream.standing import Standing
from tests.kit.miners import Dialogue, FakeHouse


def test_it_begins_as_nobody() -> None:
    standing = Standing("farm", "192.0.2.1", 5.0)
    assert (standing.miner, standing.changed) == (None, 5.0)
    assert not any((standing.is_proven, standing.is_slowed, standing.is_over))


def test_work_another_difficulty_and_another_slice_are_changes() -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    standing = miner.session.standing
    assert standing.changed == 1000
    miner.passes(2)
    miner.logs_in()
    assert standing.changed == 1002
    miner.passes(30)
    miner.session.work_at(house.lane_of(0.5), miner.now)
    assert standing.changed == 1032
    miner.passes(30)
    house.pool_comes("beef", miner.now)
    miner.is_given_work()
    assert standing.changed == 1062
