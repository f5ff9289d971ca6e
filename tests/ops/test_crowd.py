"""Where nobody takes miners yet, there are none."""

from proxy.ops.crowd import MinerPage, MinerQuery, Nobody


async def test_nobody_is_here_and_nothing_can_be_done() -> None:
    crowd = Nobody()
    assert await crowd.miners(MinerQuery()) == MinerPage([], 0)
    assert await crowd.bad_shares("rig1") == []
    assert await crowd.bans() == []
    assert not await crowd.disconnect("1")
    assert not await crowd.release("1")
