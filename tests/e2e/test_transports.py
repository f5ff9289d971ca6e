"""Farms and pools that speak TLS or WebSocket, by proxies and behind balancers: the shares are the same.

The simulated ends speak plain TCP; sleeves put that into what the proxy is to see.
"""

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

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
from tests.e2e.rigs import AION, LONGEST, SMALL, until
from tests.kit.certificates import Authority
from tests.kit.gates import gate
from tests.kit.sleeves import Open, plain, sleeve, tls_in, tls_out, websocket_in, websocket_out

SOLO = PoolOptions(style="solo", equihash=SMALL, difficulty=4, job_seconds=0.5, seed=3, strict=True)
LOOPBACK = "127.0.0.1"


def both(*steps: Open) -> Open:
    """One after the other."""

    async def made(nursery: trio.Nursery, stream: trio.abc.Stream) -> object:
        for step in steps:
            stream = await step(nursery, stream)
        return stream

    return made


@attrs.define
class Way:
    """How one side talks.

    Args:
        schemes: of the proxy's address there.
        sleeve: what the simulated end's sleeve speaks, given a context.
    """

    scheme: str
    sleeve: Callable[[ssl.SSLContext], Open]


MINERS = {
    "tls": Way("stratum+tls", tls_out),
    "ws": Way("ws", lambda _: websocket_out),
    "wss": Way("wss", lambda context: both(tls_out(context), websocket_out)),
}
POOLS = {
    "tls": Way("stratum+tls", tls_in),
    "ws": Way("ws", lambda _: websocket_in),
    "wss": Way("wss", lambda context: both(tls_in(context), websocket_in)),
}


@asynccontextmanager
async def between(config: Config) -> AsyncIterator[tuple[Proxy, int]]:
    """Run a proxy; it, and its port."""
    async with trio.open_nursery() as nursery:
        proxy = Proxy(config)
        port = Address.parse(proxy.bind().listening[0][1]).port
        working = trio.Event()
        proxy.relay.on_first_work = working.set
        nursery.start_soon(proxy.run)
        await working.wait()
        yield proxy, port
        proxy.stop()


def config(pool: Pool, listen: Listen) -> Config:
    upstream = Upstream(algorithm="equihash/48_5", user="0xa0" + "11" * 31, pools=(pool,))
    return Config(
        upstream=upstream, listen=(listen,), limits=Limits(reconnect_seconds_max=0.2), http=Http(address="")
    )


async def works(proxy: Proxy, port: int, pool: SimPool) -> None:
    """A farm at a port has all its shares accepted by the pool."""
    miner = MinerOptions(equihash=SMALL, user="rig{n}", shares_per_second=20.0, max_shares=20, dialect=AION)
    report = await Farm(LOOPBACK, port, FarmOptions(miners=10, miner=miner, seed=7)).run()
    tally = proxy.tally
    assert report.unexpected_lines == []
    assert report.unanswered == 0
    assert report.accepted == tally.shares[Reason.ACCEPTED] == pool.tally.accepted > 0
    assert pool.tally.bad == 0
    assert tally.received_total == report.sent.total()
    await until(lambda: not tally.in_flight and not proxy.relays.slots["lent"])
    assert tally.conserved


@pytest.mark.parametrize(
    ("miners", "pools"), [("tls", "tls"), ("ws", "ws"), ("wss", "wss"), ("wss", "tls"), ("tls", "wss")]
)
async def test_a_farm_and_a_pool(tmp_path: Path, miners: str, pools: str) -> None:
    authority = Authority(tmp_path)
    tls = authority.issue()
    near, far = MINERS[miners], POOLS[pools]
    with trio.fail_after(LONGEST):
        async with trio.open_nursery() as nursery:
            pool = SimPool(SOLO)
            await nursery.start(pool.run, LOOPBACK)
            pool_port = Address.parse(pool.url).port
            front: int = await nursery.start(sleeve, pool_port, far.sleeve(authority.server(tls)), plain)
            ca = "" if pools == "ws" else authority.file
            there = Pool(url=Address(far.scheme, LOOPBACK, front), ca=ca)
            listen = Listen(
                url=Address(near.scheme, LOOPBACK, 0),
                tls=tls if near.scheme in ("stratum+tls", "wss") else None,
            )
            async with between(config(there, listen)) as (proxy, port):
                back: int = await nursery.start(sleeve, port, plain, near.sleeve(authority.client()))
                await works(proxy, back, pool)
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize("kind", ["socks5", "http"])
async def test_a_pool_by_a_proxy(kind: str) -> None:
    with trio.fail_after(LONGEST):
        async with trio.open_nursery() as nursery:
            pool = SimPool(SOLO)
            await nursery.start(pool.run, LOOPBACK)
            async with gate(kind, Address.parse(pool.url).port, "me:secret") as there:
                url = Address("stratum+tcp", "pool.example", 3333)
                by = Pool(url=url, proxy=f"{kind}://me:secret@{LOOPBACK}:{there.port}")
                listen = Listen(url=Address("stratum+tcp", LOOPBACK, 0))
                async with between(config(by, listen)) as (proxy, port):
                    await works(proxy, port, pool)
                assert set(there.asked) == {("pool.example", 3333)}
            nursery.cancel_scope.cancel()


async def test_ipv6_on_both_sides() -> None:
    with trio.fail_after(LONGEST):
        async with trio.open_nursery() as nursery:
            pool = SimPool(SOLO)
            await nursery.start(pool.run, "::1")
            listen = Listen(url=Address("stratum+tcp", "::", 0))
            async with between(config(Pool(url=Address.parse(pool.url)), listen)) as (proxy, port):
                # Dual-stack: the farm comes by IPv4.
                await works(proxy, port, pool)
            nursery.cancel_scope.cancel()
