"""All relays of a proxy: one for Equihash work; of blob work one for every 256 miners.

Strategy: a nonce of four bytes has room for 256 miners on a connection, so the next one makes a further
connection to the same pool.  A miner belongs to one relay for as long as it is connected.  A relay that
nobody has been in for a while is closed, but never the first: that one decides which pool the farm works
for, and the others follow it there as soon as that pool gives them work.
The trap: a slice that was given back rests until the next job, so miners that come and go on one job use
up slices, and connections; their number is bounded.
"""

import math
from collections import Counter
from collections.abc import Callable

import attrs
import structlog
import trio

from proxy.config import Config
from proxy.core.tally import Tally
from proxy.core.workerbook import WorkerBook
from proxy.relay import Relay
from proxy.upstream.backlog import QUEUE_HIGH
from proxy.upstream.contender import PoolStatus

EMPTY_SECONDS = 60  # between two looks for relays that nobody is in: long enough for a farm to come back
WARN_SECONDS = 60
_ORDER = ("down", "connecting", "standby", "active")  # of several connections to one pool the best one counts

log = structlog.get_logger()


@attrs.define(eq=False)
class _Running:
    relay: Relay
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    is_idle: bool = False  # nobody was in it at the last look


class Relays:
    """Keeps as many relays as the miners need.

    Args:
        make: makes a relay with its pool side, which is to try the pool of that index first.
        most: connections to the pool at once.
    """

    def __init__(self, make: Callable[[Callable[[], int]], Relay], most: int) -> None:
        self._make = make
        self._most = most
        self._nursery: trio.Nursery | None = None
        self._running: list[_Running] = []
        self._warn_again = -math.inf
        self.first = self._open()

    def __len__(self) -> int:
        return len(self._running)

    # ---- the face of one relay, over all of them

    @property
    def tally(self) -> Tally:
        """The counts, which all share."""
        return self.first.tally

    @property
    def workers(self) -> WorkerBook:
        """What is known of each worker, which all share."""
        return self.first.workers

    @property
    def not_ready(self) -> str:
        """Why there is no work for miners, "" if there is."""
        return "" if any(running.relay.works for running in self._running) else self.first.not_ready

    @property
    def pools(self) -> list[PoolStatus]:
        """What is known of each pool: of its connections the one that stands best."""
        each = zip(*(running.relay.pools for running in self._running), strict=True)
        return [max(of, key=lambda status: (_ORDER.index(status.state), status.last_job_at)) for of in each]

    @property
    def slots(self) -> dict[str, int]:
        """Slices of all nonce spaces, by state."""
        total: Counter[str] = Counter({"lent": 0, "resting": 0, "free": 0})
        for running in self._running:
            total.update(running.relay.slots)
        return dict(total)

    # ---- the pool side, over all of them

    @property
    def is_full(self) -> bool:
        """Whether so many shares wait for a pool that no more should be read from miners."""
        # Asked with every batch, so no look at each of them while they cannot be.
        return self.tally.in_flight >= QUEUE_HIGH and any(
            running.relay.upstream.is_full for running in self._running
        )

    async def room(self) -> None:
        """Wait until shares may be handed over again."""
        for running in list(self._running):
            await running.relay.upstream.room()

    def push(self) -> None:
        """Send on the shares that were handed over."""
        for running in self._running:
            running.relay.upstream.push()

    def activate(self, name: str) -> bool:
        """Move the farm to a pool by hand; see Upstream.activate."""
        return self.first.upstream.activate(name)

    def configure(self, config: Config) -> None:
        """Go by another configuration of the same work."""
        self._most = config.limits.pool_connections
        for running in self._running:
            running.relay.configure(config)

    async def settled(self) -> None:
        """Wait until every share that was handed over has its verdict."""
        for running in list(self._running):
            await running.relay.upstream.settled()

    async def run(self) -> None:
        """Keep the pool connections of all relays."""
        try:
            async with trio.open_nursery() as self._nursery:
                for running in self._running:
                    self._nursery.start_soon(self._run, running)
                self._nursery.start_soon(self._close_empty)
        finally:
            self._nursery = None

    async def _run(self, running: _Running) -> None:
        with running.scope:
            await running.relay.upstream.run()

    # ---- more of them, and fewer

    def _open(self) -> Relay:
        is_first = not self._running
        running = _Running(self._make(_by_preference if is_first else self._same_pool))
        running.relay.overflow = self._with_room
        if is_first:
            running.relay.upstream.on_move = self._follow
        else:
            running.relay.upstream.is_counted = False
        self._running.append(running)
        if self._nursery is not None:
            self._nursery.start_soon(self._run, running)
        return running.relay

    def _same_pool(self) -> int:
        """Where further connections go: to the pool that the farm works for."""
        current = (running.relay.upstream.current for running in self._running)
        return next((index for index in current if index is not None), 0)

    def _follow(self, reason: str) -> None:
        """Have all others move to the pool that the first has moved to."""
        for running in self._running[1:]:
            running.relay.upstream.follow(reason)

    def _with_room(self) -> Relay | None:
        for running in self._running:
            if running.relay.has_room:
                return running.relay
        if len(self._running) >= self._most:
            now = trio.current_time()
            if now >= self._warn_again:
                self._warn_again = now + WARN_SECONDS
                log.warning(
                    "no room for another miner",
                    pool_connections=len(self._running),
                    note="limits.pool_connections bounds them; slices that were left rest until the next job",
                )
            return None
        relay = self._open()
        log.info("another pool connection", connections=len(self._running))
        return relay

    async def _close_empty(self) -> None:
        while True:
            await trio.sleep(EMPTY_SECONDS)
            for running in self._running[1:]:
                relay = running.relay
                if relay.members or relay.upstream.waiting:
                    running.is_idle = False
                elif not running.is_idle:
                    running.is_idle = True
                else:
                    self._running.remove(running)
                    running.scope.cancel()
                    log.info("pool connection not needed any more", connections=len(self._running))


def _by_preference() -> int:
    """Where the first connection goes, which follows nobody."""
    return 0
