"""A line on which packets vanish and nobody is told: to the pool, and to the farm.

A link between two sockets swallows what comes while it is cut, in either direction, and neither end hears of
it, as on a dead route.  What the kernel does there by itself, TCP's own timeouts, no loopback can show.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest
import trio

from proxy.app import Proxy
from proxy.config import Address, Config, Http, Limits, Listen, Pool, Upstream
from proxy.model.share import Reason
from proxy.sim.farm import Farm, FarmOptions
from proxy.sim.miner import MinerOptions
from proxy.sim.pool import SimPool
from proxy.sim.pool_options import PoolOptions
from tests.e2e.rigs import AION, ANY_PORT, LOGIN, LONGEST, SMALL, has_accepted, until
from tests.soak.dialling import by_tcp
from tests.soak.links import Fault, Link, Manner

MINERS = 5
# Short, or the test would mostly wait: by a reply that does not come a cut shows before the silence does.
LIMITS = Limits(
    upstream_silence_seconds=3,
    upstream_reply_seconds=1,
    reconnect_seconds_max=0.2,
    failback_seconds=1,
    idle_seconds=2,
    connect_seconds=1,
)


@attrs.define
class Lines:
    """A proxy that reaches its first pool by a link, and a farm that reaches the proxy by another."""

    proxy: Proxy
    to_pool: Link
    to_farm: Link
    pools: tuple[SimPool, SimPool]

    def farm(self, dialect: str) -> Farm:
        """Make the farm; it sends often enough for its shares to show that nothing comes back."""
        miner = MinerOptions(
            equihash=SMALL, user="rig{n}", dialect=dialect, shares_per_second=10.0, reconnect_seconds=0.2
        )
        return Farm(ANY_PORT.host, self.to_farm.port, FarmOptions(miners=MINERS, miner=miner, seed=7))

    async def ends(self, farm: Farm) -> None:
        """Let the farm stop, and see that every share is accounted for."""
        farm.stop()
        tally, relays = self.proxy.tally, self.proxy.relays
        await until(lambda: not tally.in_flight and not relays.slots["lent"])
        assert tally.conserved
        assert not any(pool.tally.repeated_nonces for pool in self.pools)


@asynccontextmanager
async def lines(dialect: str = AION) -> AsyncIterator[Lines]:
    """Run all of it."""
    with trio.fail_after(LONGEST):
        async with trio.open_nursery() as nursery:
            pools = tuple(
                SimPool(PoolOptions(style="solo", equihash=SMALL, difficulty=4, job_seconds=0.5, seed=seed))
                for seed in (3, 4)
            )
            for pool in pools:
                await nursery.start(pool.run, ANY_PORT.host)
            ports = [Address.parse(pool.url).port for pool in pools]
            to_pool = await nursery.start(Link(by_tcp(ANY_PORT.host, ports[0]), Manner(), 1).run)
            proxy = Proxy(
                Config(
                    upstream=Upstream(
                        algorithm="equihash/48_5",
                        user="0xa0" + "11" * 31,
                        pools=(
                            Pool(name="main", url=Address("stratum+tcp", ANY_PORT.host, to_pool.port)),
                            Pool(name="backup", url=Address("stratum+tcp", ANY_PORT.host, ports[1])),
                        ),
                    ),
                    listen=(Listen(url=ANY_PORT),),
                    limits=LIMITS,
                    http=Http(address=""),
                )
            )
            port = Address.parse(proxy.bind().listening[0][1]).port
            to_farm = await nursery.start(Link(by_tcp(ANY_PORT.host, port), Manner(), 2).run)
            working = trio.Event()
            proxy.relay.on_first_work = working.set
            nursery.start_soon(proxy.run)
            await working.wait()
            yield Lines(proxy, to_pool, to_farm, (pools[0], pools[1]))
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.SILENCE])
async def test_a_cut_to_the_pool_shows_and_the_farm_moves_and_comes_back(fault: Fault) -> None:
    async with lines() as made, trio.open_nursery() as nursery:
        farm = made.farm(AION)
        nursery.start_soon(farm.run)
        await farm.until(lambda farm: has_accepted(20, farm), LONGEST)
        made.to_pool.break_down(fault)
        main, backup = made.pools
        await until(lambda: backup.tally.accepted >= 20)
        assert farm.report.disconnects == 0
        assert made.proxy.tally.shares[Reason.LOST] > 0  # what was under way then, and not a share more
        before = main.tally.accepted
        made.to_pool.heal()
        await until(lambda: main.tally.accepted >= before + 20)
        assert farm.report.disconnects == 0
        await made.ends(farm)


@pytest.mark.parametrize("dialect", [AION, LOGIN])
async def test_a_cut_to_the_farm_shows_and_it_comes_back(dialect: str) -> None:
    async with lines() as made, trio.open_nursery() as nursery:
        farm = made.farm(dialect)
        nursery.start_soon(farm.run)
        await farm.until(lambda farm: has_accepted(20, farm), LONGEST)
        made.to_farm.break_down(Fault.CUT)
        ended = made.proxy.tally.disconnects
        await until(lambda: ended["farm", "idle"] == MINERS)
        assert not made.proxy.relays.slots["lent"]
        accepted = farm.report.accepted
        made.to_farm.heal()
        await farm.until(lambda farm: has_accepted(accepted + 20, farm), LONGEST)
        await made.ends(farm)
