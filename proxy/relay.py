"""Where the two sides meet: jobs fan out, shares fan in, verdicts go home.

Strategy: plain calls, no waiting.  The pool side tells of connections, jobs and verdicts; sessions ask
for slices and hand in shares; every share is counted once when it comes and once when its fate is known.
What must not be here: a dialect, a socket, a clock (time comes in, or by the `clock` given).
The trap: a pool connection that goes takes its jobs, its nonce space and its unanswered shares with it.
Work is empty from then until the next connection gives a job, and no share crosses over: a forward
carries the number of the connection it is for.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Protocol

import attrs
import msgspec
import structlog

from proxy.config import Ban, Config, Vardiff
from proxy.core.assignment import Assignment
from proxy.core.blobvalidator import BlobValidator
from proxy.core.extranonce import WARN_PREFIX, NonceSpace, Slice
from proxy.core.jobbook import NO_WORKS, JobBook, Works
from proxy.core.lanes import POOLS, Lanes
from proxy.core.tally import Tally
from proxy.core.validator import Judgement, Validator
from proxy.core.windows import Windows
from proxy.core.workerbook import Record, WorkerBook
from proxy.downstream.endings import NO_POOL, Endings
from proxy.downstream.house import Guest, House
from proxy.downstream.warden import Warden
from proxy.model.ended import Ended, Recorder
from proxy.model.job import Job
from proxy.model.share import Reason, Share, Verdict
from proxy.native import Equihash
from proxy.upstream.contender import PoolStatus
from proxy.upstream.conversation import LOST, Conversation, Forward
from proxy.upstream.session import Upstream

log = structlog.get_logger()

BLOB_BYTES = 1  # of a nonce of four, ours to tell miners apart; the other three are the miner's
BLOB_MINERS = 1 << (8 * BLOB_BYTES)  # on one pool connection

_PROVED = (Reason.KEPT, Reason.INVALID_SOLUTION)


class Carrier(Protocol):
    """Who brings the house's work to miners."""

    def announce(self, house: House, received: float) -> None:
        """Send a house's current work to every miner in it."""

    def flush(self) -> None:
        """Send what sessions have to say."""


class _Ticket(msgspec.Struct, eq=False):
    """The way home for a verdict."""

    session: Guest
    request_id: bytes
    difficulty: float
    record: Record | None  # it may go on under another name before the verdict comes


@attrs.define(eq=False)
class Shared:
    """What the relays of one proxy have in common.

    Args:
        serials: numbers for works, larger than any of an earlier run.
        numbers: a new one for every session.
        workers: what is known of each worker.
        carriers: who brings work to miners.
        lanes: the difficulties in use.
        warden: who may come and stay.
        ledger: who writes down what became of each share; None if nobody does.
        total: the farm's work a second; None where nobody looks.
        tell_block: is told of each share that may be a block.
    """

    serials: Iterator[int]
    numbers: Iterator[int] = attrs.field(factory=lambda: itertools.count(1))
    workers: WorkerBook = attrs.field(factory=WorkerBook)
    carriers: list[Carrier] = attrs.field(factory=list)
    lanes: Lanes = attrs.field(factory=Lanes)
    warden: Warden = attrs.field(factory=lambda: Warden(Ban(), Tally()))
    ledger: Recorder | None = None
    total: Windows | None = None
    tell_block: Callable[[Ended], None] = lambda _: None


