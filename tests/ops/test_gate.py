"""What every request passes first."""

import pytest
import trio
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send
from trio.testing import MockClock

from proxy.ops.gate import HEADERS, MOST_AT_ONCE, MOST_BODY, MOST_QUERY, MOST_WAITING, Gate
from proxy.ops.tokens import Tokens
from tests.ops.api.rigs import Answer, ask_app


@pytest.fixture
def clock() -> MockClock:
    """Let time jump."""
    return MockClock(autojump_threshold=0)


class Slow:
    """An application that takes a second; `most` is how many were in it at once."""

    def __init__(self) -> None:
        self.here = self.most = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.here += 1
        self.most = max(self.most, self.here)
        await trio.sleep(1)
        self.here -= 1
        await PlainTextResponse("well")(scope, receive, send)


async def test_every_answer_has_the_headers(clock: MockClock) -> None:
    gate = Gate(Slow(), Tokens("secret"))
    for answer in (await ask_app(gate, "/x"), await ask_app(gate, "/healthz")):
        for name, value in HEADERS.items():
            assert answer.headers[name.lower()] == value
        assert answer.headers["cache-control"] == "no-store"
    policy = HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'")
    assert "unsafe" not in policy
    assert "*" not in policy


async def test_the_page_and_health_need_no_token(clock: MockClock) -> None:
    gate = Gate(Slow(), Tokens("secret"))
    for path in ("/", "/static/app/main.js", "/healthz", "/readyz"):
        assert (await ask_app(gate, path)).status == 200
    for path in ("/metrics", "/api/v1/summary", "/static", "//", "/healthz/", "/staticx"):
        assert (await ask_app(gate, path)).status == 401
    assert (await ask_app(gate, "/metrics", authorization="Bearer secret")).status == 200


async def test_bounds(clock: MockClock) -> None:
    gate = Gate(Slow(), Tokens())
    assert (await ask_app(gate, "/x?" + "a" * MOST_QUERY)).status == 200
    assert (await ask_app(gate, "/x?" + "a" * (MOST_QUERY + 1))).status == 414
    for length, status in ((str(MOST_BODY), 200), (str(MOST_BODY + 1), 413), ("9" * 500, 413), ("-1", 413)):
        assert (await ask_app(gate, "/x", **{"content-length": length})).status == status
    assert (await ask_app(gate, "/x", **{"transfer-encoding": "chunked"})).status == 413


async def test_only_so_many_are_worked_on_and_only_so_many_wait(clock: MockClock) -> None:
    slow = Slow()
    gate = Gate(slow, Tokens())
    answers: list[Answer] = []

    async def ask() -> None:
        answers.append(await ask_app(gate, "/x"))

    async with trio.open_nursery() as nursery:
        for _ in range(MOST_AT_ONCE + MOST_WAITING + 10):
            nursery.start_soon(ask)
        await trio.sleep(0.5)
        health = await ask_app(gate, "/healthz")
        assert health.status == 200, "health waits for nobody"
    assert slow.most == MOST_AT_ONCE + 1
    refused = [answer for answer in answers if answer.status == 503]
    assert len(refused) == 10
    assert all(answer.headers["retry-after"] == "1" for answer in refused)
    assert sum(answer.status == 200 for answer in answers) == MOST_AT_ONCE + MOST_WAITING


async def test_one_that_goes_away_leaves_its_place(clock: MockClock) -> None:
    gate = Gate(Slow(), Tokens())
    with trio.move_on_after(0.5):
        async with trio.open_nursery() as nursery:
            for _ in range(2 * MOST_AT_ONCE):
                nursery.start_soon(ask_app, gate, "/x")
    with trio.fail_after(1.5):
        assert (await ask_app(gate, "/x")).status == 200


async def test_a_websocket_without_token_is_refused_before_it_begins() -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        await trio.lowlevel.checkpoint()
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        await trio.lowlevel.checkpoint()
        sent.append(message)

    scope = {
        "type": "websocket",
        "path": "/api/v1/events",
        "headers": [],
        "query_string": b"",
        "extensions": {"websocket.http.response": {}},
    }
    await Gate(Slow(), Tokens("secret"))(scope, receive, send)
    assert sent[0]["type"] == "websocket.http.response.start"
    assert sent[0]["status"] == 401
