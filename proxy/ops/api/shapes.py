"""What the API answers, as types: the one description that answers and OpenAPI are made of.

Times are RFC 3339 in UTC.  Lists have the items of one page, and how many there are in all.
"""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Time = Annotated[datetime, Meta(tz=True)]
Count = Annotated[int, Meta(ge=0)]
Figure = Annotated[float, Meta(ge=0)]
Verdicts = Annotated[dict[str, int], Meta(description="Shares by what became of them.")]
Rates = Annotated[dict[str, float], Meta(description="Work a second over 1m, 10m, 1h and 24h.")]


class Fault(msgspec.Struct):
    """Why a request was not answered, in one line."""

    error: str


class Quantiles(msgspec.Struct):
    """Of a histogram, as near as its buckets tell; null while nothing was measured."""

    p50: float | None
    p99: float | None


class LedgerSummary(msgspec.Struct):
    """How the record of all shares does."""

    state: str
    pending: int
    written: int
    lost: int
    reason: str


class Summary(msgspec.Struct):
    """The whole proxy at a glance."""

    version: str
    started_at: Time
    now: Time
    uptime_seconds: float
    ready: bool
    reason: Annotated[str, Meta(description='Why there is no work for miners, "" if there is.')]
    pool: Annotated[str | None, Meta(description="The pool that shares go to.")]
    miners: Count
    workers: Count
    offline_workers: Count
    received: Count
    filtered: Count
    kept: Count
    forwarded: Count
    in_flight: Count
    shares: Verdicts
    work: Annotated[dict[str, float], Meta(description="Difficulty summed, by what became of the shares.")]
    conserved: bool
    sols_per_second: Rates
    difficulty: float
    last_job_at: Time | None
    jobs: Count
    switches: Count
    connections: Count
    disconnects: dict[str, int]
    banned: Count
    bans: Count
    nonce_slots: dict[str, int]
    roundtrip_ms: Quantiles
    fanout_ms: Quantiles
    verify_us: Quantiles
    processes: Count
    ledger: LedgerSummary
    admin: Annotated[bool, Meta(description="Whether changes are possible, with the admin token.")]


class HistoryPoint(msgspec.Struct, omit_defaults=True):
    """One bar of a history, and when it began."""

    at: Time
    sols_per_second: float
    shares: dict[str, int] | None = None


class History(msgspec.Struct):
    """Work a second, oldest first; the last point is not over yet."""

    span: str
    step_seconds: float
    points: list[HistoryPoint]


class Upstream(msgspec.Struct):
    """A pool."""

    name: str
    url: str
    state: Literal["active", "standby", "connecting", "down"]
    difficulty: float
    last_job_at: Time | None
    connected_at: Time | None
    reject_ratio: float
    current: Annotated[bool, Meta(description="Whether shares go to it.")]
    last_fault: str
    position: Annotated[int, Meta(description="In order of preference, from 1.")]
    roundtrip_ms: Quantiles
    forwarded: Count


class Upstreams(msgspec.Struct):
    """All pools, in order of preference."""

    items: list[Upstream]
    total: Count


class VardiffRange(msgspec.Struct):
    """A difficulty that follows each miner."""

    start: float
    min: float
    max: float
    target_seconds: float


class Listener(msgspec.Struct):
    """A port that miners come to."""

    name: str
    url: str
    dialect: str
    difficulty: str | float | VardiffRange
    miners: Count
    connections: Count
    tls: bool
    certificate_expires_at: Time | None
    received: Count


class Listeners(msgspec.Struct):
    """All ports that miners come to."""

    items: list[Listener]
    total: Count


class Miner(msgspec.Struct):
    """One connection."""

    id: str
    worker: str
    address: str
    listener: str
    dialect: str
    agent: str
    difficulty: float
    connected_at: Time
    last_share_at: Time | None
    shares: Verdicts
    unanswered: Count
    standing: Literal["ok", "slowed"]


class Miners(msgspec.Struct):
    """A page of miners."""

    items: list[Miner]
    total: Count


class Worker(msgspec.Struct, kw_only=True):
    """A name that shares are counted under."""

    name: str
    online: bool
    miners: Count
    first_seen_at: Time
    last_seen_at: Time
    last_share_at: Time | None
    sols_per_second: Rates
    shares: Verdicts
    accepted: Count
    bad: Count
    reject_ratio: Annotated[float, Meta(ge=0, le=1, description="Part of its shares that came to nothing.")]
    work: Figure


class Workers(msgspec.Struct):
    """A page of workers."""

    items: list[Worker]
    total: Count


class BadShare(msgspec.Struct):
    """A share that came to nothing."""

    at: Time
    reason: str
    detail: str
    job: str
    address: str


class WorkerDetail(Worker, kw_only=True):
    """A worker with all that is known of it."""

    history: History
    bad_shares: list[BadShare]
    connections: list[Miner]


class Evidence(msgspec.Struct):
    """What a ban is for."""

    at: Time
    reason: str
    job: str
    detail: str


class Ban(msgspec.Struct):
    """Somebody who is shut out."""

    id: str
    kind: Literal["miner", "address"]
    subject: str
    worker: str
    address: str
    listener: str
    reason: str
    since: Time
    until: Time
    times: Count
    evidence: list[Evidence]


class Bans(msgspec.Struct):
    """All who are shut out, the latest first."""

    items: list[Ban]
    total: Count


class LedgerShare(msgspec.Struct):
    """A share as it was written down."""

    id: str
    at: Time
    worker: str
    address: str
    listener: str
    dialect: str
    pool: str
    job: str
    reason: str
    message: str
    difficulty: float
    reached: float
    roundtrip_ms: float | None
    block: bool


class LedgerShares(msgspec.Struct):
    """The latest shares, the latest first; `total` is how many these are."""

    items: list[LedgerShare]
    total: Count


class PoolSum(msgspec.Struct):
    """What became of the shares that a pool was sent."""

    pool: str
    forwarded: Count
    accepted: Count
    rejected: Count
    lost: Count


class Reconciliation(msgspec.Struct):
    """Whether every share is accounted for."""

    since: Time | None
    until: Time
    holds: bool
    received: Count
    filtered: dict[str, int]
    kept: Count
    forwarded: Count
    accepted: Count
    rejected: Count
    lost: Count
    missing: int
    gaps: list[str]
    pools: list[PoolSum]


class Block(msgspec.Struct):
    """A share that was a block."""

    at: Time
    worker: str
    pool: str
    job: str
    reached: float


class Blocks(msgspec.Struct):
    """Found blocks, the latest first."""

    items: list[Block]
    total: Count


class Change(msgspec.Struct):
    """What a reload has changed, and whom that touches."""

    key: str
    old: str
    new: str
    effect: str
    applies: bool


class Reloaded(msgspec.Struct, omit_defaults=True):
    """What came of a reload: changes, or why it was refused."""

    result: Literal["ok", "refused"]
    changes: list[Change] | None = None
    faults: list[str] | None = None


class Activated(msgspec.Struct):
    """A pool that is preferred from now on; the farm moves as soon as it gives work."""

    name: str
    state: str
