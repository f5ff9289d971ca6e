"""Many miners, one report."""

import attrs
import pytest
import trio

from proxy.sim.farm import Farm, FarmOptions
from proxy.sim.faults import Mix
from proxy.sim.miner import MinerOptions
from proxy.sim.pool import SimPool
from proxy.sim.verdicts import Kind
from tests.sim.talker import living

QUICK = MinerOptions(against="solo", shares_per_second=500.0, max_shares=10, reconnect_seconds=0.01)


def farm(pool: SimPool, **options: object) -> Farm:
    given = {"miners": 20, "miner": QUICK, **options}
    return Farm("127.0.0.1", pool.port, FarmOptions(**given), pool.job_written)  # type: ignore[arg-type]


async def test_good_shares_of_many_miners_all_reach_the_pool_and_no_nonce_twice() -> None:
    async with living(difficulty=2) as pool:
        report = await farm(pool).run()
        assert report.sent == {"good": 200}
        assert report.shares == {"accepted": 200}
        assert (pool.tally.accepted, pool.tally.bad, pool.tally.repeated_nonces) == (200, 0, 0)
        assert report.conserved()
        assert report.roundtrip.count == 200
        assert report.job_latency.count == 20
        assert report.connects == 20
        assert report.online == 0
        assert report.as_dict()["sols_per_second"] == report.work / report.seconds


async def test_miners_of_all_speeds() -> None:
    """Each by the same ratio faster than the one before, up to the spread."""
    miner = MinerOptions(sols_per_second=3.0)
    farm = Farm("127.0.0.1", 1, FarmOptions(miners=3, miner=miner, spread=100.0))
    assert [made.options.sols_per_second for made in farm.miners] == pytest.approx([3, 30, 300])
    (alone,) = Farm("127.0.0.1", 1, FarmOptions(miners=1, miner=miner, spread=100.0)).miners
    assert alone.options.sols_per_second == 3.0
    with pytest.raises(ValueError, match="spread"):
        FarmOptions(spread=0)


async def test_a_mix_of_everything_is_judged_as_it_deserves() -> None:
    shares = "good=8,stale,duplicate,low,malformed,wrong_slice,bad_proof,near_miss,unknown_job,unauthorized"
    miner = attrs.evolve(QUICK, mix=Mix.parse([shares]), max_shares=30)
    async with living(difficulty=2) as pool:
        report = await farm(pool, miner=miner, miners=10).run()
        assert len(report.verdicts) >= 9
        assert report.unexpected_lines == []
        assert report.conserved()
        assert report.sent.total() == pool.tally.submits


async def test_shares_are_conserved_over_lost_connections_and_restarts() -> None:
    miner = attrs.evolve(QUICK, max_shares=0, shares_per_second=100.0, disconnect_seconds=0.2)
    async with living() as pool:
        grown = farm(pool, miner=miner, miners=10)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(grown.run)
            await pool.until(lambda pool: pool.tally.accepted > 50)
            await pool.restart()
            pool.new_job()
            before = pool.tally.accepted
            await pool.until(lambda pool: pool.tally.accepted > before + 50)
            grown.stop()
        assert grown.report.disconnects >= 10
        assert grown.report.unexpected_lines == []
        assert grown.report.conserved()


async def test_the_same_seed_sends_the_same_kinds() -> None:
    miner = attrs.evolve(QUICK, mix=Mix({Kind.GOOD: 1, Kind.MALFORMED: 1}))
    sent = []
    for seed in (5, 5, 6):
        async with living() as pool:
            sent.append((await farm(pool, miner=miner, seed=seed).run()).sent)
    assert sent[0] == sent[1]
    assert sent[0] != sent[2]


async def test_logins_at_the_same_time_are_bounded() -> None:
    async with living(silent=True) as pool:
        held = farm(pool, connecting=3)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(held.run)
            await pool.until(lambda pool: pool.tally.lines == 3)
            assert len(pool.sessions) == 3
            held.stop()
        assert held.report.connects == 3


async def test_names_and_addresses() -> None:
    async with living(record=True) as pool:
        miner = attrs.evolve(QUICK, user="rig{n}", max_shares=1)
        await farm(pool, miner=miner, miners=5, addresses=2).run()
        assert pool.tally.workers == {f"rig{number}": 1 for number in range(5)}


@pytest.mark.parametrize("blob", [False, True])
async def test_jobs_are_timed_in_the_login_dialect_too(blob: bool) -> None:
    miner = attrs.evolve(QUICK, dialect="login", blob=blob, against="login")
    async with living(dialect="login", blob=blob) as pool:
        report = await farm(pool, miner=miner).run()
        assert report.job_latency.count == 20
        assert report.shares == {"accepted": 200}
        assert pool.tally.repeated_nonces == 0


async def test_rigs_are_numbered_as_users_are() -> None:
    miner = MinerOptions(dialect="login", rig="rig{n}")
    farm = Farm("127.0.0.1", 1, FarmOptions(miners=3, miner=miner))
    assert [miner.options.rig for miner in farm.miners] == ["rig0", "rig1", "rig2"]


async def test_addresses_are_all_loopback() -> None:
    farm = Farm("127.0.0.1", 1, FarmOptions(miners=600, addresses=300))
    addresses = {miner._local_address for miner in farm.miners}
    assert len(addresses) == 300
    assert {"127.0.0.1", "127.0.1.44"} <= addresses


async def test_a_farm_can_be_waited_for() -> None:
    async with living() as pool:
        waiting = farm(pool, miner=attrs.evolve(QUICK, shares_per_second=0))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(waiting.run)
            await waiting.until(lambda farm: farm.report.jobs == 20)
    assert waiting.report.seconds > 0


async def test_time_ends_it() -> None:
    async with living() as pool:
        miner = attrs.evolve(QUICK, max_shares=0)
        with trio.fail_after(5):
            report = await farm(pool, miner=miner).run(seconds=0.05)
        assert report.conserved()


def test_addresses_are_bounded() -> None:
    with pytest.raises(ValueError, match="addresses"):
        FarmOptions(addresses=0)
