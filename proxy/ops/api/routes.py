"""Every path of the API, and who may ask.

Strategy: one table, of which Starlette's routes are made and OpenAPI is written, so that neither knows a
path that the other does not.
"""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from proxy.ops.api import bans, changes, ledger, miners, shapes, stream, summary, upstreams, workers
from proxy.ops.api.answer import JSON, fault, unauthorized
from proxy.ops.api.desk import Desk
from proxy.ops.api.openapi import (
    LIMIT,
    OFFSET,
    ORDER,
    REASON,
    SEARCH,
    SINCE,
    SPAN,
    Operation,
    document,
    free,
    words,
)

ROOT = "/api/v1"
EVENTS = f"{ROOT}/events"

Handler = Callable[[Desk, Request], Awaitable[Response]]

WORKER, LISTENER = free("worker"), free("listener")
PATHS: tuple[tuple[Handler, Operation], ...] = (
    (summary.show, Operation("/summary", "GET", "The whole proxy at a glance.", shapes.Summary)),
    (
        summary.show_history,
        Operation("/history", "GET", "The farm's work a second.", shapes.History, [SPAN], [409]),
    ),
    (upstreams.show, Operation("/upstreams", "GET", "All pools.", shapes.Upstreams)),
    (upstreams.show_listeners, Operation("/listeners", "GET", "All ports.", shapes.Listeners)),
    (
        miners.show,
        Operation(
            "/miners",
            "GET",
            "The connections that are here.",
            shapes.Miners,
            [WORKER, LISTENER, SEARCH, words("sort", miners.SORTS, "worker"), ORDER, LIMIT, OFFSET],
        ),
    ),
    (
        workers.show,
        Operation(
            "/workers",
            "GET",
            "The names that shares are counted under.",
            shapes.Workers,
            [
                words("state", workers.STATES, "all"),
                SEARCH,
                words("sort", workers.SORTS, "name"),
                ORDER,
                LIMIT,
                OFFSET,
            ],
        ),
    ),
    (
        workers.show_one,
        Operation(
            "/workers/{name}",
            "GET",
            "One worker with all that is known of it.",
            shapes.WorkerDetail,
            [words("span", workers.HISTORIES, "1h")],
            [404, 409],
        ),
    ),
    (
        ledger.show_shares,
        Operation(
            "/shares",
            "GET",
            "The latest shares.",
            shapes.LedgerShares,
            [WORKER, REASON, SINCE, LIMIT],
            [409],
        ),
    ),
    (
        ledger.show_reconciliation,
        Operation(
            "/reconcile",
            "GET",
            "Whether every share is accounted for.",
            shapes.Reconciliation,
            [SINCE],
            [409],
        ),
    ),
    (ledger.show_blocks, Operation("/blocks", "GET", "Found blocks.", shapes.Blocks, [LIMIT])),
    (bans.show, Operation("/bans", "GET", "All who are shut out.", shapes.Bans, [LIMIT, OFFSET])),
    (
        changes.release,
        Operation("/bans/{id}", "DELETE", "End a ban.", None, (), [404], changes=True),
    ),
    (
        changes.reload,
        Operation(
            "/reload", "POST", "Read the configuration again.", shapes.Reloaded, (), [422], changes=True
        ),
    ),
    (
        changes.activate,
        Operation(
            "/upstreams/{name}/activate",
            "POST",
            "Prefer a pool until it fails.",
            shapes.Activated,
            (),
            [404],
            changes=True,
        ),
    ),
    (
        changes.disconnect,
        Operation("/miners/{id}/disconnect", "POST", "Close a connection.", None, (), [404], changes=True),
    ),
)


def routes(desk: Desk) -> list[BaseRoute]:
    """Make Starlette's routes of all paths."""
    described = document(ROOT, [operation for _, operation in PATHS])

    async def openapi(_request: Request) -> Response:
        return Response(described, media_type=JSON)

    async def listen(websocket: WebSocket) -> None:
        await stream.listen(desk.events, websocket)

    async def upgrade(_request: Request) -> Response:
        return fault(426, "events come by WebSocket", {"Upgrade": "websocket", "Connection": "Upgrade"})

    made: list[BaseRoute] = [
        Route(f"{ROOT}/openapi.json", openapi),
        WebSocketRoute(EVENTS, listen),
        Route(EVENTS, upgrade),
    ]
    for handler, operation in PATHS:
        # A worker's name may hold a slash.
        path = ROOT + operation.path.replace("/workers/{name}", "/workers/{name:path}")
        made.append(Route(path, _endpoint(handler, operation, desk), methods=[operation.method]))
    return made


def _endpoint(handler: Handler, operation: Operation, desk: Desk) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        if operation.changes:
            if not desk.tokens.admin and "authorization" in request.headers:
                return fault(403, "changes need http.admin_token to be set")
            if not desk.tokens.may_change(request):
                return unauthorized("the admin token is needed")
        return await handler(desk, request)

    return answer
