"""The measured process from outside: started, pinned, asked, and its CPU and memory read.

Strategy: CPU time from the kernel's clock of that process, memory from /proc; wall time says nothing on
a machine that others use as well.  Load and proxy are kept to different cores where there are two.
The trap: nothing here may wait for an answer of the proxy, for the proxy may itself wait for the load.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from typing import Self

import attrs
import msgspec

from proxy.bench import house
from proxy.bench.house import Facts, Settings
from proxy.errors import SluiceError

STOP_SECONDS = 10


@contextlib.contextmanager
def apart() -> Iterator[int | None]:
    """Keep this process to one core for a while.

    Returns: another core for the measured process; None where there is only one, or no choice.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield None
        return
    cores = os.sched_getaffinity(0)
    if len(cores) < 2:
        yield None
        return
    # First and last: neighbours are often two halves of one core.
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield max(cores)
    finally:
        os.sched_setaffinity(0, cores)


class Watched:
    """A measured proxy; a context manager that ends it.

    Args:
        core: that it is kept to, None for any.
    """

    def __init__(self, settings: Settings, core: int | None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", house.__name__, msgspec.json.encode(settings).decode()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        pid = self.process.pid
        if core is not None:
            os.sched_setaffinity(pid, {core})
        # As clock_getcpuclockid() has it: the clock of another process's CPU time.
        self._clock = (~pid << 3) | 2
        self._proc = f"/proc/{pid}"
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._questions, self._output = self.process.stdin, self.process.stdout
        self._text = b""
        self.port = 0
        self.ready = False
        self.facts: deque[Facts] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._questions.close()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._output.close()

    # ---- what it says

    def fileno(self) -> int:
        """What to wait on for its lines."""
        return self._output.fileno()

    def read(self) -> None:
        """Take what it has said; call when there is something.

        Raises: SluiceError if it has ended.
        """
        data = os.read(self.fileno(), 65_536)
        if not data:
            raise SluiceError("bench: the measured proxy ended; see its message above")
        *lines, self._text = (self._text + data).split(b"\n")
        for line in lines:
            said = msgspec.json.decode(line)
            if "port" in said:
                self.port = said["port"]
            elif "ready" in said:
                self.ready = True
            else:
                self.facts.append(Facts(**said))

    def ask(self) -> None:
        """Ask for its Facts; they come by read()."""
        self._questions.write(b"\n")
        self._questions.flush()

    # ---- what the kernel says of it

    def cpu(self) -> float:
        """Seconds of CPU it has had so far."""
        return time.clock_gettime(self._clock)

    def resident_kib(self) -> int:
        """Memory it has now, VmRSS."""
        return self._status("VmRSS:")

    def interruptions(self) -> int:
        """How often the kernel has taken its core from it for another program."""
        return self._status("nonvoluntary_ctxt_switches:")

    def _status(self, name: str) -> int:
        with open(f"{self._proc}/status", encoding="utf-8") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith(name))

    def descriptors(self) -> int:
        """Files it has open."""
        return len(os.listdir(f"{self._proc}/fd"))


@attrs.define
class Stopwatch:
    """CPU of a watched process since some moment."""

    _watched: Watched
    _began: float = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin anew."""
        self._began = self._watched.cpu()

    @property
    def seconds(self) -> float:
        """CPU since then."""
        return self._watched.cpu() - self._began
