"""A pool, one proxy or several before it, and farms: what the end-to-end tests are built of."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import trio

from proxy.app import Proxy
from proxy.config import Address, Ban, Config, Http, Limits, Listen, Pool, Upstream, Vardiff
from proxy.native import Equihash
from proxy.sim.farm import Farm, FarmOptions
from proxy.sim.miner import MinerOptions
from proxy.sim.places import read_address
from proxy.sim.pool import SimPool
from proxy.sim.pool_options import PoolOptions

SMALL = Equihash(48, 5)
AION, LOGIN = "aion", "login"
LONGEST = 60  # seconds; a run that hangs fails
ANY_PORT = Address("stratum+tcp", "127.0.0.1", 0)


# Most farms here send bad shares to order, and all are to be answered.
FORGIVING = Ban(check_after=1_000_000)


@attrs.define
class Rung:
    """A proxy, where it listens, and who it works for.

    Args:
        ended: set once it has run.
    """

    proxy: Proxy
    address: Address
    ended: trio.Event


class Rig:
    """A pool, proxies before it one behind the other, and farms to put before the last.

    Args:
        difficulty: what the proxies ask of who connects to them.
        ban: when they shut somebody out.

    Attributes:
        rungs: the proxies, the one next to the pool first.
    """

    def __init__(
        self,
        nursery: trio.Nursery,
        pool: SimPool,
        difficulty: Vardiff | float | str = "upstream",
        ban: Ban = FORGIVING,
    ) -> None:
        self.ban = ban
        self.pool = pool
        self.difficulty = difficulty
        self.rungs: list[Rung] = []
        self._nursery = nursery

    @property
    def proxy(self) -> Proxy:
        """The one that miners connect to."""
        return self.rungs[-1].proxy

    @property
    def upper(self) -> Proxy:
        """The one that connects to the pool."""
        return self.rungs[0].proxy

    def farm(self, miners: int, shares: int = 0, spread: float = 1.0, **options: Any) -> Farm:
        """Make a farm.

        Args:
            shares: of each miner; 0 for no end.
            spread: how many times as fast as the first miner the last one is.
        """
        defaults: dict[str, Any] = {"user": "rig{n}", "shares_per_second": 20.0, "max_shares": shares}
        if self.pool.options.blob:
            defaults |= {"dialect": LOGIN, "blob": True}
        miner = MinerOptions(equihash=SMALL, **{**defaults, **options})
        host, port = read_address(str(self.rungs[-1].address))
        return Farm(host, port, FarmOptions(miners=miners, miner=miner, seed=7, spread=spread))

    async def add(self, dialect: str, at: Address = ANY_PORT, works: bool = True) -> Rung:
        """Put a proxy before the last one, or before the pool.

        Args:
            dialect: what it speaks with that one.
            at: where it listens.
            works: wait until it has work.
        """
        pool = self.rungs[-1].address if self.rungs else Address.parse(self.pool.url)
        rung = await self._start(pool, dialect, at, works)
        self.rungs.append(rung)
        return rung

    async def replace_upper(self) -> Proxy:
        """End the proxy next to the pool in good order and start another in its place; return the old."""
        old = self.rungs[0]
        old.proxy.stop()
        await old.ended.wait()
        dialect = old.proxy.config.upstream.dialect
        self.rungs[0] = await self._start(Address.parse(self.pool.url), dialect, old.address, works=True)
        return old.proxy

    async def _start(self, pool: Address, dialect: str, at: Address, works: bool) -> Rung:
        proxy = Proxy(
            Config(
                upstream=Upstream(
                    dialect=dialect,
                    algorithm="blob" if self.pool.options.blob else "equihash/48_5",
                    user="0xa0" + "11" * 31,
                    pools=(Pool(url=pool),),
                ),
                listen=(Listen(url=at, difficulty=self.difficulty),),
                limits=Limits(reconnect_seconds_max=0.2, ban=self.ban),
                http=Http(address=""),
            )
        )
        rung = Rung(proxy, Address.parse(proxy.bind().listening[0][1]), trio.Event())
        working = trio.Event()
        proxy.relay.on_first_work = working.set
        self._nursery.start_soon(self._run, rung)
        if works:
            await working.wait()
        return rung

    async def _run(self, rung: Rung) -> None:
        await rung.proxy.run()
        rung.ended.set()

    async def nothing_is_left(self) -> None:
        """Every share is accounted for, and every slice is back.

        A miner that hung up on its shares is done before the proxy has read of it, and before the pool has
        judged them; so the proxy may take its time, but it has to come to that.
        """
        tally, relays = self.proxy.tally, self.proxy.relays
        await until(lambda: not tally.in_flight and not relays.slots["lent"])
        assert tally.conserved
        assert relays.workers.connections == {}
        assert relays.slots["free"] > 0


@asynccontextmanager
async def rig(
    options: PoolOptions,
    between: Sequence[str] = (),
    directory: Path | None = None,
    difficulty: Vardiff | float | str = "upstream",
    ban: Ban = FORGIVING,
) -> AsyncIterator[Rig]:
    """Run a pool and a proxy, or a chain of them.

    Args:
        between: what the proxies speak with each other, one a pair.
        directory: where everybody's socket files stand; None for TCP.
        difficulty: what the proxies ask of who connects to them.
        ban: when they shut somebody out.
    """

    def place(number: int) -> Address:
        return ANY_PORT if directory is None else Address("unix", "", 0, str(directory / f"{number}.sock"))

    with trio.fail_after(LONGEST):
        async with trio.open_nursery() as nursery:
            pool = SimPool(options)
            await nursery.start(pool.run, place(0).path or ANY_PORT.host)
            at = Rig(nursery, pool, difficulty, ban)
            for number, dialect in enumerate((options.dialect, *between), 1):
                await at.add(dialect, place(number))
            yield at
            nursery.cancel_scope.cancel()


def has_accepted(shares: int, farm: Farm) -> bool:
    """Whether a farm has had so many shares accepted."""
    return farm.report.accepted >= shares


async def until(condition: Callable[[], object]) -> None:
    """Wait for what a proxy does by itself; looked at whenever nothing else happens."""
    while not condition():  # noqa: ASYNC110  # nothing tells of it
        await trio.sleep(0.01)
