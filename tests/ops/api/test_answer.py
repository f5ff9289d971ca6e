"""Every answer is JSON, and every fault one line of it."""

from starlette.exceptions import HTTPException
from starlette.requests import Request

from proxy.ops.api.answer import RefusedError, fault, json, on_http, on_refused, unauthorized
from proxy.ops.api.shapes import Fault
from tests.ops.api.rigs import scope_of


def test_a_value_is_written_as_it_is_described() -> None:
    answer = json(Fault("no"), 418, {"X-Tea": "yes"})
    assert (answer.status_code, answer.body) == (418, b'{"error":"no"}')
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-tea"] == "yes"


def test_without_a_token_it_is_said_how_to_show_one() -> None:
    answer = unauthorized("the admin token is needed")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert b"the admin token is needed" in bytes(answer.body)


async def test_what_a_handler_refuses_is_answered_with_its_headers() -> None:
    request = Request(scope_of("/x"))
    answer = await on_refused(request, RefusedError(503, "later", Retry_After="10"))
    assert (answer.status_code, answer.body) == (503, fault(503, "later").body)
    assert answer.headers["retry-after"] == "10"


async def test_what_no_route_takes_is_named_but_not_at_length() -> None:
    request = Request(scope_of("/" + "x" * 5000))
    answer = await on_http(request, HTTPException(404))
    assert len(answer.body) < 200
    answer = await on_http(Request(scope_of("/x", "BREW")), HTTPException(405, headers={"Allow": "GET"}))
    assert answer.body == b'{"error":"BREW is not for /x"}'
    assert answer.headers["allow"] == "GET"
    assert (await on_http(request, HTTPException(400, "bad"))).body == b'{"error":"bad"}'
