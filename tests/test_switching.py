"""A thousand changes of pool in any order: no share reaches a wrong pool, and none is lost sight of.

The relay and the pool side are real, on loopback and a clock that jumps; miners are sessions.  Every pool
counts its job ids from 1 on every connection, so an id tells nothing; but a share's solution is the header
it was found for, and the pool holds that against the header it gave under the id on that connection.
Seeds are fixed, so a run that fails can be had again.
"""

import itertools
from collections import Counter
from contextlib import suppress
from random import Random

import attrs
import pytest
import trio
from trio.testing import MockClock

from proxy.config import Address, Config, Limits, Pool, Upstream
from proxy.core.tally import Tally
from proxy.core.trusting import TrustingValidator
from proxy.downstream.house import House
from proxy.model.share import FORWARDED, Reason
from proxy.relay import Relay, Shared
from proxy.upstream.session import Upstream as PoolSide
from tests.kit.miners import EQUIHASH, PROOF, SIZE_PREFIX, Dialogue, submit
from tests.kit.pools import LET_IN, SocketPool, Visit, no, notify, yes

POOLS = 3
MINERS = 4
GONE = (trio.BrokenResourceError, trio.ClosedResourceError)


@attrs.define(eq=False)
class Count:
    """What the pools have seen."""

    headers: "itertools.count[int]" = attrs.field(factory=lambda: itertools.count(1))
    extranonces: "itertools.count[int]" = attrs.field(factory=lambda: itertools.count(1))
    seen: Counter[str] = attrs.field(factory=Counter)


class UnsteadyPool:
    """A pool that comes and goes, answers when it likes, and knows its own shares.

    Args:
        moods: decides what happens.
    """

    def __init__(self, pool: SocketPool, moods: Random, count: Count) -> None:
        self._pool = pool
        self._moods = moods
        self._count = count
        self.visits: dict[Visit, trio.Lock] = {}

    async def serve(self) -> None:
        """Let everybody in, for ever."""
        async with trio.open_nursery() as nursery:
            while True:
                nursery.start_soon(self._visited, await self._pool.accept())

    async def drops(self) -> None:
        """Hang up on everybody."""
        for visit in list(self.visits):
            await visit.closes()

    async def _visited(self, visit: Visit) -> None:
        self.visits[visit] = trio.Lock()
        async with trio.open_nursery() as nursery:
            with suppress(*GONE):
                await self._talk(visit, nursery)
            nursery.cancel_scope.cancel()
        del self.visits[visit]

    async def _says(self, visit: Visit, *lines: str) -> None:
        async with self.visits[visit]:
            await visit.says(*lines)

    async def _talk(self, visit: Visit, nursery: trio.Nursery) -> None:
        given: dict[str, str] = {}  # header by job id
        while (line := await visit.hears()) is not None:
            match line["method"]:
                case "mining.subscribe":
                    extranonce1 = f"{next(self._count.extranonces):016x}"
                    await self._says(visit, f'{{"id":1,"result":[null,"{extranonce1}"],"error":null}}')
                case "mining.authorize":
                    await self._says(visit, LET_IN, self._job(given))
                    nursery.start_soon(self._gives_jobs, visit, given)
                case "mining.submit":
                    nursery.start_soon(self._judges, visit, line, given)

    def _job(self, given: dict[str, str]) -> str:
        job_id, header = str(len(given) + 1), f"{next(self._count.headers):064x}"
        given[job_id] = header
        return notify(job_id, header=header, clean=self._moods.random() < 0.7)

    async def _gives_jobs(self, visit: Visit, given: dict[str, str]) -> None:
        with suppress(*GONE):
            while True:
                await trio.sleep(self._moods.uniform(0.5, 20))
                await self._says(visit, self._job(given))

    async def _judges(self, visit: Visit, line: dict[str, object], given: dict[str, str]) -> None:
        params = line["params"]
        assert isinstance(params, list)
        header = params[4].removeprefix(SIZE_PREFIX)[:64]
        fate = self._moods.random()
        if given.get(params[1]) != header:
            self._count.seen["for another"] += 1
        if fate < 0.1:
            return  # never
        await trio.sleep(self._moods.choice((0.0, 0.0, 0.05, 3.0)))
        with suppress(*GONE):
            request_id = line["id"]
            assert isinstance(request_id, int)
            await self._says(visit, yes(request_id) if fate < 0.9 else no(request_id, 20, "bad"))
            self._count.seen["accepted" if fate < 0.9 else "refused"] += 1


