"""Events on a real WebSocket: who may listen, what is heard, and what becomes of who is slow or rude."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
import trio
from trio_websocket import WebSocketConnection, open_websocket_url

from proxy.downstream.listeners import bind_tcp
from proxy.ops.events import MOST_SUBSCRIBERS
from proxy.ops.newsreel import Newsreel
from proxy.ops.serving import serve
from proxy.version import __version__
from tests.kit.miners import within
from tests.ops.api.rigs import Rig


@attrs.define
class Served:
    """A rig on a port."""

    rig: Rig
    port: int

    async def status(self, subprotocols: str = "") -> int:
        """Ask for events, and tell the status of the answer."""
        lines = [
            "GET /api/v1/events HTTP/1.1",
            "Host: x",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ]
        if subprotocols:
            lines.append(f"Sec-WebSocket-Protocol: {subprotocols}")
        async with await trio.open_tcp_stream("127.0.0.1", self.port) as stream:
            await stream.send_all("\r\n".join([*lines, "", ""]).encode())
            return int((await stream.receive_some()).split()[1])

    @asynccontextmanager
    async def listening(self, *subprotocols: str, token: str = "") -> AsyncIterator[WebSocketConnection]:
        """Listen to its events."""
        headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
        async with open_websocket_url(
            f"ws://127.0.0.1:{self.port}/api/v1/events",
            subprotocols=list(subprotocols) or None,
            extra_headers=headers,
        ) as websocket:
            yield websocket


@asynccontextmanager
async def served(rig: Rig) -> AsyncIterator[Served]:
    """Serve a rig."""
    sock = bind_tcp("http.address", "127.0.0.1", 0, "127.0.0.1:0")
    with within():
        async with trio.open_nursery() as nursery:
            await nursery.start(serve, rig.app, sock, rig.turns)
            nursery.start_soon(Newsreel(rig.desk, rig.desk.events, {}).run)
            yield Served(rig, sock.getsockname()[1])
            nursery.cancel_scope.cancel()


async def heard(websocket: WebSocketConnection) -> Any:
    """The next event."""
    return json.loads(await websocket.get_message())


async def test_hello_then_a_summary_then_what_happens() -> None:
    async with served(Rig()) as at, at.listening() as websocket:
        hello = await heard(websocket)
        assert (hello["type"], hello["version"]) == ("hello", __version__)
        summary = await heard(websocket)
        assert (summary["type"], summary["summary"]["miners"]) == ("summary", 0)
        at.rig.desk.events.publish("reload", result="ok")
        event = await heard(websocket)
        while event["type"] == "summary":
            event = await heard(websocket)
        assert (event["type"], event["result"]) == ("reload", "ok")


@pytest.mark.parametrize("subprotocols", ["", "sluice.events", "sluice.events, bearer.wrong"])
async def test_without_the_token_nobody_listens(subprotocols: str) -> None:
    async with served(Rig(read="secret")) as at:
        assert await at.status(subprotocols) == 401
        assert not at.rig.desk.events.is_heard


async def test_a_browser_shows_it_as_a_subprotocol() -> None:
    async with served(Rig(read="secret")) as at:
        async with at.listening("sluice.events", "bearer.secret") as websocket:
            assert websocket.subprotocol == "sluice.events"
            assert (await heard(websocket))["type"] == "hello"
        async with at.listening(token="secret") as websocket:
            assert websocket.subprotocol is None
            assert (await heard(websocket))["type"] == "hello"


async def test_one_that_goes_makes_room() -> None:
    async with served(Rig()) as at:
        events = at.rig.desk.events
        async with at.listening() as websocket:
            await heard(websocket)
            assert events.is_heard
        while events.is_heard:  # noqa: ASYNC110  # nobody is told
            await trio.sleep(0.01)


async def test_too_many_are_turned_away() -> None:
    async with served(Rig()) as at:
        events = at.rig.desk.events
        for _ in range(MOST_SUBSCRIBERS):
            events._subscribers.add(object())  # type: ignore[arg-type]  # only counted
        assert await at.status() == 503
        events._subscribers.clear()


async def test_whoever_talks_is_not_listened_to() -> None:
    async with served(Rig()) as at, at.listening() as websocket:
        assert (await heard(websocket))["type"] == "hello"
        for _ in range(20):
            await websocket.send_message("what?")
        await websocket.ping()
        assert (await heard(websocket))["type"] == "summary"
