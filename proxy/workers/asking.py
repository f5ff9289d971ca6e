"""The miners of all worker processes, as the API sees them: all are asked, and what comes is put together.

Strategy: a question goes to all at once; whoever does not answer in time is left out, for a page that lacks
some miners is better than none.  Each gives its own first so many, in order, so the first so many of all are
among them.
"""

import itertools
from collections.abc import Callable, Sequence
from heapq import merge
from itertools import islice

import attrs
import msgspec.structs
import structlog
import trio

from proxy.ops.crowd import BadRecord, BanRecord, MinerPage, MinerQuery, MinerRecord
from proxy.ops.ordering import SLICE
from proxy.ops.turns import Turns
from proxy.workers.questions import (
    Answer,
    Ask,
    BadShares,
    Bans,
    Disconnect,
    Miners,
    Question,
    Release,
)
from proxy.workers.roster import Life

ASK_SECONDS = 2.0  # for an answer: a busy worker takes some tenths for thousands of miners
MOST_QUESTIONS = 32  # that one worker has not answered; the API works on four requests at once

log = structlog.get_logger()


@attrs.define(eq=False)
class Reply:
    """What one worker has answered so far."""

    miners: list[MinerRecord] = attrs.field(factory=list)
    bad_shares: list[BadRecord] = attrs.field(factory=list)
    bans: list[BanRecord] = attrs.field(factory=list)
    total: int = 0
    is_whole: trio.Event = attrs.field(factory=trio.Event)

    def take(self, answer: Answer) -> None:
        """Take a part."""
        self.miners += answer.miners
        self.bad_shares += answer.bad_shares
        self.bans += answer.bans
        self.total += answer.total
        if answer.last:
            self.is_whole.set()


class WorkersCrowd:
    """The miners of all workers; see ops.crowd.Crowd.

    Args:
        lives: the workers that run.
        send: puts a question on a worker's channel.
    """

    def __init__(
        self, lives: Callable[[], Sequence[Life]], send: Callable[[Life, Ask], None], turns: Turns
    ) -> None:
        self._lives = lives
        self._send = send
        self._turns = turns
        self._numbers = itertools.count(1)

    async def miners(self, query: MinerQuery) -> MinerPage:
        """Give a page of the miners that are here."""
        first = msgspec.structs.replace(query, offset=0, limit=query.offset + query.limit)
        replies = await self._ask(Miners(first))
        merged = merge(
            *(reply.miners for reply in replies),
            key=lambda miner: (miner.rank, miner.id),
            reverse=query.descending,
        )
        for _ in range(0, query.offset, SLICE):
            await self._turns.turn()
        items = list(islice(merged, query.offset, query.offset + query.limit))
        return MinerPage(items, sum(reply.total for reply in replies))

    async def bad_shares(self, worker: str) -> list[BadRecord]:
        """Give a worker's latest shares that came to nothing, the latest first."""
        replies = await self._ask(BadShares(worker))
        found = [one for reply in replies for one in reply.bad_shares]
        return sorted(found, key=lambda one: one.at, reverse=True)

    async def bans(self) -> list[BanRecord]:
        """Give all who are shut out, the latest first."""
        replies = await self._ask(Bans())
        return sorted(
            (one for reply in replies for one in reply.bans), key=lambda one: one.since, reverse=True
        )

    async def disconnect(self, miner_id: str) -> bool:
        """Close a miner's connection; false if there is no such miner."""
        return any(reply.total for reply in await self._ask(Disconnect(miner_id)))

    async def release(self, ban_id: str) -> bool:
        """End a ban; false if there is none of that id."""
        return any(reply.total for reply in await self._ask(Release(ban_id)))

    async def _ask(self, question: Question) -> list[Reply]:
        """Ask all, and give what has come when all have answered, or time is up."""
        ask = Ask(next(self._numbers), question)
        asked: list[tuple[Life, Reply]] = []
        try:
            for life in self._lives():
                if len(life.questions) >= MOST_QUESTIONS:
                    log.debug("worker process does not answer", worker_process=life.number)
                    continue
                reply = Reply()
                life.questions[ask.number] = reply
                asked.append((life, reply))
                self._send(life, ask)
            with trio.move_on_after(ASK_SECONDS):
                for _, reply in asked:
                    await reply.is_whole.wait()
        finally:
            for life, _ in asked:
                life.questions.pop(ask.number, None)
        return [reply for _, reply in asked]
