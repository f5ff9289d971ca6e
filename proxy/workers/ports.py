"""Listening sockets for several processes on the same ports.

Strategy: each worker has a socket of its own on each port, and the kernel deals connections out between
them (SO_REUSEPORT); a socket file has one queue, which all take from.  The parent keeps every socket
open, so what the kernel has dealt to a worker that died waits for the one that replaces it.
The trap: with SO_REUSEPORT from the start a second proxy of the same user would take the same port
without a word.  So the first socket is bound without it, which fails if anybody is there.
"""

import errno
import os
import socket

from proxy.downstream.listeners import BACKLOG
from proxy.errors import ConfigError


def spread(first: socket.socket, count: int, what: str) -> list[socket.socket]:
    """Make the sockets of one listener.

    Args:
        first: bound and listening.
        count: how many are needed.
        what: the configuration key to name in an error.
    Returns: `count` of them, `first` among them; of a socket file the same one for all.
    Raises: ConfigError.
    """
    if first.family == socket.AF_UNIX:
        return [first] * count
    sockets = [first]
    try:
        first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        while len(sockets) < count:
            sockets.append(_twin(first))
    except OSError as error:
        for sock in sockets[1:]:
            sock.close()
        why = os.strerror(error.errno or errno.EIO)
        raise ConfigError(f"{what}: no socket for each of {count} processes: {why}") from None
    return sockets


def _twin(first: socket.socket) -> socket.socket:
    sock = socket.socket(first.family, first.type)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if first.family == socket.AF_INET6:
            only = first.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
        sock.bind(first.getsockname())
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock
