"""Farms that are made up, as a proxy would show them: one that is well, one without a pool, and so on.

Strategy: the books are the proxy's own (Tally, WorkerBook, Windows), filled with a past that a seed decides,
and so is the API on top of them; what is made up is only what happened.
"""

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise

import attrs

from proxy.core.tally import ROUNDTRIP_BOUNDS, Histogram, Tally
from proxy.core.windows import Windows
from proxy.core.workerbook import Record, WorkerBook
from proxy.ledger.reading import Share
from proxy.model.share import FILTERED, FORWARDED, Reason
from proxy.ops.crowd import BadRecord, BanRecord, MinerPage, MinerQuery, MinerRecord
from proxy.ops.ledgerreader import (
    LedgerBlock,
    LedgerPoint,
    LedgerState,
    PoolSum,
    Reconciliation,
    ShareQuery,
)
from proxy.upstream.contender import PoolStatus

DIFFICULTY = 32.0
DAY = 86_400.0
MOST_AT_ONCE = 40  # shares: what is played must not be busier than what is shown
# A day in pieces, each much smaller than the bar that it falls into: minutes, half minutes, five seconds.
TIMES = (*range(86_400, 3600, -120), *range(3600, 60, -30), *range(60, 0, -5))
FEW_TIMES = (86_400, 3600, 600)
DETAILS = {
    Reason.MALFORMED: "nonce must have 64 hex digits, has 62",
    Reason.REJECTED: "Job not found (=stale)",
}
AGENTS = ("aionminer/0.2.2", "XMRig/6.21.3", "gominer/1.4", "bminer/16.4.11")
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "\"><script>document.title='owned'</script>",
    "rig\u202egnp.exe",
    "../../etc/passwd",
    "100% {{sure}} & 'quoted'",
    "a" * 200,
    "Обогреватель №7 in the very back of the cellar",
    "🔥rig🔥",
)


