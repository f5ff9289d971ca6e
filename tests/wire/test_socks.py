"""SOCKS5 from our side, as a dialogue in bytes."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import PoolError
from proxy.wire.socks import SocksHandshake

V4, V6 = bytes([1, 127, 0, 0, 1, 0, 80]), bytes([4]) + bytes(16) + b"\0\x50"
NAME = bytes([3, 4]) + b"gate" + b"\0\x50"


def ask(user: str = "", password: str = "") -> SocksHandshake:
    return SocksHandshake("pool.example", 3333, user, password)


def answered(handshake: SocksHandshake, data: bytes) -> bytes:
    """Have the proxy answer; what is left of that when it is done."""
    while data and not handshake.done:
        take = handshake.needed
        handshake.receive(data[:take])
        data = data[take:]
    return data


def test_a_name_goes_to_the_proxy_as_it_is() -> None:
    handshake = ask()
    assert handshake.start() == b"\x05\x01\x00"
    assert handshake.receive(b"\x05\x00") == b"\x05\x01\x00\x03\x0cpool.example\x0d\x05"
    assert handshake.receive(b"\x05\x00\x00" + V4) == b""
    assert handshake.done
    assert handshake.needed == 0


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.7", b"\x01\xc0\x00\x02\x07"),
        ("2001:db8::7", b"\x04\x20\x01\x0d\xb8" + bytes(11) + b"\x07"),
        ("fe80::7%eth0", b"\x04\xfe\x80" + bytes(13) + b"\x07"),
    ],
)
def test_an_address_goes_as_one(host: str, address: bytes) -> None:
    handshake = SocksHandshake(host, 3333)
    handshake.start()
    assert handshake.receive(b"\x05\x00") == b"\x05\x01\x00" + address + b"\x0d\x05"


def test_user_and_password() -> None:
    handshake = ask("me", "secret")
    assert handshake.start() == b"\x05\x02\x00\x02"
    assert handshake.receive(b"\x05\x02") == b"\x01\x02me\x06secret"
    assert handshake.receive(b"\x01\x00")[:3] == b"\x05\x01\x00"
    assert handshake.receive(b"\x05\x00\x00" + NAME) == b""
    assert handshake.done


def test_a_proxy_that_does_not_ask_is_not_told_who_we_are() -> None:
    handshake = ask("me", "secret")
    handshake.start()
    assert handshake.receive(b"\x05\x00")[:2] == b"\x05\x01"


@pytest.mark.parametrize(
    ("user", "answers", "said"),
    [
        ("", [b"HT"], "it is no SOCKS5 proxy"),
        ("", [b"\x05\xff"], "it wants a user and password, socks5://user:password@"),
        ("", [b"\x05\x02"], "it wants to know us in a way"),
        ("me", [b"\x05\xff"], "it wants to know us in a way"),
        ("me", [b"\x05\x02", b"\x01\x01"], "it refuses our user and password"),
        ("", [b"\x05\x00", b"\x05\x05\x00" + V4], "it says: connection refused"),
        ("", [b"\x05\x00", b"\x05\x04\x00" + V4], "it says: host unreachable"),
        ("", [b"\x05\x00", b"\x05\x63\x00" + V4], "it says: error 99"),
        ("", [b"\x05\x00", b"\x04\x00\x00" + V4], "it is no SOCKS5 proxy"),
        ("", [b"\x05\x00", b"\x05\x00\x00\x09\x00"], "it is no SOCKS5 proxy"),
    ],
)
def test_a_refusal_is_said_in_words(user: str, answers: list[bytes], said: str) -> None:
    handshake = ask(user, "secret")
    handshake.start()
    with pytest.raises(PoolError, match=said):
        answered(handshake, b"".join(answers))


@given(
    reply=st.sampled_from([V4, V6, NAME]),
    behind=st.binary(max_size=20),
    most=st.integers(1, 40),
    login=st.booleans(),
)
def test_however_it_comes_nothing_of_the_pool_is_taken(
    reply: bytes, behind: bytes, most: int, login: bool
) -> None:
    handshake = ask("me" if login else "", "secret")
    handshake.start()
    stream = (b"\x05\x02\x01\x00" if login else b"\x05\x00") + b"\x05\x00\x00" + reply + behind
    while not handshake.done:
        take = min(most, handshake.needed)
        assert take
        handshake.receive(stream[:take])
        stream = stream[take:]
    assert stream == behind


@given(st.binary(max_size=400), st.booleans())
def test_any_bytes_are_taken_or_refused(data: bytes, login: bool) -> None:
    handshake = ask("me" if login else "", "secret")
    handshake.start()
    with contextlib.suppress(PoolError):
        answered(handshake, data)
