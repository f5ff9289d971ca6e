"""A parent and its workers without a socket between them: both relays are real, and so is their talk."""

import itertools
from typing import cast

import attrs

from proxy.config import Address, Config, Listen, Pool, Upstream
from proxy.core.tally import Tally
from proxy.downstream.house import House
from proxy.downstream.session import MinerSession
from proxy.relay import Relay, Shared
from proxy.upstream.contender import PoolStatus
from proxy.upstream.conversation import Account, Forward
from proxy.upstream.dialects import CONVERSATIONS
from proxy.upstream.session import Upstream as PoolSide
from proxy.workers.books import Book
from proxy.workers.lending import LendingRelay
from proxy.workers.parent import lent_config, make_door
from proxy.workers.talk import ParentSink
from tests.downstream.farms import FakePool, blob_door
from tests.kit.miners import EQUIHASH, Dialogue, LoginDialogue

NOW = 1000.0
PASSWORD = "the pool's alone"


class Wire:
    """One worker and its connection to the parent; nothing passes but in exchange()."""

    def __init__(self, pair: "Pair", name: str) -> None:
        config = lent_config(pair.config, 2, name, "/run/pool.sock")
        section = config.upstream
        self.tally = Tally()
        self.relay = Relay(
            config,
            pair.equihash,
            self.tally,
            clock=lambda: 0.0,
            wall_clock=lambda: 1_800_000_000.5,
            shared=Shared(itertools.count(0x2000)),
        )
        self.now = NOW
        self.sent: list[bytes] = []
        self.session = MinerSession(pair.relay, make_door(pair.config), "unix", NOW, lambda: None)
        account = Account(
            pool="parent",
            user=section.user,
            password=section.password,
            agent="sluice",
            host="localhost",
            port=0,
            unanswered=config.limits.upstream_unanswered,
            reply_seconds=config.limits.upstream_reply_seconds,
            silence_seconds=config.limits.upstream_silence_seconds,
            algorithm=section.algorithm,
            person=section.personalization,
        )
        sink = ParentSink(self.relay, [pool.name for pool in pair.config.upstream.pools])
        self.conversation = CONVERSATIONS[section.dialect](account, sink, itertools.count(1), NOW)
        self.relay.upstream = cast("PoolSide", self)
        self.pools = [PoolStatus("parent", "unix:///run/pool.sock")]

    # ---- of the pool side what the worker's relay needs

    @property
    def account_user(self) -> str:
        """Who we are to the parent."""
        return self.conversation.account.user

    def submit(self, forward: Forward, now: float) -> bool:
        """Take a share."""
        if not self.conversation.working or forward.job.connection != self.conversation.connection:
            return False
        self.conversation.submit(forward, now)
        return True

    # ---- what the test does

    def exchange(self) -> bytes:
        """Let the two talk until both are silent, and return what the parent said."""
        said = b""
        while True:
            up, down = self.conversation.take_output(), self.session.take_output()
            if not up and not down:
                return said
            said += down
            self.session.receive(up, self.now)
            self.conversation.receive(down, self.now)

    def comes(self) -> None:
        """Log in, and get work if there is any."""
        self.exchange()
        self.now += 0.2
        self.conversation.tick(self.now)  # a first job waits to see whether a target follows

    def miner(self, worker: str = "rig1") -> Dialogue:
        """An Aion miner at work."""
        miner = Dialogue(self.relay)
        miner.logs_in(worker)
        return miner

    def blob_miner(self, worker: str = "rig1") -> LoginDialogue:
        """A miner of blob work."""
        miner = LoginDialogue(self.relay, at=blob_door())
        miner.logs_in(worker)
        return miner


@attrs.define
class _Carrier:
    """Brings work to workers, each of which is asked in exchange() only."""

    sessions: list[MinerSession]

    def announce(self, house: House, received: float) -> None:
        for session in self.sessions:
            if session.at_work and session.house is house:
                session.say(session.offer(house.works, received))

    def flush(self) -> None:
        """Nothing waits."""


class Pair:
    """A parent with a pool in the test's hand, and as many workers as the test starts."""

    def __init__(self, worker_names: str = "account", dialect: str = "aion", blob: bool = False) -> None:
        pools = tuple(
            Pool(name=name, url=Address("stratum+tcp", name, 3333), password=PASSWORD)
            for name in ("main", "spare")
        )
        self.config = Config(
            workers=2,
            upstream=Upstream(
                dialect="login" if blob else dialect,
                algorithm="blob" if blob else "equihash/48_5",
                user="account",
                password=PASSWORD,
                worker_names=worker_names,
                pools=pools,
            ),
        )
        self.equihash = None if blob else EQUIHASH
        self.books: dict[str, Book] = {}
        self.tally = Tally()
        self.sessions: list[MinerSession] = []
        self.shared = Shared(itertools.count(0x1000))
        self.relay = self.another_relay()
        self.pool = self.add_pool(self.relay)
        self.relay.attach(_Carrier(self.sessions))

    def another_relay(self) -> LendingRelay:
        """A relay for one more pool connection."""
        config = attrs.evolve(self.config, listen=(Listen(name="workers"),))
        return LendingRelay(config, self.equihash, self.books, self.tally, self.shared)

    def add_pool(self, relay: Relay) -> FakePool:
        """Give a relay its pool side."""
        pool = FakePool()
        pool.relay = relay
        relay.upstream = cast("PoolSide", pool)
        return pool

    def worker(self, name: str = "1.1") -> Wire:
        """Start a worker and let it log in."""
        self.books[name] = Book()
        wire = Wire(self, name)
        self.sessions.append(wire.session)
        wire.comes()
        return wire
