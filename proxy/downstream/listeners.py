"""Binds what miners come to, ports and socket files; an address that cannot be had is one clear line.

Strategy: whoever has a socket file is asked by a connection to it.  A file that a dead process left
refuses that and is replaced; a living one is not touched.  Closing a listener removes its file.
The traps: a bound file that does not listen yet refuses, too, so two proxies that start on one path
within the same millisecond can both take it; and a file is only ours while device and inode say so.
"""

import contextlib
import errno
import os
import socket
import stat

from proxy.config import Address, Listen
from proxy.errors import ConfigError

BACKLOG = 16_384  # a whole farm reconnects at once after a restart; the kernel cuts it to somaxconn
FILE_MODE = 0o660  # of a socket file: who may connect is the owner's and the group's to say
MAPPED = "::ffff:"  # before the IPv4 address of a peer of a port for both
UNIX = "unix"  # stands for the address of all who come by a socket file, which tells nothing of them

_WHY = {
    errno.EADDRINUSE: "in use by another program; stop that one or choose another port",
    errno.EADDRNOTAVAIL: "not an address of this machine",
    errno.EACCES: "not allowed; ports below 1024 need a privilege",
}
_NOT_ALLOWED = "not allowed; the user that sluice runs as must be able to write to its directory"
_WHY_FILE = {
    errno.EADDRINUSE: "in use by another program; stop that one or choose another path",
    errno.ENOENT: "its directory does not exist; create that first",
    errno.ENOTDIR: "its directory is no directory; choose another path",
    errno.EACCES: _NOT_ALLOWED,
    errno.EPERM: _NOT_ALLOWED,
}


def bind(listen: Listen) -> socket.socket:
    """Bind and listen on one listener's address.

    Returns: a non-blocking listening socket.
    Raises: ConfigError, naming the listener and its address.
    """
    what, url = f"listen.{listen.name}", listen.url
    if url.scheme == UNIX:
        return bind_file(what, url.path)
    return bind_tcp(what, url.host, url.port, str(url))


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


class FileListener(socket.socket):
    """A listening socket whose file goes when it is closed, unless another has taken the path."""

    def __init__(self, path: str, fileno: int | None = None) -> None:
        super().__init__(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno)
        self._path = path
        self._file: tuple[int, int] | None = None  # device and inode, None before it is there

    @classmethod
    def adopt(cls, path: str, sock: socket.socket) -> "FileListener":
        """Take up a socket that listens at a path already; the file is ours from now on."""
        made = cls(path, sock.detach())
        with contextlib.suppress(OSError):  # somebody has removed it
            made._file = _device_and_inode(path)
        return made

    def disown(self) -> None:
        """Leave the file in place: somebody else listens on this socket, too."""
        self._file = None

    def take(self, mode: int) -> None:
        """Create the file and listen.

        Args:
            mode: of the file.
        Raises: OSError.
        """
        self.bind(self._path)
        self._file = _device_and_inode(self._path)
        os.chmod(self._path, mode)  # before anybody can connect
        self.listen(BACKLOG)

    def close(self) -> None:
        """Remove the file, if it is still ours, and close.

        In this order: while it listens nobody takes it for a dead one's, and no other file can have its
        inode.
        """
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):  # gone, or not to be removed: the next start replaces it
                if _device_and_inode(self._path) == file:
                    os.unlink(self._path)
        super().close()


def bind_file(what: str, path: str, mode: int = FILE_MODE) -> FileListener:
    """Bind and listen on a socket file, in place of one that a dead process left.

    Args:
        what: the configuration key to name in an error.
        path: of the file.
        mode: of the file, for who may connect.
    Raises: ConfigError.
    """
    sock = FileListener(path)
    try:
        _clear(path)
        sock.take(mode)
    except OSError as error:
        sock.close()
        why = _WHY_FILE.get(error.errno or 0, error.strerror)
        raise ConfigError(f"{what}: {UNIX}://{path}: {why}") from None
    sock.setblocking(False)
    return sock


def _clear(path: str) -> None:
    """Remove the socket file of a dead process; do nothing where no file is.

    Raises: OSError if there is anything else.
    """
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise OSError(0, "is there and no socket; remove it or choose another path")
        file = _device_and_inode(path)
        _knock(path)
        if _device_and_inode(path) == file:
            os.unlink(path)
    except FileNotFoundError:
        return  # nobody's; or its owner has just removed it


def _knock(path: str) -> None:
    """Return if nobody listens on a socket file.

    Raises: OSError EADDRINUSE if somebody does, another if that cannot be found out.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return
        except OSError as error:
            # A queue that is full, and a socket of another type, have an owner that lives.
            if error.errno not in (errno.EAGAIN, errno.EPROTOTYPE):
                raise
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def _device_and_inode(path: str) -> tuple[int, int]:
    found = os.lstat(path)
    return found.st_dev, found.st_ino


def peer_text(peer: object) -> str:
    """Return the address of an accepted peer for people and for limits.

    Args:
        peer: as accept() gives it: a tuple for TCP, text or bytes, mostly empty, for a socket file.
    Returns: the one form that networks know it by: of an IPv4 peer of a port for both its IPv4 address.
    """
    return str(peer[0]).removeprefix(MAPPED) if isinstance(peer, tuple) else UNIX


def bound(listen: Listen, sock: socket.socket) -> Address:
    """Tell the address a listener really has, with the port the kernel chose for 0."""
    if listen.url.scheme == UNIX:
        return listen.url
    host, port = sock.getsockname()[:2]
    return Address(listen.url.scheme, host, port, listen.url.path)
