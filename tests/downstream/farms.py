"""A relay with both its sides in a test's hand: a pool that does what it is told, and miners to talk with."""

import itertools
from typing import cast

import attrs

from proxy.config import Address, Config, Listen, Pool, Upstream
from proxy.core.tally import Tally
from proxy.downstream.house import House
from proxy.downstream.session import Door
from proxy.model.job import Job
from proxy.model.share import Reason, Verdict
from proxy.model.target import MAX_TARGET
from proxy.relay import Relay, Shared
from proxy.upstream.contender import PoolStatus
from proxy.upstream.conversation import LOST, Conversation, Forward
from proxy.upstream.session import Upstream as PoolSide
from proxy.wire.events import Notify
from proxy.wire.loginjobs import JobForm
from tests.kit.miners import (
    EQUIHASH,
    EXTRANONCE1,
    Dialogue,
    Found,
    LoginDialogue,
    blob_job,
    blob_work,
    door,
    mined,
)

ACCEPTED = Verdict(Reason.ACCEPTED)
HEADER = "ab" * 32


@attrs.define
class FakeLink:
    """Of a pool connection all that the relay reads."""

    extranonce1: str


class FakePool:
    """The pool side as the relay sees it; only what it should get may come."""

    def __init__(self) -> None:
        self.relay: Relay
        self.pools = [PoolStatus("main", "stratum+tcp://pool.example:3333")]
        self.account_user = "account"
        self.connection = 0
        self.is_up = False
        self.got: list[Forward] = []
        self._jobs = 0

    def submit(self, forward: Forward, now: float) -> bool:
        """Take a share if it is for the present connection."""
        if not self.is_up or forward.job.connection != self.connection:
            return False
        forward.sent_at = now
        self.got.append(forward)
        return True

    # ---- what the test does

    def comes(self, extranonce1: str = EXTRANONCE1, header: str = HEADER, target: int = MAX_TARGET) -> None:
        """Connect anew, and give a job."""
        self.goes()
        self.connection += 1
        self.is_up = True
        self.relay.pool_working(cast("Conversation", FakeLink(extranonce1)))
        self.gives(header, target)

    def gives(self, header: str, target: int = MAX_TARGET, clean: bool = True) -> Job:
        """Give a job."""
        self._jobs += 1
        job = Job("main", self.connection, str(self._jobs), header, target, clean, received=0.0)
        self.relay.pool_job(job)
        return job

    def comes_with_blobs(self, given: Notify | None = None) -> None:
        """Connect anew to a pool of blob work, and give a job."""
        self.goes()
        self.connection += 1
        self.is_up = True
        self.relay.pool_working(cast("Conversation", FakeLink("")))
        self.gives_blob(given or blob_work())

    def gives_blob(self, given: Notify) -> None:
        """Give a job of blob work."""
        self.relay.pool_job(blob_job(given, self.connection))

    def answers(self, verdict: Verdict = ACCEPTED, now: float = 1000.25) -> Forward:
        """Give the verdict on the oldest share."""
        forward = self.got.pop(0)
        self.relay.settle(forward, verdict, now)
        return forward

    def goes(self) -> None:
        """Lose the connection, and with it every share."""
        self.is_up = False
        while self.got:
            self.answers(LOST)
        self.relay.pool_lost()


class FakeCarrier:
    """Counts what the relay asks of it."""

    def __init__(self) -> None:
        self.announced: list[float] = []
        self.flushed = 0

    def announce(self, house: House, received: float) -> None:
        self.announced.append(received)

    def flush(self) -> None:
        self.flushed += 1


@attrs.define
class Farm:
    """A relay with both its sides."""

    relay: Relay
    pool: FakePool
    carrier: FakeCarrier
    shared: Shared
    is_blob: bool

    @property
    def tally(self) -> Tally:
        """The relay's counts."""
        return self.relay.tally

    def miner(self, worker: str = "rig1", lane: int = 0) -> Dialogue:
        """A miner at work."""
        miner = Dialogue(self.relay, lane=lane)
        miner.logs_in(worker)
        return miner

    def login_miner(self, worker: str = "rig1", lane: int = 0) -> LoginDialogue:
        """A miner at work that speaks the login dialect."""
        miner = LoginDialogue(self.relay, lane=lane, at=blob_door(lane) if self.is_blob else None)
        miner.logs_in(worker)
        return miner

    def share(self, miner: Dialogue, number: int = 0) -> Found:
        """A share for the current job; another number is another share."""
        found = mined(self.relay.works[0].job.header, miner.prefix)
        for _ in range(number):
            next(found)
        return next(found)


def blob_door(lane: int = 0, target_digits: int = 0) -> Door:
    """A listener of a farm that has blob work."""
    job_form = JobForm(target_digits=target_digits)
    return door(lane=lane, dialects=["login"], proof=None, job_form=job_form)


def farm(
    worker_names: str = "account",
    listen: tuple[Listen, ...] = (Listen(),),
    nonce_bytes: int = 4,
    blob: bool = False,
    beside: Farm | None = None,
    pool: FakePool | None = None,
) -> Farm:
    """A relay for equihash/48_5, or for blob work, without a pool as yet.

    Args:
        beside: another relay of the same proxy.
        pool: its pool side.
    """
    shared = beside.shared if beside else Shared(itertools.count(0x1000))
    url = Address("stratum+tcp", "pool.example", 3333)
    upstream = Upstream(
        user="account",
        algorithm="blob" if blob else "equihash/48_5",
        worker_names=worker_names,
        nonce_bytes=nonce_bytes,
        pools=(Pool(url=url),),
    )
    clock = iter(range(1_000_000))
    relay = Relay(
        Config(upstream=upstream, listen=listen),
        None if blob else EQUIHASH,
        beside.tally if beside else Tally(),
        clock=lambda: next(clock) / 1000,
        wall_clock=lambda: 1_800_000_000.5,
        shared=shared,
    )
    made = Farm(relay, pool or FakePool(), FakeCarrier(), shared, blob)
    made.pool.relay = relay
    relay.upstream = cast("PoolSide", made.pool)
    relay.attach(made.carrier)
    return made