class Miners:
    """Miners at work, each of which knows which of its shares were answered; the relay's carrier, too."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self.miners = [Dialogue(relay) for _ in range(MINERS)]
        self.headers: dict[Dialogue, dict[str, str]] = {miner: {} for miner in self.miners}
        self.sent: list[tuple[Dialogue, int]] = []
        self.answered: Counter[tuple[Dialogue, int]] = Counter()
        self._numbers = itertools.count(10)

    def announce(self, house: House, received: float) -> None:
        """Bring the new work to all."""
        for miner in self.miners:
            self._listens(miner, miner.is_given_work())

    def flush(self) -> None:
        """Bring answers to all."""
        for miner in self.miners:
            self._listens(miner, miner.hears())

    def log_in(self) -> None:
        """Come to work."""
        for number, miner in enumerate(self.miners):
            miner.now = trio.current_time()
            miner.logs_in(f"rig{number}")
            self.headers[miner][miner.job_id] = self._relay.works[0].job.header

    def submits(self, miner: Dialogue, job_id: str) -> None:
        """Send a share for a job that it was given."""
        number = next(self._numbers)
        miner.now = trio.current_time()
        header = self.headers[miner][job_id]
        solution = SIZE_PREFIX + header + "0" * (PROOF.digits - len(header))
        nonce = f"{number:x}".rjust(64 - len(miner.prefix), "0")
        self.sent.append((miner, number))
        self._listens(miner, miner.says(submit(job_id, nonce, solution, number)))

    def _listens(self, miner: Dialogue, heard: list[dict[str, object]]) -> None:
        for line in heard:
            if line.get("method") == "mining.notify":
                params = line["params"]
                assert isinstance(params, list)
                self.headers[miner][params[0]] = params[3]
            elif isinstance(line["id"], int) and line["id"] >= 10:
                self.answered[miner, line["id"]] += 1


@pytest.mark.parametrize("seed", range(4))
async def test_no_share_goes_astray_in_250_changes_of_pool(autojump_clock: MockClock, seed: int) -> None:
    moods, count = Random(seed), Count()
    sockets = [await SocketPool.open() for _ in range(POOLS)]
    pools = [UnsteadyPool(pool, moods, count) for pool in sockets]
    config = Config(
        upstream=Upstream(
            user="account",
            algorithm="equihash/48_5",
            pools=tuple(
                Pool(name=f"pool{place}", url=Address("stratum+tcp", "127.0.0.1", pool.port))
                for place, pool in enumerate(sockets)
            ),
        ),
        limits=Limits(failback_seconds=5, reconnect_seconds_max=2, upstream_reply_seconds=4),
    )
    tally = Tally()
    relay = Relay(
        config, EQUIHASH, tally, lambda: 0.0, lambda: 1_800_000_000.5, Shared(itertools.count(0x1000))
    )
    relay._judge = TrustingValidator(relay.book).judge  # as where the worker processes check
    side = relay.upstream = PoolSide(config, relay, tally, Random(seed))
    side.on_batch = relay.after_batch
    miners = Miners(relay)
    relay.attach(miners)
    with trio.fail_after(1_000_000):
        async with trio.open_nursery() as nursery:
            for pool in pools:
                nursery.start_soon(pool.serve)
            side_scope = trio.CancelScope()

            async def run_side() -> None:
                with side_scope:
                    await side.run()

            nursery.start_soon(run_side)
            while not relay.works:  # noqa: ASYNC110  # nothing tells of it
                await trio.sleep(0.1)
            miners.log_in()
            while tally.switches.total() < 250:
                for miner in moods.choices(miners.miners, k=moods.randrange(4)):
                    # The latest jobs only, as ids of clean ones before are stale here.
                    miners.submits(miner, moods.choice(list(miners.headers[miner])[-2:]))
                side.push()
                match moods.randrange(8):
                    case 0:
                        assert side.activate(f"pool{moods.randrange(POOLS)}")
                    case 1:
                        await pools[moods.randrange(POOLS)].drops()
                    case 2:
                        await trio.sleep(moods.uniform(5, 12))
                await trio.sleep(moods.choice((0.0, 0.01, 0.3)))
            side_scope.cancel()
            await side.settled()
            miners.flush()
            nursery.cancel_scope.cancel()
    for socket in sockets:
        await socket.closes()
    reasons = {reason for _, _, reason in tally.switches}
    assert reasons >= {"lost", "failback", "operator"}
    assert count.seen["for another"] == 0
    assert miners.answered == Counter(miners.sent), "each share has one answer"
    assert tally.in_flight == 0
    assert tally.conserved
    assert len(miners.sent) == tally.received_total
    assert sum(tally.shares[reason] for reason in FORWARDED) > 100
    assert tally.shares[Reason.ACCEPTED] <= count.seen["accepted"], "some answers come too late"
    assert tally.shares[Reason.REJECTED] <= count.seen["refused"]
