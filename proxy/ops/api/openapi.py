"""GET /api/v1/openapi.json: what there is, for programs: OpenAPI 3.1.

Strategy: written once, of the table of paths and of the types of shapes.py, so that it cannot say otherwise
than what is answered.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import attrs
import msgspec

from proxy.core.windows import SPANS
from proxy.model.share import Reason
from proxy.ops.api import shapes
from proxy.ops.api.ledger import LONG_SPANS
from proxy.ops.api.query import MOST, MOST_OFFSET, MOST_TEXT, USUAL
from proxy.version import __version__

ABOUT = """What a running proxy knows of its pools, miners and workers, and what can be changed.

Reads need `Authorization: Bearer …` with the read token where one is set; changes always need the admin
token.  `GET /api/v1/events` is a WebSocket: one JSON object a message, the first a `hello`, then a `summary`
every second and whatever happens in between.  A browser shows the token there as the subprotocol
`bearer.<token>`, beside `sluice.events`."""
REFUSED = {"$ref": "#/components/schemas/Fault"}
_FAULTS = {
    400: "A parameter is not known, or out of bounds.",
    401: "The token is missing or wrong.",
    403: "Changes are not possible: no admin token is set.",
    404: "There is none of that name.",
    409: "The ledger is off.",
    413: "The request has a body.",
    414: "The address is too long.",
    422: "The configuration was refused; the old one stays.",
    503: "Too many requests at once, or the ledger cannot answer now.",
}
_EVERYWHERE = (400, 401, 413, 414, 503)


@attrs.frozen
class Parameter:
    """One parameter behind the `?`."""

    name: str
    schema: dict[str, Any]
    text: str = ""


def words(name: str, choice: Iterable[str], usual: str, text: str = "") -> Parameter:
    """Describe one that is a word of a few."""
    return Parameter(name, {"type": "string", "enum": list(choice), "default": usual}, text)


def free(name: str, text: str = "") -> Parameter:
    """Describe one that is any text."""
    return Parameter(name, {"type": "string", "maxLength": MOST_TEXT, "default": ""}, text)


LIMIT = Parameter("limit", {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL})
OFFSET = Parameter("offset", {"type": "integer", "minimum": 0, "maximum": MOST_OFFSET, "default": 0})
ORDER = words("order", ("asc", "desc"), "asc")
SEARCH = free("search", "A part of the name, in any case.")
SINCE = Parameter("since", {"type": "string", "format": "date-time"})
SPAN = words("span", (*SPANS, *LONG_SPANS), "1h")
REASON = words("reason", ("", *(reason.value for reason in Reason)), "")


@attrs.frozen
class Operation:
    """One path with one method, as it is described.

    Args:
        path: with its parameters in braces.
        text: what it does.
        answer: what is answered; None for nothing.
        faults: statuses beside those that all have.
        changes: it needs the admin token.
    """

    path: str
    method: str
    text: str
    answer: type | None
    parameters: Sequence[Parameter] = ()
    faults: Sequence[int] = ()
    changes: bool = False


def document(root: str, operations: Iterable[Operation]) -> bytes:
    """Write the description.

    Args:
        root: before every path.
    """
    operations = list(operations)
    answers = [one.answer for one in operations if one.answer is not None]
    _, components = msgspec.json.schema_components(
        [shapes.Fault, *answers], ref_template="#/components/schemas/{name}"
    )
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(root + one.path, {})[one.method.lower()] = _operation(one)
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "Sluice", "version": __version__, "description": ABOUT},
            "servers": [{"url": "/"}],
            "paths": paths,
            "components": {
                "schemas": components,
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            },
        }
    )


def _operation(one: Operation) -> dict[str, Any]:
    responses: dict[str, Any] = {"204": {"description": "Done."}}
    if one.answer is not None:
        schema = {"$ref": f"#/components/schemas/{one.answer.__name__}"}
        responses = {"200": _response("What was asked for.", schema)}
    for status in sorted({*_EVERYWHERE, *one.faults, *((403,) if one.changes else ())}):
        schema = {"$ref": "#/components/schemas/Reloaded"} if status == 422 else REFUSED
        responses[str(status)] = _response(_FAULTS[status], schema)
    made: dict[str, Any] = {
        "operationId": _name(one),
        "summary": one.text,
        "parameters": [*_of_path(one.path), *map(_of_query, one.parameters)],
        "responses": responses,
        # Reads go without a token where none is set.
        "security": [{"token": []}] if one.changes else [{}, {"token": []}],
    }
    return made


def _response(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _of_path(path: str) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    schema = {"type": "string", "minLength": 1, "maxLength": MOST_TEXT}
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in names]


def _of_query(one: Parameter) -> dict[str, Any]:
    made = {"name": one.name, "in": "query", "schema": one.schema}
    return {**made, "description": one.text} if one.text else made


def _name(one: Operation) -> str:
    parts = [part.strip("{}") for part in one.path.split("/") if part]
    return "_".join([one.method.lower(), *parts])
