"""A farm, the proxy and two pools on real sockets: the preferred one dies and comes back, nobody reconnects.

Both pools judge every share with the slow oracle, each its own; a share that came to the wrong one would
be bad there.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import attrs
import pytest
import trio

from proxy.app import Proxy
from proxy.config import Address, Config, Http, Limits, Listen, Pool, Upstream
from proxy.model.share import Reason
from proxy.sim.farm import Farm, FarmOptions
from proxy.sim.miner import MinerOptions
from proxy.sim.places import read_address
from proxy.sim.pool import SimPool
from proxy.sim.pool_options import PoolOptions
from tests.e2e.rigs import AION, ANY_PORT, LOGIN, LONGEST, SMALL, has_accepted, until

MINERS = 20


@attrs.define
class Pair:
    """A proxy before two pools."""

    proxy: Proxy
    address: Address
    main: SimPool
    backup: SimPool

    @property
    def states(self) -> list[str]:
        """How the pools stand, the preferred one first."""
        return [pool.state for pool in self.proxy.relays.pools]

    @property
    def places(self) -> list[int | None]:
        """Which pool each pool side works for."""
        return [running.relay.upstream.current for running in self.proxy.relays._running]

    @property
    def lost(self) -> int:
        """Shares that no pool answered."""
        return self.proxy.tally.shares[Reason.LOST]

    def farm(self, miners: int, **options: Any) -> Farm:
        """Make a farm."""
        miner = MinerOptions(equihash=SMALL, user="rig{n}", **{"shares_per_second": 10.0, **options})
        host, port = read_address(str(self.address))
        return Farm(host, port, FarmOptions(miners=miners, miner=miner, seed=7))


@asynccontextmanager
async def pair(options: PoolOptions) -> AsyncIterator[Pair]:
    """Run two pools and a proxy that goes back to the first after a second."""
    with trio.fail_after(LONGEST):
        async with trio.open_nursery() as nursery:
            main = SimPool(options)
            backup = SimPool(attrs.evolve(options, seed=options.seed + 1))
            for pool in (main, backup):
                await nursery.start(pool.run, ANY_PORT.host)
            proxy = Proxy(
                Config(
                    upstream=Upstream(
                        dialect=options.dialect,
                        algorithm="blob" if options.blob else "equihash/48_5",
                        user="0xa0" + "11" * 31,
                        pools=(
                            Pool(name="main", url=Address.parse(main.url)),
                            Pool(name="backup", url=Address.parse(backup.url)),
                        ),
                    ),
                    listen=(Listen(url=ANY_PORT),),
                    limits=Limits(reconnect_seconds_max=0.2, failback_seconds=1),
                    http=Http(address=""),
                )
            )
            at = Pair(proxy, Address.parse(proxy.bind().listening[0][1]), main, backup)
            nursery.start_soon(proxy.run)
            await until(lambda: at.states[0] == "active" and proxy.relay.works)
            yield at
            nursery.cancel_scope.cancel()


def has_served(pool: SimPool, shares: int) -> bool:
    """Whether a pool has taken so many shares."""
    return pool.tally.accepted >= shares


@pytest.mark.parametrize(("dialect", "miners"), [(AION, AION), (AION, LOGIN), (LOGIN, AION)])
async def test_miners_outlive_their_pool_and_come_home_without_a_gap(dialect: str, miners: str) -> None:
    options = PoolOptions(dialect=dialect, equihash=SMALL, difficulty=1, job_seconds=0.5, seed=11)
    async with pair(options) as at:
        farm, tally = at.farm(MINERS, dialect=miners), at.proxy.tally
        async with trio.open_nursery() as nursery:
            nursery.start_soon(farm.run)
            await farm.until(partial(has_accepted, 100))
            await at.main.go_down()
            await until(lambda: at.states == ["down", "active"] or at.states == ["connecting", "active"])
            await farm.until(lambda farm: farm.report.moves >= MINERS, LONGEST)
            await farm.until(lambda _: has_served(at.backup, 100), LONGEST)
            lost = at.lost
            await at.main.come_up()
            served = at.main.tally.accepted
            await farm.until(lambda _: has_served(at.main, served + 100), LONGEST)
            assert at.lost == lost, "the way back costs no share"
            farm.stop()
        report = farm.report
        assert tally.switches == {("main", "backup", "lost"): 1, ("backup", "main", "failback"): 1}
        assert (report.connects, report.disconnects) == (MINERS, 0)
        assert report.unexpected_lines == []
        assert report.unanswered == 0
        assert report.violations == {}
        assert report.moves >= 2 * MINERS
        for pool in (at.main, at.backup):
            assert pool.tally.bad == 0
            assert pool.tally.repeated_nonces == 0
        await until(lambda: not tally.in_flight)
        assert tally.conserved
        # What the dying pool had judged may not have come through.
        judged = at.main.tally.accepted + at.backup.tally.accepted
        assert judged - lost <= tally.shares[Reason.ACCEPTED] <= judged
        assert {name for name in tally.forwarded if tally.forwarded[name]} <= {"main", "backup", "none"}


async def test_while_no_pool_is_up_miners_stay_and_all_work_again_at_the_first_job() -> None:
    options = PoolOptions(equihash=SMALL, difficulty=1, job_seconds=0.5, seed=13)
    async with pair(options) as at:
        farm = at.farm(MINERS)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(farm.run)
            await farm.until(partial(has_accepted, 50))
            for pool in (at.main, at.backup):
                await pool.go_down()
            lost = at.lost
            await until(lambda: at.lost > lost)
            assert at.proxy.relays.not_ready
            moves = farm.report.moves
            await at.backup.come_up()
            await farm.until(lambda farm: farm.report.moves >= moves + MINERS, LONGEST)
            await farm.until(lambda _: has_served(at.backup, 50), LONGEST)
            farm.stop()
        assert (farm.report.connects, farm.report.disconnects) == (MINERS, 0)
        assert farm.report.unanswered == 0
        assert at.proxy.tally.switches == {("main", "backup", "lost"): 1}
        assert at.proxy.tally.conserved


async def test_all_pool_connections_of_blob_work_come_home_together() -> None:
    options = PoolOptions(dialect=LOGIN, blob=True, job_seconds=1, seed=17)
    async with pair(options) as at:
        farm = at.farm(300, dialect=LOGIN, blob=True, shares_per_second=1.0)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(farm.run)
            await farm.until(lambda farm: farm.report.online == 300, LONGEST)
            await until(lambda: at.places == [0, 0])
            await at.main.go_down()
            await until(lambda: at.places == [1, 1])
            await farm.until(lambda _: has_served(at.backup, 300), LONGEST)
            assert len(at.main.sessions) == 0
            await at.main.come_up()
            await until(lambda: at.places == [0, 0])
            await until(lambda: not at.backup.sessions)
            farm.stop()
        assert farm.report.disconnects == 0
        assert at.proxy.tally.switches == {("main", "backup", "lost"): 1, ("backup", "main", "failback"): 1}
        assert at.main.tally.bad == at.backup.tally.bad == 0
        assert at.main.tally.repeated_nonces == at.backup.tally.repeated_nonces == 0
