"""The first bytes of a connection."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.detect import foreign


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x16\x03\x01\x02\x00\x01", "TLS"),
        (b"GET / HTTP/1.1\r\n", "HTTP"),
        (b"CONNECT pool:3333 HTTP/1.1\r\n", "HTTP"),
        (b"PRI * HTTP/2.0\r\n", "HTTP"),
        (b"\x03\x00\x00\x13\x0e\xe0", "not stratum"),  # a remote desktop's first bytes, as port scanners send
        (b"\xff\xfb\x01", "not stratum"),
    ],
)
def test_other_protocols_are_named(data: bytes, words: str) -> None:
    """The sender is told what was wrong with its choice of port."""
    assert words in foreign(data)


@pytest.mark.parametrize("data", [b'{"id":1', b" {", b"\n", b"\r\n", b"[1]", b"GETTING", b"x"])
def test_what_may_be_stratum_is_left_to_the_parser(data: bytes) -> None:
    """Text gets the budget for bad lines, not the door."""
    assert foreign(data) == ""


@given(st.binary(min_size=1, max_size=64))
def test_any_bytes_give_a_line_or_nothing(data: bytes) -> None:
    """The answer can be shown to anybody."""
    said = foreign(data)
    assert said.isascii()
    assert said == "" or said.isprintable()
