"""What parent and worker say to each other beyond the dialect: three words, both sides of each.

    job id      the parent's id of the work, then the place of its pool in the list of pools
    job clean   true only where the work before it is void; a miner is always told true, but a worker
                keeps the shares of a job that still counts
    LOST_CODE   the code of a share that is lost, so that a worker's miner hears of it in its own dialect

Strategy: flows of the parent's one door, made of those that serve any miner, and a sink between a
worker's pool side and its relay.  All else a worker hears is what another Sluice would hear.
The trap: a job may be overtaken before it is sent, a clean one as well; so clean is not what the pool
said of the job, but whether the last work that this worker has still counts.
"""

from typing import Protocol, cast

import attrs

from proxy.core.jobbook import JobBook
from proxy.downstream.aion import AionFlow
from proxy.downstream.login import LoginFlow
from proxy.downstream.session import FlowMaker, MinerSession
from proxy.errors import PoolError
from proxy.model.job import ID_DIGITS, Job, Work
from proxy.model.share import Reason, Verdict
from proxy.upstream.conversation import LOST, Conversation, Forward, PoolSink
from proxy.wire import aion, events, login
from proxy.workers.books import NONE, Book

LOST_CODE = -1_397_511_491  # no pool's: "SLUC", negative
LOST_TEXT = "pool connection lost"

_NOT_CLEAN = b',"clean":false'
_SPLIT, _WHOLE = b'["algo","nicehash","keepalive"]', b'["algo","keepalive"]'


class Lender(Protocol):
    """The house of a worker's session, as its flow needs it: workers.lending.LendingRelay."""

    book: JobBook  # each its own
    tags: dict[str, str]  # of pools, by name: their place in the list, hex
    pool_tags: dict[str, str]  # and back
    books: dict[str, Book]  # by the name a worker logs in with


class _Lent:
    """What both dialects' flows have in common."""

    __slots__ = ("_book", "_lender", "_worker")

    def __init__(self, session: MinerSession) -> None:
        self._worker = session
        self._lender = cast("Lender", session.house)  # what is asked of it, all relays of a parent have alike
        self._book: Book | None = None

    def tag(self, work: Work) -> str:
        """Write which pool a work is from."""
        return self._lender.tags[work.job.pool]

    def is_clean(self) -> bool:
        """Whether the last work it was given is void; see the trap above."""
        last = cast("Lender", self._worker.house).book.find(f"{self._worker.assignment.last:0{ID_DIGITS}x}")
        return last is None or not last.live

    def arrived(self, work_id: str) -> None:
        """Note that a share has come."""
        book = self._book
        if book is None:
            book = self._book = self._lender.books.get(self._worker.worker) or Book()
        book.arrived[self._lender.pool_tags.get(work_id[ID_DIGITS:], NONE)] += 1

    def settled(self, verdict: Verdict) -> None:
        """Note what has become of a share."""
        if self._book is not None:
            self._book.settled[verdict.reason] += 1


class LentAionFlow(AionFlow):
    """The Aion dialect of a worker's session; `user` is whom its last share is from."""

    __slots__ = ("lent", "user")

    def __init__(self, session: MinerSession) -> None:
        super().__init__(session)
        self.lent = _Lent(session)
        self.user = ""

    def job(self, work: Work, alias: str, moved: bool) -> bytes:  # noqa: ARG002  # a worker needs no alias
        """Write a work as lines for a worker."""
        lent = self.lent
        lines = aion.set_extranonce(self._session.assignment.prefix) if moved else b""
        if work.target != self._target:
            self._target = work.target
            lines += aion.set_target(work.target)
        clean = b"true" if moved or lent.is_clean() else b"false"
        return lines + b'{"id":null,"method":"mining.notify","params":["%s%s",%s,"%s","%s"]}\n' % (
            work.id.encode(),
            lent.tag(work).encode(),
            clean,
            # As pools have it: the share's target was told apart, this one is the network's if it is known.
            (work.job.network_target or work.target).hex().encode(),
            work.job.header.encode(),
        )

    def verdict(self, request_id: bytes, verdict: Verdict) -> bytes:
        """Answer a submit."""
        self.lent.settled(verdict)
        if verdict.reason is Reason.LOST:
            return aion.refused(request_id, LOST_CODE, LOST_TEXT)
        return aion.verdict(request_id, verdict)

    def _on_submit(self, event: events.Submit, now: float) -> None:
        self.user = event.worker
        self.lent.arrived(event.job_id)
        super()._on_submit(event, now)


class LentLoginFlow(LoginFlow):
    """The login dialect of a worker's session, for blob work."""

    for_proxies = True  # it has the whole nonce of a connection

    __slots__ = ("lent",)

    def __init__(self, session: MinerSession) -> None:
        super().__init__(session)
        self.lent = _Lent(session)

    def job(self, work: Work, alias: str, moved: bool) -> bytes:  # noqa: ARG002  # a worker needs no alias
        """Write a work as a line for a worker, whose nonce is whole."""
        clean = moved or self.lent.is_clean()
        line = super().job(work, self.lent.tag(work), moved)
        if clean:
            line = _without_last(line, _NOT_CLEAN, b"")
        return _without_last(line, _SPLIT, _WHOLE)

    def verdict(self, request_id: bytes, verdict: Verdict) -> bytes:
        """Answer a submit."""
        self.lent.settled(verdict)
        if verdict.reason is Reason.LOST:
            return login.refused(request_id, LOST_TEXT, LOST_CODE)
        return login.verdict(request_id, verdict)

    def _on_submit(self, event: events.Submit, now: float) -> None:
        self.lent.arrived(event.job_id)
        super()._on_submit(event, now)


FLOWS: dict[str, FlowMaker] = {"aion": LentAionFlow, "login": LentLoginFlow}


def _without_last(line: bytes, part: bytes, instead: bytes) -> bytes:
    """Replace a part where it stands last: a pool's own members, which may hold the same, come before it."""
    before, found, after = line.rpartition(part)
    return before + instead + after if found else line


def pool_of(work_id: str, names: list[str]) -> str:
    """Tell from a job's id which of the parent's pools it is from.

    Raises: PoolError if it does not say so, which no parent of ours does.
    """
    try:
        return names[int(work_id[ID_DIGITS:], 16)]
    except (ValueError, IndexError):
        raise PoolError("a job id that names no pool of the parent process") from None


class ParentSink:
    """Stands between a worker's pool side and its relay.

    Args:
        relay: who is told.
        pool_names: the parent's pools, in their order.
    """

    def __init__(self, relay: PoolSink, pool_names: list[str]) -> None:
        self._relay = relay
        self._pool_names = pool_names

    def pool_working(self, link: Conversation) -> None:
        """The parent has let us in, or has moved us."""
        self._relay.pool_working(link)

    def pool_job(self, job: Job) -> None:
        """The parent gave a job: it counts under the pool that it is from."""
        self._relay.pool_job(attrs.evolve(job, pool=pool_of(job.pool_id, self._pool_names)))

    def settle(self, forward: Forward, verdict: Verdict, now: float) -> None:
        """A share's verdict is in."""
        self._relay.settle(forward, LOST if verdict.code == LOST_CODE else verdict, now)

    def pool_lost(self) -> None:
        """The parent is gone."""
        self._relay.pool_lost()