@attrs.define(eq=False)
class Farm:
    """A farm's view (proxy/ops/view.py), and how it goes on.

    Args:
        now: seconds of the monotonic clock at which it is begun; `wall` seconds since 1970 likewise.
        live: whether shares go on coming.
    """

    now: float
    wall: float
    dice: random.Random
    live: bool = True
    tally: Tally = attrs.field(factory=Tally)
    book: WorkerBook = attrs.field(factory=WorkerBook)
    pools: list[PoolStatus] = attrs.field(factory=list)
    not_ready: str = ""
    processes: int = 1
    slots: dict[str, int] = attrs.field(factory=lambda: {"lent": 48, "resting": 2, "free": 65_486})
    total: Windows | None = None
    bans: list[BanRecord] = attrs.field(factory=list)
    connections: dict[str, MinerRecord] = attrs.field(factory=dict)
    past: dict[float, float] = attrs.field(factory=dict)  # work of all, by when
    rate: float = 0.0  # Sol/s of all
    ledger: "Ledger | None" = None

    @property
    def workers(self) -> dict[str, int]:
        """Connections by worker."""
        return self.book.connections

    @property
    def crowd(self) -> "Farm":
        """Who has the miners: the farm itself."""
        return self

    def miners_by_listener(self) -> Counter[tuple[str, str]]:
        """Count the miners that are here."""
        return Counter((one.listener, one.dialect) for one in self.connections.values())

    # ---- its past

    def employ(
        self,
        name: str,
        rate: float,
        bad: dict[Reason, float],
        times: Sequence[float] = TIMES,
        gone: float = 0.0,
    ) -> Record:
        """Take on a worker that has been here for a day.

        Args:
            rate: Sol/s.
            bad: parts of its shares.
            times: the pieces that its day is told in, by when they began, seconds ago.
            gone: seconds that it has been away for.
        """
        dice = self.dice
        began = self.now - DAY
        record = self.book.join(name, began)
        windows = record.windows = Windows(began)
        for begin, end in pairwise((*times, 0.0)):
            if end < gone:
                break
            at = self.now - begin
            work = rate * (begin - end) * dice.uniform(0.93, 1.07) * _weather(begin)
            windows.add(work, at)
            record.work += work
            self.past[at] = self.past.get(at, 0.0) + work
        self.rate += rate
        self._count_past(record, round(rate * DAY / DIFFICULTY), bad)
        record.last_seen = record.last_share = self.now - dice.uniform(0, 25)
        self.connect(record)
        return record

    def settle(self) -> "Farm":
        """Sum up the past of all, once all are there: time does not go back."""
        total = self.total = Windows(self.now - DAY)
        for at, work in sorted(self.past.items()):
            total.add(work, at)
        return self

    def _count_past(self, record: Record, good: int, bad: dict[Reason, float]) -> None:
        counted = {Reason.ACCEPTED: good, **{reason: round(good * part) for reason, part in bad.items()}}
        for reason, count in counted.items():
            record.shares[reason] = count
            self.tally.received["farm", "aion"] += count
            if reason not in FILTERED:
                self.tally.forwarded["main"] += count
            self.tally.shares[reason] += count
            self.tally.work[reason] += count * DIFFICULTY
        reasons = [reason for reason, part in bad.items() if part > 0]
        for number in range(min(6, sum(counted[one] for one in reasons))):
            self._spoil(record, reasons[number % len(reasons)], self.now - (6 - number) * 47.0)

    def _spoil(self, record: Record, reason: Reason, at: float) -> None:
        """Have it send a bad share, counted elsewhere."""
        count = record.shares.get(reason, 0)
        record.came_to_nothing(
            reason, DETAILS.get(reason, ""), f"{self.dice.randrange(1 << 40):x}", "192.0.2.17", at
        )
        record.shares[reason] = count

    def connect(self, record: Record) -> None:
        """Show a connection of a worker."""
        number = len(self.connections) + 1
        shares = {reason.value: count // 20 for reason, count in record.shares.items()}
        self.connections[f"{number:x}"] = MinerRecord(
            id=f"{number:x}",
            worker=record.name,
            address=f"192.0.2.{number % 250}",
            listener="farm" if number % 9 else "xmrig",
            dialect="aion" if number % 9 else "login",
            agent=AGENTS[number % len(AGENTS)],
            difficulty=DIFFICULTY,
            connected_at=self.wall - self.dice.uniform(600, DAY),
            last_share_at=self.wall - self.dice.uniform(0, 40),
            shares=shares,
            unanswered=0,
            slowed=sum(shares.values()) > 2 * shares["accepted"] if shares else False,
        )

    def dismiss(self, record: Record, seconds: float) -> None:
        """Have a worker gone for so long."""
        for number in [key for key, one in self.connections.items() if one.worker == record.name]:
            del self.connections[number]
        record.miners = 1
        self.book.part(record, self.now - seconds)
        record.last_share = record.last_seen

    # ---- its present

    def go_on(self, now: float, seconds: float) -> None:
        """Let the shares of some seconds come in."""
        online = list(self.book.online.values())
        if not (self.live and online):
            return
        for pool in self.pools:
            if pool.state == "active" and now % 9 < 0.3:
                pool.last_job_at = self.wall + now - self.now
        shares = min(MOST_AT_ONCE, self.rate * seconds / DIFFICULTY)
        for record in self.dice.choices(online, k=int(shares + self.dice.random())):
            self._share(record, now)

    def _share(self, record: Record, now: float) -> None:
        bad = {reason: count for reason, count in record.shares.items() if reason is not Reason.ACCEPTED}
        total = sum(record.shares.values())
        reason = Reason.ACCEPTED
        if bad and self.dice.random() * total < sum(bad.values()):
            reason = self.dice.choices(list(bad), list(bad.values()))[0]
        tally = self.tally
        tally.received["farm", "aion"] += 1
        if reason is Reason.ACCEPTED:
            record.good(reason, DIFFICULTY, now)
            if self.total is not None:
                self.total.add(DIFFICULTY, now)
        else:
            record.came_to_nothing(reason, DETAILS.get(reason, ""), "5a1c", "192.0.2.17", now)
        if reason in FILTERED:
            tally.judge(reason, DIFFICULTY)
        else:
            tally.sent("main")
            tally.returned("main", reason, DIFFICULTY, self.dice.lognormvariate(-3.2, 0.5))

    # ---- the crowd, as the API asks it

    async def miners(self, query: MinerQuery) -> MinerPage:
        """Give a page of the miners that are here."""
        found = [one for one in self.connections.values() if _is_wanted(one, query)]
        key: Callable[[MinerRecord], object] = _MINER_KEYS.get(
            query.sort, lambda one: getattr(one, query.sort)
        )
        found.sort(key=lambda one: (key(one), one.id), reverse=query.descending)
        return MinerPage(found[query.offset : query.offset + query.limit], len(found))

    async def bad_shares(self, worker: str) -> list[BadRecord]:
        """Give a worker's latest bad shares."""
        record = self.book.find(worker)
        ahead = self.wall - self.now
        return [
            BadRecord(one.at + ahead, one.reason.value, one.detail, one.job_id, one.address)
            for one in reversed((record and record.bad) or ())
        ]

    async def list_bans(self) -> list[BanRecord]:
        """Give all who are shut out."""
        return self.bans

    async def disconnect(self, miner_id: str) -> bool:
        """Close a miner's connection."""
        return self.connections.pop(miner_id, None) is not None

    async def release(self, ban_id: str) -> bool:
        """End a ban."""
        before = len(self.bans)
        self.bans = [one for one in self.bans if one.id != ban_id]
        self.tally.banned = len(self.bans)
        return len(self.bans) < before


def _weather(ago: float) -> float:
    """How well a hall does: less in the heat of the afternoon, and a short cut some hours ago."""
    return (0.55 if 9000 < ago <= 10_800 else 1.0) * (1 + 0.03 * math.sin(ago / 7000))


_MINER_KEYS: dict[str, Callable[[MinerRecord], object]] = {
    "accepted": lambda one: one.shares.get("accepted", 0),
    "bad": lambda one: sum(one.shares.values()) - one.shares.get("accepted", 0),
}


def _is_wanted(one: MinerRecord, query: MinerQuery) -> bool:
    return (
        query.worker in ("", one.worker)
        and query.listener in ("", one.listener)
        and query.search.casefold() in f"{one.worker}\n{one.address}\n{one.agent}".casefold()
    )


@attrs.define(eq=False)
class Ledger:
    """A ledger that agrees with a farm's books."""

    farm: Farm
    state: LedgerState = attrs.field(factory=lambda: LedgerState("ok", 12, 981_223))

    async def shares(self, query: ShareQuery) -> list[Share]:
        """Give shares, the latest first."""
        found = []
        for number, record in enumerate(self.farm.book.online.values()):
            for one in record.bad or ():
                share = Share(
                    str(number),
                    one.at + self.farm.wall - self.farm.now,
                    one.at + self.farm.wall - self.farm.now,
                    record.name,
                    one.address,
                    "farm",
                    "aion",
                    "main" if one.reason is Reason.REJECTED else "",
                    one.job_id,
                    one.reason.value,
                    one.detail,
                    DIFFICULTY,
                    DIFFICULTY * 2.5,
                    41.5 if one.reason is Reason.REJECTED else None,
                    False,
                )
                if query.worker in ("", share.worker) and query.reason in ("", share.reason):
                    found.append(share)
        found.sort(key=lambda one: -one.at)
        return found[: query.limit]

    async def history(self, seconds: float, step: float, worker: str | None = None) -> list[LedgerPoint]:
        """Give what came in, oldest first."""
        rate = self.farm.rate / (len(self.farm.book) if worker else 1)
        dice = random.Random(worker)
        times = range(int(seconds // step), 0, -1)
        return [LedgerPoint(self.farm.wall - n * step, rate * dice.uniform(0.9, 1.05), {}) for n in times]

    async def reconcile(self, since: float) -> Reconciliation:
        """Sum up what is written."""
        tally = self.farm.tally
        accepted, rejected, lost = (tally.shares.get(one, 0) for one in FORWARDED)
        return Reconciliation(
            since,
            self.farm.wall,
            True,
            tally.received_total,
            {one.value: tally.shares.get(one, 0) for one in FILTERED},
            0,
            tally.forwarded_total,
            accepted,
            rejected,
            lost,
            0,
            [],
            [PoolSum("main", tally.forwarded_total, accepted, rejected, lost)],
        )

    async def blocks(self, limit: int) -> list[LedgerBlock]:
        """Give found blocks."""
        return [LedgerBlock(self.farm.wall - 9000, "halla-rig05", "main", "1f2e", 4.1e6)][:limit]


# ---- scenes


def healthy(now: float, wall: float, names: Sequence[str] = ()) -> Farm:
    """48 machines, one of which overheats, and one that has been away since the evening."""
    farm = Farm(now, wall, random.Random(210_9))
    farm.pools = [
        PoolStatus(
            "main",
            "stratum+tls://eu.pool.example:3443",
            "active",
            DIFFICULTY,
            wall - DAY,
            wall - 4,
            "",
        ),
        PoolStatus(
            "backup",
            "stratum+tcp://backup.example:3333",
            "standby",
            DIFFICULTY,
            wall - 0.4 * DAY,
            wall - 11,
            "closed by the pool",
        ),
    ]
    tally = farm.tally
    tally.jobs["main", True], tally.jobs["main", False] = 8604, 430
    tally.switches["main", "backup", "silent"] = tally.switches["backup", "main", "recovered"] = 1
    tally.connections["farm"], tally.connections["xmrig"] = 61, 9
    for _ in range(400):
        tally.fanout.observe(farm.dice.lognormvariate(-6.2, 0.5))
        tally.verify.observe(farm.dice.lognormvariate(-11.1, 0.2))
    times = tally.roundtrip["main"] = Histogram(ROUNDTRIP_BOUNDS)
    for _ in range(400):
        times.observe(farm.dice.lognormvariate(-3.2, 0.5))
    for name in names or [f"hall{row}-rig{number:02}" for row in "ab" for number in range(1, 25)]:
        few = farm.dice.uniform(0.001, 0.012)
        bad = {Reason.STALE: few, Reason.DUPLICATE: few / 12, Reason.REJECTED: few / 5}
        if name == "halla-rig07":
            bad |= {Reason.INVALID_SOLUTION: 0.21, Reason.LOW_DIFFICULTY: 0.01}
        elif name == "hallb-rig19":
            bad |= {Reason.UNKNOWN_JOB: 0.05, Reason.MALFORMED: 0.02, Reason.LOST: 0.004}
        gone = 5 * 3600.0 if name == "hallb-rig03" else 0.0
        record = farm.employ(name, farm.dice.gauss(7.4, 0.5), bad, gone=gone)
        if gone:
            farm.dismiss(record, gone)
    tally.bans["invalid_solution"] = 2
    return farm.settle()


def banned(now: float, wall: float) -> Farm:
    """As well, with two who are shut out."""
    farm = healthy(now, wall)
    farm.tally.banned, farm.tally.bans["flood"] = 2, 1
    evidence = [BadRecord(wall - 40 + n, "invalid_solution", "", f"1a2b{n}", "192.0.2.77") for n in range(5)]
    farm.bans = [
        BanRecord(
            "1",
            "miner",
            "halla-rig99@192.0.2.77",
            "halla-rig99",
            "192.0.2.77",
            "farm",
            "invalid_solution",
            wall - 35,
            wall + 205,
            3,
            evidence,
        ),
        BanRecord(
            "2",
            "address",
            "198.51.100.9",
            "",
            "198.51.100.9",
            "",
            "junk",
            wall - 300,
            wall + 3000,
            1,
            [],
        ),
    ]
    return farm


def down(now: float, wall: float) -> Farm:
    """No pool has been up for four minutes."""
    farm = healthy(now, wall)
    farm.live = False
    for pool, fault in zip(farm.pools, ("no reply to mining.subscribe in 20 s", "refused"), strict=True):
        pool.state, pool.last_fault, pool.connected_at, pool.last_job_at = "down", fault, 0.0, wall - 241
    farm.not_ready = (
        "no work from any pool (main: down, no reply to mining.subscribe in 20 s; backup: down, refused)"
    )
    farm.tally.forwarded["none"] += 83
    farm.tally.received["farm", "aion"] += 83
    farm.tally.shares[Reason.LOST] += 83
    return farm


def fallback(now: float, wall: float) -> Farm:
    """The preferred pool is down and the other one serves."""
    farm = healthy(now, wall)
    main, backup = farm.pools
    main.state, main.last_fault = "down", "certificate has expired"
    backup.state = "active"
    return farm


def offline(now: float, wall: float) -> Farm:
    """A hall has lost its power."""
    farm = healthy(now, wall)
    for name in [name for name in farm.book.online if name.startswith("hallb")]:
        record = farm.book.find(name)
        assert record is not None
        farm.dismiss(record, farm.dice.uniform(60, 66))
    return farm


def empty(now: float, wall: float) -> Farm:
    """A pool, and nobody yet."""
    farm = Farm(now, wall, random.Random(1), total=Windows(now))
    farm.pools = [
        PoolStatus("main", "stratum+tcp://pool.example:3333", "active", DIFFICULTY, wall - 60, wall - 5, "")
    ]
    return farm


def hostile(now: float, wall: float) -> Farm:
    """Names that mean harm."""
    return healthy(now, wall, HOSTILE)


def crowd(now: float, wall: float) -> Farm:
    """Ten thousand workers, a hundred of them away."""
    farm = Farm(now, wall, random.Random(2), processes=4)
    farm.pools = healthy(now, wall, ["one"]).pools
    for number in range(10_000):
        bad = {Reason.STALE: 0.005, Reason.INVALID_SOLUTION: 0.2 if number % 400 == 7 else 0.0}
        farm.employ(f"c{number // 1000}-r{number // 50 % 20:02}-{number % 50:02}", 7.4, bad, FEW_TIMES)
    for name in list(farm.book.online)[::100]:
        record = farm.book.find(name)
        assert record is not None
        farm.dismiss(record, 900)
    return farm.settle()


def kept(now: float, wall: float) -> Farm:
    """As well, with a ledger."""
    farm = healthy(now, wall)
    farm.ledger = Ledger(farm)
    return farm


SCENES: dict[str, Callable[[float, float], Farm]] = {
    "healthy": healthy,
    "banned": banned,
    "ledger": kept,
    "down": down,
    "fallback": fallback,
    "offline": offline,
    "empty": empty,
    "hostile": hostile,
    "crowd": crowd,
}
