"""The HTTP side: dashboard, API, metrics, health, in the same process as the miners.

Strategy: Starlette for the routes, Hypercorn for HTTP (serving.py); every answer is small and made from what
is in memory, a slice at a time, so that no request can hold up a miner.
"""

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from proxy.ops.api.answer import RefusedError, on_http, on_refused
from proxy.ops.api.desk import Desk
from proxy.ops.api.routes import routes
from proxy.ops.gate import Gate
from proxy.ops.pages import Pages

log = structlog.get_logger()


def build(desk: Desk, metrics: CollectorRegistry, pages: Pages | None = None) -> Starlette:
    """Make the application.

    Args:
        pages: the dashboard.
    """
    shown = pages or Pages()

    async def show_metrics(_request: Request) -> Response:
        await desk.turns.turn()
        # Not the latest form: it is only for names beyond ASCII, and not every Prometheus in use knows it.
        return Response(generate_latest(metrics), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    async def healthz(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_request: Request) -> Response:
        reason = desk.view.not_ready
        return PlainTextResponse(f"{reason}\n" if reason else "ready\n", 503 if reason else 200)

    paths: list[BaseRoute] = [
        Route("/metrics", show_metrics),
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        *routes(desk),
        Route("/", shown.index),
        Route("/static/{path:path}", shown.part),
    ]
    app = Starlette(
        routes=paths,
        middleware=[Middleware(Gate, tokens=desk.tokens)],
        exception_handlers={RefusedError: on_refused, HTTPException: on_http},
    )
    app.router.redirect_slashes = False
    return app
