"""One bad miner hurts nobody, on real sockets: it is shut out, and the farm behind its address is not."""

import trio

from proxy.config import Ban
from proxy.model.share import Reason
from proxy.sim.faults import Mix
from proxy.sim.pool_options import PoolOptions
from proxy.sim.verdicts import Kind
from tests.e2e.rigs import SMALL, rig, until

# One job, for a share that a simulated miner makes just as the next one comes is never sent.
SOLO = PoolOptions(style="solo", equihash=SMALL, difficulty=4, seed=3, strict=True)
WRONG = Mix({Kind.BAD_PROOF: 1.0})


async def test_an_attacker_among_twenty_good_miners() -> None:
    async with rig(SOLO, ban=Ban(seconds=1, max_seconds=3)) as at:
        tally = at.proxy.tally
        async with trio.open_nursery() as nursery:
            attacker = at.farm(1, user="evil", shares_per_second=200.0, mix=WRONG)
            nursery.start_soon(attacker.run)
            report = await at.farm(20, 40, shares_per_second=10.0).run()
            # It is shut out, refused while that lasts, and when it comes back and goes on, shut out again.
            await until(lambda: tally.bans["invalid_solution"] >= 2)
            nursery.cancel_scope.cancel()
        assert report.unanswered == 0
        assert report.unexpected_lines == []
        assert report.sent.total() == 20 * 40, "nobody was disturbed"
        assert tally.disconnects["farm", "banned"] >= 2
        assert tally.disconnects["farm", "closed"] >= 20
        assert set(tally.disconnects) <= {("farm", reason) for reason in ("banned", "closed", "reset")}
        # Fifty shares a ban, and no more.
        assert tally.shares[Reason.INVALID_SOLUTION] <= 50 * (tally.bans["invalid_solution"] + 1)
        assert at.pool.tally.bad == 0