class Relay:
    """The house: sessions on one side, one pool connection on the other.

    `blob_bytes` is how many bytes of a blob's nonce tell its miners apart.

    Args:
        equihash: the proof that shares carry; None for blob work.
        shared: what it has in common with other relays of this proxy.
        clock: monotonic seconds, for the cost of a check only.
        wall_clock: seconds since 1970, for shares that bring no time of their own.
        ring_start: where slices begin, see NonceSpace; not for blob work.
    """

    blob_bytes = BLOB_BYTES

    def __init__(
        self,
        config: Config,
        equihash: Equihash | None,
        tally: Tally,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
        shared: Shared,
        ring_start: int = 0,
    ) -> None:
        self.tally = tally
        self.works: Works = NO_WORKS
        self.space: NonceSpace | None = None
        self.workers = shared.workers
        self.endings = Endings(tally, shared.warden, shared.ledger, shared.total, shared.tell_block)
        self.warden = shared.warden
        self.book = JobBook(shared.serials, shared.lanes)
        self.members: set[Guest] = set()  # sessions that belong here, with or without a slice yet
        self.upstream: Upstream
        self.on_first_work: Callable[[], None] = lambda: None
        self.overflow: Callable[[], Relay | None] = lambda: None  # a relay with room, when this has none
        self._config = config
        self._clock = clock
        self._wall_clock = wall_clock
        self._ring_start = ring_start
        self._shared = shared
        self._is_blob = equihash is None
        if equihash is None:
            self._judge = BlobValidator(self.book).judge
        else:
            self._judge_proof = Validator(equihash, self.book).judge
            self._judge = self._judge_timed
        self._waiting: dict[Guest, None] = {}
        self._warned_prefix = False
        self._had_work = False

    def attach(self, carrier: Carrier) -> None:
        """Let a carrier bring work to its miners from now on."""
        self._shared.carriers.append(carrier)

    def configure(self, config: Config) -> None:
        """Go by another configuration of the same work."""
        self._config = config
        self.upstream.configure(config)

    def lane_of(self, difficulty: Vardiff | float | str) -> int:
        """Tell which of a job's works is of a difficulty; of a listener's, which its miners get first."""
        if isinstance(difficulty, Vardiff):
            difficulty = difficulty.start
        return POOLS if isinstance(difficulty, str) else self._shared.lanes.number(difficulty)

    @property
    def not_ready(self) -> str:
        """Why there is no work for miners, "" if there is."""
        if self.works:
            return ""
        faults = (", ".join(filter(None, (pool.state, pool.last_fault))) for pool in self.pools)
        said = (f"{pool.name}: {fault}" for pool, fault in zip(self.pools, faults, strict=True))
        return "no work from any pool (" + "; ".join(said) + ")"

    @property
    def pools(self) -> list[PoolStatus]:
        """What is known of each pool."""
        return self.upstream.pools

    @property
    def slots(self) -> dict[str, int]:
        """Slices of the present nonce space, by state."""
        space = self.space
        if space is None:
            return {"lent": 0, "resting": 0, "free": 0}
        return {"lent": space.lent, "resting": space.resting, "free": space.free}

    # ---- from the pool side

    def pool_working(self, link: Conversation) -> None:
        """Take up the nonce space of a new connection; its first job makes it count.

        Raises: PoolError when that leaves no room for our own bytes.
        """
        self.pool_lost()
        if self._is_blob:
            # Byte 0 last: it leaves a nonce of zeros, from which some miners do not tell that it is split.
            self.space = NonceSpace("", self.blob_bytes, start=1)
            return
        self.space = self._split(link.extranonce1)
        if self.space.prefix_bytes > WARN_PREFIX and not self._warned_prefix:
            self._warned_prefix = True
            log.warning(
                "long extranonce1",
                bytes=self.space.prefix_bytes,
                note=f"some miners take {WARN_PREFIX} at most; upstream.nonce_bytes makes it shorter",
            )

    def _split(self, extranonce1: str) -> NonceSpace:
        return NonceSpace(extranonce1, self._config.upstream.nonce_bytes, self._ring_start)

    def pool_job(self, job: Job) -> None:
        """Turn a pool's job into work for every miner."""
        self.tally.jobs[job.pool, job.clean] += 1
        old = self.book.job
        if self.works and not self.book.changes(job):
            self.book.rename(job)
            return
        works = self.book.add(job)
        if self.space is not None and job.clean and (old is None or old.content != job.content):
            self.space.jobs_gone()
        first = not self.works
        self.works = works
        if first:
            log.info("work", pool=job.pool, difficulty=round(works[POOLS].difficulty, 3))
        else:
            log.debug("job", pool=job.pool, id=job.pool_id, difficulty=round(works[POOLS].difficulty, 3))
        if not self._had_work:
            self._had_work = True
            self.on_first_work()
        waiting, self._waiting = self._waiting, {}
        for session in waiting:
            session.release(job.received)
        for carrier in self._shared.carriers:
            carrier.announce(self, job.received)

    def pool_lost(self) -> None:
        """Go on without a pool: miners stay, and their shares are lost until one is back."""
        self.works = NO_WORKS
        self.space = None

    def settle(self, forward: Forward, verdict: Verdict, now: float) -> None:
        """Count the verdict on a forwarded share and tell its miner."""
        ticket = forward.token
        assert isinstance(ticket, _Ticket)
        self.endings.returned(
            ticket.session,
            ticket.record,
            verdict,
            forward.share.work_id,
            forward.job.pool,
            ticket.difficulty,
            forward.value,
            forward.sent_at,
            now,
            b"" != forward.value < forward.job.network_target,
        )
        ticket.session.answer(ticket.request_id, verdict)

    def after_batch(self) -> None:
        """Send what came of one batch of the pool side."""
        for carrier in self._shared.carriers:
            carrier.flush()

    # ---- from the miner side (see downstream.house.House)

    def next_number(self) -> int:
        """A number that no other session of this run has."""
        return next(self._shared.numbers)

    @property
    def has_room(self) -> bool:
        """Whether one more miner would find a slice."""
        if not self._is_blob:
            return True
        resting = 0 if self.space is None else self.space.resting
        return len(self.members) + resting < 1 << (8 * self.blob_bytes)

    def admit(self, session: Guest) -> House | None:
        """Take a session in; another relay does where this one is full and there is another."""
        if session in self.members:
            return self
        relay = self if self.has_room else self.overflow()
        # Not even to wait for work here: it would be let in before those whose places these are.
        if relay is not None:
            relay.members.add(session)
        return relay

    def lend(self) -> Slice | None:
        """Lend a slice of the present nonce space; None if there is no room, or no pool."""
        return None if self.space is None else self.space.lend()

    def hold(self, session: Guest) -> None:
        """Let a session wait for work."""
        self._waiting[session] = None

    def joined(self, session: Guest, now: float) -> None:
        """Count a worker in."""
        session.standing.record = self.workers.join(session.worker, now)

    def parted(self, session: Guest, now: float) -> None:
        """Count a worker out."""
        standing = session.standing
        if standing.record is not None:
            self.workers.part(standing.record, now)
            standing.record = None

    def left(self, session: Guest) -> None:
        """Forget a session; it may also have waited for work."""
        self._waiting.pop(session, None)
        self.members.discard(session)

    def refuse(self, session: Guest, verdict: Verdict, now: float) -> None:
        """Count a share that never became one."""
        self.tally.received[session.label] += 1
        self.endings.here(session, verdict, "", 0.0, b"", now)

    def judge(self, session: Guest, request_id: bytes, share: Share, now: float) -> Verdict | None:
        """Judge a share, and send it to the pool if it is for the pool.

        Returns: the verdict, or None if the pool's follows by session.answer().
        """
        self.tally.received[session.label] += 1
        judgement = self._judge(share, session.assignment)
        verdict, entry = judgement.verdict, judgement.entry
        if verdict is not None:
            difficulty = 0.0 if entry is None else entry.work.difficulty
            self.endings.here(session, verdict, share.work_id, difficulty, judgement.value, now)
            if verdict.reason is Reason.KEPT and session.pace is not None:
                session.pace.solved(now, difficulty, self.works.ceiling)
            return verdict
        assert entry is not None
        if session.pace is not None:
            session.pace.solved(now, entry.work.difficulty, self.works.ceiling)
        if not share.ntime:
            # Now, and so before the share waits for the pool: it is the time it was received.
            share.ntime = f"{int(self._wall_clock()):016x}"
        work = entry.work
        ticket = _Ticket(session, request_id, work.difficulty, session.standing.record)
        forward = Forward(work.job, self._user(session), share, judgement.value, ticket, now)
        if self.works and self.upstream.submit(forward, now):
            self.tally.sent(work.job.pool)
            return None
        self.tally.sent(NO_POOL)
        self.endings.returned(
            session,
            session.standing.record,
            LOST,
            share.work_id,
            NO_POOL,
            work.difficulty,
            judgement.value,
            now,
            now,
            b"" != judgement.value < work.job.network_target,
        )
        return LOST

    def _judge_timed(self, share: Share, miner: Assignment) -> Judgement:
        began = self._clock()
        judgement = self._judge_proof(share, miner)
        if judgement.verdict is None or judgement.verdict.reason in _PROVED:
            self.tally.verify.observe(self._clock() - began)
        return judgement

    def _user(self, session: Guest) -> str:
        """The worker name the pool shall see."""
        names = self._config.upstream.worker_names
        if names == "own":
            return session.worker
        account = self.upstream.account_user
        return f"{account}.{session.worker}" if names == "suffix" else account
