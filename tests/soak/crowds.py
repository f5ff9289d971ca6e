"""Who mines in a run: the good in all their kinds, and the bad who send shares.

Strategy: all are proxy.sim's miners.  The good ones stand in farms by what their connection is like, one
report a farm, so that what is asked of each can differ: who did not ask for extranonce1 changes may be cut
off when the pool changes, and nobody else.  The bad ones come from addresses of their own, because junk is
held against an address, and two of each kind share one.
"""

import random
from collections import Counter

import attrs
import trio

from proxy.native import Equihash
from proxy.sim.farm import SEED_STEP, Farm, FarmOptions
from proxy.sim.faults import Mix
from proxy.sim.miner import MinerOptions, SimMiner
from proxy.sim.report import FarmReport
from tests.soak.intruders import TRICKS, intrude
from tests.soak.scene import DIFFICULTY

SMALL = Equihash(48, 5)
CONNECTING = 64  # bad miners at once, as a farm has it
DIALECTS = ("aion", "login")
RECONNECT_SECONDS = 1.0
DRAIN_SECONDS = 30.0  # longer than any verdict takes; what has none then is a fault

# Part of the good ones in each farm; the first has what is left.
PARTS = {
    "aion": 0.0,
    "login": 0.30,
    "plain": 0.05,  # have not asked for extranonce1 changes
    "far": 0.08,  # a slow and unsteady line
    "drip": 0.02,  # byte by byte
    "vary": 0.08,  # at a door where the difficulty follows the miner
    "tls": 0.05,
    "ws": 0.03,
}
# By farm, the way they come by; all others go straight to the first door.
NEAR, FAR, DRIP, VARY, TLS, WS = WAYS = ("near", "far", "drip", "vary", "tls", "ws")
SOLVES = ("vary",)  # they find more shares where less is asked
CANNOT_FOLLOW = ("plain",)

# What each kind of bad miner sends, and how many a second at most.
BAD = {
    "false_proofs": ("bad_proof=3,near_miss=1", 2.0),
    "low": ("low=1", 10.0),
    "duplicates": ("good=1,duplicate=9", 3.0),
    "medley": (
        "good=2,malformed=3,unknown_job=2,stale=2,wrong_slice=1,unauthorized=1,not_subscribed=1,long_line=1",
        2.0,
    ),
}
BAD_KINDS = (*BAD, *TRICKS)


@attrs.frozen(kw_only=True)
class Orders:
    """What a load process is to do.

    Args:
        ports: of the proxy, by the way to it, each of WAYS.
        doors: all ports of the proxy itself, for those who knock at any.
        good, bad: how many miners.
        rate: shares a second of each good miner.
        bad_rate: of all bad ones together, at most.
    """

    host: str
    ports: dict[str, int]
    doors: list[int]
    good: int
    bad: int
    rate: float
    bad_rate: float
    seed: int


def good_farms(orders: Orders) -> dict[str, Farm]:
    """Make the farms of good miners, by name."""
    one = orders.good > len(PARTS)  # enough for one of each kind at least
    sizes = {name: max(one, round(part * orders.good)) for name, part in PARTS.items()}
    sizes["aion"] = 0
    sizes["aion"] = orders.good - sum(sizes.values())
    farms = {}
    for number, (name, size) in enumerate(sizes.items()):
        if not size:
            continue
        miner = MinerOptions(
            dialect="login" if name == "login" else "aion",
            equihash=SMALL,
            user=f"{name}{{n}}",
            shares_per_second=orders.rate,
            sols_per_second=DIFFICULTY * orders.rate if name in SOLVES else 0.0,
            extranonce_subscribe=name not in CANNOT_FOLLOW,
            reconnect_seconds=RECONNECT_SECONDS,
            drain_seconds=DRAIN_SECONDS,
        )
        options = FarmOptions(miners=size, miner=miner, seed=orders.seed * len(sizes) + number)
        farms[name] = Farm(orders.host, orders.ports[name if name in WAYS else NEAR], options)
    return farms


class Mob:
    """The bad ones.

    Attributes:
        report: of those who send shares.
        seen: what came of the others' connections.
    """

    def __init__(self, orders: Orders) -> None:
        self.report = FarmReport()
        self.seen: Counter[str] = Counter()
        self._orders = orders
        self._miners: list[SimMiner] = []
        self._scope = trio.CancelScope()

    async def run(self) -> None:
        """Be bad until stop(), then collect the replies."""
        gate = trio.Semaphore(CONNECTING)
        async with trio.open_nursery() as working:
            numbers = []
            for number in range(self._orders.bad):
                kind = BAD_KINDS[number % len(BAD_KINDS)]
                if kind in BAD:
                    miner = self._miner(kind, number, gate)
                    self._miners.append(miner)
                    working.start_soon(miner.run)
                else:
                    numbers.append(number)
            with self._scope:
                async with trio.open_nursery() as intruding:
                    for number in numbers:
                        intruding.start_soon(self._intrude, number)

    def stop(self) -> None:
        """Let no one send anything more."""
        self._scope.cancel()
        for miner in self._miners:
            miner.stop()

    def _miner(self, kind: str, number: int, gate: trio.Semaphore) -> SimMiner:
        mix, rate = BAD[kind]
        senders = max(1, self._orders.bad * len(BAD) // len(BAD_KINDS))
        options = MinerOptions(
            dialect=DIALECTS[number // len(BAD_KINDS) % 2],
            equihash=SMALL,
            user=f"{kind}{number}",
            shares_per_second=min(rate, self._orders.bad_rate / senders),
            mix=Mix.parse([mix]),
            seed=self._orders.seed * SEED_STEP - number - 1,
            reconnect_seconds=RECONNECT_SECONDS,
            drain_seconds=DRAIN_SECONDS,
        )
        port = self._orders.ports[NEAR]
        return SimMiner(
            self._orders.host, port, options, self.report, gate=gate, local_address=address_of(number)
        )

    async def _intrude(self, number: int) -> None:
        orders = self._orders
        source = random.Random(orders.seed * SEED_STEP - number - 1)
        trick = BAD_KINDS[number % len(BAD_KINDS)]
        await intrude(orders.host, orders.doors, trick, source, address_of(number), self.seen)


def address_of(number: int) -> str:
    """A loopback address for a bad miner: its kind's neighbour has the same."""
    kind, which = number % len(BAD_KINDS), number // len(BAD_KINDS) // 2
    return f"127.{kind + 1}.{which // 250 % 250}.{which % 250 + 1}"
