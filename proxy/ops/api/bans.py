"""Who is shut out, and why."""

from starlette.requests import Request
from starlette.responses import Response

from proxy.ops.api.answer import json
from proxy.ops.api.desk import Desk
from proxy.ops.api.query import Query
from proxy.ops.api.shapes import Ban, Bans, Evidence
from proxy.ops.crowd import BanRecord
from proxy.ops.ordering import written
from proxy.ops.times import shown


async def show(desk: Desk, request: Request) -> Response:
    """GET /api/v1/bans."""
    limit, offset = Query(request, "limit", "offset").page()
    found = await desk.view.crowd.bans()
    return json(Bans(await written(found[offset : offset + limit], ban, desk.turns), len(found)))


def ban(record: BanRecord) -> Ban:
    """Show a ban."""
    return Ban(
        id=record.id,
        kind=record.kind,
        subject=record.subject,
        worker=record.worker,
        address=record.address,
        listener=record.listener,
        reason=record.reason,
        since=shown(record.since),
        until=shown(record.until),
        times=record.times,
        evidence=[Evidence(shown(one.at), one.reason, one.job, one.detail) for one in record.evidence],
    )
