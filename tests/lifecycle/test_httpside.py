"""The HTTP side of a proxy: served where there is a port, by what the configuration says at the moment."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import trio

from proxy.config import Address, Config, Http, Pool, Upstream
from proxy.downstream.certificates import Certificates
from proxy.downstream.listeners import bind_tcp
from proxy.ledger.standing import Standing
from proxy.lifecycle.httpside import HttpSide
from proxy.lifecycle.ports import Ports
from proxy.ops.view import RelayView
from tests.downstream.farms import farm
from tests.kit.certificates import Authority, over_tls
from tests.kit.miners import within

POOLS = (Pool(url=Address("stratum+tcp", "pool.example", 3333)),)
OPEN = Config(upstream=Upstream(user="account", pools=POOLS), http=Http(address="127.0.0.1:0"))


@attrs.define
class At:
    """A side that is served."""

    side: HttpSide
    port: int

    async def ask(
        self, path: str, method: str = "GET", token: str = "", over: Authority | None = None
    ) -> str:
        """Ask once; the whole answer."""
        stream: trio.abc.Stream = await trio.open_tcp_stream("127.0.0.1", self.port)
        if over is not None:
            stream = over_tls(stream, over.client())
        lines = [
            f"{method} {path} HTTP/1.1",
            "Host: x",
            "Connection: close",
            f"Authorization: Bearer {token}",
        ]
        async with stream:
            await stream.send_all("\r\n".join([*lines, "", ""]).encode())
            heard = b""
            while data := await stream.receive_some():
                heard += data
        return heard.decode()


@asynccontextmanager
async def served(config: Config = OPEN) -> AsyncIterator[At]:
    """Serve a farm's HTTP side."""
    ports = Ports(http=bind_tcp("http.address", "127.0.0.1", 0, "127.0.0.1:0"))
    assert ports.http is not None
    side = HttpSide(config, ports, Certificates((), http=config.http.tls), lambda: False)
    made = farm()
    with within():
        async with trio.open_nursery() as nursery:
            await side.start(nursery, RelayView(made.relay), None, lambda _: False, Standing, None)
            yield At(side, ports.http.getsockname()[1])
            nursery.cancel_scope.cancel()
    ports.close()


async def test_all_there_is_to_see() -> None:
    async with served() as at:
        assert (await at.ask("/healthz")).endswith("ok\n")
        assert '"version"' in await at.ask("/api/v1/summary")
        scrape = await at.ask("/metrics")
        for name in ("sluice_workers", "sluice_ledger_pending", "sluice_build_info"):
            assert f"\n{name}" in scrape
        assert "sluice_worker_sols_per_second" not in scrape
        assert "<html" in await at.ask("/")


async def test_tokens_are_those_of_the_moment() -> None:
    async with served() as at:
        assert (await at.ask("/metrics")).startswith("HTTP/1.1 200")
        at.side.configure(attrs.evolve(OPEN, http=attrs.evolve(OPEN.http, read_token="a", admin_token="b")))
        assert (await at.ask("/metrics")).startswith("HTTP/1.1 401")
        assert (await at.ask("/metrics", token="a")).startswith("HTTP/1.1 200")
        answer = await at.ask("/api/v1/reload", "POST", "b")
        assert answer.startswith("HTTP/1.1 422")
        faults = json.loads(answer.rpartition("\r\n")[2])["faults"]
        assert faults == ["this proxy has no configuration file to read again"]


async def test_metrics_by_worker_come_and_go_with_the_configuration() -> None:
    async with served() as at:
        at.side.configure(attrs.evolve(OPEN, http=attrs.evolve(OPEN.http, worker_metrics=3)))
        assert "# TYPE sluice_worker_sols_per_second gauge" in await at.ask("/metrics")


async def test_https(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    config = attrs.evolve(OPEN, http=attrs.evolve(OPEN.http, tls=authority.issue()))
    async with served(config) as at:
        assert (await at.ask("/healthz", over=authority)).endswith("ok\n")
        scrape = await at.ask("/metrics", over=authority)
        assert 'sluice_tls_certificate_expiry_timestamp_seconds{listener="[http]"}' in scrape


async def test_one_that_is_closed_answers_nobody() -> None:
    async with served() as at:
        at.side.close()
        async with await trio.open_tcp_stream("127.0.0.1", at.port) as stream:
            await stream.send_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            with trio.move_on_after(0) as waiting:
                await stream.receive_some()
            assert waiting.cancelled_caught


async def test_without_a_port_there_is_nothing_to_serve() -> None:
    side = HttpSide(OPEN, Ports(), Certificates(()), lambda: False)
    async with trio.open_nursery() as nursery:
        await side.start(nursery, RelayView(farm().relay), None, lambda _: False, Standing, None)
        assert not nursery.child_tasks
