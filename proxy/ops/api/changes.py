"""What can be changed by whoever has the admin token; all of it is said in the log."""

import structlog
from starlette.requests import Request
from starlette.responses import Response

from proxy.ops.api.answer import RefusedError, json
from proxy.ops.api.desk import Desk
from proxy.ops.api.query import Query
from proxy.ops.api.shapes import Activated

log = structlog.get_logger()


async def reload(desk: Desk, request: Request) -> Response:
    """POST /api/v1/reload."""
    Query(request)
    answer = await desk.reload()
    return json(answer, 200 if answer["result"] == "ok" else 422)


async def activate(desk: Desk, request: Request) -> Response:
    """POST /api/v1/upstreams/{name}/activate."""
    Query(request)
    name: str = request.path_params["name"]
    if not desk.activate(name):
        known = ", ".join(pool.name for pool in desk.view.pools)
        raise RefusedError(404, f"no such pool; there is {known}")
    state = next((pool.state for pool in desk.view.pools if pool.name == name), "down")
    log.info("pool chosen by hand", pool=name, state=state)
    return json(Activated(name, state))


async def disconnect(desk: Desk, request: Request) -> Response:
    """POST /api/v1/miners/{id}/disconnect."""
    Query(request)
    miner: str = request.path_params["id"]
    if not await desk.view.crowd.disconnect(miner):
        raise RefusedError(404, "no such miner: it has gone, or never was here")
    log.info("miner disconnected by hand", id=miner)
    return Response(status_code=204)


async def release(desk: Desk, request: Request) -> Response:
    """DELETE /api/v1/bans/{id}."""
    Query(request)
    ban: str = request.path_params["id"]
    if not await desk.view.crowd.release(ban):
        raise RefusedError(404, "no such ban: it is over, or never was")
    log.info("ban lifted by hand", id=ban)
    return Response(status_code=204)
