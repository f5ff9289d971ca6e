"""The pool side under test on loopback, for the tests of session.py."""

from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import trio

from proxy.config import Address, Config, Limits, Pool
from proxy.config import Upstream as Section
from proxy.core.tally import Tally
from proxy.upstream.session import Upstream
from tests.kit.pools import House, SocketPool, a_forward

Log = list[MutableMapping[str, Any]]


async def closed_port() -> int:
    """A port where nobody listens."""
    gone = await SocketPool.open()
    await gone.closes()
    return gone.port


class Side:
    """The pool side under test, with the relay's place behind it.

    Args:
        section: what the configuration says of the pool side beside user and pools.
        first_choice: place of the pool that is asked first.
    """

    def __init__(
        self,
        *ports: int,
        host: str = "127.0.0.1",
        limits: Limits | None = None,
        first_choice: int = 0,
        **section: Any,
    ) -> None:
        pools = tuple(
            Pool(name=f"pool{place}", url=Address("stratum+tcp", host, port))
            for place, port in enumerate(ports)
        )
        self.config = Config(upstream=Section(user="user", pools=pools, **section), limits=limits or Limits())
        self.house = House()
        self.tally = Tally()
        self.upstream = Upstream(self.config, self.house, self.tally, Random(1), lambda: first_choice)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[trio.Nursery]:
        """Run it; a test that waits for what never comes fails instead of hanging."""
        with trio.fail_after(100_000):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.upstream.run)
                yield nursery
                nursery.cancel_scope.cancel()

    def submits(self, *tokens: object, connection: int = 1) -> bool:
        """Hand shares over; whether all were taken."""
        now = trio.current_time()
        taken = [self.upstream.submit(a_forward(token, connection=connection), now) for token in tokens]
        self.upstream.push()
        return all(taken)


def events(log: Log) -> list[tuple[str, str]]:
    """What the log says of pools: the event and why."""
    return [(line["event"], line.get("why", line.get("note", ""))) for line in log]
