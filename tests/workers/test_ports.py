"""Sockets for several processes on one port."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from proxy.config import Address, Listen
from proxy.downstream.listeners import bind, bind_file
from proxy.errors import ConfigError
from proxy.workers.ports import spread
from tests.downstream.boards import open_files

ANY = {"127.0.0.1": "127.0.0.1", "::1": "::1", "::": "::1"}


@pytest.fixture
def kept() -> Iterator[ExitStack]:
    """Closes at the end what a test leaves open."""
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize("host", ANY)
def test_all_take_from_one_port_and_the_kernel_deals_out(kept: ExitStack, host: str) -> None:
    first = bind(Listen(url=Address("stratum+tcp", host, 0)))
    sockets = spread(first, 3, "listen.farm")
    for sock in sockets:
        kept.enter_context(sock)
    assert sockets[0] is first
    port = first.getsockname()[1]
    assert {sock.getsockname()[1] for sock in sockets} == {port}
    assert not any(sock.getblocking() for sock in sockets)
    for _ in range(60):
        kept.enter_context(socket.create_connection((ANY[host], port)))
    taken = [_accept_all(sock, kept) for sock in sockets]
    assert sum(taken) == 60
    assert all(taken)


def _accept_all(sock: socket.socket, kept: ExitStack) -> int:
    count = 0
    while True:
        try:
            kept.enter_context(sock.accept()[0])
        except BlockingIOError:
            return count
        count += 1


def test_nobody_else_gets_the_port_not_even_with_the_same_wish(kept: ExitStack) -> None:
    first = bind(Listen(url=Address("stratum+tcp", "127.0.0.1", 0)))
    for sock in spread(first, 2, "listen.farm"):
        kept.enter_context(sock)
    again = Listen(url=Address("stratum+tcp", "127.0.0.1", first.getsockname()[1]))
    with pytest.raises(ConfigError, match="in use by another program"):
        bind(again)


def test_a_socket_file_has_one_queue_for_all(kept: ExitStack, tmp_path: Path) -> None:
    first = kept.enter_context(bind_file("listen.farm", str(tmp_path / "s")))
    assert spread(first, 3, "listen.farm") == [first] * 3


def test_what_cannot_be_had_is_one_line_and_leaves_nothing() -> None:
    files = open_files()
    with bind(Listen(url=Address("stratum+tcp", "127.0.0.1", 0))) as first:
        closed = socket.socket()
        closed.close()
        with pytest.raises(ConfigError) as caught:
            spread(closed, 2, "listen.farm")
        assert str(caught.value).startswith("listen.farm: no socket for each of 2 processes: ")
        assert first.fileno() >= 0
    assert open_files() <= files
