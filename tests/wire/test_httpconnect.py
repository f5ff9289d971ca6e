"""HTTP CONNECT from our side, as a dialogue in bytes."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import PoolError
from proxy.wire.httpconnect import MOST, ConnectHandshake

YES = b"HTTP/1.1 200 Connection established\r\nVia: gate\r\n\r\n"


def ask(user: str = "", password: str = "") -> ConnectHandshake:
    return ConnectHandshake("pool.example", 3333, user, password)


def test_what_is_asked() -> None:
    assert ask().start() == b"CONNECT pool.example:3333 HTTP/1.1\r\nHost: pool.example:3333\r\n\r\n"
    start = ConnectHandshake("::1", 3333, "me", "p:ä").start()
    assert start.startswith(b"CONNECT [::1]:3333 HTTP/1.1\r\nHost: [::1]:3333\r\n")
    assert b"\r\nProxy-Authorization: Basic bWU6cDrDpA==\r\n" in start


def test_a_pool_that_speaks_first() -> None:
    handshake = ask()
    assert handshake.receive(YES + b'{"id":null}\n') == b""
    assert handshake.done
    assert handshake.rest == b'{"id":null}\n'
    assert handshake.needed == 0


@pytest.mark.parametrize(
    ("user", "answer", "said"),
    [
        ("", b"HTTP/1.1 407 Who?\r\n\r\n", "it wants a user and password, http://user:password@"),
        ("me", b"HTTP/1.1 407 Who?\r\n\r\n", "it refuses our user and password"),
        ("", b"HTTP/1.0 403 Forbidden\r\nX: y\r\n\r\n", "it says: 403 Forbidden"),
        ("", b"HTTP/1.1 502\r\n\r\n", "it says: 502"),
        ("", b"SSH-2.0", "it is no HTTP proxy"),
        ("", b"HTTP/1.1 what\r\n\r\n", "it is no HTTP proxy"),
        ("", b"\x05\x00", "it is no HTTP proxy"),
        ("", b"HTTP/1.1 200 OK\r\n" + b"x" * MOST, "its answer has no end"),
    ],
)
def test_a_refusal_is_said_in_words(user: str, answer: bytes, said: str) -> None:
    with pytest.raises(PoolError, match=said):
        ask(user, "secret").receive(answer)


def test_what_a_terminal_would_act_on_is_not_said() -> None:
    with pytest.raises(PoolError) as caught:
        ask().receive(b"HTTP/1.1 500 \x1b[2J" + b"x" * 500 + b"\r\n\r\n")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 150


@given(behind=st.binary(max_size=50), most=st.integers(1, 80))
def test_however_it_comes_the_rest_is_the_pools(behind: bytes, most: int) -> None:
    handshake = ask()
    stream = YES + behind
    while not handshake.done:
        handshake.receive(stream[:most])
        stream = stream[most:]
    assert handshake.rest + stream == behind


@given(st.lists(st.binary(max_size=100)))
def test_any_bytes_are_taken_or_refused(pieces: list[bytes]) -> None:
    handshake = ask()
    with contextlib.suppress(PoolError):
        for piece in pieces:
            handshake.receive(piece)
