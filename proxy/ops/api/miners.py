"""The connections that are here."""

from typing import cast, get_args

from starlette.requests import Request
from starlette.responses import Response

from proxy.ops.api.answer import json
from proxy.ops.api.desk import Desk
from proxy.ops.api.figures import all_verdicts
from proxy.ops.api.query import Query
from proxy.ops.api.shapes import Miner, Miners
from proxy.ops.crowd import MinerQuery, MinerRecord, MinerSort
from proxy.ops.ordering import written
from proxy.ops.times import shown, shown_or_none

SORTS: tuple[str, ...] = get_args(MinerSort)


async def show(desk: Desk, request: Request) -> Response:
    """GET /api/v1/miners."""
    query = Query(request, "worker", "listener", "search", "sort", "order", "limit", "offset")
    limit, offset = query.page()
    asked = MinerQuery(
        query.text("worker"),
        query.text("listener"),
        query.text("search"),
        cast("MinerSort", query.choice("sort", SORTS, "worker")),
        query.descending(),
        limit,
        offset,
    )
    page = await desk.view.crowd.miners(asked)
    return json(Miners(await written(page.items, miner, desk.turns), page.total))


def miner(record: MinerRecord) -> Miner:
    """Show a connection."""
    return Miner(
        id=record.id,
        worker=record.worker,
        address=record.address,
        listener=record.listener,
        dialect=record.dialect,
        agent=record.agent,
        difficulty=record.difficulty,
        connected_at=shown(record.connected_at),
        last_share_at=shown_or_none(record.last_share_at),
        shares=all_verdicts(record.shares),
        unanswered=record.unanswered,
        standing="slowed" if record.slowed else "ok",
    )
