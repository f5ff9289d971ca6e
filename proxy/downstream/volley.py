"""Sends a job to a slice of miners at once: one call of native code for all that get the same bytes.

Strategy: while a slice is gathered nothing is sent; then each set of bytes goes to all its sockets in one
call (native/sending.py), which lets go of the global lock and uses a second processor core if there is one.
The traps: between gathering and sending nothing may wait, or a file number could be another's by then; and
a connection that writes otherwise than by a plain send, TLS, must not be gathered.
"""

from collections.abc import Callable

from proxy.downstream.connection import Connection
from proxy.native.sending import send_each

LEAST = 8  # to whom a call of native code is cheaper than a send each


class Volley:
    """The sends of one slice, gathered by what is sent.

    Args:
        after: told whom something is to be done about, and why it must be dropped, "" for who is behind.
    """

    def __init__(self, after: Callable[[Connection, str], None]) -> None:
        self._after = after
        self._gathered: dict[bytes, list[Connection]] = {}

    def add(self, connection: Connection, data: bytes) -> None:
        """Have bytes sent to a connection that has nothing unsent."""
        gathered = self._gathered.get(data)
        if gathered is None:
            self._gathered[data] = [connection]
        else:
            gathered.append(connection)

    def fire(self) -> None:
        """Send all that was gathered."""
        gathered, self._gathered = self._gathered, {}
        for data, connections in gathered.items():
            if len(connections) < LEAST:
                for connection in connections:
                    if (fault := connection.send(data)) or connection.leftover:
                        self._after(connection, fault)
                continue
            taken = send_each([connection.fd for connection in connections], data)
            if taken is None:
                continue
            for connection, took in zip(connections, taken, strict=True):
                if took != len(data):
                    self._after(connection, connection.took(data, took))
