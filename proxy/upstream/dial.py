"""Connecting to a pool: one function, whatever the address says.

    TCP → a proxy, if there is one on the way → TLS → WebSocket → the stream that is talked on

Strategy: dial() is all that the rest knows of schemes.  What it returns may be any stream; one that is a
bare socket gets its shares written without a task being woken (link.py).
The traps: a dead route sends no reset, so TCP is told to give up on unacknowledged bytes, and to ask now
and then when there are none; and of a pool behind a proxy the name is the proxy's to look up, not ours.
"""

import socket

import trio

from proxy.config import NO_DETOUR, Address, Config, Detour, Pool
from proxy.errors import PoolError
from proxy.upstream import tlsout
from proxy.upstream.link import said
from proxy.upstream.streams import Ahead, WebSocketStream
from proxy.wire.httpconnect import ConnectHandshake
from proxy.wire.socks import SocksHandshake

UNIX = "unix"  # the scheme of a socket file
WEBSOCKET = ("ws", "wss")
USER_TIMEOUT_SECONDS = 30  # unacknowledged bytes for so long: the route is dead


async def dial(pool: Pool, config: Config) -> trio.abc.Stream:
    """Connect to a pool.

    Returns: the stream, on which nothing has been said.
    Raises: OSError, PoolError, and trio.TooSlowError after limits.connect_seconds.
    """
    with trio.fail_after(config.limits.connect_seconds):
        if pool.url.scheme == UNIX:
            return await trio.open_unix_socket(pool.url.path)
        text = pool.proxy or config.upstream.proxy
        detour = Detour.parse(text) if text not in ("", NO_DETOUR) else None
        plain = await _connect(pool.url.host, pool.url.port) if detour is None else await _by(detour)
        try:
            return await _talked_on(plain, detour, pool, config)
        except BaseException:
            await trio.aclose_forcefully(plain)
            raise


async def _talked_on(
    plain: trio.SocketStream, detour: Detour | None, pool: Pool, config: Config
) -> trio.abc.Stream:
    url = pool.url
    stream: trio.abc.Stream = plain
    if detour is not None:
        stream = await _through(plain, detour, url)
    if url.scheme in tlsout.SCHEMES:
        stream = await tlsout.secure(stream, pool, config.upstream)
    if url.scheme in WEBSOCKET:
        stream = WebSocketStream(stream)
        await stream.ask(_host_and_port(url), url.path)
    return stream


async def _connect(host: str, port: int) -> trio.SocketStream:
    # As bytes: Python's own encoding of names answers one that cannot be with no OSError.
    stream = await trio.open_tcp_stream(host.encode(), port, happy_eyeballs_delay=0.25)
    _set_timeouts(stream.socket)
    return stream


def _set_timeouts(sock: trio.socket.SocketType) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_SECONDS * 1000)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, USER_TIMEOUT_SECONDS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, USER_TIMEOUT_SECONDS // 3)


async def _by(detour: Detour) -> trio.SocketStream:
    """Connect to a proxy."""
    try:
        return await _connect(detour.host, detour.port)
    except OSError as error:
        raise PoolError(f"proxy {detour}: {said(error)}") from None


async def _through(stream: trio.SocketStream, detour: Detour, url: Address) -> trio.abc.Stream:
    """Ask a proxy for a connection to the pool.

    Raises: PoolError, naming the proxy.
    """
    make = SocksHandshake if detour.scheme == "socks5" else ConnectHandshake
    handshake = make(url.host, url.port, detour.user, detour.password)
    try:
        await stream.send_all(handshake.start())
        while not handshake.done:
            data = await stream.receive_some(handshake.needed)
            if not data:
                raise PoolError("it hung up")
            answer = handshake.receive(bytes(data))
            if answer:
                await stream.send_all(answer)
    except PoolError as error:
        raise PoolError(f"proxy {detour}: {error}") from None
    except trio.BrokenResourceError:
        raise PoolError(f"proxy {detour}: it hung up") from None
    rest = handshake.rest if isinstance(handshake, ConnectHandshake) else b""
    return Ahead(stream, rest) if rest else stream


def _host_and_port(url: Address) -> str:
    return f"[{url.host}]:{url.port}" if ":" in url.host else f"{url.host}:{url.port}"
