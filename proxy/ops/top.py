"""`sluice top`: the farm in a terminal, asked over the HTTP API once in a while.

    keys ─→ Look ─→ wanted page ─→ Asker (a thread) ─→ answer ─→ one drawing

Strategy: this thread waits for keys, signals and answers in one select; questions are asked by another,
so a proxy that hangs makes no key late.  Only the newest answer is kept.
The traps: whatever happens, the terminal gets its settings and its screen back; a signal is a byte in a
pipe, never an exception in the middle of drawing.
"""

import contextlib
import os
import select
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime

import attrs
from rich.console import Console, Group, RenderableType
from rich.live import Live

from proxy.errors import SluiceError
from proxy.ops import topview
from proxy.ops.topdata import AnyListing, Api, Summary
from proxy.ops.topkeys import ESCAPE_SECONDS, Keys, Raw
from proxy.ops.topstate import Look

PLAIN_WIDTH = 120  # characters of a snapshot that goes into a pipe
MAX_KEYS = 1024  # bytes taken from the terminal at once
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGWINCH, signal.SIGCONT)
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Wanted = tuple[str, Mapping[str, str | int]]


@attrs.frozen
class Answer:
    """What the proxy said last.

    Args:
        wanted: the page it was asked for.
        at: time of this machine.
        problem: what was wrong, "" if nothing; then the rest is that of the last good answer.
    """

    wanted: Wanted
    summary: Summary
    listing: AnyListing
    at: datetime
    problem: str = ""


class Asker:
    """Asks in a thread of its own: now when told to, else every so many seconds.

    Args:
        every: seconds between two questions.
        first: the answer to begin with.
    """

    def __init__(self, api: Api, every: float, first: Answer) -> None:
        self._api = api
        self._every = every
        self._answer = first
        self._wanted = first.wanted
        self._change = threading.Condition()
        self._stale = False
        self._ended = False
        self._reading, self._writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        # A question that hangs must not hold up the end; what it holds is one socket.
        self._thread = threading.Thread(target=self._run, name="asker", daemon=True)
        self._thread.start()

    def fileno(self) -> int:
        """What becomes readable with an answer."""
        return self._reading

    def want(self, wanted: Wanted) -> None:
        """Ask for another page at once; the same again is no question."""
        with self._change:
            if wanted != self._wanted:
                self._wanted, self._stale = wanted, True
                self._change.notify()

    def take(self) -> Answer:
        """Return the newest answer."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._reading, 4096)
        with self._change:
            return self._answer

    def end(self) -> None:
        """Ask no more."""
        with self._change:
            self._ended = True
            self._change.notify()

    def _run(self) -> None:
        while True:
            with self._change:
                if not self._stale and not self._ended:
                    self._change.wait(self._every)
                if self._ended:
                    break
                wanted, self._stale, before = self._wanted, False, self._answer
            try:
                answer = ask(self._api, wanted)
            except SluiceError as error:
                answer = attrs.evolve(before, problem=str(error))
            with self._change:
                self._answer = answer
            with contextlib.suppress(BlockingIOError):
                os.write(self._writing, b".")
        self._api.close()  # not before: who closes a connection that another thread reads from breaks it


def ask(api: Api, wanted: Wanted) -> Answer:
    """Ask once for everything that is drawn.

    Raises: SluiceError in one line.
    """
    summary = api.summary()
    listing = api.listing(*wanted)
    return Answer(wanted, summary, listing, datetime.now().astimezone())


def snapshot(api: Api, console: Console, look: Look) -> None:
    """Print once what a terminal would show, all columns, without a screen."""
    answer = ask(api, look.wanted())
    look.counted(answer.listing.total)
    now = topview.time_of(answer.summary)
    console.print(*topview.head(answer.summary, api.where), sep="\n", end="\n\n")
    console.print(topview.tabs(look))
    console.print(topview.table(answer.listing, look, now, console.width))


class Top:
    """The view in a terminal.

    Args:
        api: where to ask.
        every: seconds between two questions.
    """

    def __init__(self, api: Api, console: Console, look: Look, every: float) -> None:
        self._api = api
        self._console = console
        self._look = look
        self._keys = Keys()
        self._fit()
        self._answer = ask(api, look.wanted())
        look.counted(self._answer.listing.total)
        self._asker = Asker(api, every, self._answer)

    def run(self) -> None:
        """Show it until somebody quits."""
        try:
            with _signals() as signals:
                while not self._look.done:
                    with Raw(sys.stdin.fileno()), self._screen() as live:
                        self._watch(live, signals)
                    if self._look.suspended and not self._look.done:
                        os.kill(os.getpid(), signal.SIGSTOP)  # until the shell's fg
                        self._look.suspended = False
        finally:
            self._asker.end()

    def _screen(self) -> Live:
        return Live(
            self._drawing(), console=self._console, screen=True, auto_refresh=False, vertical_overflow="crop"
        )

    def _watch(self, live: Live, signals: int) -> None:
        stdin = sys.stdin.fileno()
        while not (self._look.done or self._look.suspended):
            live.update(self._drawing(), refresh=True)
            # A second at most, because the foot counts how long there has been no answer.
            patience = ESCAPE_SECONDS if self._keys.pending else 1.0
            ready, _, _ = select.select([stdin, signals, self._asker], [], [], patience)
            if signals in ready:
                self._signalled(os.read(signals, 64))
            if stdin in ready:
                self._typed(os.read(stdin, MAX_KEYS))
            elif self._keys.pending:
                self._press(self._keys.flush())
            if self._asker in ready:
                self._answered()
            self._fit()
            self._asker.want(self._look.wanted())

    def _signalled(self, numbers: bytes) -> None:
        if any(number in _ENDING for number in numbers):
            self._look.done = True

    def _typed(self, data: bytes) -> None:
        if not data:  # the terminal is gone
            self._look.done = True
        self._press(self._keys.feed(data))

    def _press(self, keys: list[str]) -> None:
        for key in keys:
            self._look.press(key)

    def _answered(self) -> None:
        self._answer = self._asker.take()
        if self._answer.wanted[0] == self._look.wanted()[0]:
            self._look.counted(self._answer.listing.total)

    def _fit(self) -> None:
        self._look.rows = max(topview.LEAST_ROWS, self._console.height - topview.OTHER_ROWS)

    def _drawing(self) -> RenderableType:
        look, answer = self._look, self._answer
        lines: list[RenderableType] = list(topview.head(answer.summary, self._api.where))
        if look.help:
            return Group(*lines, "", topview.help_page())
        fresh = answer.wanted[0] == look.wanted()[0]
        now = topview.time_of(answer.summary)
        drawn = topview.table(answer.listing if fresh else None, look, now, self._console.width)
        count = min(len(answer.listing.items), look.rows) + 1 if fresh and answer.listing.items else 1
        gap = [""] * max(0, self._console.height - topview.HEAD_ROWS - 3 - count)
        return Group(*lines, "", topview.tabs(look), drawn, *gap, topview.foot(look, self._problem()))

    def _problem(self) -> str:
        if not self._answer.problem:
            return ""
        silence = (datetime.now().astimezone() - self._answer.at).total_seconds()
        since = f"no answer since {self._answer.at:%H:%M:%S} ({silence:.0f} s): "
        return since + self._answer.problem


@contextlib.contextmanager
def _signals() -> Iterator[int]:
    """Turn signals into bytes, and put everything back after.

    Returns: a file to read their numbers from.
    """
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    before = {number: signal.signal(number, lambda *_: None) for number in _SIGNALS}
    wakeup = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield reading
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reading)
        os.close(writing)
