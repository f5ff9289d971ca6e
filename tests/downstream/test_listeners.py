"""Ports: taken as configured, or refused in one clear line."""

import errno
import socket

import pytest

from proxy.config import Address, Listen
from proxy.downstream.listeners import bind, bind_tcp, bound
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
