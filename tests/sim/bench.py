"""A miner's connection of the Aion dialect that is logged in, and the server's end of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import trio
import trio.testing

from proxy.sim.aion_link import AionLink
from proxy.sim.faults import Shot
from proxy.sim.link import Login, Memory
from proxy.sim.report import FarmReport
from proxy.sim.verdicts import Kind
from proxy.sim.waiting import Changes
from tests.sim.talker import Talker

LOGIN = Login("me", "x", "nheqminer/0.2.1", "127.0.0.1", 23334)
SUBSCRIBED = b'{"id":1,"result":[null,"aabb"],"error":null}\n'
AUTHORIZED = b'{"id":2,"result":true,"error":null}\n'


def notify(job: str, header: str = "ab") -> bytes:
    text = f'{{"id":null,"method":"mining.notify","params":["{job}",true,"{"ff" * 32}","{header * 32}"]}}\n'
    return text.encode()


@attrs.define
class Bench:
    """A link that is logged in and has job 1, and the server's end of it."""

    link: AionLink
    server: Talker
    report: FarmReport

    async def share(self, kind: Kind = Kind.GOOD) -> None:
        """Send a share."""
        assert self.link.task is not None
        await self.link.submit(Shot(kind, self.link.task, b"[]"))
        await self.server.line()

    async def hear(self, *lines: bytes) -> None:
        """Let the miner hear lines, and wait until it has."""
        await self.server.say(b"".join(lines))
        await trio.testing.wait_all_tasks_blocked()


@asynccontextmanager
async def bench(**how: Any) -> AsyncIterator[Bench]:
    ours, theirs = trio.testing.memory_stream_pair()
    report, server = FarmReport(), Talker(theirs)
    link = AionLink(ours, LOGIN, report, Memory(), Changes(), **how)
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(link.listen)
            await server.say(SUBSCRIBED + AUTHORIZED)
            assert await link.login()
            for _ in range(3):
                await server.line()
            yield_to = Bench(link, server, report)
            await yield_to.hear(notify("1"))
            yield yield_to
            nursery.cancel_scope.cancel()


def reply(number: int, error: str = "") -> bytes:
    if error:
        return f'{{"id":{number},"result":null,"error":[20,"{error}",null]}}\n'.encode()
    return f'{{"id":{number},"result":true,"error":null}}\n'.encode()
