"""The first bytes of a connection."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.detect import dialect_of, foreign, not_tls, not_websocket
from proxy.wire.jsonrpc import NULL
from tests.wire.hostile import damaged, objects, patient, replaced


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


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"id":1', "plain text"),
        (b"\n", "plain text"),
        (b"GET / HTTP/1.1\r\n", "in the clear"),
        (b"\x03\x00", "not TLS"),
    ],
)
def test_what_is_no_tls_is_named(data: bytes, words: str) -> None:
    assert words in not_tls(data)


@pytest.mark.parametrize("data", [b"\x16\x03\x01", b"\x16", b""])
def test_what_may_be_tls_is_left_to_it(data: bytes) -> None:
    assert not_tls(data) == ""


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"id":1', "no WebSocket"),
        (b"\x16\x03\x01", "a TLS hello; this port is plain"),
        (b"POST / HTTP/1.1\r\n", "asks for no WebSocket"),
        (b"\xff\xfb\x01", "no WebSocket"),
    ],
)
def test_what_is_no_websocket_is_named(data: bytes, words: str) -> None:
    assert words in not_websocket(data)


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n", b"G", b""])
def test_what_may_be_a_websocket_is_left_to_it(data: bytes) -> None:
    assert not_websocket(data) == ""


@pytest.mark.parametrize("say", [foreign, not_tls, not_websocket])
@given(data=st.binary(min_size=1, max_size=64))
def test_any_bytes_give_a_line_or_nothing(say: Callable[[bytes], str], data: bytes) -> None:
    """The answer can be shown to anybody."""
    said = say(data)
    assert said.isascii()
    assert said == "" or said.isprintable()


XMRIG_LOGIN = (
    b'{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"W","pass":"x","agent":"XMRig/6.26.0 '
    b'(Linux x86_64) libuv/1.44.2 gcc/12.2.0","rigid":"rig7","algo":["cn/0","rx/0","ghostrider"]}}'
)
AION_SUBSCRIBE = b'{"id":1,"method":"mining.subscribe","params":["nheqminer/0.2.1", null,"127.0.0.1","3333"]}'


@pytest.mark.parametrize(
    ("line", "dialect", "request_id"),
    [
        (XMRIG_LOGIN, "login", b"1"),
        (b'{"id":"a","method":"submit","params":{}}', "login", b'"a"'),
        (b'{"id":3,"jsonrpc":"2.0","method":"keepalived","params":{"id":"x"}}\r', "login", b"3"),
        (b'{"method":"getjob"}', "login", NULL),
        (AION_SUBSCRIBE, "aion", b"1"),
        (b'{"id":[1],"method":"mining.authorize"}', "aion", b"[1]"),
        (b'{"id":2,"method":"mining.submit","params":[]}', "aion", b"2"),
        (b'{"id":2,"method":"mining.","params":[]}', "aion", b"2"),
        (b'{"id":9,"method":"client.get_version"}', "", b"9"),
        (b'{"id":9,"method":"Login"}', "", b"9"),
        (b'{"id":9,"method":""}', "", b"9"),
        (b'{"id":9,"result":true}', "", b"9"),
        (b"{}", "", NULL),
        (b"", "", NULL),
        (b"login", "", NULL),
        (b'{"id":9,"method":"login"', "", NULL),
        (b'{"id":9,"method":17}', "", NULL),
        (b"[]", "", NULL),
    ],
)
def test_a_dialect_is_told_by_the_method(line: bytes, dialect: str, request_id: bytes) -> None:
    assert dialect_of(line) == (dialect, request_id)


@patient
@given(
    st.binary(max_size=60)
    | objects(b"login", b"mining.submit")
    | damaged([XMRIG_LOGIN, AION_SUBSCRIBE])
    | replaced([XMRIG_LOGIN, AION_SUBSCRIBE])
)
def test_any_line_is_of_one_dialect_or_none(line: bytes) -> None:
    """And never a fault: that is for the dialect's own reader to find."""
    dialect, _ = dialect_of(line)
    assert dialect in ("aion", "login", "")
