"""How a request is answered: JSON that nobody keeps, and every fault in one line."""

from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from proxy.ops.api.shapes import Fault

JSON = "application/json"

_encode = msgspec.json.Encoder().encode


class RefusedError(Exception):
    """A request that is not answered as it was meant.

    Args:
        status: of the answer.
        text: one line: what is wrong, and what to do.
    """

    def __init__(self, status: int, text: str, **headers: str) -> None:
        super().__init__(text)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Answer with a value of shapes.py."""
    return Response(_encode(value), status, headers, media_type=JSON)


def fault(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    """Answer that it cannot be."""
    return json(Fault(text), status, headers)


def unauthorized(text: str) -> Response:
    """Answer that a token is missing, or wrong."""
    return fault(401, f"{text}: Authorization: Bearer …", {"WWW-Authenticate": "Bearer"})


async def on_refused(_request: Request, error: Exception) -> Response:
    """Answer what a handler refused."""
    assert isinstance(error, RefusedError)
    return fault(error.status, str(error), error.headers)


async def on_http(request: Request, error: Exception) -> Response:
    """Answer what no route takes."""
    assert isinstance(error, HTTPException)
    text = {
        404: f"nothing at {request.url.path[:100]}; /api/v1/openapi.json has all there is",
        405: f"{request.method} is not for {request.url.path[:100]}",
    }
    return fault(
        error.status_code, text.get(error.status_code, error.detail), dict(error.headers or {}) or None
    )
