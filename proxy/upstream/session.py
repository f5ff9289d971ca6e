"""The pool side on Trio: tries pools, keeps their connections, and moves the farm from one to another.

Strategy: a task for every pool, which tries it for as long as it is wanted and comes back after every
fault, after a growing wait.  Which are wanted, and which the farm works for, is decided in failover.py;
here it is done, in the breath in which the reason came.  A connection is link.py's.
The traps: a move must leave no moment without work, so the new connection has given work before the old
one is left; and what the old pool has not answered yet it may still answer.
"""

import itertools
import time
from collections.abc import Callable, Iterator
from random import Random

import structlog
import trio

from proxy.config import Config
from proxy.core.tally import Tally
from proxy.errors import PoolError
from proxy.model.job import Job
from proxy.model.target import to_difficulty
from proxy.upstream.backlog import QUEUE_HIGH, Backlog
from proxy.upstream.casting import first_cast, recast
from proxy.upstream.contender import Contender
from proxy.upstream.conversation import Conversation, Forward, PoolSink
from proxy.upstream.dial import dial
from proxy.upstream.failover import LOST, REJECTING, Failover
from proxy.upstream.link import FAULTS, Link, account_at, renewed, said

# A connection that gave work for so long was a success: the waits start small again.  One that ends
# sooner counts as another failure, or it would be tried again and again without a pause.
STABLE_SECONDS = 10
FRESH_SECONDS = 1.0  # a failure so long ago is no reason to wait when there is no work

log = structlog.get_logger()


