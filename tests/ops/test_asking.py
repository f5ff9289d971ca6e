"""Asking over HTTP: which addresses are some, and what of an answer may be shown."""

import http.client
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.ops.asking import MAX_SHOWN, address_of, connection_to, one_line, why


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("http://127.0.0.1:9180/readyz", "127.0.0.1", 9180, "/readyz"),
        ("127.0.0.1:9180", "127.0.0.1", 9180, ""),
        ("https://[::1]:80/", "::1", 80, "/"),
        ("http://proxy", "proxy", None, ""),
    ],
)
def test_an_address(url: str, host: str, port: int | None, path: str) -> None:
    parts = address_of(url)
    assert (parts.hostname, parts.port, parts.path) == (host, port, path)


@pytest.mark.parametrize("url", ["", "http://", "ftp://h", "http://me:hunter2@h", "http://[::1", "unix:///x"])
def test_what_is_none(url: str) -> None:
    with pytest.raises(ValueError):
        address_of(url)


@pytest.mark.parametrize("url", ["http://h:port", "http://h:99999999/", "http://h\x01:1"])
def test_an_address_nobody_can_be_asked_at(url: str) -> None:
    with pytest.raises((ValueError, http.client.InvalidURL)):
        connection_to(address_of(url), 1).putrequest("GET", "/")


def test_the_scheme_decides_on_tls() -> None:
    assert not isinstance(connection_to(address_of("h:1"), 1), http.client.HTTPSConnection)
    own = ssl.create_default_context()
    assert isinstance(connection_to(address_of("https://h:1"), 1, own), http.client.HTTPSConnection)


def test_why_in_words() -> None:
    assert why(ConnectionRefusedError(111, "Connection refused")) == "Connection refused"
    assert why(ValueError("no\nnumber")) == "no number"
    assert why(TimeoutError()) == "TimeoutError"


@given(st.text(max_size=3000))
def test_whatever_is_said_is_one_short_line(text: str) -> None:
    line = one_line(text)
    assert line.isprintable()
    assert len(line) <= MAX_SHOWN


def test_what_a_terminal_would_act_on_is_replaced() -> None:
    assert one_line("rig\x1b[2J\x07\u202e7\u200b") == "rig?[2J??7?"
    assert one_line("a\r\n\tb") == "a b"
    assert one_line("abcdef", 3) == "abc"
