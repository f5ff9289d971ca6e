"""Who may look and who may change, told by a token.

The traps: tokens can change while it runs, so they are looked up with each request; a plain comparison
tells how many characters were right; and a browser cannot set a header on a WebSocket, so there the token
may stand among the subprotocols, never in an address, which ends in logs.
"""

import secrets
from collections.abc import Iterator

import attrs
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

BEARER = "Bearer "
SUBPROTOCOL = "bearer."  # before the token, among the subprotocols of a WebSocket


@attrs.define(eq=False)
class Tokens:
    """What is to be shown by whoever asks.

    Args:
        read: to look; "" for nothing.
        admin: to change something, and good for looking; "" for no changes.
    """

    read: str = attrs.field(default="", repr=False)
    admin: str = attrs.field(default="", repr=False)

    def may_read(self, request: HTTPConnection) -> bool:
        """Tell whether a request may look."""
        return not self.read or shows(request, self.read) or self.may_change(request)

    def may_change(self, request: HTTPConnection) -> bool:
        """Tell whether a request may change something."""
        return bool(self.admin) and shows(request, self.admin)


def shows(request: HTTPConnection, token: str) -> bool:
    """Tell whether a request has a token with it."""
    wanted = token.encode()
    return any(secrets.compare_digest(given, wanted) for given in _given(request))


def _given(request: HTTPConnection) -> Iterator[bytes]:
    header = request.headers.get("authorization", "")
    if header.startswith(BEARER):
        yield header.removeprefix(BEARER).encode("latin-1")
    if request.scope["type"] == "websocket":
        for offered in subprotocols(request.headers):
            if offered.startswith(SUBPROTOCOL):
                yield offered.removeprefix(SUBPROTOCOL).encode("latin-1")


def subprotocols(headers: Headers) -> list[str]:
    """List the subprotocols that a WebSocket is offered."""
    offered = headers.get("sec-websocket-protocol", "")
    return [one.strip() for one in offered.split(",")]
