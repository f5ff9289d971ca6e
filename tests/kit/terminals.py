"""A real terminal, of the kernel, with a command of sluice in it: keys typed, what it shows read back.

Nothing waits for a time: each step ends when the screen shows what it is about.
"""

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import proxy

PATIENT = 180  # seconds until a test that waits in vain gives up
_ESCAPES = re.compile(rb"\x1b(?:\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07|[()][A-Z0-9]|[=>])")
ALTERNATE, NORMAL, CURSOR = b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?25h"

# The terminal becomes the one whose Ctrl-C is a signal; a function between fork and exec would do the same,
# but not beside threads.
_START = """
import fcntl, runpy, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
runpy.run_module("proxy", run_name="__main__")
"""


class Screen:
    """A terminal in which a command of sluice runs.

    Args:
        arguments: of sluice.
        asks: it talks on standard error, which is then the terminal, too.
    """

    def __init__(self, *arguments: str, columns: int = 120, lines: int = 30, asks: bool = False) -> None:
        self.leader, self._follower = os.openpty()
        self.resize(columns, lines, tell=False)
        self.before = termios.tcgetattr(self._follower)
        environ = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE")}
        for name in ("COLUMNS", "LINES", "NO_COLOR"):
            environ.pop(name, None)
        environ |= {"TERM": "xterm-256color", "PYTHONPATH": str(Path(proxy.__file__).parent.parent)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", _START, *arguments],
            stdin=self._follower,
            stdout=self._follower,
            stderr=self._follower if asks else subprocess.PIPE,
            env=environ,
            start_new_session=True,
        )
        self.shown = b""
        self._until = time.monotonic() + PATIENT

    def resize(self, columns: int, lines: int, tell: bool = True) -> None:
        """Give the window another size."""
        fcntl.ioctl(self.leader, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        if tell:
            self.process.send_signal(signal.SIGWINCH)

    def types(self, keys: str) -> None:
        """Press keys; what was shown before is forgotten."""
        self.shown = b""
        os.write(self.leader, keys.encode())

    def until(self, text: str) -> str:
        """Wait until a text is on the screen; returns all that was shown, without colours."""
        while True:
            plain = _ESCAPES.sub(b"", self.shown).decode("utf-8", "replace")
            if text in plain:
                return plain
            self._read(text)

    def until_raw(self, sent: bytes) -> None:
        """Wait for an order to the terminal."""
        while sent not in self.shown:
            self._read(repr(sent))

    def _read(self, what: str) -> None:
        # It draws every second, so silence alone would never end a wait in vain.
        left = max(0.0, self._until - time.monotonic())
        ready, _, _ = select.select([self.leader], [], [], left)
        assert ready, f"{what} never came; there was {self.shown[-2000:]!r}"
        self.shown += os.read(self.leader, 65_536)

    def ends(self) -> tuple[int, str]:
        """Wait for its end; exit status and what it said to standard error."""
        _, said = self.process.communicate(timeout=PATIENT)
        while select.select([self.leader], [], [], 0)[0]:
            self.shown += os.read(self.leader, 65_536)
        return self.process.returncode, (said or b"").decode()

    def interrupted(self) -> int:
        """Press Ctrl-C until it ends: one between a prompt and its reading is heard with the next."""
        while self.process.poll() is None and time.monotonic() < self._until:
            os.write(self.leader, b"\x03")
            if select.select([self.leader], [], [], 0.1)[0]:
                os.read(self.leader, 65_536)
        return self.ends()[0]

    def is_as_before(self) -> bool:
        """Whether the terminal has its settings and its own screen back."""
        settings = termios.tcgetattr(self._follower) == self.before
        return settings and self.shown.rfind(NORMAL) > self.shown.rfind(ALTERNATE) and CURSOR in self.shown

    def close(self) -> None:
        """End it, whatever it does."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        os.close(self.leader)
        os.close(self._follower)
