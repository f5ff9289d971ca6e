"""What is answered from the record of all shares; without one these requests cannot be."""

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import Request
from starlette.responses import Response

from proxy.model.share import Reason
from proxy.ops.api import shapes
from proxy.ops.api.answer import RefusedError, json
from proxy.ops.api.desk import Desk
from proxy.ops.api.query import MOST, USUAL, Query
from proxy.ops.ledgerreader import LedgerDownError, LedgerReader, ShareQuery
from proxy.ops.times import shown, shown_or_none

# Seconds back, and of a step: some two hundred points each.
LONG_SPANS = {"7d": (7 * 86_400.0, 3600.0), "30d": (30 * 86_400.0, 4 * 3600.0)}
REASONS = tuple(reason.value for reason in Reason)


def opened(desk: Desk) -> LedgerReader:
    """Give the ledger.

    Raises: RefusedError where there is none.
    """
    if desk.ledger is None:
        raise RefusedError(409, "the ledger is off: set ledger.url to keep a record of all shares")
    return desk.ledger


@contextmanager
def answering() -> Iterator[None]:
    """Say so where the ledger cannot answer now."""
    try:
        yield
    except LedgerDownError as error:
        raise RefusedError(503, f"the ledger cannot answer now: {error}", Retry_After="10") from None


async def long_history(ledger: LedgerReader, span: str, worker: str | None = None) -> shapes.History:
    """Give a history that is longer than what is kept in memory."""
    seconds, step = LONG_SPANS[span]
    with answering():
        found = await ledger.history(seconds, step, worker)
    points = [
        shapes.HistoryPoint(shown(point.at), round(point.sols_per_second, 4), point.shares) for point in found
    ]
    return shapes.History(span, step, points)


async def show_shares(desk: Desk, request: Request) -> Response:
    """GET /api/v1/shares."""
    query = Query(request, "worker", "reason", "since", "limit")
    asked = ShareQuery(
        query.text("worker"),
        query.choice("reason", ("", *REASONS), ""),
        query.moment("since"),
        query.whole("limit", USUAL, 1, MOST),
    )
    with answering():
        found = await opened(desk).shares(asked)
    items = [
        shapes.LedgerShare(
            one.id,
            shown(one.at),
            one.worker,
            one.address,
            one.listener,
            one.dialect,
            one.pool,
            one.job,
            one.reason,
            one.message,
            one.difficulty,
            one.reached or 0.0,
            one.roundtrip_ms,
            one.block,
        )
        for one in found
    ]
    return json(shapes.LedgerShares(items, len(items)))


async def show_reconciliation(desk: Desk, request: Request) -> Response:
    """GET /api/v1/reconcile."""
    since = Query(request, "since").moment("since")
    with answering():
        sums = await opened(desk).reconcile(since)
    return json(
        shapes.Reconciliation(
            shown_or_none(sums.since),
            shown(sums.until),
            sums.holds,
            sums.received,
            sums.filtered,
            sums.kept,
            sums.forwarded,
            sums.accepted,
            sums.rejected,
            sums.lost,
            sums.missing,
            sums.gaps,
            [
                shapes.PoolSum(one.pool, one.forwarded, one.accepted, one.rejected, one.lost)
                for one in sums.pools
            ],
        )
    )


async def show_blocks(desk: Desk, request: Request) -> Response:
    """GET /api/v1/blocks."""
    limit = Query(request, "limit").whole("limit", USUAL, 1, MOST)
    found = list(reversed(desk.events.blocks))[:limit]
    if desk.ledger is not None:
        with answering():
            found = await desk.ledger.blocks(limit)
    items = [shapes.Block(shown(one.at), one.worker, one.pool, one.job, one.reached) for one in found]
    return json(shapes.Blocks(items, len(items)))
