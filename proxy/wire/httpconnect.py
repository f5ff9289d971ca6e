"""HTTP CONNECT from the client's side: asking a web proxy for a connection to a pool.

    CONNECT pool.example:3333 HTTP/1.1      → HTTP/1.1 200 Connection established

Strategy: without a socket, as socks.py.  Of the answer only the status counts; its headers are read to
their end, which is where the pool's bytes begin.
The trap: a pool may speak first, so its bytes can come in one piece with the answer; they are in `rest`.
"""

import re
from base64 import b64encode

from proxy.errors import PoolError

MOST = 16_384  # bytes of an answer's headers: what web servers send, twice over

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: ([^\r\n]*))?\r?\n")
_END = re.compile(rb"\r?\n\r?\n")
_START = b"HTTP/1."
_LOGIN = 407


class ConnectHandshake:
    """One request to an HTTP proxy.

    Args:
        host: of the pool, a name or an IP address without brackets.
        user: "" for none.

    `done` is set once the pool is at the other end; `rest` is what it has said by then.
    Source: RFC 9110, sections 9.3.6 and 11.7.2.
    """

    def __init__(self, host: str, port: int, user: str = "", password: str = "") -> None:
        self.done = False
        self.rest = b""
        self._data = b""
        self._has_login = bool(user)
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        lines = [f"CONNECT {where} HTTP/1.1", f"Host: {where}"]
        if user:
            credentials = b64encode(f"{user}:{password}".encode()).decode()
            lines.append(f"Proxy-Authorization: Basic {credentials}")
        self._request = "".join(f"{line}\r\n" for line in (*lines, "")).encode()

    def start(self) -> bytes:
        """Return what is to be sent."""
        return self._request

    def receive(self, data: bytes) -> bytes:
        """Take what the proxy has sent.

        Returns: b"", for there is nothing more to send.
        Raises: PoolError when it refuses, or is no HTTP proxy.
        """
        self._data += data
        if not (self._data.startswith(_START) or _START.startswith(self._data)):
            raise PoolError("it is no HTTP proxy")
        end = _END.search(self._data)
        if end is None:
            if len(self._data) > MOST:
                raise PoolError(f"its answer has no end in {MOST} bytes")
            return b""
        status = _STATUS.match(self._data)
        if status is None:
            raise PoolError("it is no HTTP proxy")
        code = int(status[1])
        if not 200 <= code < 300:
            raise PoolError(self._refusal(code, (status[2] or b"").decode("ascii", "replace")))
        self.done = True
        self.rest, self._data = self._data[end.end() :], b""
        return b""

    @property
    def needed(self) -> int:
        """How many bytes more may be read."""
        return 0 if self.done else MOST

    def _refusal(self, code: int, words: str) -> str:
        if code == _LOGIN:
            if self._has_login:
                return "it refuses our user and password"
            return "it wants a user and password, http://user:password@…"
        shown = "".join(character for character in words[:100] if character.isprintable())
        return f"it says: {code} {shown}".rstrip()
