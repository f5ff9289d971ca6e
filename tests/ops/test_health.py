"""`sluice health`: one question, one line of answer, whatever is at the other end."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from proxy.config import Http, Tls
from proxy.errors import ConfigError
from proxy.ops.health import check, default_url, own_certificate
from tests.kit.certificates import Authority

Answering = Callable[[bytes], tuple[str, list[bytes]]]
PATIENT = 60  # seconds; never waited for, the other end answers or closes at once


@pytest.fixture
def answering() -> Iterator[Answering]:
    """A server on loopback that gives the same bytes to its one visitor; what it heard is kept."""
    with ExitStack() as stack:

        def start(answer: bytes) -> tuple[str, list[bytes]]:
            server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            heard: list[bytes] = []

            def serve() -> None:
                connection, _ = server.accept()
                with connection:
                    heard.append(connection.recv(65_536))
                    connection.sendall(answer)

            thread = threading.Thread(target=serve)
            thread.start()
            stack.callback(thread.join)
            return f"http://127.0.0.1:{server.getsockname()[1]}", heard

        yield start


def test_ready(answering: Answering) -> None:
    url, heard = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    assert check(url, PATIENT) == (True, f"{url}/readyz: ready")
    assert heard[0].startswith(b"GET /readyz HTTP/1.1\r\n")
    assert b"Authorization" not in heard[0]


def test_a_path_and_a_token_are_passed_on(answering: Answering) -> None:
    url, heard = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    ready, line = check(f"{url}/healthz?a=b", PATIENT, token="secret")
    assert ready
    assert "secret" not in line
    assert heard[0].startswith(b"GET /healthz?a=b HTTP/1.1\r\n")
    assert b"Authorization: Bearer secret\r\n" in heard[0]


def test_not_ready_tells_the_reason(answering: Answering) -> None:
    url, _ = answering(
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 17\r\n\r\nno job\nyet \x1b[2J\xff!"
    )
    assert check(url, PATIENT) == (False, f"{url}/readyz: not ready (503): no job yet ?[2J\ufffd!")


def test_without_a_body_the_status_has_to_do(answering: Answering) -> None:
    url, _ = answering(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    assert check(url, PATIENT) == (False, f"{url}/readyz: not ready (404): Not Found")


@pytest.mark.parametrize(
    "answer", [b"", b"\x00\xff", b"stratum\n", b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200]
)
def test_something_else_at_the_other_end(answering: Answering, answer: bytes) -> None:
    url, _ = answering(answer)
    ready, line = check(url, PATIENT)
    assert not ready
    assert line.startswith(f"{url}/readyz: no answer: ")
    assert line.isprintable()


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    ready, line = check(f"127.0.0.1:{port}", PATIENT)
    assert not ready
    assert line == f"http://127.0.0.1:{port}/readyz: no answer: Connection refused; is sluice running there?"


@pytest.mark.parametrize(
    "url",
    ["", "http://", "ftp://h", "http://h:port", "http://[::1", "http://h:99999999/", "x y", "http://a b/\n"],
)
def test_what_is_no_address(url: str) -> None:
    ready, line = check(url, 0.01)
    assert not ready
    assert line.isprintable()


def test_a_password_is_not_shown() -> None:
    assert check("http://me:hunter2@h", PATIENT) == (
        False,
        "the address: not an address like http://127.0.0.1:9180/readyz",
    )


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        (Http(), "http://127.0.0.1:9180/readyz"),
        (Http(address=""), None),
        (Http(address="0.0.0.0:80"), "http://127.0.0.1:80/readyz"),
        (Http(address="[::]:80"), "http://[::1]:80/readyz"),
        (Http(address="h.example:80", tls=Tls(certificate="c", key="k")), "https://h.example:80/readyz"),
    ],
)
def test_the_url_of_a_configuration(settings: Http, url: str | None) -> None:
    assert default_url(settings) == url


def test_https_is_tried_too(answering: Answering) -> None:
    url, _ = answering(b"this is no TLS\n")
    ready, line = check(url.replace("http://", "https://"), PATIENT)
    assert not ready
    assert "/readyz: no answer: " in line


@pytest.mark.parametrize("shown", ["server", "other"])
def test_a_proxy_is_trusted_by_the_certificate_that_its_configuration_names(
    tmp_path: Path, shown: str
) -> None:
    """It names a host of the farm and no authority vouches for it here; another's certificate will not do."""
    authority = Authority(tmp_path)
    made = {name: authority.issue("pool.farm.example", name=name) for name in ("server", "other")}
    context = authority.server(made[shown])
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with suppress(OSError), context.wrap_socket(connection, server_side=True) as ciphered:
                ciphered.recv(65_536)
                ciphered.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        settings = Http(address=f"127.0.0.1:{server.getsockname()[1]}", tls=made["server"])
        url = default_url(settings)
        assert url is not None
        ready, line = check(url, PATIENT, context=own_certificate(settings))
        thread.join()

    assert ready is (shown == "server"), line


def test_a_certificate_that_cannot_be_read_is_named() -> None:
    with pytest.raises(ConfigError, match=r"http\.tls\.certificate: nowhere\.pem: No such file"):
        own_certificate(Http(tls=Tls(certificate="nowhere.pem", key="k")))
