"""Binds the ports that miners come to; an address that cannot be had is one clear line."""

import errno
import socket

from proxy.config import Address, Listen
from proxy.errors import ConfigError

BACKLOG = 4096  # a whole farm reconnects at once after a restart; the kernel cuts it to somaxconn

_WHY = {
    errno.EADDRINUSE: "in use by another program; stop that one or choose another port",
    errno.EADDRNOTAVAIL: "not an address of this machine",
    errno.EACCES: "not allowed; ports below 1024 need a privilege",
}


def bind(listen: Listen) -> socket.socket:
    """Bind and listen on one listener's address.

    Returns: a non-blocking listening socket.
    Raises: ConfigError, naming the listener and its address.
    """
    return bind_tcp(f"listen.{listen.name}", listen.url.host, listen.url.port, str(listen.url))


def bind_tcp(what: str, host: str, port: int, shown: str) -> socket.socket:
    """Bind and listen on a TCP address.

    Args:
        what: the configuration key to name in an error.
        shown: the address as the operator wrote it.
    Raises: ConfigError.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError(f"{what}: {shown}: {error.strerror}") from None
    try:
        # Without this a restart would have to wait for the last run's closed connections.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and host == "::":
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        why = _WHY.get(error.errno or 0, error.strerror)
        raise ConfigError(f"{what}: {shown}: {why}") from None
    sock.setblocking(False)
    return sock


def bound(listen: Listen, sock: socket.socket) -> Address:
    """Tell the address a listener really has, with the port the kernel chose for 0."""
    host, port = sock.getsockname()[:2]
    return Address(listen.url.scheme, host, port)
