"""Who may look and who may change."""

import pytest
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from proxy.ops.tokens import Tokens, shows, subprotocols


def request(kind: str = "http", **headers: str) -> HTTPConnection:
    """A request with these headers."""
    raw = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return HTTPConnection({"type": kind, "headers": raw})


@pytest.mark.parametrize(
    ("given", "right"),
    [
        ("Bearer secret", True),
        ("Bearer secre", False),
        ("Bearer secrets", False),
        ("Bearer  secret", False),
        ("bearer secret", False),
        ("secret", False),
        ("Basic secret", False),
        ("Bearer gehëim", False),
        ("", False),
    ],
)
def test_a_token_must_be_shown_as_it_is(given: str, right: bool) -> None:
    assert shows(request(authorization=given), "secret") is right


def test_a_websocket_may_show_it_among_its_subprotocols() -> None:
    offered = "sluice.events, bearer.secret"
    assert shows(request("websocket", sec_websocket_protocol=offered), "secret")
    assert not shows(request("websocket", sec_websocket_protocol="bearer.secre"), "secret")
    assert not shows(request("http", sec_websocket_protocol=offered), "secret"), "nobody else needs to"
    assert subprotocols(Headers({"sec-websocket-protocol": offered})) == ["sluice.events", "bearer.secret"]


def test_whoever_may_change_may_look() -> None:
    tokens = Tokens("reader", "admin")
    reader, admin = request(authorization="Bearer reader"), request(authorization="Bearer admin")
    assert tokens.may_read(reader)
    assert tokens.may_read(admin)
    assert tokens.may_change(admin)
    assert not tokens.may_change(reader)
    assert not tokens.may_read(request())


def test_without_tokens_all_may_look_and_nobody_change() -> None:
    tokens = Tokens()
    assert tokens.may_read(request())
    assert not tokens.may_change(request(authorization="Bearer "))


def test_tokens_are_not_printed() -> None:
    assert "secret" not in repr(Tokens("secret", "secret"))
