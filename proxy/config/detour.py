"""The proxy that a pool is reached by: SOCKS5 or HTTP, with a user where it wants one.

The trap: the one URL of the configuration that may hold a password, so it is never shown as it is; a
password with signs of an URL in it is written in per cent (%40 for @).
"""

import ipaddress
import re
from typing import Any, ClassVar
from urllib.parse import unquote

import attrs

from proxy.errors import ConfigError

NO_DETOUR = "none"  # of a pool: the one of [upstream] is not for it
MOST_BYTES = 255  # of user and password each: SOCKS5 has a byte for their length

_FORM = 'must be like "socks5://[user:password@]host:port" or "http://…", or "" for none'
_URL = re.compile(
    r"(?P<scheme>socks5|socks5h|http)://(?:(?P<user>[^\s:@/]+):(?P<password>[^\s:@/]*)@)?"
    r"(?:\[(?P<ipv6>[0-9a-fA-F:.]+)\]|(?P<host>[A-Za-z0-9._-]{1,253})):(?P<port>[0-9]{1,5})/?"
)


@attrs.frozen
class Detour:
    """A proxy on the way to a pool.

    Args:
        scheme: "socks5" or "http".
        host: name or IP address, without brackets.
        user: "" where it wants none.
    """

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = attrs.field(default="", repr=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"  # for people, so without the user

    @classmethod
    def parse(cls, text: str) -> "Detour":
        """Read an URL.

        Raises: ConfigError, which does not show it.
        """
        match = _URL.fullmatch(text)
        if not match or not 0 < int(match["port"]) < 65_536:
            raise ConfigError(_FORM)
        user, password = unquote(match["user"] or ""), unquote(match["password"] or "")
        if max(len(user.encode()), len(password.encode())) > MOST_BYTES:
            raise ConfigError(f"has a user or password of more than {MOST_BYTES} bytes")
        if not (user + password).isprintable():
            raise ConfigError("has a user or password with control characters")
        host = match["host"]
        if match["ipv6"]:
            try:
                host = str(ipaddress.IPv6Address(match["ipv6"]))
            except ValueError:
                raise ConfigError(_FORM) from None
        # socks5h says that the proxy looks names up, which is so in any case.
        return cls(match["scheme"].removesuffix("h"), host, int(match["port"]), user, password)


@attrs.frozen
class DetourUrl:
    """The rule for the URL of a proxy; never shown, because it may hold a password."""

    text: ClassVar[bool] = True

    def read(self, value: Any) -> str:
        """Return the URL, "" or "none" for no proxy."""
        if not isinstance(value, str):
            raise ConfigError(_FORM)
        if value not in ("", NO_DETOUR):
            Detour.parse(value)
        return value
