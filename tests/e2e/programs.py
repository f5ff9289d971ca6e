"""`sluice run` as a process of the system, and what is asked of it while it runs."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import trio

from proxy.config import Address


@attrs.define
class Program:
    """A running proxy.

    Args:
        log: where its log goes, JSON lines.
    """

    process: trio.Process
    log: Path
    told: list[str] = attrs.Factory(list)
    _rest: bytes = b""

    async def tells(self, beginning: str) -> str:
        """Wait for a line on standard output; its value."""
        while True:
            for line in self.told:
                if line.startswith(beginning):
                    return line.rpartition("=")[2]
            assert self.process.stdout is not None
            data = await self.process.stdout.receive_some()
            assert data, f"it has ended without {beginning!r}; its log:\n{self.log.read_text()}"
            *lines, self._rest = (self._rest + data).split(b"\n")
            self.told += [line.decode() for line in lines]

    async def address(self, listener: str = "farm") -> Address:
        """Where a listener is."""
        return Address.parse(await self.tells(f"listening name={listener} "))

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The lines of an event so far."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event]

    async def until_logged(self, event: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait until an event has been logged so often."""
        while len(self.logged(event)) < count:  # noqa: ASYNC110  # a file tells nobody
            await trio.sleep(0.02)
        return self.logged(event)

    def hangs_up(self) -> None:
        """Ask it to read its configuration again."""
        self.process.send_signal(signal.SIGHUP)

    async def ends(self, by_us: bool = True) -> dict[str, Any]:
        """Wait for its end in order; its last word."""
        if by_us:
            self.process.terminate()
        assert await self.process.wait() == 0, self.log.read_text()
        return self.logged("stopped")[-1]


def _new_log(directory: Path) -> Path:
    return directory / f"{len(list(directory.glob('*.log')))}.log"


@asynccontextmanager
async def program(
    directory: Path, *options: str, inherit: Sequence[int] = (), names: str = ""
) -> AsyncIterator[Program]:
    """Run `sluice run` on the file sluice.toml of a directory.

    Args:
        inherit: listening sockets to hand down as systemd does.
        names: theirs.
    """
    log = _new_log(directory)
    argv = [sys.executable, "-m", "proxy", "run", "-c", str(directory / "sluice.toml"), *options]
    if inherit:
        # What systemd does between fork and exec: the sockets from 3 on, and whom they are for.
        handing = (
            "import os,sys;"
            f"files={list(inherit)};"
            "high=[os.dup2(f,100+n) for n,f in enumerate(files)];"
            "[os.dup2(f,3+n) for n,f in enumerate(high)];"
            f"os.environ.update(LISTEN_PID=str(os.getpid()),LISTEN_FDS=str(len(files)),LISTEN_FDNAMES={names!r});"
            "os.execv(sys.argv[1],sys.argv[1:])"
        )
        argv = [sys.executable, "-c", handing, *argv]
    environ = {**os.environ, "XDG_RUNTIME_DIR": str(directory)}
    with log.open("wb") as stderr:
        process = await trio.lowlevel.open_process(
            argv,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=environ,
            pass_fds=tuple(inherit),
            cwd=directory,  # where its ledger is, unless the file says otherwise
        )
    try:
        yield Program(process, log)
    finally:
        if process.returncode is None:
            process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()
