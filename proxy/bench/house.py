"""The measured proxy, a process of its own: `python -m proxy.bench.house SETTINGS`.

Strategy: the real proxy.app.Proxy on loopback ports, configured with room for any load.  Only the truth of
the proofs is borrowed.  Nobody solves thousands of Equihash(210,9) proofs a second, so whatever header,
nonce and solution a share brings, the check that is run is that of one of 32 known good shares: the real
check, of full size, to the end.  All bytes on the wire are of full size, too, and parsing, hashing, the
search for duplicates and the test of the target work on what came.
SETTINGS is a JSON object, see Settings.  Standard output has one JSON object a line: `{"port": …}`,
`{"ready": true}`, then one Facts for every line on standard input; its end ends the process.
The trap: what is told here must cost the measured process nothing between two questions.
"""

import gc
import itertools
import os
import sys
from collections.abc import Callable

import attrs
import msgspec
import trio

from proxy import collector
from proxy.app import Proxy
from proxy.bench import verify
from proxy.config import Address, Ban, Config, Http, Limits, Listen, Pool, Upstream
from proxy.native import Equihash, Hex
from proxy.ops import logs

MINERS_OF_CONNECTION = 256  # in blob work
PLENTY = 1_000_000  # of what the bench does not mean to run into
_LOOPBACK = "127.0.0.1"


@attrs.frozen
class Settings:
    """What the measured proxy is to be.

    Args:
        dialect: "aion" for Equihash work, "login" for blob work, on both sides.
        pool_port: of the pool, on loopback.
        miners: to make room for.
    """

    dialect: str
    pool_port: int
    miners: int


@attrs.frozen
class Facts:
    """What the measured process alone knows of itself.

    Args:
        lent, resting: slices of the nonce space.
        workers: names online.
        shares: how many of each verdict.
        collections: runs of the garbage collector, by generation.
        blocks: pieces of memory that Python's allocator has given out; grows if objects are left behind.
    """

    lent: int
    resting: int
    workers: int
    shares: dict[str, int]
    conserved: bool
    collections: list[int]
    blocks: int


class BorrowedProof(Equihash):
    """The real check, always on a known good share in place of the one it is asked about."""

    _shares = itertools.cycle(verify.shares())

    def flaw(self, header: Hex, nonce: Hex, solution: Hex) -> str:  # noqa: ARG002
        """Check a proof; see Equihash."""
        return super().flaw(*next(self._shares))


def configuration(settings: Settings) -> Config:
    """Configure a proxy that nothing but its own cost holds back."""
    is_blob = settings.dialect == "login"
    room = settings.miners + 1024  # those who come in churn, too
    limits = Limits(
        max_miners=room,
        max_miners_per_address=room,
        requests_per_second=PLENTY,
        upstream_unanswered=PLENTY,
        miner_unanswered=PLENTY,
        first_line_seconds=10.0,
        ban=Ban(allow=("127.0.0.0/8",)),
        idle_seconds=PLENTY,
        upstream_silence_seconds=PLENTY,
        # Slices of those who left rest until the next job.
        pool_connections=2 * room // MINERS_OF_CONNECTION + 8,
        shutdown_seconds=0.0,
    )
    return Config(
        upstream=Upstream(
            dialect=settings.dialect,
            algorithm="blob" if is_blob else "equihash/210_9",
            user="bench",
            pools=(Pool(name="bench", url=Address("stratum+tcp", _LOOPBACK, settings.pool_port)),),
        ),
        listen=(Listen(url=Address("stratum+tcp", _LOOPBACK, 0)),),
        limits=limits,
        http=Http(address=""),
    )


def facts(proxy: Proxy) -> Facts:
    """Look at the proxy from inside."""
    slots = proxy.relays.slots
    return Facts(
        lent=slots["lent"],
        resting=slots["resting"],
        workers=len(proxy.relays.workers.online),
        shares={reason.value: count for reason, count in proxy.tally.shares.items()},
        conserved=proxy.tally.conserved,
        collections=[generation["collections"] for generation in gc.get_stats()],
        blocks=sys.getallocatedblocks(),
    )


async def run(settings: Settings, questions: trio.abc.ReceiveStream, tell: Callable[[object], None]) -> None:
    """Run until there are no more questions.

    Args:
        questions: a line each.
        tell: takes what standard output gets, one object a line.
    """
    proxy = Proxy(configuration(settings), BorrowedProof() if settings.dialect == "aion" else None)
    address = proxy.bind().listening[0][1]
    tell({"port": Address.parse(address).port})
    proxy.relay.on_first_work = lambda: tell({"ready": True})
    async with trio.open_nursery() as nursery:
        nursery.start_soon(proxy.run)
        async for data in questions:
            for _ in range(data.count(b"\n")):
                tell(attrs.asdict(facts(proxy)))
        proxy.stop()


def main(settings: str) -> None:
    """Run on standard input and output."""
    logs.configure("warning")

    def tell(what: object) -> None:
        sys.stdout.buffer.write(msgspec.json.encode(what) + b"\n")
        sys.stdout.buffer.flush()

    async def on_standard_input() -> None:
        async with trio.lowlevel.FdStream(os.dup(sys.stdin.fileno())) as questions:
            await run(msgspec.json.decode(settings, type=Settings), questions, tell)

    collector.tune()  # as `sluice run` does
    trio.run(on_standard_input)


if __name__ == "__main__":
    main(sys.argv[1])
