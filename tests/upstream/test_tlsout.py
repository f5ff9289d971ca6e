"""TLS towards a pool: whose certificate counts, and one line for each that does not."""

import hashlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest
import trio

from proxy.config import Address, Config, Pool, Upstream
from proxy.errors import ConfigError, PoolError
from proxy.upstream.tlsout import CLOSED, NOT_TLS, prove, secure
from tests.kit.certificates import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def fingerprint(path: str) -> str:
    pem = Path(path).read_text(encoding="ascii")
    end = pem.index(ssl.PEM_FOOTER) + len(ssl.PEM_FOOTER)
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem[:end])).hexdigest()


def pool_of(ca: str = "", pin: str = "", host: str = "localhost") -> Pool:
    return Pool(url=Address("stratum+tls", host, 3333), ca=ca, fingerprint=pin)


@asynccontextmanager
async def pool(context: ssl.SSLContext | None, says: bytes = b"") -> AsyncIterator[trio.SocketStream]:
    """A pool on loopback; a stream to it.

    Args:
        context: None for one without TLS, which says something once it has heard something, and hangs up.
    """
    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")

    async def serve(stream: trio.SocketStream) -> None:
        async with stream:
            try:
                if context is None:
                    await stream.receive_some()
                    await stream.send_all(says)
                    return
                secured = trio.SSLStream(stream, context, server_side=True)
                await secured.do_handshake()
                await secured.send_all(b"hello\n")
                await secured.receive_some()
            except trio.BrokenResourceError:
                pass

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, serve, [listener])
        async with await trio.open_tcp_stream("127.0.0.1", listener.socket.getsockname()[1]) as stream:
            yield stream
        nursery.cancel_scope.cancel()


async def fault(context: ssl.SSLContext | None, wanted: Pool, says: bytes = b"") -> str:
    """Try; why there is no TLS."""
    async with pool(context, says) as stream:
        with pytest.raises(PoolError) as caught:
            await secure(stream, wanted, Upstream(user="u", pools=(wanted,)))
    return str(caught.value)


@pytest.mark.parametrize("everywhere", [True, False])
@pytest.mark.parametrize("is_pinned", [True, False])
async def test_a_pool_we_trust(authority: Authority, everywhere: bool, is_pinned: bool) -> None:
    tls = authority.issue(*(["other.example"] if is_pinned else []))
    ca = "" if is_pinned else authority.file
    digest = fingerprint(tls.certificate).upper()
    pin = ":".join(digest[i : i + 2] for i in range(0, 64, 2)) if is_pinned else ""
    wanted = pool_of() if everywhere else pool_of(ca, pin)
    upstream = Upstream(user="u", pools=(wanted,))
    if everywhere:
        upstream = attrs.evolve(upstream, ca=ca, fingerprint=pin)
    async with pool(authority.server(tls)) as stream:
        secured = await secure(stream, wanted, upstream)
        assert await secured.receive_some() == b"hello\n"


async def test_each_fault_has_its_line(authority: Authority) -> None:
    good = authority.server(authority.issue())
    ca = authority.file
    assert "from no authority we know; set ca or fingerprint" in await fault(good, pool_of())
    other = await fault(authority.server(authority.issue("other.example", name="other")), pool_of(ca))
    assert other.startswith("its certificate is for another host: ")
    assert "localhost" in other
    old = authority.issue(name="old", not_after=datetime(2001, 1, 1, tzinfo=UTC))
    assert await fault(authority.server(old), pool_of(ca)) == "its certificate has expired"
    pin = "ab" * 32
    found = await fault(good, pool_of(pin=pin))
    assert found.startswith("another certificate than fingerprint says: its SHA-256 is ")
    address = await fault(
        authority.server(authority.issue("other.example", name="o")), pool_of(ca, host="::1")
    )
    assert address.startswith("its certificate is for another host: ")


@pytest.mark.parametrize("says", [b'{"id":null}\n', b"HTTP/1.1 400 Bad Request\r\n\r\n"])
async def test_a_pool_without_tls(says: bytes) -> None:
    assert await fault(None, pool_of(), says) == NOT_TLS


async def test_a_pool_that_hangs_up_on_our_hello() -> None:
    assert await fault(None, pool_of()) in (NOT_TLS, CLOSED)


async def test_a_file_that_has_gone_since_the_start_is_a_fault_like_others(tmp_path: Path) -> None:
    gone = str(tmp_path / "gone")
    assert await fault(None, pool_of(gone)) == f"ca: {gone}: No such file or directory"


def test_files_are_looked_at_before_the_start(authority: Authority, tmp_path: Path) -> None:
    junk = tmp_path / "junk"
    junk.write_text("no PEM")
    gone = str(tmp_path / "gone")

    def config(*pools: Pool, ca: str = "") -> Config:
        return Config(upstream=Upstream(user="u", pools=pools, ca=ca))

    prove(config(pool_of(authority.file), pool_of(pin="ab" * 32), pool_of()))
    plain = attrs.evolve(pool_of(gone), url=Address("stratum+tcp", "localhost", 1))
    prove(config(plain))
    with pytest.raises(ConfigError) as caught:
        prove(config(pool_of(str(junk)), pool_of(), ca=gone))
    assert str(caught.value).splitlines() == [
        f"upstream.pools.0.ca: {junk}: holds no certificate in PEM",
        f"upstream.ca: {gone}: No such file or directory",
    ]
