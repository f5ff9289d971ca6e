"""TLS between a miner's bytes and the wire: whatever the pieces, the same text comes out."""

import contextlib
import itertools
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.downstream.certificates import make_context
from proxy.downstream.tlscodec import RECORD, TlsCodec
from proxy.errors import MinerError
from tests.kit.certificates import HOST, Authority


class Client:
    """A miner's end, without a socket."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=HOST)

    def shakes(self, heard: bytes = b"") -> bytes:
        """Go on with the handshake; what it says then."""
        self.incoming.write(heard)
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
        return self.outgoing.read()

    def says(self, text: bytes) -> bytes:
        """What goes over the wire for a text."""
        self.tls.write(text)
        return self.outgoing.read()

    def hears(self, data: bytes) -> bytes:
        """The text that the wire brings."""
        self.incoming.write(data)
        text = b""
        try:
            while more := self.tls.read(65_536):
                text += more
        except ssl.SSLWantReadError:
            pass
        return text


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def server(authority: Authority) -> ssl.SSLContext:
    return make_context("listen.farm", authority.issue())[0]


@pytest.fixture(scope="module")
def client(authority: Authority) -> ssl.SSLContext:
    return authority.client()


def shaken(server: ssl.SSLContext, client: ssl.SSLContext) -> tuple[TlsCodec, Client]:
    """Both ends after their handshake."""
    codec, miner = TlsCodec(server), Client(client)
    said = miner.shakes()
    while said:
        assert codec.receive(said) == b""
        said = miner.shakes(codec.take())
    assert not codec.shaking
    return codec, miner


def pieces(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    """Cut bytes, at places that are taken round the end."""
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for begin, end in itertools.pairwise(places):
        if begin != end:
            yield data[begin:end]


@given(
    texts=st.lists(st.binary(min_size=1, max_size=3000), min_size=1, max_size=5),
    cuts=st.lists(st.integers(0, 100_000), max_size=30),
)
def test_any_split_of_the_wire_gives_the_text(
    server: ssl.SSLContext, client: ssl.SSLContext, texts: list[bytes], cuts: list[int]
) -> None:
    """Handshake and texts, cut anywhere, even across the two."""
    codec, miner = TlsCodec(server), Client(client)
    said = miner.shakes()
    for piece in pieces(said, cuts):
        assert codec.receive(piece) == b""
    said = miner.shakes(codec.take()) + b"".join(map(miner.says, texts))
    text = b"".join(map(codec.receive, pieces(said, cuts)))
    assert text == b"".join(texts)
    assert not codec.shaking
    assert not codec.ended


@given(
    texts=st.lists(st.binary(min_size=1, max_size=40_000), min_size=1, max_size=4),
    cuts=st.lists(st.integers(0, 200_000), max_size=30),
)
def test_what_is_sent_is_heard(
    server: ssl.SSLContext, client: ssl.SSLContext, texts: list[bytes], cuts: list[int]
) -> None:
    codec, miner = shaken(server, client)
    sent = codec.take() + b"".join(map(codec.send, texts))
    assert b"".join(map(miner.hears, pieces(sent, cuts))) == b"".join(texts)


def test_nothing_that_has_come_is_left_inside(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    """The epoll would not tell of it again."""
    codec, miner = shaken(server, client)
    text = b"x" * (5 * RECORD)
    assert codec.receive(miner.says(text)) == text


def test_before_the_handshake_is_done_nothing_is_said(server: ssl.SSLContext) -> None:
    codec = TlsCodec(server)
    assert codec.send(b"too early") == b""
    assert codec.close() == b""


def test_tls_1_2_is_taken(server: ssl.SSLContext, authority: Authority) -> None:
    old = authority.client()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    codec, miner = shaken(server, old)
    assert codec.receive(miner.says(b"{}\n")) == b"{}\n"
    assert server.minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_goodbye_is_heard_behind_the_last_text(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    codec, miner = shaken(server, client)
    said = miner.says(b"last\n")
    with pytest.raises(ssl.SSLWantReadError):
        miner.tls.unwrap()
    assert codec.receive(said + miner.outgoing.read()) == b"last\n"
    assert codec.ended


def test_our_goodbye_is_heard(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    codec, miner = shaken(server, client)
    miner.incoming.write(codec.take() + codec.close())
    assert miner.tls.read(1) == b""


@pytest.mark.parametrize("data", [b"\x16\x03\x01\x00\x05hello", b"\x16\x03\x01\xff\xff", b'{"id":1}\n'])
def test_what_is_no_tls_is_the_miners_fault(server: ssl.SSLContext, data: bytes) -> None:
    with pytest.raises(MinerError, match="TLS: "):
        TlsCodec(server).receive(data)


def test_a_broken_record_is_the_miners_fault(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    codec, miner = shaken(server, client)
    said = bytearray(miner.says(b"text"))
    said[-1] ^= 1
    with pytest.raises(MinerError, match="TLS: "):
        codec.receive(bytes(said))
    assert codec.take()  # an alert that says so


def test_a_miner_that_does_not_take_our_certificate_says_so(server: ssl.SSLContext) -> None:
    codec, miner = TlsCodec(server), Client(ssl.create_default_context())
    codec.receive(miner.shakes())
    with pytest.raises(ssl.SSLCertVerificationError):
        miner.shakes(codec.take())
    with pytest.raises(MinerError, match="TLS: the miner does not know who signed our certificate"):
        codec.receive(miner.outgoing.read())


def test_a_certificate_that_is_asked_for_and_not_given_is_named(authority: Authority, tmp_path: Path) -> None:
    tls = Authority(tmp_path, authority.ca).issue(client_ca=authority.file)
    codec, miner = TlsCodec(make_context("listen.farm", tls)[0]), Client(authority.client())
    codec.receive(miner.shakes())
    with pytest.raises(MinerError, match="no client certificate"):
        codec.receive(miner.shakes(codec.take()))


@given(st.binary(min_size=1, max_size=200))
def test_any_bytes_are_taken_or_refused(server: ssl.SSLContext, data: bytes) -> None:
    with contextlib.suppress(MinerError):
        assert TlsCodec(server).receive(data) == b""
