"""A proxy behind a proxy, by TCP and by socket files: what the pool, either proxy and the miners see.

The lower proxy is a miner to the upper one, and the upper one is a pool to the lower one; neither is told
that the other is no such thing.
"""

import re
from functools import partial
from pathlib import Path

import attrs
import pytest
import trio

from proxy.model.share import FILTERED, Reason
from proxy.sim.faults import Mix
from proxy.sim.pool_options import PoolOptions
from proxy.sim.report import FarmReport
from proxy.sim.verdicts import Kind
from tests.e2e.rigs import AION, LOGIN, SMALL, Rig, has_accepted, rig, until

SOLO = PoolOptions(style="solo", equihash=SMALL, difficulty=4, job_seconds=0.5, seed=3, strict=True)
# What the pool, the two proxies between each other, and the miners speak.
CHAINS = {
    "all aion": (AION, AION, AION),
    "login between": (AION, LOGIN, AION),
    "aion between": (LOGIN, AION, LOGIN),
    "all login": (LOGIN, LOGIN, LOGIN),
}
chains = pytest.mark.parametrize(("pool", "between", "miners"), CHAINS.values(), ids=CHAINS)
BAD = (Kind.STALE, Kind.DUPLICATE, Kind.LOW, Kind.MALFORMED, Kind.WRONG_SLICE, Kind.BAD_PROOF)


