"""The HTTP side: metrics, health, and changes for those who may, in the same process as the miners.

Strategy: Starlette for the routes, Hypercorn's Trio worker for HTTP; every answer is small and made from
what is in memory, so that no request can hold up a miner.
The trap: tokens can change while it runs, so they are looked up with each request.
"""

import logging
import secrets
import socket
from collections.abc import Awaitable, Callable

import attrs
import trio
from hypercorn.config import Config as HypercornConfig
from hypercorn.trio import serve as serve_hypercorn
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from proxy.ops.view import View

# Health must work for a container runtime that knows no token, and tells nothing.
OPEN_PATHS = ("/healthz", "/readyz")

Application = Starlette
Reload = Callable[[], Awaitable[dict[str, object]]]


@attrs.define(eq=False)
class Tokens:
    """What is to be shown by whoever asks.

    Args:
        read: to look; "" for nothing.
        admin: to change something, and good for looking; "" for no changes.
    """

    read: str = attrs.field(default="", repr=False)
    admin: str = attrs.field(default="", repr=False)

    def may_read(self, request: Request) -> bool:
        """Tell whether a request may look."""
        return not self.read or shows(request, self.read) or self.may_change(request)

    def may_change(self, request: Request) -> bool:
        """Tell whether a request may change something."""
        return bool(self.admin) and shows(request, self.admin)


def shows(request: Request, token: str) -> bool:
    """Tell whether a request has `Authorization: Bearer …` with a token."""
    given = request.headers.get("authorization", "")
    # Constant time: a plain comparison tells how many characters were right.
    return secrets.compare_digest(given.encode("latin-1"), f"Bearer {token}".encode())


class ReadToken:
    """Asks readers for a token when one is set."""

    def __init__(self, app: ASGIApp, tokens: Tokens) -> None:
        self._app = app
        self._tokens = tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401."""
        if (
            scope["type"] == "http"
            and scope["path"] not in OPEN_PATHS
            and not self._tokens.may_read(Request(scope))
        ):
            refusal = _unauthorized("a read token is needed")
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _unauthorized(text: str) -> Response:
    return PlainTextResponse(f"{text}: Authorization: Bearer …\n", 401, {"WWW-Authenticate": "Bearer"})


def build(view: View, metrics: CollectorRegistry, tokens: Tokens, reload: Reload) -> Starlette:
    """Make the application.

    Args:
        reload: reads the configuration again; its answer has "ok" or "refused" as its "result".
    """

    async def show_metrics(_request: Request) -> Response:
        return Response(generate_latest(metrics), media_type=CONTENT_TYPE_LATEST)

    async def healthz(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_request: Request) -> Response:
        reason = view.not_ready
        return PlainTextResponse(f"{reason}\n" if reason else "ready\n", 503 if reason else 200)

    async def reload_now(request: Request) -> Response:
        if not tokens.admin:
            return PlainTextResponse("changes need http.admin_token to be set\n", 403)
        if not tokens.may_change(request):
            return _unauthorized("the admin token is needed")
        answer = await reload()
        return JSONResponse(answer, 200 if answer["result"] == "ok" else 422)

    routes = [
        Route("/metrics", show_metrics),
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/api/v1/reload", reload_now, methods=["POST"]),
    ]
    return Starlette(routes=routes, middleware=[Middleware(ReadToken, tokens=tokens)])


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
