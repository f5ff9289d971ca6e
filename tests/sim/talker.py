"""A bare client for the simulated pool: lines out, lines in, as they are."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio

from proxy.sim.pool import PoolOptions, SimPool
from proxy.sim.rig import Proof, Task, solving

SUBSCRIBE = b'{"id":1,"method":"mining.subscribe","params":["talker",null,"h","1"]}\n'
AUTHORIZE = b'{"id":2,"method":"mining.authorize","params":["0xa0' + b"1" * 62 + b'","x"]}\n'
NTIME = "0000000000000000"
_open: list[trio.abc.Stream] = []


class Talker:
    """Speaks to a pool; nothing waits longer than five seconds."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self._buffer = b""

    @classmethod
    async def to(cls, pool: SimPool) -> "Talker":
        """Connect; closed with the pool."""
        stream = await trio.open_tcp_stream("127.0.0.1", pool.port)
        _open.append(stream)
        return cls(stream)

    async def say(self, data: bytes) -> None:
        """Send bytes."""
        await self.stream.send_all(data)

    async def line(self) -> bytes:
        """The next line, with its end; b"" once the pool has closed."""
        with trio.fail_after(5):
            while b"\n" not in self._buffer:
                try:
                    data = await self.stream.receive_some(65_536)
                except trio.BrokenResourceError:
                    return b""
                if not data:
                    return b""
                self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line + b"\n"

    async def ask(self, data: bytes) -> bytes:
        """Send, and return the next line."""
        await self.say(data)
        return await self.line()

    async def json(self) -> Any:
        """The next line, decoded."""
        return json.loads(await self.line())

    async def until(self, part: bytes) -> bytes:
        """The next line that holds this."""
        while line := await self.line():
            if part in line:
                return line
        raise AssertionError(f"closed before {part!r} came")

    async def log_in(self) -> Task:
        """Subscribe and authorize; return the job, as a task to solve."""
        await self.say(SUBSCRIBE)
        extranonce1 = json.loads(await self.until(b'"id":1'))["result"][1]
        await self.say(AUTHORIZE)
        lines = [await self.line(), await self.line()]
        notify = json.loads(next(line for line in lines if b"mining.notify" in line))
        return task_of(notify, extranonce1)


def task_of(notify: Any, extranonce1: str) -> Task:
    """A notify as a task."""
    job_id, _, target, header = notify["params"]
    return Task(job_id, header, bytes.fromhex(target), extranonce1)


def proofs_of(task: Task, pool: SimPool, nonces: int = 50) -> list[Proof]:
    """Some proofs, whatever their value, the first of each nonce."""
    source = solving(pool.options.equihash)
    found = [source(task) for _ in range(nonces)]
    return [proofs[0] for proofs in found if proofs]


def submit(
    task: Task, proof: Proof, request_id: int = 4, *, job: str | None = None, size: str = "24"
) -> bytes:
    """A mining.submit as the reference miner writes it."""
    tail = proof.nonce[len(task.prefix) :]
    params = ["worker", task.id if job is None else job, NTIME, tail, size + proof.solution]
    return json.dumps({"id": request_id, "method": "mining.submit", "params": params}).encode() + b"\n"


@asynccontextmanager
async def living(**options: Any) -> AsyncIterator[SimPool]:
    """A pool of these options, for ten seconds at most."""
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            pool: SimPool = await nursery.start(SimPool(PoolOptions(**options)).run)
            try:
                yield pool
            finally:
                while _open:
                    await trio.aclose_forcefully(_open.pop())
                nursery.cancel_scope.cancel()
