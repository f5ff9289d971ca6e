"""What every request passes first: bounds, a token, and the headers of every answer.

Strategy: plain ASGI, so that a WebSocket passes the same way.  At most a few requests are worked on at once
and some wait; whoever comes then is told to come again.
"""

import trio
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from proxy.ops.api.answer import fault, unauthorized
from proxy.ops.tokens import Tokens

# Health must work for a container runtime that knows no token, and tells nothing; the page is no secret,
# and asks for the token itself.
OPEN_PATHS = ("/healthz", "/readyz", "/")
OPEN_FOLDER = "/static/"

MOST_AT_ONCE = 4  # requests worked on: what they work on comes in slices anyway
MOST_WAITING = 64  # beyond: 503
MOST_QUERY = 8192  # bytes behind the `?`: every parameter at its longest, in per cent
MOST_BODY = 4096  # bytes: nothing here takes any, and some clients send {}

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": POLICY,
}


class Gate:
    """Lets requests in.

    Args:
        app: who answers them.
    """

    def __init__(self, app: ASGIApp, tokens: Tokens) -> None:
        self._app = app
        self._tokens = tokens
        self._places = trio.Semaphore(MOST_AT_ONCE)
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await _refuse(refusal, scope, receive, _dressed(send))
        elif scope["type"] == "websocket" or scope["path"] in OPEN_PATHS:
            # A WebSocket stays, and is counted where it is served; health never waits.
            await self._app(scope, receive, _dressed(send))
        else:
            await self._in_turn(scope, receive, _dressed(send))

    async def _in_turn(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._waiting >= MOST_WAITING:
            await fault(503, "too many requests at once; try again", {"Retry-After": "1"})(
                scope, receive, send
            )
            return
        try:
            self._places.acquire_nowait()
        except trio.WouldBlock:
            self._waiting += 1
            try:
                await self._places.acquire()
            finally:
                self._waiting -= 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._places.release()

    def _refusal(self, scope: Scope) -> Response | None:
        path = scope["path"]
        if len(scope.get("query_string", b"")) > MOST_QUERY:
            return fault(414, f"the address has more than {MOST_QUERY} bytes behind its ?")
        request = HTTPConnection(scope)
        is_open = path in OPEN_PATHS or path.startswith(OPEN_FOLDER)
        if not is_open and not self._tokens.may_read(request):
            return unauthorized("a read token is needed")
        length = request.headers.get("content-length", "0")
        chunked = "transfer-encoding" in request.headers
        if chunked or not (length.isascii() and length.isdigit() and int(length[:10]) <= MOST_BODY):
            return fault(413, "requests here have no body", {"Connection": "close"})
        return None


async def _refuse(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(response)
    else:
        await response(scope, receive, send)


def _dressed(send: Send) -> Send:
    """Put the headers of every answer on it."""

    async def dressed(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return dressed
