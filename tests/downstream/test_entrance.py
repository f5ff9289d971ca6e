"""Whose word on a miner's address is taken, and what is made of it."""

import errno
import socket
from collections.abc import Iterator

import pytest

from proxy.downstream.entrance import NO_HEADER, UNHEARD_SECONDS, Balancers, Entrance, Heard, Visitor
from proxy.downstream.listeners import UNIX
from tests.kit.miners import door

V1 = b"PROXY TCP4 203.0.113.7 192.0.2.1 56324 3333\r\n"
LOCAL = b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"
LINE = b'{"id":1}\n'
BALANCER = "192.0.2.1"


@pytest.mark.parametrize(
    ("peer", "is_trusted"),
    [
        ("10.1.2.3", True),
        ("11.1.2.3", False),
        ("fe80::1%eth0", True),
        ("2001:db8::1", False),
        (UNIX, True),
        ("what", False),
    ],
)
def test_trust_is_by_network(peer: str, is_trusted: bool) -> None:
    assert Balancers(True, ["10.0.0.0/8", "fe80::/10"]).trusts(peer) == is_trusted


def test_a_cut_line_shows() -> None:
    """Who has acknowledged nothing for a minute, or answers no question, is given up on."""
    tcp = socket.IPPROTO_TCP
    with socket.create_server(("127.0.0.1", 0)) as listening:
        Entrance(listening, door()).prepare()
        with socket.create_connection(listening.getsockname()), listening.accept()[0] as made:
            assert made.getsockopt(tcp, socket.TCP_USER_TIMEOUT) == UNHEARD_SECONDS * 1000
            assert made.getsockopt(tcp, socket.TCP_KEEPIDLE) == UNHEARD_SECONDS
            assert made.getsockopt(tcp, socket.TCP_KEEPINTVL) < UNHEARD_SECONDS
            assert made.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert made.getsockopt(tcp, socket.TCP_NODELAY)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    near, far = socket.socketpair()
    near.setblocking(False)
    with near, far:
        yield near, far


def visitor(sock: socket.socket, required: bool = True) -> Visitor:
    return Visitor(sock, BALANCER, Entrance(sock, door(), balancers=Balancers(required, ["::/0"])), 0.0)


Pair = tuple[socket.socket, socket.socket]


def test_a_header_and_a_line_in_one_piece(pair: Pair) -> None:
    who = visitor(pair[0])
    assert who.read() is Heard.WAITS
    pair[1].send(V1 + LINE)
    assert who.read() is Heard.COMES
    assert (who.address, who.data) == ("203.0.113.7", LINE)


def test_a_header_alone_is_enough(pair: Pair) -> None:
    who = visitor(pair[0])
    assert who.take(V1) is Heard.COMES
    assert (who.address, who.data) == ("203.0.113.7", b"")


@pytest.mark.parametrize("required", [True, False])
def test_byte_by_byte(pair: Pair, required: bool) -> None:
    who = visitor(pair[0], required)
    heard = [who.take(bytes([byte])) for byte in V1]
    assert heard == [Heard.WAITS] * (len(V1) - 1) + [Heard.COMES]
    assert who.address == "203.0.113.7"


def test_without_a_header_where_one_must_be(pair: Pair) -> None:
    who = visitor(pair[0])
    assert who.take(LINE) is Heard.GOES
    assert who.reason == NO_HEADER
    assert "no PROXY header" in who.detail
    assert who.address == BALANCER


def test_without_a_header_where_one_may_be(pair: Pair) -> None:
    who = visitor(pair[0], required=False)
    assert who.take(LINE) is Heard.COMES
    assert (who.address, who.data) == (BALANCER, LINE)


def test_a_header_that_cannot_be_used(pair: Pair) -> None:
    who = visitor(pair[0])
    assert who.take(b"PROXY TCP5 x\r\n") is Heard.GOES
    assert who.reason == NO_HEADER


@pytest.mark.parametrize("said", [b"", LOCAL, b"PROXY UNKNOWN\r\n"])
def test_a_health_check_goes_quietly(pair: Pair, said: bytes) -> None:
    who = visitor(pair[0])
    assert not said or who.take(said) is Heard.WAITS
    pair[1].close()
    assert who.read() is Heard.GOES
    assert who.reason == ""


def test_half_a_header_and_gone_is_worth_a_word(pair: Pair) -> None:
    who = visitor(pair[0])
    assert who.take(V1[:20]) is Heard.WAITS
    pair[1].close()
    assert who.read() is Heard.GOES
    assert who.reason == "closed"


def test_who_speaks_for_itself_and_goes_on_is_a_miner(pair: Pair) -> None:
    who = visitor(pair[0])
    assert who.take(LOCAL) is Heard.WAITS
    assert who.take(LINE) is Heard.COMES
    assert (who.address, who.data) == (BALANCER, LINE)


class Listening:
    """A listening socket that has run out of something."""

    def __init__(self, *errors: int) -> None:
        self.errors = list(errors)

    def accept(self) -> tuple[socket.socket, object]:
        if not self.errors:
            raise BlockingIOError
        raise OSError(self.errors.pop(0), "")


def test_without_files_it_rests_and_of_another_fault_it_goes_on() -> None:
    entrance = Entrance(Listening(errno.ECONNABORTED, errno.EMFILE), door())  # type: ignore[arg-type]
    assert list(entrance.accepted(10)) == []
    assert entrance.resting
    entrance = Entrance(Listening(errno.ECONNABORTED), door())  # type: ignore[arg-type]
    assert list(entrance.accepted(10)) == []
    assert not entrance.resting
