"""Connecting: to a port, to a socket file, and to what never answers."""

import socket
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock
from trio_websocket import WebSocketRequest, WebSocketServer

from proxy.config import Address, Config, Limits, Pool, Upstream
from proxy.errors import PoolError
from proxy.upstream.dial import USER_TIMEOUT_SECONDS, dial
from tests.kit.certificates import Authority
from tests.kit.gates import gate
from tests.kit.pools import SocketPool

LOOPBACK = "127.0.0.1"


def asked(url: Address) -> tuple[Pool, Config]:
    """A pool at an address, and the configuration it stands in."""
    pool = Pool(url=url)
    return pool, Config(upstream=Upstream(user="user", pools=(pool,)), limits=Limits(connect_seconds=10))


async def test_a_port_with_a_watch_on_the_route(pool: SocketPool) -> None:
    stream = await dial(*asked(Address("stratum+tcp", LOOPBACK, pool.port)))
    visit = await pool.accept()
    await stream.send_all(b'{"id":1}\n')
    assert await visit.hears() == {"id": 1}
    assert isinstance(stream, trio.SocketStream)
    assert stream.socket.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert (
        stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == USER_TIMEOUT_SECONDS * 1000
    )
    await stream.aclose()


async def test_a_socket_file(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        stream = await dial(*asked(Address("unix", "", 0, str(tmp_path / "s"))))
        await stream.aclose()


async def test_what_never_answers_is_given_up(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def a_black_hole(*_: Any, **__: Any) -> None:
        await trio.sleep_forever()

    monkeypatch.setattr(trio, "open_tcp_stream", a_black_hole)
    with pytest.raises(trio.TooSlowError):
        await dial(*asked(Address("stratum+tcp", LOOPBACK, 1)))
    assert trio.current_time() == pytest.approx(10)


# ---- proxies on the way


def by(
    url: str, pool: str = "stratum+tcp://pool.example:3333", everywhere: bool = False
) -> tuple[Pool, Config]:
    """A pool that is reached by a proxy.

    Args:
        everywhere: the proxy is that of [upstream], not the pool's own.
    """
    made = Pool(url=Address.parse(pool), proxy="" if everywhere else url)
    return made, Config(
        upstream=Upstream(user="user", pools=(made,), proxy=url if everywhere else ""),
        limits=Limits(connect_seconds=10),
    )


@pytest.mark.parametrize("kind", ["socks5", "http"])
@pytest.mark.parametrize("login", ["", "me:p@ss"])
@pytest.mark.parametrize("everywhere", [True, False])
async def test_by_a_proxy_that_looks_the_name_up(
    pool: SocketPool, kind: str, login: str, everywhere: bool
) -> None:
    async with gate(kind, pool.port, login) as there:
        user = login.replace("@", "%40") + "@" if login else ""
        stream = await dial(*by(f"{kind}://{user}127.0.0.1:{there.port}", everywhere=everywhere))
        visit = await pool.accept()
        await stream.send_all(b'{"id":1}\n')
        assert await visit.hears() == {"id": 1}
        await visit.says("{}")
        assert await stream.receive_some() == b"{}\n"
        assert there.asked == [("pool.example", 3333)]
        # A bare socket, whose shares are written at once.
        assert isinstance(stream, trio.SocketStream)
        await stream.aclose()


async def test_a_pool_can_do_without_the_proxy_of_all(pool: SocketPool) -> None:
    there = Pool(url=Address("stratum+tcp", LOOPBACK, pool.port), proxy="none")
    stream = await dial(
        there, Config(upstream=Upstream(user="u", pools=(there,), proxy="http://127.0.0.1:1"))
    )
    await stream.aclose()


@pytest.mark.parametrize("kind", ["socks5", "http"])
@pytest.mark.parametrize(
    ("login", "ours", "said"),
    [("me:secret", "", "it wants a user and password"), ("me:secret", "me:wrong@", "it refuses our user")],
)
async def test_a_proxy_that_refuses_is_named(
    pool: SocketPool, kind: str, login: str, ours: str, said: str
) -> None:
    async with gate(kind, pool.port, login) as there:
        with pytest.raises(PoolError) as caught:
            await dial(*by(f"{kind}://{ours}127.0.0.1:{there.port}"))
        assert str(caught.value).startswith(f"proxy {kind}://127.0.0.1:{there.port}: {said}")
        assert "wrong" not in str(caught.value)


@pytest.mark.parametrize("kind", ["socks5", "http"])
async def test_a_proxy_that_is_not_there_is_named(pool: SocketPool, kind: str) -> None:
    await pool.closes()
    with pytest.raises(PoolError, match=f"proxy {kind}://127.0.0.1:{pool.port}: Connection refused"):
        await dial(*by(f"{kind}://127.0.0.1:{pool.port}"))


@pytest.mark.parametrize("kind", ["socks5", "http"])
async def test_a_proxy_that_hangs_up_is_named(pool: SocketPool, kind: str) -> None:
    async with trio.open_nursery() as nursery:

        async def hang_up() -> None:
            visit = await pool.accept()
            await visit.stream.receive_some()
            await visit.closes()

        nursery.start_soon(hang_up)
        with pytest.raises(PoolError, match=r"proxy .*: it hung up"):
            await dial(*by(f"{kind}://127.0.0.1:{pool.port}"))


async def test_a_pool_that_speaks_with_the_proxys_answer(pool: SocketPool) -> None:
    async with trio.open_nursery() as nursery:

        async def answer() -> None:
            visit = await pool.accept()
            await visit.stream.receive_some()
            await visit.stream.send_all(b"HTTP/1.1 200 OK\r\n\r\nfirst\n")
            assert await visit.stream.receive_some() == b"hello\n"
            await visit.stream.send_all(b"second\n")

        nursery.start_soon(answer)
        stream = await dial(*by(f"http://127.0.0.1:{pool.port}"))
        assert await stream.receive_some(3) == b"fir"
        assert await stream.receive_some() == b"st\n"
        await stream.wait_send_all_might_not_block()
        await stream.send_all(b"hello\n")
        assert await stream.receive_some() == b"second\n"
        await stream.aclose()


# ---- all of it together


@pytest.mark.parametrize("kind", ["socks5", "http"])
async def test_a_websocket_over_tls_by_a_proxy(tmp_path: Path, kind: str) -> None:
    authority = Authority(tmp_path)
    context = authority.server(authority.issue("pool.example"))
    [listener] = await trio.open_tcp_listeners(0, host=LOOPBACK)
    paths: list[str] = []

    async def serve(request: WebSocketRequest) -> None:
        paths.append(request.path)
        websocket = await request.accept()
        await websocket.send_message(str(await websocket.get_message()))

    server = WebSocketServer(serve, [trio.SSLListener(listener, context)])
    async with gate(kind, listener.socket.getsockname()[1]) as there, trio.open_nursery() as nursery:
        nursery.start_soon(server.run)
        pool, config = by(f"{kind}://127.0.0.1:{there.port}", "wss://pool.example:3333/stratum")
        stream = await dial(attrs.evolve(pool, ca=authority.file), config)
        await stream.send_all(b'{"id":1}\n')
        assert await stream.receive_some() == b'{"id":1}\n'
        assert paths == ["/stratum"]
        await stream.aclose()
        nursery.cancel_scope.cancel()


async def test_an_ipv6_address() -> None:
    [listener] = await trio.open_tcp_listeners(0, host="::1")
    async with listener:
        stream = await dial(*asked(Address("stratum+tcp", "::1", listener.socket.getsockname()[1])))
        await stream.aclose()