class Upstream:
    """Keeps the farm working for the most preferred pool that can be had.

    Args:
        sink: who is told of jobs and verdicts.
        tally: where bytes and moves are counted.
        random: spreads the waits between attempts.
        first_choice: tells which pool is preferred to all others; a pool side that is only to help
            another has to follow it.

    Attributes:
        is_counted: whether its moves count as the farm's.
        on_batch: called when all that came of one read has been told.
        on_move: called with the reason when the farm has moved to another pool.
    """

    def __init__(
        self,
        config: Config,
        sink: PoolSink,
        tally: Tally,
        random: Random,
        first_choice: Callable[[], int] = lambda: 0,
    ) -> None:
        self._config = config
        self._sink = sink
        self._tally = tally
        self._reply_seconds = config.limits.upstream_reply_seconds
        self._numbers: Iterator[int] = itertools.count(1)
        self._random = random
        self._contenders = first_cast(config, random)
        self.pools = [contender.status for contender in self._contenders]
        self._failover = Failover(len(self.pools), config.limits.failback_seconds, first_choice)
        self._link: Link | None = None  # the one that the farm works for
        self._conversation: Conversation | None = None  # its
        self._left: set[Link] = set()  # those whose last answers are still to come
        self._served_by = ""  # the pool that work came from last
        self._why = ""  # reason for the last move
        self._nursery: trio.Nursery
        self._stopping = False
        self._armed = 0.0  # when the watch wakes by itself
        self._sooner = trio.Event()
        self._backlog = Backlog(lambda: self.waiting)
        self.is_counted = True
        self.on_batch: Callable[[], None] = lambda: None
        self.on_move: Callable[[str], None] = lambda _: None

    # ---- what the relay calls

    def submit(self, forward: Forward, now: float) -> bool:
        """Hand a share to the pool connection it is for.

        Returns: False if that connection is gone; the share is the caller's again.
        """
        conversation = self._conversation
        if (
            conversation is None
            or not conversation.working
            or forward.job.connection != conversation.connection
        ):
            return False
        conversation.submit(forward, now)
        # All that a share brings nearer is the end of the wait for its answer.
        link = self._link
        assert link is not None
        if now + self._reply_seconds < link.armed:
            link.sooner.set()
        return True

    def push(self) -> None:
        """Send on what was said since; to be called at the end of every batch of shares."""
        if self._link is not None:
            self._link.push()

    @property
    def account_user(self) -> str:
        """The user that the present pool knows us by."""
        conversation = self._conversation
        return self._config.upstream.user if conversation is None else conversation.account.user

    @property
    def current(self) -> int | None:
        """Place of the pool that works now in the list of pools, None without one."""
        active = self._failover.active
        return None if active is None or self._contenders[active].retiring else active

    @property
    def waiting(self) -> int:
        """Shares that a pool has not answered yet."""
        waiting = self._conversation.waiting if self._conversation is not None else 0
        for link in self._left:
            waiting += link.conversation.waiting
        return waiting

    @property
    def is_full(self) -> bool:
        """Whether so many shares wait that no more should be read from miners."""
        return self.waiting >= QUEUE_HIGH

    async def room(self) -> None:
        """Wait until shares may be handed over again."""
        await self._backlog.room()

    async def settled(self) -> None:
        """Wait until every share that was handed over has its verdict."""
        await self._backlog.settled()

    def activate(self, name: str) -> bool:
        """Move the farm to a pool by hand, as soon as that one gives work; it is preferred until it fails.

        Returns: False if there is no pool of that name.
        """
        for contender in self._contenders:
            if contender.pool.name == name:
                self._failover.choose(contender.place)
                contender.hurry()
                self._review()
                return True
        return False

    def follow(self, reason: str) -> None:
        """Move to the pool that is preferred now, as soon as it gives work; see first_choice."""
        self._failover.led(reason)
        self._review()

    def configure(self, config: Config) -> None:
        """Go by another configuration; pools that are the same in it keep their connections."""
        before, self._config, limits = self._config, config, config.limits
        cast = recast(self._contenders, self._failover.active, before, config, self._random)
        self._failover.rearrange(cast.order, limits.failback_seconds, cast.waived)
        self._reply_seconds = limits.upstream_reply_seconds
        self._contenders = cast.contenders
        self.pools = [contender.status for contender in cast.contenders if not contender.retiring]
        for contender in cast.gone:
            contender.scope.cancel()
            self._drain(contender.leave())
        for contender in cast.new:
            self._nursery.start_soon(self._keep, contender)
        self._review()
        self.on_batch()

    # ---- what links tell

    def link_let_in(self, link: Link) -> None:
        """A pool has let us in, or has moved us."""
        if link is self._link:
            if not self._begin_with(link):
                self._review()
        elif not link.is_drained:
            self._failover.let_in(link.place)
            self._review()

    def link_job(self, link: Link, job: Job) -> None:
        """A pool gave a job."""
        if link.is_drained:
            return
        place, failover = link.place, self._failover
        status = self._contenders[place].status
        status.difficulty = to_difficulty(job.target)
        status.last_job_at = time.time()
        is_first = not failover.has_work(place)
        if is_first:
            failover.gave_work(place, trio.current_time())
        if link is self._link:
            self._give(link, job)
        if is_first:
            self._review()
            if link is not self._link:
                log.info("pool in reserve", pool=status.name, needed_seconds=failover.patience(place))

    def link_batch(self, link: Link) -> None:  # noqa: ARG002  # whichever it was
        """All that came of one read of a connection has been told."""
        self._backlog.look()
        self.on_batch()

    # ---- a task for each pool

    async def run(self) -> None:
        """Connect, talk, and come back after every fault, for ever."""
        async with trio.open_nursery() as self._nursery:
            self._review()
            for contender in self._contenders:
                self._nursery.start_soon(self._keep, contender)
            self._nursery.start_soon(self._watch)

    async def _keep(self, contender: Contender) -> None:
        """Try a pool whenever it is wanted."""
        with contender.scope:
            while not contender.retiring:
                while not contender.wanted:
                    await contender.news.wait()
                await self._attempt(contender)
                await contender.pause()

    async def _attempt(self, contender: Contender) -> None:
        """Connect to a pool, and stay until that has failed or the pool is left."""
        contender.hurried = False
        self._failover.tried(contender.place, trio.current_time())
        fault, stream = "", None
        with trio.CancelScope() as contender.dialling:
            self._review()
            try:
                stream = await dial(contender.pool, self._config)
            except FAULTS as error:
                fault = said(error)
        contender.dialling = None
        if not contender.wanted:  # it was called off, at the last moment perhaps
            if stream is not None:
                await trio.aclose_forcefully(stream)
        elif stream is None:
            self._failed(contender, fault, LOST, worked=False)
        else:
            link = self._link_to(contender, stream)
            contender.connected(link)
            self._nursery.start_soon(self._run, contender, link)
            await link.over.wait()

    def _link_to(self, contender: Contender, stream: trio.abc.Stream) -> Link:
        return Link(
            stream,
            contender.place,
            account_at(contender.pool, self._config),
            self._config.upstream.dialect,
            self,
            self._sink.settle,
            self._tally,
            self._numbers,
            contender.status.sends_target_after,
            # Where else could it go?
            leaves_refusers=len(self._contenders) > 1,
        )

    async def _run(self, contender: Contender, link: Link) -> None:
        """Hold a connection to its end, and say what came of it."""
        fault = ""
        try:
            try:
                await link.run()
                fault = link.fault
            except* FAULTS as group:
                fault = said(group)
        finally:
            self._stopping = self._stopping or not fault
            self._over(contender, link, fault)

    def _over(self, contender: Contender, link: Link, fault: str) -> None:
        now = trio.current_time()
        conversation = link.conversation
        contender.status.sends_target_after = conversation.sends_target_after
        link.over.set()
        conversation.abandon(now)
        link.finish_batch()
        if link is not contender.link:
            self._left.discard(link)
            return
        contender.link = None
        if self._stopping:
            # All go at once, and none is to take another's place.
            self._link = self._conversation = None
            self._sink.pool_lost()
            return
        is_steady = now >= link.began + STABLE_SECONDS and link.ending != REJECTING
        self._failed(contender, fault, link.ending, worked=conversation.gave_job and is_steady)
        if self._link is None:
            self._sink.pool_lost()
        self.on_batch()

    def _failed(self, contender: Contender, fault: str, reason: str, worked: bool) -> None:
        """Note that a pool was not to be had, or was lost; go on with another."""
        now = trio.current_time()
        was_active = contender.place == self._failover.active
        if was_active:
            self._link = self._conversation = None
        self._failover.ended(contender.place, now, reason)
        contender.failed(fault, now, worked, aloud=self._link is None)
        for other in self._contenders:
            # Nobody works now, so none of the others waits; but one that was just tried has been tried.
            if was_active and now >= other.failed_at + FRESH_SECONDS:
                other.hurry()
        self._review()

    async def _watch(self) -> None:
        """Look around when something has become due."""
        while True:
            self._armed = self._failover.next_look(trio.current_time())
            with trio.move_on_at(self._armed):
                await self._sooner.wait()
            self._sooner = trio.Event()
            self._review()
            self.on_batch()

    # ---- moves

    def _review(self) -> None:
        """Do what the standing of the pools asks for."""
        now = trio.current_time()
        for _ in self._contenders:
            place, reason = self._failover.best(now)
            if place is None or place == self._failover.active:
                break
            self._move(self._contenders[place], reason, now)
        for contender in self._contenders:
            wanted = self._failover.wanted(contender.place, now)
            if wanted != contender.wanted:
                contender.wanted = wanted
                contender.look()
                if not wanted:
                    self._leave(contender)
            contender.show(contender.link is not None and contender.link is self._link)
        if self._failover.next_look(now) < self._armed:
            self._sooner.set()

    def _move(self, contender: Contender, reason: str, now: float) -> None:
        """Have the farm work for another pool; the shares of the old one stay its own."""
        link = contender.link
        assert link is not None
        self.push()
        self._link, self._conversation, self._why = link, link.conversation, reason
        self._failover.activated(contender.place, now, reason)
        if self._begin_with(link) and link.job is not None:
            self._give(link, renewed(link.job, now))

    def _leave(self, contender: Contender) -> None:
        """Stop trying a pool; its connection ends when it has answered what it was sent."""
        self._failover.left(contender.place)
        self._drain(contender.leave())

    def _drain(self, link: Link | None) -> None:
        if link is not None:
            self._left.add(link)
            link.drain(self._reply_seconds)

    def _begin_with(self, link: Link) -> bool:
        """Take up the nonce space of a connection; false if that cannot be, which ends it."""
        conversation = link.conversation
        log.info(
            "pool working",
            pool=conversation.account.pool,
            **({"extranonce1": conversation.extranonce1} if conversation.extranonce1 else {}),
        )
        try:
            self._sink.pool_working(conversation)
        except PoolError as error:
            link.fail(str(error))
            conversation.abandon(trio.current_time())
            self._link = self._conversation = None
            self._failover.ended(link.place, trio.current_time(), LOST)
            return False
        return True

    def _give(self, link: Link, job: Job) -> None:
        """Pass a job on."""
        before, name = self._served_by, link.conversation.account.pool
        self._served_by = name
        self._sink.pool_job(job)
        if before == name:
            return
        if before and self.is_counted:
            self._tally.switches[before, name, self._why] += 1
            log.warning("pool changed", **{"from": before, "to": name, "reason": self._why})
        self.on_move(self._why)
