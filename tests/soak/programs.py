"""The programs of a run: started, heard line by line, asked to end, and their place in /proc.

Strategy: each is a child with its standard output as a pipe and its standard error in a file of the run's
folder; lines go to whoever started it.
The trap: a child that ends by itself must not look like one that has nothing to say, so hear() tells.
"""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Self

import trio

from proxy.wire.lines import LineBuffer

LONGEST_LINE = 4 * 1024 * 1024  # a farm's last report
READ_BYTES = 65_536


class Program:
    """A child of ours.

    Args:
        process: with pipes for input and output.
    """

    def __init__(self, name: str, process: trio.Process, errors: Path) -> None:
        self.name = name
        self.errors = errors
        self.pid = process.pid
        self._process = process
        self._lines = LineBuffer(LONGEST_LINE)
        self._heard: list[bytes] = []

    @classmethod
    async def start(cls, name: str, folder: Path, module: str, *arguments: str) -> Self:
        """Start `python -m module arguments`."""
        errors = folder / f"{name}.log"
        with open(errors, "wb") as stderr:  # noqa: ASYNC230  # a new file of our own, at the start
            process = await trio.lowlevel.open_process(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                # A Ctrl-C is the driver's to pass on, in the order it sees fit.
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join([os.getcwd(), *filter(None, sys.path)])},
            )
        return cls(name, process, errors)

    @property
    def returned(self) -> int | None:
        """Its exit status, None while it runs."""
        return self._process.returncode

    async def say(self, line: bytes) -> None:
        """Write a line to its standard input; one that has ended hears nothing."""
        assert self._process.stdin is not None
        try:
            await self._process.stdin.send_all(line + b"\n")
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            await trio.lowlevel.checkpoint()

    async def hear(self) -> AsyncIterator[bytes]:
        """Yield its lines until it closes its output."""
        assert self._process.stdout is not None
        while True:
            while self._heard:
                yield self._heard.pop(0)
            data = await self._process.stdout.receive_some(READ_BYTES)
            if not data:
                return
            self._heard = self._lines.feed(bytes(data))

    async def hear_word(self, word: bytes) -> bytes:
        """Wait for a line that begins so, and return the rest of it.

        Raises: RuntimeError if the program ends first.
        """
        async for line in self.hear():
            if line.startswith(word):
                return line[len(word) :]
        raise RuntimeError(f"{self.name} ended before it said {word.decode()}: see {self.errors}")

    async def end(self, seconds: float) -> int | None:
        """Ask it to end, and make it after so long; return its exit status, None if it had to be made."""
        if self.returned is None:
            self._process.send_signal(signal.SIGTERM)
        with trio.move_on_after(seconds) as patience:
            await self._process.wait()
        if patience.cancelled_caught:
            self.kill()
            await self._process.wait()
            return None
        return self.returned

    def kill(self) -> None:
        """End it at once, if it still runs."""
        if self.returned is None:
            self._process.kill()
