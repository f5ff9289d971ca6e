"""Where a simulated end is: read, written, listened on, connected to, and left as it was."""

import socket
from pathlib import Path

import pytest
import trio

from proxy.errors import ConfigError
from proxy.sim.places import UNIX_PEER, address_of, connect, leave, listen, port_of, read_address, url_of


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("stratum+tcp://127.0.0.1:3333", ("127.0.0.1", 3333)),
        ("pool.example:3333", ("pool.example", 3333)),
        ("stratum+tcp://[::1]:3333", ("::1", 3333)),
        ("unix:///run/pool.sock", ("/run/pool.sock", 0)),
    ],
)
def test_addresses(url: str, address: tuple[str, int]) -> None:
    assert read_address(url) == address
    assert url_of(*address).endswith(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "host",
        "host:x",
        "host:99999",
        "stratum+tls://host:3333",
        "http://host:1",
        "unix://run/x",
        "unix:///",
    ],
)
def test_no_addresses(url: str) -> None:
    with pytest.raises(ConfigError, match="no address to mine at"):
        read_address(url)


async def meet(host: str) -> tuple[int, str]:
    """Listen and connect; the port that was listened on and the address that the listener saw."""
    async with (await listen(host, 0))[0] as listener:
        port = port_of(listener)
        async with await connect(host, port), await listener.accept() as taken:
            seen = address_of(taken)
        assert address_of(taken) == "gone"
    return port, seen


async def test_a_port() -> None:
    port, address = await meet("127.0.0.1")
    assert port > 0
    assert address == "127.0.0.1"
    leave("127.0.0.1")


async def test_a_socket_file_also_where_one_was_left(tmp_path: Path) -> None:
    path = tmp_path / "s"
    assert await meet(str(path)) == (0, UNIX_PEER)
    assert path.exists()
    assert await meet(str(path)) == (0, UNIX_PEER)
    leave(str(path))
    assert not path.exists()
    leave(str(path))


async def test_what_somebody_else_has_stays_his(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as owner:
        owner.bind(str(path))
        owner.listen()
        with pytest.raises(OSError, match="in use"):
            await listen(str(path), 0)
    path.unlink()
    path.write_text("precious")
    with pytest.raises(OSError, match="in use"):
        await listen(str(path), 0)
    assert path.read_text() == "precious"


async def test_where_nobody_listens(tmp_path: Path) -> None:
    with trio.fail_after(5), pytest.raises(FileNotFoundError):
        await connect(str(tmp_path / "s"), 0)
