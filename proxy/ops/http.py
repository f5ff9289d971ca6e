"""The HTTP side: metrics and health, in the same process as the miners.

Strategy: Starlette for the routes, Hypercorn's Trio worker for HTTP; every answer is small and made from
what is in memory, so that no request can hold up a miner.
"""

import logging
import secrets
import socket
from collections.abc import Awaitable, Callable

import trio
from hypercorn.config import Config as HypercornConfig
from hypercorn.trio import serve as serve_hypercorn
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from proxy.ops.view import View

# Health must work for a container runtime that knows no token, and tells nothing.
OPEN_PATHS = ("/healthz", "/readyz")


class ReadToken:
    """Asks readers for `Authorization: Bearer …` when a token is set."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401."""
        if scope["type"] == "http" and self._token and scope["path"] not in OPEN_PATHS:
            given = Request(scope).headers.get("authorization", "")
            # Constant time: a plain comparison tells how many characters were right.
            if not secrets.compare_digest(given.encode("latin-1"), f"Bearer {self._token}".encode()):
                refusal = PlainTextResponse(
                    "a read token is needed: Authorization: Bearer …\n", 401, {"WWW-Authenticate": "Bearer"}
                )
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


def build(view: View, metrics: CollectorRegistry, read_token: str) -> Starlette:
    """Make the application.

    Args:
        read_token: what readers must show; "" asks for none.
    """

    async def show_metrics(_request: Request) -> Response:
        return Response(generate_latest(metrics), media_type=CONTENT_TYPE_LATEST)

    async def healthz(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_request: Request) -> Response:
        reason = view.not_ready
        return PlainTextResponse(f"{reason}\n" if reason else "ready\n", 503 if reason else 200)

    routes = [
        Route("/metrics", show_metrics),
        Route("/healthz", healthz),
        Route("/readyz", readyz),
    ]
    return Starlette(routes=routes, middleware=[Middleware(ReadToken, token=read_token)])


async def serve(
    app: Starlette,
    sock: socket.socket,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until cancelled.

    Args:
        sock: bound and listening; Hypercorn owns it from here.
    """
    config = HypercornConfig()
    config.bind = [f"fd://{sock.detach()}"]
    config.accesslog = None
    config.errorlog = logging.getLogger(__name__)  # not its own name: levels outlive us
    config.errorlog.setLevel(logging.WARNING)  # its greeting names the address once more
    config.graceful_timeout = 0.5
    config.keep_alive_timeout = 30
    config.h11_max_incomplete_size = 16_384
    config.include_server_header = False
    async with trio.open_nursery() as nursery:
        await nursery.start(_serve, app, config)
        task_status.started()


async def _serve(
    app: Starlette, config: HypercornConfig, task_status: trio.TaskStatus[object] = trio.TASK_STATUS_IGNORED
) -> None:
    run: Callable[..., Awaitable[None]] = serve_hypercorn
    await run(app, config, task_status=task_status)