@pytest.fixture(params=["tcp", "unix"])
def directory(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    """Where socket files stand; None for a chain over TCP."""
    return tmp_path if request.param == "unix" else None


def sums_hold(at: Rig, report: FarmReport) -> None:
    """Follow the shares from the miners to the pool: none comes or goes on the way."""
    above, below = at.upper.tally, at.proxy.tally
    assert below.conserved
    assert above.conserved
    assert above.in_flight == below.in_flight == 0
    assert below.received_total == report.sent.total()
    assert below.forwarded_total == above.received_total
    assert above.forwarded_total == at.pool.tally.submits
    assert at.pool.tally.accepted == above.shares[Reason.ACCEPTED]
    assert above.shares[Reason.ACCEPTED] == below.shares[Reason.ACCEPTED] == report.accepted
    # To the lower one the upper one is the pool, whatever it refuses for.
    refused = sum(above.shares[reason] for reason in (*FILTERED, Reason.REJECTED, Reason.LOST))
    assert below.shares[Reason.REJECTED] == refused


def no_work_was_done_twice(at: Rig) -> None:
    assert at.pool.tally.repeated_nonces == 0
    assert at.pool.tally.bad == 0


@chains
async def test_every_share_is_counted_once_on_every_level(
    pool: str, between: str, miners: str, directory: Path | None
) -> None:
    mix = Mix({Kind.GOOD: 10.0} | dict.fromkeys(BAD, 1.0))
    async with rig(attrs.evolve(SOLO, dialect=pool), [between], directory) as at:
        report = await at.farm(10, 30, dialect=miners, mix=mix, shares_per_second=30.0).run()
        assert report.unexpected_lines == []
        assert report.unanswered == 0
        assert report.violations == {}
        assert report.accepted > 100
        assert report.work == pytest.approx(at.upper.tally.credited)
        no_work_was_done_twice(at)
        sums_hold(at, report)
        await at.nothing_is_left()
        assert at.upper.tally.connections == {"farm": 1}, "the farm is one miner to the upper proxy"


async def test_two_farms_below_one_proxy_do_not_meet(directory: Path | None) -> None:
    """One behind a proxy of its own, one at the upper proxy itself; each counts its nonces from zero."""
    async with rig(SOLO, [LOGIN], directory) as at:
        below = at.farm(10, 20)
        lower = at.rungs.pop()
        beside = at.farm(10, 20)
        at.rungs.append(lower)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(below.run)
            nursery.start_soon(beside.run)
        accepted = below.report.accepted + beside.report.accepted
        assert at.pool.tally.accepted == at.upper.tally.shares[Reason.ACCEPTED] == accepted > 200
        no_work_was_done_twice(at)


@chains
async def test_the_pools_own_words_reach_the_miners(pool: str, between: str, miners: str) -> None:
    """The pool counts by a target that it has told nobody of, and says how far off each share was."""
    options = PoolOptions(dialect=pool, style="p2", equihash=SMALL, seed=3)
    async with rig(options, [between]) as at:
        farm = at.farm(5, dialect=miners)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(farm.run)
            await farm.until(partial(has_accepted, 20))
            at.pool.target = 1
            await farm.until(lambda farm: farm.report.unexpected >= 20)
            farm.stop()
        words = r"got low difficulty share \([\d.]+\): " if pool == AION else "got Low difficulty share: "
        for line in farm.report.unexpected_lines:
            assert re.search(words, line), line
        refused = at.pool.tally.refused["low_difficulty"]
        assert refused >= 20
        for proxy in (at.upper, at.proxy):
            assert proxy.tally.shares[Reason.REJECTED] == refused
            assert proxy.tally.shares[Reason.LOW_DIFFICULTY] == 0
        sums_hold(at, farm.report)


@chains
async def test_a_moved_pool_reaches_the_miners_through_both(pool: str, between: str, miners: str) -> None:
    """The lower one's own bytes come after the upper one's, and both come after the pool's."""
    options = PoolOptions(dialect=pool, equihash=SMALL, seed=11)
    async with rig(options, [between]) as at:
        farm = at.farm(20, dialect=miners)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(farm.run)
            await farm.until(partial(has_accepted, 100))
            at.pool.move_extranonce()
            at.pool.new_job()
            await farm.until(partial(has_accepted, farm.report.accepted + 100))
            farm.stop()
        assert farm.report.unexpected_lines == []
        assert farm.report.moves >= 20
        assert farm.report.disconnects == 0
        no_work_was_done_twice(at)
        await at.nothing_is_left()


@chains
async def test_the_farm_outlives_the_pool_and_the_proxy_in_between(
    pool: str, between: str, miners: str, directory: Path | None
) -> None:
    """Dropped, gone for a while, restarted; then the upper proxy is stopped and another takes its place."""
    async with rig(attrs.evolve(SOLO, dialect=pool), [between], directory) as at:
        farm = at.farm(10, dialect=miners)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(farm.run)
            await farm.until(partial(has_accepted, 20))
            at.pool.drop()
            await farm.until(partial(has_accepted, farm.report.accepted + 20))
            await at.pool.restart(0.1)
            await farm.until(partial(has_accepted, farm.report.accepted + 20))
            old = await at.replace_upper()
            await farm.until(partial(has_accepted, farm.report.accepted + 20))
            farm.stop()
        report = farm.report
        assert (report.connects, report.disconnects) == (10, 0)
        assert report.unexpected_lines == []
        assert report.unanswered == 0
        assert report.violations == {}
        assert report.moves > 0
        no_work_was_done_twice(at)
        for proxy in (old, at.upper, at.proxy):
            assert proxy.tally.conserved
        await at.nothing_is_left()


async def test_blob_work_is_split_once_and_the_lower_proxy_says_so(directory: Path | None) -> None:
    """A byte on top is all there is to split; the upper proxy's own miners go on."""
    async with rig(PoolOptions(dialect=LOGIN, blob=True, seed=5), (), directory) as at:
        at_its_own = at.farm(3, 10)
        lower = (await at.add(LOGIN, works=False)).proxy
        await until(lambda: "refused" in lower.relays.not_ready)
        assert "connect this Sluice to the pool itself" in lower.relays.not_ready
        report = await at_its_own.run()
        assert report.accepted == report.sent.total() == at.pool.tally.accepted
        no_work_was_done_twice(at)


def names(directory: Path) -> list[str]:
    """What is in a directory."""
    return sorted(path.name for path in directory.iterdir())


async def test_no_socket_file_is_left(tmp_path: Path) -> None:
    async with rig(SOLO, [AION], tmp_path) as at:
        assert names(tmp_path) == ["0.sock", "1.sock", "2.sock"]
        for rung in at.rungs:
            rung.proxy.stop()
            await rung.ended.wait()
        assert names(tmp_path) == ["0.sock"]
    assert names(tmp_path) == []
