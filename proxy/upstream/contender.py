"""One of the pools: what is known of it, and what is being done about it at the moment.

Strategy: plain records; session.py acts on them, failover.py knows nothing of them.
The trap: a pool may have two connections at once, one that is new and one that was left and waits for its
last answers; only the new one is here.
"""

import attrs
import structlog
import trio

from proxy.config import Pool
from proxy.core.poolhealth import Record
from proxy.upstream.backoff import Backoff
from proxy.upstream.link import Link

# Between two lines that say the same of a pool that nobody waits for, and after which a failure is forgotten.
STILL_SECONDS = 600

# In place of a fault, of a pool that has none and is at rest.
NOT_TRIED, NOT_NEEDED = "not tried yet", "not needed now"

log = structlog.get_logger()


@attrs.define(slots=True, eq=False)
class PoolStatus:
    """What is known of one pool, for metrics and people.

    Args:
        state: active: shares go there; standby: it has let us in and gives work; connecting; down.
        connected_at, last_job_at: seconds since 1970, 0 for not.
        last_fault: why it was lost or left last, or why it is at rest; "" if neither.
        sends_target_after: see Conversation.
        record: its latest verdicts.
    """

    name: str
    url: str
    state: str = "down"
    difficulty: float = 0.0
    connected_at: float = 0.0
    last_job_at: float = 0.0
    last_fault: str = NOT_TRIED
    sends_target_after: bool | None = None
    record: Record = attrs.field(factory=Record)

    @property
    def reject_ratio(self) -> float:
        """Part of its latest verdicts that were refusals, or no answer at all."""
        return self.record.ratio


@attrs.define(slots=True, eq=False)
class Contender:
    """A pool, and what is being done about it.

    Args:
        place: in the list of pools.
        wanted: see failover.py.
        link: its connection, unless it is left already.
        dialling: the attempt to connect that is under way.
        wait: seconds until the next attempt, 0 for none.
        hurried: that wait is to end now.
        failed_at: seconds of the monotonic clock.
        retiring: it is no more in the configuration; it lasts for as long as the farm works for it.
        scope: of the task that tries it.
        news: set when the task that tries it has to look around.
    """

    place: int
    pool: Pool
    status: PoolStatus
    backoff: Backoff
    wanted: bool = False
    link: Link | None = None
    dialling: trio.CancelScope | None = None
    wait: float = 0.0
    hurried: bool = False
    failed_at: float = float("-inf")
    retiring: bool = False
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    news: trio.Event = attrs.field(factory=trio.Event)
    _said: str = ""
    _say_again: float = 0.0

    def look(self) -> None:
        """Have its task look around."""
        self.news.set()
        self.news = trio.Event()

    def hurry(self) -> None:
        """End its wait."""
        self.hurried = True
        self.look()

    async def pause(self) -> None:
        """Wait until the next attempt is due."""
        with trio.move_on_after(self.wait):
            while self.wanted and not self.hurried:
                await self.news.wait()

    def connected(self, link: Link) -> None:
        """Take up a connection."""
        self.link = link
        self.status.connected_at = link.connected_at
        if self.status.last_fault in (NOT_TRIED, NOT_NEEDED):
            self.status.last_fault = ""
        self.status.record = link.record

    def failed(self, fault: str, now: float, worked: bool, aloud: bool) -> None:
        """Note that an attempt, or a connection, has come to nothing.

        Args:
            worked: it was a success all the same, for a while.
            aloud: it is to be said even if the same was said lately.
        """
        self.status.last_fault = fault
        self.status.connected_at = 0.0
        # Not when it is left: pools that all refuse everything would take turns without a pause.
        if worked or now > self.failed_at + self.wait + STILL_SECONDS:
            self.backoff.reset()
        self.wait = self.backoff.next()
        self.failed_at = now
        self.hurried = False
        is_news = fault != self._said or now >= self._say_again
        if is_news:
            self._said, self._say_again = fault, now + STILL_SECONDS
        (log.warning if is_news or aloud else log.debug)(
            "pool lost" if worked else "pool not to be had",
            pool=self.pool.name,
            address=str(self.pool.url),
            why=fault,
            retry_in=round(self.wait, 1),
        )

    def leave(self) -> Link | None:
        """Call off what is under way; the connection that is left, if there is one."""
        link, self.link = self.link, None
        if link is not None or self.dialling is not None:
            self.status.last_fault = NOT_NEEDED
        if self.dialling is not None:
            self.dialling.cancel()
            self.dialling = None
        self.status.connected_at = 0.0
        self.wait = 0.0
        return link

    def show(self, is_active: bool) -> None:
        """Let people know how it stands."""
        if is_active:
            self.status.state = "active"
        elif self.link is None:
            self.status.state = "down" if self.dialling is None else "connecting"
        else:
            self.status.state = "connecting" if self.link.job is None else "standby"
