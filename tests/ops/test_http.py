"""The HTTP side on a real socket: what is answered to whom."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import attrs
import trio

from proxy.downstream.listeners import bind_tcp
from proxy.ops import http, metrics
from proxy.ops.api.desk import Desk
from proxy.ops.serving import serve
from proxy.ops.tokens import Tokens
from proxy.ops.turns import Turns
from proxy.ops.view import RelayView
from tests.downstream.farms import Farm, farm
from tests.kit.miners import within


@attrs.frozen
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: str


Ask = Callable[..., Awaitable[Answer]]
RELOADED: dict[str, object] = {"result": "ok", "changes": []}


@asynccontextmanager
async def serving(
    of: Farm, token: str = "", admin: str = "", reloaded: dict[str, object] = RELOADED
) -> AsyncIterator[Ask]:
    """Serve a farm's windows; gives a function that asks.

    Args:
        token: the read token.
        admin: the admin token.
        reloaded: what a reload answers.
    """
    view = RelayView(of.relay)

    async def reload() -> dict[str, object]:
        await trio.lowlevel.checkpoint()
        return reloaded

    desk = Desk(view, Tokens(token, admin), 0.0, reload)
    application = http.build(desk, metrics.registry(view, 0.0))
    sock = bind_tcp("http.address", "127.0.0.1", 0, "127.0.0.1:0")
    port = sock.getsockname()[1]

    async def ask(path: str, method: str = "GET", **headers: str) -> Answer:
        lines = [f"{method} {path} HTTP/1.1", "Host: sluice", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            await stream.send_all("\r\n".join([*lines, "", ""]).encode())
            data = b"".join([part async for part in stream])
        head, _, body = data.partition(b"\r\n\r\n")
        first, *rest = head.decode().split("\r\n")
        fields = {name.lower(): value for name, value in (line.split(": ", 1) for line in rest)}
        return Answer(int(first.split()[1]), fields, body.decode())

    with within():
        async with trio.open_nursery() as nursery:
            await nursery.start(serve, application, sock, Turns())
            yield ask
            nursery.cancel_scope.cancel()


async def test_healthz_is_always_well() -> None:
    async with serving(farm()) as ask:
        answer = await ask("/healthz")
        assert (answer.status, answer.body) == (200, "ok\n")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert "server" not in answer.headers


async def test_readyz_says_why_not_until_there_is_work() -> None:
    made = farm()
    async with serving(made) as ask:
        answer = await ask("/readyz")
        assert (answer.status, answer.body) == (503, "no work from any pool (main: down, not tried yet)\n")
        made.pool.comes()
        answer = await ask("/readyz")
        assert (answer.status, answer.body) == (200, "ready\n")
        made.pool.goes()
        assert (await ask("/readyz")).status == 503


async def test_metrics_are_in_prometheus_form() -> None:
    async with serving(farm()) as ask:
        answer = await ask("/metrics")
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("text/plain; version=")
        assert "\nsluice_build_info{" in answer.body


async def test_head_has_the_headers_and_no_body() -> None:
    async with serving(farm()) as ask:
        for path in ("/healthz", "/metrics"):
            answer = await ask(path, "HEAD")
            assert (answer.status, answer.body) == (200, "")
            assert int(answer.headers["content-length"]) > 0


async def test_other_paths_and_methods_are_refused() -> None:
    async with serving(farm()) as ask:
        for path in ("/nowhere", "/metrics/", "/../etc/passwd", "/%00", "/api/v1", "/api/v2/summary"):
            answer = await ask(path)
            assert answer.status == 404
            assert json.loads(answer.body)["error"].startswith("nothing at /")
        for method in ("POST", "DELETE", "BREW"):
            assert (await ask("/metrics", method)).status == 405


async def test_readers_must_show_the_token_but_for_health() -> None:
    async with serving(farm(), token="secret") as ask:
        for wrong in ({}, {"Authorization": "secret"}, {"Authorization": "Bearer secre"}):
            answer = await ask("/metrics", **wrong)
            assert answer.status == 401
            assert "read token" in answer.body
            assert "secret" not in answer.body
            assert answer.headers["www-authenticate"] == "Bearer"
        assert (await ask("/metrics", Authorization="Bearer secret")).status == 200
        assert (await ask("/nowhere")).status == 401
        assert (await ask("/healthz")).status == 200
        assert (await ask("/readyz")).status == 503


async def test_a_token_that_is_not_ascii_is_compared_and_not_fallen_over() -> None:
    async with serving(farm(), token="gehëim") as ask:
        assert (await ask("/metrics", Authorization="Bearer geheim")).status == 401
        assert (await ask("/metrics", Authorization="Bearer gehëim")).status == 200


async def test_bytes_that_are_no_http_do_no_harm() -> None:
    made = farm()
    async with serving(made) as ask:
        for _ in range(3):
            assert (await ask("/ \x00", "G\x01T")).status == 400
        assert (await ask("/healthz")).status == 200


# ---- changes

RELOAD = "/api/v1/reload"


async def test_whoever_has_the_admin_token_has_the_configuration_read_again() -> None:
    async with serving(farm(), admin="secret") as ask:
        answer = await ask(RELOAD, "POST", authorization="Bearer secret")
        assert (answer.status, json.loads(answer.body)) == (200, RELOADED)
        for shown in ({}, {"authorization": "Bearer secreT"}, {"authorization": "secret"}):
            answer = await ask(RELOAD, "POST", **shown)
            assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert (await ask(RELOAD, "GET", authorization="Bearer secret")).status == 405


async def test_a_file_that_is_refused_is_no_success() -> None:
    refused: dict[str, object] = {"result": "refused", "faults": ["sluice.toml: x: unknown key"]}
    async with serving(farm(), admin="secret", reloaded=refused) as ask:
        answer = await ask(RELOAD, "POST", authorization="Bearer secret")
        assert (answer.status, json.loads(answer.body)) == (422, refused)


async def test_without_an_admin_token_there_are_no_changes() -> None:
    async with serving(farm(), token="reader") as ask:
        for shown in ("Bearer reader", "Bearer "):
            answer = await ask(RELOAD, "POST", authorization=shown)
            assert answer.status == (403 if shown == "Bearer reader" else 401)


async def test_who_may_change_may_look_and_not_the_other_way_round() -> None:
    async with serving(farm(), token="reader", admin="admin") as ask:
        assert (await ask("/metrics", authorization="Bearer admin")).status == 200
        assert (await ask(RELOAD, "POST", authorization="Bearer reader")).status == 401
        assert (await ask(RELOAD, "POST", authorization="Bearer admin")).status == 200
