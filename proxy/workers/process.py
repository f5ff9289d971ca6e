"""One worker as a process of the system: started, talked to over a socket pair, ended.

Strategy: a fresh interpreter rather than a fork, because a forked one has its parent's sockets, tasks and
keys; it inherits just its listening sockets and the channel, which is its standard input.  It has a
process group of its own, so that Ctrl-C at a terminal reaches the parent alone.
The trap: the kernel ends a worker with the thread that started it (see child.py), so this must run in
the main thread.
"""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import trio

MAIN = str(Path(__file__).with_name("__main__.py"))
POLL_SECONDS = 0.1  # where the kernel cannot wake us when a process ends


class Worker(Protocol):
    """A process, as its supervisor sees it."""

    pid: int
    channel: trio.abc.Stream

    def kill(self) -> None:
        """End it at once; does nothing if it has ended."""

    async def wait(self) -> int:
        """Wait until it has ended; the exit status, or the signal that ended it as a negative number."""


class Process:
    """A running worker process; see Worker."""

    def __init__(self, popen: subprocess.Popen[bytes], channel: trio.SocketStream) -> None:
        self.pid = popen.pid
        self.channel: trio.abc.Stream = channel
        self._popen = popen

    def kill(self) -> None:
        """End it at once."""
        self._popen.kill()

    async def wait(self) -> int:
        """Wait until it has ended."""
        with contextlib.ExitStack() as stack:
            try:
                file = os.pidfd_open(self.pid)
            except OSError:  # a kernel without them, or one that has ended
                while self._popen.poll() is None:  # noqa: ASYNC110  # nobody else tells
                    await trio.sleep(POLL_SECONDS)
            else:
                stack.callback(os.close, file)
                while self._popen.poll() is None:
                    await trio.lowlevel.wait_readable(file)
        return int(self._popen.returncode)


def start(number: int, listening: Sequence[int]) -> Process:
    """Start a worker.

    Args:
        number: its place, for whoever lists the processes.
        listening: file numbers that it inherits, and has under the same numbers.
    Raises: OSError.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            popen = subprocess.Popen(
                [sys.executable, "-P", MAIN, str(number)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                pass_fds=tuple(listening),
                process_group=0,
            )
        except OSError:
            ours.close()
            raise
    ours.setblocking(False)
    return Process(popen, trio.SocketStream(trio.socket.from_stdlib_socket(ours)))
