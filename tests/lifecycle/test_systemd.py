"""What systemd hands down and what it is told."""

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from proxy.errors import ConfigError
from proxy.lifecycle import systemd


def environ(count: int, names: str = "", pid: int | None = None) -> dict[str, str]:
    """What systemd sets."""
    made = {"LISTEN_PID": str(os.getpid() if pid is None else pid), "LISTEN_FDS": str(count)}
    return made | ({"LISTEN_FDNAMES": names} if names else {})


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[socket.socket]]:
    """Two listening sockets with file numbers in a row, which are those that systemd's begin with."""
    first = socket.create_server(("127.0.0.1", 0))
    file = max(map(int, os.listdir("/proc/self/fd"))) + 10
    made = [first, socket.create_server(("127.0.0.1", 0))]
    for place, sock in enumerate(made):
        os.dup2(sock.fileno(), file + place)
    monkeypatch.setattr(systemd, "FIRST_FILE", file)
    yield made
    for place, sock in enumerate(made):
        sock.close()
        with suppress(OSError):
            os.close(file + place)


def test_sockets_come_with_their_names(given: list[socket.socket]) -> None:
    found = systemd.inherited(environ(2, "farm:http"))
    assert [one.name for one in found] == ["farm", "http"]
    for one, sock in zip(found, given, strict=True):
        assert [inner.getsockname() for inner in one.sockets] == [sock.getsockname()]
        assert not os.get_inheritable(one.sockets[0].fileno()), "no worker process is to have it unasked"
        one.sockets[0].close()


@pytest.mark.parametrize("names", ["", "unknown:unknown", "sluice.socket:sluice.socket", "farm:farm"])
def test_names_that_tell_nothing_are_none(given: list[socket.socket], names: str) -> None:
    found = systemd.inherited(environ(2, names))
    assert [one.name for one in found] == ["", ""]
    for one in found:
        one.sockets[0].close()


@pytest.mark.parametrize(
    "variables",
    [{}, environ(1, pid=1), {"LISTEN_PID": str(os.getpid())}, environ(1) | {"LISTEN_FDS": "x"}],
)
def test_what_is_not_meant_for_us_is_left(variables: dict[str, str]) -> None:
    assert systemd.inherited(variables) == []


def test_our_children_do_not_see_it(given: list[socket.socket]) -> None:
    variables = environ(1, "farm") | {"HOME": "/"}
    (one,) = systemd.inherited(variables)
    assert variables == {"HOME": "/"}
    one.sockets[0].close()


def test_a_socket_that_does_not_listen_is_the_units_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as sock:
        file = os.dup(sock.fileno())
        monkeypatch.setattr(systemd, "FIRST_FILE", file)
        with pytest.raises(ConfigError, match="inherited socket farm: is no listening stream socket"):
            systemd.inherited(environ(1, "farm"))


def test_no_socket_at_all_is_the_units_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systemd, "FIRST_FILE", 900)
    with pytest.raises(ConfigError, match="Bad file descriptor"):
        systemd.inherited(environ(1, "farm"))


# ---- words to it


def test_words_go_where_it_listens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(path)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        systemd.notify(systemd.READY)
        assert sock.recv(100) == b"READY=1"
        systemd.reloading()
        assert sock.recv(100).startswith(b"RELOADING=1\nMONOTONIC_USEC=")


def test_words_go_to_a_socket_without_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"sluice-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0{name}")
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        systemd.notify(systemd.STOPPING)
        assert sock.recv(100) == b"STOPPING=1"


@pytest.mark.parametrize("path", ["", "relative", "/nowhere/at/all"])
def test_nobody_who_listens_is_no_fault(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", path)
    systemd.notify(systemd.READY)
