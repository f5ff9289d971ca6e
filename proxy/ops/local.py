"""The miners of this process, as the API sees them.

The trap: sessions come and go between two slices, so what is shown of one is read in a breath, and a list
of all of them is of the moment it was asked for.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import attrs
import trio

from proxy.core.penalties import Ban, Miner, Penalties
from proxy.core.workerbook import WorkerBook
from proxy.model.share import FILTERED, Reason
from proxy.ops.crowd import BadRecord, BanRecord, MinerPage, MinerQuery, MinerRecord
from proxy.ops.ordering import Orders, in_order, written
from proxy.ops.times import since_1970
from proxy.ops.turns import Turns

_BAD = (*FILTERED, Reason.REJECTED, Reason.LOST)


class Standing(Protocol):
    """What is remembered of one connection."""

    since: float
    last_share: float
    shares: dict[Reason, int]
    is_slowed: bool


class Assignment(Protocol):
    """What a session was given; its alias is nobody else's."""

    alias: str


class Session(Protocol):
    """A miner's connection."""

    worker: str
    address: str
    agent: str
    label: tuple[str, str]
    unanswered: int

    @property
    def difficulty(self) -> float:
        """What is asked of it."""

    @property
    def standing(self) -> Standing:
        """What is remembered of it."""

    @property
    def assignment(self) -> Assignment:
        """What it was given."""


class Guests(Protocol):
    """Who has the sessions."""

    def sessions(self) -> Sequence[Session]:
        """All that are here now; a list of its own."""

    def disconnect(self, number: str) -> bool:
        """End one, by its alias; false if it is not here."""


_KEYS: Mapping[str, Callable[[Session], Any]] = {
    "id": lambda session: int(session.assignment.alias, 16),
    "worker": lambda session: session.worker,
    "address": lambda session: session.address,
    "listener": lambda session: session.label[0],
    "dialect": lambda session: session.label[1],
    "difficulty": lambda session: session.difficulty,
    # Of the processes of one proxy each has a clock of its own.
    "connected_at": lambda session: since_1970(session.standing.since),
    "last_share_at": lambda session: _last_share(session),
    "unanswered": lambda session: session.unanswered,
    "accepted": lambda session: session.standing.shares.get(Reason.ACCEPTED, 0),
    "bad": lambda session: sum(session.standing.shares.get(reason, 0) for reason in _BAD),
}


@attrs.define(eq=False)
class LocalCrowd:
    """The miners of this process.

    Args:
        turns: when there is time for such things.
        process: before the ids of bans, where several processes have some.
    """

    guests: Guests
    book: WorkerBook
    penalties: Penalties
    turns: Turns
    process: str = ""
    _orders: Orders[Session] = attrs.field(factory=Orders)

    async def miners(self, query: MinerQuery) -> MinerPage:
        """Give a page of the miners that are here."""
        key = _KEYS[query.sort]
        search = query.search.casefold()

        def wanted(session: Session) -> bool:
            return (
                (not query.worker or session.worker == query.worker)
                and (not query.listener or session.label[0] == query.listener)
                and (
                    not search
                    or search in session.worker.casefold()
                    or search in session.address
                    or search in session.agent.casefold()
                )
            )

        async def make() -> list[Session]:
            return await in_order(
                self.guests.sessions(),
                lambda session: (key(session), session.assignment.alias),
                wanted,
                self.turns,
                query.descending,
            )

        name = (query.worker, query.listener, search, query.sort, query.descending)
        found = await self._orders.get(name, make)
        page = found[query.offset : query.offset + query.limit]
        items = await written(page, lambda session: _record(session, key), self.turns)
        return MinerPage(items, len(found))

    async def bad_shares(self, worker: str) -> list[BadRecord]:
        """Give a worker's latest shares that came to nothing, the latest first."""
        await self.turns.turn()
        record = self.book.find(worker)
        if record is None or record.bad is None:
            return []
        now = trio.current_time()
        return [
            BadRecord(since_1970(one.at, now), one.reason.value, one.detail, one.job_id, one.address)
            for one in reversed(record.bad)
        ]

    async def bans(self) -> list[BanRecord]:
        """Give all who are shut out, the latest first."""
        await self.turns.turn()
        now = trio.current_time()
        return [self.ban(ban, now) for ban in reversed(self.penalties.bans(now))]

    def ban(self, ban: Ban, now: float) -> BanRecord:
        """Show a ban."""
        subject = ban.subject
        worker, address, listener = (
            (subject.worker, subject.address, subject.listener)
            if isinstance(subject, Miner)
            else ("", subject, "")
        )
        return BanRecord(
            id=f"{self.process}{ban.id}",
            kind="miner" if worker or listener else "address",
            subject=f"{worker}@{address}" if isinstance(subject, Miner) else address,
            worker=worker,
            address=address,
            listener=listener,
            reason=ban.reason,
            since=since_1970(ban.since, now),
            until=since_1970(ban.until, now),
            times=ban.count,
            evidence=[
                BadRecord(since_1970(one.at, now), one.reason, one.detail, one.job_id) for one in ban.evidence
            ],
        )

    async def disconnect(self, miner_id: str) -> bool:
        """Close a miner's connection; false if there is no such miner."""
        await self.turns.turn()
        return self.guests.disconnect(miner_id)

    async def release(self, ban_id: str) -> bool:
        """End a ban; false if there is none of that id."""
        await self.turns.turn()
        if not ban_id.startswith(self.process):
            return False
        number = ban_id.removeprefix(self.process)
        return (
            number.isascii() and number.isdigit() and len(number) < 16 and self.penalties.release(int(number))
        )


def _last_share(session: Session) -> float:
    last = session.standing.last_share
    return since_1970(last) if last else 0.0


def _record(session: Session, key: Callable[[Session], Any]) -> MinerRecord:
    standing = session.standing
    listener, dialect = session.label
    return MinerRecord(
        id=session.assignment.alias,
        worker=session.worker,
        address=session.address,
        listener=listener,
        dialect=dialect,
        agent=session.agent,
        difficulty=session.difficulty,
        connected_at=since_1970(standing.since),
        last_share_at=_last_share(session),
        shares={reason.value: count for reason, count in standing.shares.items()},
        unanswered=session.unanswered,
        slowed=standing.is_slowed,
        rank=key(session),
    )
