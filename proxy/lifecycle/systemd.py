"""Sockets that systemd hands down, and what it is told of us; both by the environment, without a library.

    LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES    sockets from file number 3 on, see sd_listen_fds(3)
    NOTIFY_SOCKET                             where READY=1 and the like go, see sd_notify(3)

The trap: what is meant for us must not be taken by our own children, so the variables are removed.
"""

import contextlib
import os
import socket
import time
from collections.abc import MutableMapping

from proxy.errors import ConfigError
from proxy.lifecycle.ports import Inherited

FIRST_FILE = 3
MOST_FILES = 512  # no unit has so many; a number beyond is no number of sockets
UNNAMED = ("", "unknown", "connection", "stored")  # what systemd writes where nobody gave a name
READY, STOPPING = "READY=1", "STOPPING=1"


def inherited(environ: MutableMapping[str, str]) -> list[Inherited]:
    """Take the listening sockets that are meant for this process.

    Raises: ConfigError if what is there are no listening stream sockets.
    """
    pid, count = environ.pop("LISTEN_PID", ""), environ.pop("LISTEN_FDS", "")
    names = environ.pop("LISTEN_FDNAMES", "").split(":")
    if pid != str(os.getpid()) or not count.isdecimal() or int(count) > MOST_FILES:
        return []
    names += [""] * int(count)
    return _grouped(
        [(names[place], _listening(FIRST_FILE + place, names[place])) for place in range(int(count))]
    )


def _listening(file: int, name: str) -> socket.socket:
    what = f"systemd: inherited socket {name or file}"
    try:
        sock = socket.socket(fileno=file)
        os.set_inheritable(file, False)
        listens = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise ConfigError(f"{what}: {error.strerror}") from None
    if sock.type != socket.SOCK_STREAM or not listens:
        sock.close()
        raise ConfigError(
            f"{what}: is no listening stream socket; the unit needs ListenStream= and Accept=no"
        )
    return sock


def _grouped(found: list[tuple[str, socket.socket]]) -> list[Inherited]:
    """Make each socket one of its own; names that nobody gave, and names of several, tell nothing."""
    names = [name for name, _ in found]
    return [
        Inherited(
            "" if name in UNNAMED or name.endswith(".socket") or names.count(name) > 1 else name, "", [sock]
        )
        for name, sock in found
    ]


def notify(*words: str) -> None:
    """Tell systemd how we are; nothing where it does not listen."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path.startswith(("/", "@")):
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)  # it is no reason to wait
        sock.connect(f"\0{path[1:]}" if path[0] == "@" else path)
        sock.send("\n".join(words).encode())


def reloading() -> None:
    """Tell systemd that a reload begins; READY follows when it is done."""
    notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
