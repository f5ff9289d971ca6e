"""Ports and socket files: taken as configured, or refused in one clear line."""

import errno
import os
import socket
import stat
from pathlib import Path

import pytest

from proxy.config import Address, Listen
from proxy.downstream.listeners import UNIX, bind, bind_tcp, bound, peer_text
from proxy.errors import ConfigError


def listen(host: str, port: int = 0) -> Listen:
    """A listener's configuration."""
    return Listen(name="farm", url=Address("stratum+tcp", host, port))


def refusal(where: Listen) -> str:
    """Return the one line that a listener is refused with."""
    with pytest.raises(ConfigError) as caught:
        bind(where)
    (line,) = str(caught.value).splitlines()
    return line


def test_port_0_is_any_free_one_and_is_told() -> None:
    with bind(listen("127.0.0.1")) as sock:
        assert not sock.getblocking()
        address = bound(listen("127.0.0.1"), sock)
        assert address.port != 0
        assert str(address) == f"stratum+tcp://127.0.0.1:{sock.getsockname()[1]}"
        with socket.create_connection(("127.0.0.1", address.port)):
            pass


def test_a_port_in_use_is_named() -> None:
    with bind(listen("127.0.0.1")) as sock:
        port = sock.getsockname()[1]
        assert refusal(listen("127.0.0.1", port)) == (
            f"listen.farm: stratum+tcp://127.0.0.1:{port}: "
            "in use by another program; stop that one or choose another port"
        )


def test_an_address_of_another_machine_is_named() -> None:
    assert refusal(listen("192.0.2.1", 3333)) == (
        "listen.farm: stratum+tcp://192.0.2.1:3333: not an address of this machine"
    )


def test_a_name_that_does_not_exist_is_named() -> None:
    line = refusal(listen("no-such-name.invalid", 3333))
    assert line.startswith("listen.farm: stratum+tcp://no-such-name.invalid:3333: ")


def test_a_port_that_needs_a_privilege_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    # Tests may run as root, who is refused nothing.
    def forbidden(self: socket.socket, address: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", forbidden)
    assert "ports below 1024 need a privilege" in refusal(listen("127.0.0.1", 33))


def test_a_port_just_left_can_be_taken_again() -> None:
    with bind(listen("127.0.0.1")) as sock:
        port = sock.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            taken, _ = sock.accept()
            taken.close()
    bind(listen("127.0.0.1", port)).close()


def test_ipv6() -> None:
    with bind(listen("::1")) as sock:
        address = bound(listen("::1"), sock)
        assert str(address) == f"stratum+tcp://[::1]:{address.port}"
        with socket.create_connection(("::1", address.port)):
            pass


def test_everywhere_takes_both_families() -> None:
    with bind(listen("::")) as sock:
        port = sock.getsockname()[1]
        for host in ("::1", "127.0.0.1"):
            with socket.create_connection((host, port)):
                pass


def test_another_key_than_a_listener_can_be_named() -> None:
    with bind_tcp("http.address", "127.0.0.1", 0, "127.0.0.1:0") as sock:
        port = sock.getsockname()[1]
        with pytest.raises(ConfigError, match=f"^http.address: 127.0.0.1:{port}: in use"):
            bind_tcp("http.address", "127.0.0.1", port, f"127.0.0.1:{port}")


# ---- socket files


def file(path: Path) -> Listen:
    """A listener's configuration with a socket file."""
    return Listen(name="farm", url=Address("unix", "", 0, str(path)))


def left_by_the_dead(path: Path) -> None:
    """Leave a socket file behind that nobody listens on."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
        sock.listen()


def calls(path: Path) -> None:
    """Connect to a socket file."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(path))


def test_a_socket_file_is_there_while_its_listener_is(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with bind(file(path)) as sock:
        assert not sock.getblocking()
        assert str(bound(file(path), sock)) == f"unix://{path}"
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        calls(path)
    assert not path.exists()


def test_what_a_dead_process_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s"
    left_by_the_dead(path)
    with bind(file(path)):
        calls(path)
    assert not path.exists()


def test_a_socket_file_of_the_living_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with bind(file(path)):
        assert refusal(file(path)) == (
            f"listen.farm: unix://{path}: in use by another program; stop that one or choose another path"
        )
        calls(path)


def test_one_that_is_too_busy_to_take_us_lives(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with (
        socket.socket(socket.AF_UNIX) as owner,
        socket.socket(socket.AF_UNIX) as first,
        socket.socket(socket.AF_UNIX) as second,
    ):
        owner.bind(str(path))
        owner.listen(0)
        for caller in (first, second):
            caller.setblocking(False)
            caller.connect_ex(str(path))
        assert "in use by another program" in refusal(file(path))


def test_one_for_datagrams_has_an_owner_too(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as owner:
        owner.bind(str(path))
        assert "in use by another program" in refusal(file(path))
    assert path.exists()


@pytest.mark.parametrize("kind", ["file", "directory", "link"])
def test_what_is_no_socket_is_left_alone(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "s"
    if kind == "file":
        path.write_text("precious")
    elif kind == "directory":
        path.mkdir()
    else:
        left_by_the_dead(tmp_path / "other")
        path.symlink_to(tmp_path / "other")
    before = path.lstat()
    assert refusal(file(path)) == (
        f"listen.farm: unix://{path}: is there and no socket; remove it or choose another path"
    )
    assert path.lstat() == before


def test_a_directory_that_is_missing_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none" / "s"
    assert refusal(file(path)) == (
        f"listen.farm: unix://{path}: its directory does not exist; create that first"
    )


def test_a_directory_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "s"
    assert refusal(file(path)) == (
        f"listen.farm: unix://{path}: its directory is no directory; choose another path"
    )


@pytest.mark.parametrize("call", ["bind", "connect"])
def test_what_is_not_allowed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    # Tests may run as root, who is refused nothing.
    def forbidden(self: socket.socket, address: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    path = tmp_path / "s"
    left_by_the_dead(path)
    monkeypatch.setattr(socket.socket, call, forbidden)
    assert refusal(file(path)) == (
        f"listen.farm: unix://{path}: not allowed; the user that sluice runs as must be able to write to "
        "its directory"
    )


def test_a_file_that_took_the_place_of_ours_stays(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with bind(file(path)):
        path.unlink()
        with bind(file(path)) as other:
            pass
        left_by_the_dead(path)
    assert path.exists()
    other.close()  # a second time
    assert path.exists()


def test_a_file_that_is_gone_already_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with bind(file(path)):
        path.unlink()


def test_a_file_that_goes_while_it_is_looked_at_is_nobodys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s"
    left_by_the_dead(path)
    connect = socket.socket.connect

    def goes(self: socket.socket, address: str) -> None:
        os.unlink(address)
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", goes)
    bind(file(path)).close()


def test_all_who_come_by_a_file_have_one_address(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with bind(file(path)) as sock, socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(path))
        taken, peer = sock.accept()
        taken.close()
        assert peer_text(peer) == UNIX
    assert peer_text(b"\0abstract") == UNIX
    assert peer_text(("::1", 5, 0, 0)) == "::1"
    # A port for both shows IPv4 so; limits, bans and networks know it by its plain form.
    assert peer_text(("::ffff:192.0.2.7", 5, 0, 0)) == "192.0.2.7"
    assert type(taken) is socket.socket, "closing a miner must not remove the file"
