"""Found blocks: what is under the network's target is told of and counted, in one process and in several."""

import attrs
import pytest

from proxy.model.proof import ProofForm
from proxy.model.share import Reason
from proxy.model.target import from_difficulty, to_bytes
from proxy.native import Equihash, share_value
from proxy.sim.pool import SimPool
from proxy.sim.pool_options import PoolOptions
from tests.e2e import rigs, test_worker_processes

SMALL = Equihash(48, 5)
DIGITS = ProofForm.of(48, 5).digits  # of a proof, behind its length
NETWORK = 16.0  # four times a share's: a block in four
P2 = PoolOptions(
    style="p2", equihash=SMALL, difficulty=4, network_difficulty=NETWORK, job_seconds=1, seed=3, record=True
)


def blocks_of(pool: SimPool) -> int:
    """Count the blocks that a pool has taken, by its own numbers."""
    least = to_bytes(from_difficulty(NETWORK))
    return sum(
        share_value(share.job.header, share.nonce, share.solution[-DIGITS:]) < least
        for share in pool.shares
        if share.job is not None and share.verdict.reason is Reason.ACCEPTED
    )


async def test_of_one_process() -> None:
    async with rigs.rig(P2) as at:
        await at.farm(10, 40).run()
        tally = at.proxy.tally
        assert tally.blocks == blocks_of(at.pool) > 10
        assert tally.blocks < tally.shares[Reason.ACCEPTED]
        assert [block.pool for block in at.proxy.http.events.blocks] == ["main"] * min(100, tally.blocks)


async def test_of_several_processes() -> None:
    async with test_worker_processes.rig(P2) as at:
        await at.farm(10, max_shares=40).run()
        await test_worker_processes.until(lambda: at.proxy.view.tally.blocks == blocks_of(at.pool) > 10)
        await test_worker_processes.until(
            lambda: len(at.proxy.http.events.blocks) == min(100, at.proxy.view.tally.blocks)
        )
        assert {block.pool for block in at.proxy.http.events.blocks} == {"main"}


@pytest.mark.parametrize("style", ["solo", "p2"])
async def test_of_a_pool_that_does_not_say_what_the_network_asks(style: str) -> None:
    """A solo pool may be another Sluice; and what asks no more than of a share is no network's target."""
    async with rigs.rig(attrs.evolve(P2, style=style, network_difficulty=4)) as at:
        await at.farm(3, 5).run()
        assert at.proxy.tally.shares[Reason.ACCEPTED] > 0
        assert at.proxy.tally.blocks == 0
