"""Keys from a terminal: bytes to names, and the terminal's own settings, which always come back.

Strategy: the decoder knows no terminal, so that it can be fed anything; only Raw changes one.
The trap: the Escape key is the first byte of every longer sequence.  One that nothing follows is told
from those by the caller's patience: it waits ESCAPE_SECONDS, then calls flush().
"""

import codecs
import sys
import termios
from collections.abc import Mapping
from typing import Any

ESCAPE_SECONDS = 0.05  # a terminal sends a sequence at once; a slow line may part it
LONGEST = 16  # bytes of a sequence; what is longer is none

# After ESC: CSI and SS3 endings, with the numbers that older terminals send.
_SEQUENCES = {
    "[A": "up",
    "[B": "down",
    "[C": "right",
    "[D": "left",
    "OA": "up",
    "OB": "down",
    "OC": "right",
    "OD": "left",
    "[H": "home",
    "[F": "end",
    "OH": "home",
    "OF": "end",
    "[1~": "home",
    "[4~": "end",
    "[7~": "home",
    "[8~": "end",
    "[5~": "pgup",
    "[6~": "pgdn",
    "[Z": "backtab",
}
_CONTROLS = {
    "\x03": "ctrl-c",
    "\x04": "ctrl-d",
    "\x1a": "ctrl-z",
    "\x0c": "ctrl-l",
    "\x15": "ctrl-u",
    "\t": "tab",
    "\r": "enter",
    "\n": "enter",
    "\x7f": "backspace",
    "\x08": "backspace",
}
NAMES = frozenset({*_SEQUENCES.values(), *_CONTROLS.values(), "escape"})


class Keys:
    """Bytes in, keys out: a printable character as it is, all else by a name of NAMES."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("ignore")
        self._held = ""

    @property
    def pending(self) -> bool:
        """Whether what came may be the beginning of a sequence, or the Escape key."""
        return bool(self._held)

    def feed(self, data: bytes) -> list[str]:
        """Take what the terminal sent."""
        keys = []
        for character in self._decode.decode(data):
            keys += self._take(character)
        return keys

    def flush(self) -> list[str]:
        """Nothing follows: Escape was Escape."""
        held, self._held = self._held, ""
        return ["escape"] if held == "\x1b" else []

    def _take(self, character: str) -> list[str]:
        if character == "\x1b":
            before, self._held = self._held, character
            return ["escape"] if before == "\x1b" else []
        if not self._held:
            return _key(character)
        self._held += character
        rest = self._held[1:]
        if len(rest) == 1 and rest not in "[O":
            self._held = ""
            return ["escape", *_key(character)]
        if len(rest) > 1 and ("@" <= character <= "~" or len(rest) >= LONGEST):
            self._held = ""
            return [_SEQUENCES[rest]] if rest in _SEQUENCES else []
        return []


def _key(character: str) -> list[str]:
    name = _CONTROLS.get(character)
    if name is not None:
        return [name]
    return [character] if character.isprintable() else []


class Raw:
    """A terminal that sends each key as it is pressed, Ctrl-C too; its settings come back at the end.

    Args:
        file: number of the terminal.
    """

    def __init__(self, file: int) -> None:
        self._file = file
        self._before: list[Any] = []

    def __enter__(self) -> None:
        self._before = termios.tcgetattr(self._file)
        mode = termios.tcgetattr(self._file)
        mode[0] &= ~(termios.IXON | termios.INLCR | termios.IGNCR)
        mode[3] &= ~(termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN)
        mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
        termios.tcsetattr(self._file, termios.TCSADRAIN, mode)

    def __exit__(self, *_: object) -> None:
        termios.tcsetattr(self._file, termios.TCSADRAIN, self._before)


def is_usable(environ: Mapping[str, str]) -> bool:
    """Tell whether there is a terminal to draw on and to read keys from."""
    return sys.stdin.isatty() and sys.stdout.isatty() and environ.get("TERM", "dumb") not in ("", "dumb")
