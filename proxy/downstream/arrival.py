"""Makes a miner's connection of a socket that was accepted: plain or TLS, with a session of its own.

The trap: under a storm of handshakes a miner waits for its turn, which is not its fault; so it has as long as
a login may take where others must speak at once.
"""

import socket
from collections.abc import Callable
from functools import partial

from proxy.downstream.admission import Admission
from proxy.downstream.connection import Connection
from proxy.downstream.entrance import Entrance
from proxy.downstream.pacing import BURST_SECONDS
from proxy.downstream.session import MinerSession
from proxy.downstream.tls import TlsConnection
from proxy.downstream.tlscodec import TlsCodec

Act = Callable[[Connection], None]


def arrived(
    admission: Admission,
    wake: Act,
    queue: Act,
    sock: socket.socket,
    address: str,
    entrance: Entrance,
    ahead: bytes,
    since: float,
) -> Connection:
    """Make a connection of one that was admitted.

    Args:
        wake: called when output waits that was none before.
        queue: called when it waits for a turn of its handshake.
        ahead: what it has sent already; a plain one's is the caller's to hand to the session.
        since: when it was accepted, seconds of the monotonic clock.
    """
    sock.setblocking(False)
    limits = admission.limits
    burst = limits.requests_per_second * BURST_SECONDS
    if entrance.tls is None:
        connection = Connection(sock, address, limits.outgoing_bytes, burst)
    else:
        codec = TlsCodec(entrance.tls.context)
        connection = TlsConnection(sock, address, limits.outgoing_bytes, burst, codec, ahead, queue)
    session = MinerSession(admission.house, entrance.door, address, since, partial(wake, connection))
    if entrance.tls is not None:
        session.deadline = since + limits.login_seconds
    connection.session = session
    return connection
