"""SOCKS5 from the client's side: asking a proxy for a connection to a pool.

    greeting  05 | count | methods          → 05 | method
    log in    01 | user | password          → 01 | 00 if it is right
    connect   05 01 00 | address | port     → 05 | reply | 00 | address | port

Strategy: without a socket: send what start() and receive() return until it is done.  A name goes to the
proxy as it is, which looks it up; what is not resolved here cannot leak here.
The trap: the last answer has a length of its own, and nothing behind it may be taken, for it is the
pool's.
"""

import ipaddress
from collections.abc import Callable

from proxy.errors import PoolError

_VERSION, _CONNECT = 5, 1
_NO_LOGIN, _LOGIN, _NONE = 0, 2, 0xFF
_IPV4, _NAME, _IPV6 = 1, 3, 4
_MOST_NAME = 255

_REPLIES = {
    1: "it failed",
    2: "its rules do not allow it",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "no answer in time",
    7: "it does not know CONNECT",
    8: "it does not know this kind of address",
}


class SocksHandshake:
    """One request to a SOCKS5 proxy.

    Args:
        host: of the pool, a name or an IP address.
        user: "" for none; with the password at most 255 bytes each.

    `done` is set once the pool is at the other end.
    Source: RFC 1928, RFC 1929.
    """

    def __init__(self, host: str, port: int, user: str = "", password: str = "") -> None:
        self.done = False
        self._request = bytes([_VERSION, _CONNECT, 0]) + _address(host) + port.to_bytes(2, "big")
        self._login = _text(user) + _text(password) if user else b""
        self._data = b""
        self._step: Callable[[bytes], bytes] = self._on_method

    def start(self) -> bytes:
        """Return what is to be sent first."""
        methods = [_NO_LOGIN, _LOGIN] if self._login else [_NO_LOGIN]
        return bytes([_VERSION, len(methods), *methods])

    def receive(self, data: bytes) -> bytes:
        """Take what the proxy has sent, no more than `needed` bytes of it.

        Returns: what is to be sent now, b"" for nothing.
        Raises: PoolError when it refuses, or is no SOCKS5 proxy.
        """
        self._data += data
        if self.done or self.needed:
            return b""
        data, self._data = self._data, b""
        return self._step(data)

    @property
    def needed(self) -> int:
        """How many bytes more may be read; what is behind them may be the pool's."""
        if self.done:
            return 0
        data, size = self._data, 2
        if self._step == self._on_reply:
            # The fifth byte tells the length of a name, or is the first of an address.
            size = 5 if len(data) < 5 else 6 + _address_size(data[3], data[4])
        return max(0, size - len(data))

    def _on_method(self, data: bytes) -> bytes:
        if data[0] != _VERSION:
            raise PoolError("it is no SOCKS5 proxy")
        if data[1] == _LOGIN and self._login:
            self._step = self._on_login
            return b"\x01" + self._login
        if data[1] == _NO_LOGIN:
            self._step = self._on_reply
            return self._request
        if data[1] == _NONE and not self._login:
            raise PoolError("it wants a user and password, socks5://user:password@…")
        raise PoolError("it wants to know us in a way that we do not know")

    def _on_login(self, data: bytes) -> bytes:
        if data[1]:
            raise PoolError("it refuses our user and password")
        self._step = self._on_reply
        return self._request

    def _on_reply(self, data: bytes) -> bytes:
        if data[0] != _VERSION:
            raise PoolError("it is no SOCKS5 proxy")
        if data[1]:
            raise PoolError(f"it says: {_REPLIES.get(data[1], f'error {data[1]}')}")
        self.done = True
        return b""


def _text(text: str) -> bytes:
    data = text.encode()
    return bytes([len(data)]) + data


def _address(host: str) -> bytes:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return bytes([_NAME]) + _text(host[:_MOST_NAME])
    return bytes([_IPV4 if address.version == 4 else _IPV6]) + address.packed


def _address_size(kind: int, first: int) -> int:
    """Return the bytes of an address, and of the length before a name."""
    sizes = {_IPV4: 4, _IPV6: 16, _NAME: 1 + first}
    if kind not in sizes:
        raise PoolError("it is no SOCKS5 proxy")
    return sizes[kind]
