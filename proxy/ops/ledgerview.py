"""The ledger as the API asks it: questions are put to the database beside the loop, few at a time.

Strategy: what is in proxy/ledger/ is synchronous and waits for disks and servers, so each question is a call
in a thread; only so many run at once, each statement has an end, and every answer is bounded.
The traps: a database that is gone answers nobody, so who asks then waits in a short queue and is turned away
when that is full; and a book is closed over and over by every open dashboard, so its account is kept for a
moment.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import attrs
import trio

from proxy.errors import ConfigError
from proxy.ledger.book import Book, open_book
from proxy.ledger.reading import Share, found_blocks, history, latest
from proxy.ledger.reconcile import Account, reconcile
from proxy.ledger.standing import Standing
from proxy.ledger.store import LedgerError
from proxy.ops.ledgerreader import (
    LedgerBlock,
    LedgerDownError,
    LedgerPoint,
    LedgerState,
    PoolSum,
    Reconciliation,
    ShareQuery,
)

AT_ONCE = 2  # questions; a database that is on the same disk as the writer's has other things to do
MOST_WAITING = 32  # questions that wait for their turn; as many dashboards may be open
STATEMENT_SECONDS = 10.0  # longer than anybody looks at an empty page
ACCOUNT_SECONDS = 10.0  # that an account of the same time is given again
MOST_GAPS = 100  # that are told; the command has all

_Answer = TypeVar("_Answer")


@attrs.define(eq=False)
class _Kept:
    """An account that was made a moment ago."""

    since: float
    made_at: float
    account: Account


class LedgerView:
    """Reads a ledger for the API; see ledgerreader.LedgerReader.

    Args:
        url: as `ledger.url`.
        standing: how the writing side does.
    """

    def __init__(self, url: str, standing: Callable[[], Standing]) -> None:
        self._url = url
        self._standing = standing
        self._book: Book | None = None
        self._limiter = trio.CapacityLimiter(AT_ONCE)
        self._waiting = 0
        self._kept: _Kept | None = None

    @property
    def state(self) -> LedgerState:
        """How it does; at once."""
        now = self._standing()
        return LedgerState(now.state, now.pending, now.written, now.lost, now.reason)

    async def shares(self, query: ShareQuery) -> list[Share]:
        """Give shares, the latest first.

        Raises: LedgerDownError.
        """
        return await self._ask(
            partial(latest, worker=query.worker, reason=query.reason, since=query.since, limit=query.limit)
        )

    async def history(self, seconds: float, step: float, worker: str | None = None) -> list[LedgerPoint]:
        """Give what came in, oldest first.

        Raises: LedgerDownError.
        """
        now = time.time()
        found = await self._ask(partial(history, seconds=seconds, step=int(step), now=now, worker=worker))
        return [LedgerPoint(point.at, point.work / point.seconds, point.shares) for point in found]

    async def reconcile(self, since: float) -> Reconciliation:
        """Sum up what is written since then, 0 for all.

        Raises: LedgerDownError.
        """
        now, kept = time.time(), self._kept
        if kept is None or kept.since != since or now - kept.made_at > ACCOUNT_SECONDS:
            account = await self._ask(partial(reconcile, since=since, until=now, now=now))
            kept = self._kept = _Kept(since, now, account)
        return _told(kept.account)

    async def blocks(self, limit: int) -> list[LedgerBlock]:
        """Give found blocks, the latest first.

        Raises: LedgerDownError.
        """
        found = await self._ask(partial(found_blocks, limit=limit))
        return [
            LedgerBlock(block.at, block.worker, block.pool, block.job, block.reached or 0.0)
            for block in found
        ]

    async def _ask(self, question: Callable[[Book], _Answer]) -> _Answer:
        if self._waiting >= MOST_WAITING:
            raise LedgerDownError("too many questions at once; ask again in a moment")
        self._waiting += 1
        try:
            # The loop has miners to serve; 45 µs for a thread are nothing to a database.
            return await trio.to_thread.run_sync(  # noqa: TID251
                self._answer, question, limiter=self._limiter, abandon_on_cancel=True
            )
        except (LedgerError, ConfigError) as error:
            raise LedgerDownError(str(error)) from None
        finally:
            self._waiting -= 1

    def _answer(self, question: Callable[[Book], _Answer]) -> _Answer:
        book = self._book
        if book is None:
            book = self._book = open_book(self._url, STATEMENT_SECONDS)
        try:
            return question(book)
        except LedgerError:
            self._book = None  # it may be another one by now, or of another schema
            book.close()
            raise


def _told(account: Account) -> Reconciliation:
    lines = [str(gap) for gap in account.gaps[:MOST_GAPS]] + account.faults[:MOST_GAPS]
    return Reconciliation(
        since=account.since,
        until=account.until,
        holds=account.holds,
        received=account.received,
        filtered=account.filtered,
        kept=account.kept,
        forwarded=account.forwarded,
        accepted=account.shares["accepted"],
        rejected=account.shares["rejected"],
        lost=account.shares["lost"],
        missing=account.missing,
        gaps=lines,
        pools=[
            PoolSum(pool.pool, pool.forwarded, pool.accepted, pool.rejected, pool.lost)
            for pool in account.pools
        ],
    )
