"""Connecting to a pool: one function, whatever the address says.

Strategy: dial() is all that the rest knows of schemes.  What it returns may be any stream; one that is a
bare socket gets its shares written without a task being woken (link.py).
The trap: a dead route sends no reset.  TCP is told to give up on unacknowledged bytes, and to ask now and
then when there are none.
"""

import socket

import trio

from proxy.config import Address, Config, Pool

UNIX = "unix"  # the scheme of a socket file
USER_TIMEOUT_SECONDS = 30  # unacknowledged bytes for so long: the route is dead


async def dial(pool: Pool, config: Config) -> trio.abc.Stream:
    """Connect to a pool.

    Returns: the stream, on which nothing has been said.
    Raises: OSError, and trio.TooSlowError after limits.connect_seconds.
    """
    with trio.fail_after(config.limits.connect_seconds):
        return await _connect(pool.url)


async def _connect(url: Address) -> trio.SocketStream:
    if url.scheme == UNIX:
        return await trio.open_unix_socket(url.path)
    # As bytes: Python's own encoding of names answers one that cannot be with no OSError.
    stream = await trio.open_tcp_stream(url.host.encode(), url.port, happy_eyeballs_delay=0.25)
    _set_timeouts(stream.socket)
    return stream


def _set_timeouts(sock: trio.socket.SocketType) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_SECONDS * 1000)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, USER_TIMEOUT_SECONDS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, USER_TIMEOUT_SECONDS // 3)
