"""Where a pool is or a listener stands: one URL, taken apart once.

Strategy: a narrow pattern instead of a general URL parser, which would take user names, spaces and
half an IPv6 address.  The trap: an URL with a password in it must not reach an error text.
"""

import ipaddress
import re

import attrs

from proxy.config.rules import shown
from proxy.errors import ConfigError

SCHEMES = ("stratum+tcp", "stratum+tls", "ws", "wss", "unix")
DEFAULT_PORTS = {"ws": 80, "wss": 443}
MAX_SOCKET_PATH = 107  # sun_path of Linux holds 108 bytes with its NUL

_FORM = "must be like stratum+tcp://host:port (or stratum+tls, ws, wss, unix:///path)"
_URL = re.compile(
    r"(?P<scheme>[a-z+]+)://(?:\[(?P<ipv6>[0-9a-fA-F:.]+(?:%[A-Za-z0-9._-]+)?)\]|(?P<host>[A-Za-z0-9._-]{1,253}))?"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<path>/[!-~]*)?"
)


@attrs.frozen
class Address:
    """An address as the configuration gives it; str() gives it back.

    Args:
        scheme: one of SCHEMES.
        host: name or IP address, without brackets; "" for unix.
        port: 0 .. 65535, where 0 is any free one; 0 for unix.
        path: of the socket file, or what a WebSocket asks for; "" without one.
    """

    scheme: str
    host: str
    port: int
    path: str = ""

    def __str__(self) -> str:
        if self.scheme == "unix":
            return f"unix://{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read an address.

        Args:
            text: stratum+tcp://host:port, stratum+tls://…, ws(s)://host:port/path with the port of
                HTTP(S) if there is none, or unix:///path; an IPv6 address in brackets.
        Raises: ConfigError saying what is allowed.
        """
        # Shown only if it cannot hold a password.
        what = "" if "@" in text else f", not {shown(text)}"
        if "@" in text:
            raise ConfigError(f"{_FORM}; user and password have keys of their own")
        match = _URL.fullmatch(text)
        if not match or match["scheme"] not in SCHEMES:
            raise ConfigError(_FORM + what)
        scheme, path = match["scheme"], match["path"] or ""
        if scheme == "unix":
            return cls(scheme, "", 0, _socket_path(match, path))
        if path and scheme not in DEFAULT_PORTS:
            raise ConfigError(f"takes no path after the port{what}")
        host = match["host"] or _ipv6(match["ipv6"] or "", what)
        port = int(match["port"]) if match["port"] else DEFAULT_PORTS.get(scheme)
        if port is None:
            raise ConfigError(f"needs a port, as in {scheme}://host:3333{what}")
        if port > 65_535:
            raise ConfigError(f"has a port above 65535{what}")
        return cls(scheme, host, port, path)


def _socket_path(match: re.Match[str], path: str) -> str:
    if match["host"] or match["ipv6"] or match["port"] or path in ("", "/"):
        raise ConfigError("must be like unix:///run/sluice.sock, three slashes and the path of the socket")
    if len(path) > MAX_SOCKET_PATH:
        raise ConfigError(f"has a socket path of more than {MAX_SOCKET_PATH} bytes")
    return path


def _ipv6(text: str, what: str) -> str:
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        raise ConfigError(_FORM + what) from None
