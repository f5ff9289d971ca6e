"""Connecting: to a port, to a socket file, and to what never answers."""

import socket
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from proxy.config import Address, Config, Limits, Pool, Upstream
from proxy.upstream.dial import USER_TIMEOUT_SECONDS, dial
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
