"""Difficulties that follow their miners, between simulated ends: what each miner and the pool see of it.

The miners really dig, so an easier target makes a slow one send more often, and a harder one a fast one less.
"""

import attrs
import pytest
import trio

from proxy.config import Vardiff
from proxy.model.share import Reason
from proxy.sim.farm import Farm
from proxy.sim.pool_options import PoolOptions
from proxy.sim.rig import difficulty_of
from proxy.sim.verdicts import Kind
from tests.e2e.rigs import AION, LOGIN, SMALL, rig

MINERS, SLOWEST, SPREAD = 30, 4.0, 100.0  # solutions a second; the fastest has 400
SECONDS = 0.4  # to aim for
FOLLOWS = Vardiff(start=16, min=1, max=1000, target_seconds=SECONDS)
POOL = PoolOptions(style="solo", equihash=SMALL, difficulty=64, job_seconds=2, seed=3, strict=True)


def aims(farm: Farm, ceiling: float) -> list[float]:
    """By miner, how far its difficulty is from what its speed comes to; 1 is just right."""
    found = []
    for miner in farm.miners:
        if miner.link is None or miner.link.task is None:
            return [0.0]
        wanted = min(ceiling, miner.options.sols_per_second * SECONDS)
        found.append(difficulty_of(miner.link.task.target) / wanted)
    return found


@pytest.mark.parametrize(
    ("dialect", "options"),
    [
        (AION, POOL),
        (LOGIN, attrs.evolve(POOL, dialect=LOGIN)),
        (LOGIN, attrs.evolve(POOL, dialect=LOGIN, blob=True)),
    ],
    ids=["aion", "login", "blob work"],
)
async def test_miners_of_all_speeds_come_to_send_as_often_as_is_wanted(
    dialect: str, options: PoolOptions
) -> None:
    """Within the factor of four that is borne with little evidence, and what falls to either side of that."""
    async with rig(options, difficulty=FOLLOWS) as at:
        farm = at.farm(MINERS, dialect=dialect, sols_per_second=SLOWEST, spread=SPREAD)

        def settled(farm: Farm) -> int:
            return sum(1 / 6 < aim < 6 for aim in aims(farm, options.difficulty))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(farm.run)
            await farm.until(lambda farm: settled(farm) == MINERS, 45)
            # And so it goes on, through some more jobs.
            before = farm.report.accepted
            await farm.until(lambda farm: farm.report.accepted > before + 300, 45)
            assert settled(farm) > 0.9 * MINERS
            farm.stop()
        report, tally = farm.report, at.proxy.tally
        assert report.unexpected_lines == []
        assert report.violations == {}
        assert report.verdicts[Kind.GOOD.value]["low_difficulty"] == 0
        assert tally.shares[Reason.LOW_DIFFICULTY] == tally.shares[Reason.UNKNOWN_JOB] == 0
        # The pool sees what meets its own difficulty, and no more.
        assert at.pool.tally.bad == 0
        assert at.pool.tally.accepted == tally.shares[Reason.ACCEPTED] > 0
        assert tally.shares[Reason.KEPT] > tally.shares[Reason.ACCEPTED]
        assert tally.received_total == report.sent.total()
        assert tally.credited == pytest.approx(report.work)
        await at.nothing_is_left()
