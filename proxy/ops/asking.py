"""Asking a running proxy over HTTP: the address, the connection, what may be shown of an answer.

Strategy: the standard library's client, no event loop; for commands that a person or a container runs.
The trap: the other end may be anything, so what it says is cut and cleaned before a terminal sees it.
"""

import http.client
import ssl
from urllib.parse import SplitResult, urlsplit

MAX_SHOWN = 200


def address_of(url: str) -> SplitResult:
    """Take an address apart.

    Args:
        url: http://HOST:PORT[/PATH], https too; http:// may be left out.
    Raises: ValueError for what is none, or holds a user name.
    """
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ValueError(parts.netloc)
    return parts


def connection_to(
    parts: SplitResult, timeout: float, context: ssl.SSLContext | None = None
) -> http.client.HTTPConnection:
    """Make the client of an address; it connects with the first request.

    Args:
        timeout: seconds for each step: to connect, to send, to hear.
        context: of https; None for the system's authorities.
    Raises: ValueError, http.client.InvalidURL for a port that is none.
    """
    host = parts.hostname or ""
    if parts.scheme == "https":
        context = context or ssl.create_default_context()
        return http.client.HTTPSConnection(host, parts.port, timeout=timeout, context=context)
    return http.client.HTTPConnection(host, parts.port, timeout=timeout)


def why(error: Exception) -> str:
    """Say it in words where the system has them: "Connection refused" without its number."""
    return one_line(getattr(error, "strerror", None) or str(error) or type(error).__name__)


def one_line(text: str, most: int = MAX_SHOWN) -> str:
    """One line, cut, nothing a terminal would act on.

    Args:
        most: characters.
    """
    line = " ".join(text[: most * 4].split())[:most]
    return "".join(character if character.isprintable() else "?" for character in line)
