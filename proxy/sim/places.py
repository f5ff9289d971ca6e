"""Where a simulated end listens or connects to: a TCP address, or a socket file.

Strategy: one host and port stand for both; a host that begins with `/` is the path of a socket file, as
database clients have it, and its port is 0.  So nothing between the command line and the socket needs
to know of the difference.
The trap: a socket file outlives its listener, so it is removed with it, and replaced if nobody listens.
"""

import contextlib
import os
import socket
import stat
from urllib.parse import urlsplit

import trio

from proxy.errors import ConfigError

BACKLOG = 4096  # a farm that connects at once; the kernel cuts it to somaxconn
UNIX_PEER = "unix"  # stands for the address of whoever came by a socket file


def is_file(host: str) -> bool:
    """Tell whether a host is the path of a socket file."""
    return host.startswith("/")


def read_address(url: str) -> tuple[str, int]:
    """Read where to connect to: stratum+tcp://host:port, unix:///path, or host:port alone.

    Returns: host and port; a path and 0 for a socket file.
    Raises: ConfigError.
    """
    try:
        parts = urlsplit(url if "://" in url else f"stratum+tcp://{url}")
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if parts.scheme == "unix" and not parts.netloc and len(parts.path) > 1:
        return parts.path, 0
    if not host or not port or parts.scheme != "stratum+tcp":
        raise ConfigError(
            f'"{url}" is no address to mine at: stratum+tcp://HOST:PORT or unix:///PATH expected'
        )
    return host, port


def url_of(host: str, port: int) -> str:
    """Write what read_address() reads."""
    if is_file(host):
        return f"unix://{host}"
    return f"stratum+tcp://{f'[{host}]' if ':' in host else host}:{port}"


async def connect(host: str, port: int, local_address: str | None = None) -> trio.SocketStream:
    """Connect.

    Args:
        local_address: where to come from, None for what the system takes; a socket file has no such thing.
    Raises: OSError.
    """
    if is_file(host):
        return await trio.open_unix_socket(host)
    return await trio.open_tcp_stream(host, port, local_address=local_address)


async def listen(host: str, port: int) -> list[trio.SocketListener]:
    """Listen.

    Raises: OSError.
    """
    if not is_file(host):
        return await trio.open_tcp_listeners(port, host=host)
    if _is_left(host):
        os.unlink(host)
    sock = trio.socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        await sock.bind(host)
        sock.listen(BACKLOG)
    except BaseException:
        sock.close()
        raise
    return [trio.SocketListener(sock)]


def _is_left(path: str) -> bool:
    """Tell whether there is a socket file that nobody listens on."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return stat.S_ISSOCK(os.lstat(path).st_mode)
        except OSError:
            pass
    return False


def leave(host: str) -> None:
    """Remove the socket file of a listener that is closed; do nothing for TCP."""
    if is_file(host):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(host)


def port_of(listener: trio.SocketListener) -> int:
    """Return the port that a listener really has, 0 for a socket file."""
    name = listener.socket.getsockname()
    return int(name[1]) if isinstance(name, tuple) else 0


def address_of(stream: trio.SocketStream) -> str:
    """Return the address of a peer, whether it is still there or not."""
    sock = stream.socket
    if sock.fileno() < 0:
        return "gone"
    peer = sock.getpeername()
    return str(peer[0]) if isinstance(peer, tuple) else UNIX_PEER
