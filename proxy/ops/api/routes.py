"""Every path of the API, and who may ask.

Strategy: one table, of which Starlette's routes are made and OpenAPI is written, so that neither knows a
path that the other does not.
"""

from collections.abc import Awaitable, Callable

import attrs
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from proxy.ops.api import bans, changes, ledger, miners, summary, upstreams, workers
from proxy.ops.api.answer import fault, unauthorized
from proxy.ops.api.desk import Desk

ROOT = "/api/v1"

Handler = Callable[[Desk, Request], Awaitable[Response]]


@attrs.frozen
class Path:
    """One path with one method.

    Args:
        path: behind ROOT.
        changes: it needs the admin token.
    """

    path: str
    handler: Handler
    method: str = "GET"
    changes: bool = False


PATHS = (
    Path("/summary", summary.show),
    Path("/history", summary.show_history),
    Path("/upstreams", upstreams.show),
    Path("/listeners", upstreams.show_listeners),
    Path("/miners", miners.show),
    Path("/workers", workers.show),
    Path("/workers/{name:path}", workers.show_one),
    Path("/shares", ledger.show_shares),
    Path("/reconcile", ledger.show_reconciliation),
    Path("/blocks", ledger.show_blocks),
    Path("/bans", bans.show),
    Path("/bans/{id}", changes.release, "DELETE", changes=True),
    Path("/reload", changes.reload, "POST", changes=True),
    Path("/upstreams/{name}/activate", changes.activate, "POST", changes=True),
    Path("/miners/{id}/disconnect", changes.disconnect, "POST", changes=True),
)


def routes(desk: Desk) -> list[Route]:
    """Make Starlette's routes of all paths."""
    return [Route(ROOT + path.path, _endpoint(path, desk), methods=[path.method]) for path in PATHS]


def _endpoint(path: Path, desk: Desk) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        if path.changes:
            if not desk.tokens.admin:
                return fault(403, "changes need http.admin_token to be set")
            if not desk.tokens.may_change(request):
                return unauthorized("the admin token is needed")
        return await path.handler(desk, request)

    return answer
