"""What is said on standard error: one line an event, for people or as JSON.

Strategy: structlog alone; whoever has something to say takes structlog.get_logger() and gives an event
and its facts.  Lines of the standard library's logging (the HTTP server's) take the same way.
A fault of ours is one line, never a traceback; only an exception nobody foresaw shows where it arose.
The trap: names come from miners, so nothing of theirs may reach a terminal as it is, and a flood of
junk must not become a flood of lines (Repeated).
"""

import logging
import sys
from collections.abc import Hashable, Sequence
from typing import TextIO

import attrs
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from proxy.errors import SluiceError

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def configure(
    level: str = "info",
    format: str = "console",  # noqa: A002
    stream: TextIO | None = None,
    before: Sequence[Processor] = (),
) -> None:
    """Set up what every logger of the process writes.

    Args:
        level: debug, info, warning or error: the least that is written.
        format: console, coloured on a terminal, or json, one object a line.
        stream: where to, standard error by default.
        before: what every line goes through first.
    """
    out = _Unbreakable(sys.stderr if stream is None else stream)
    shared: list[Processor] = [
        *before,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_traceback,
    ]
    last = _renderers(format, colors=out.isatty())
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(file=out),  # type: ignore[arg-type]  # write and flush are all it uses
        # Loggers are made when modules are imported, before this runs.
        cache_logger_on_first_use=False,
    )
    _take_standard_logging(level, shared, last, out)


def _renderers(format: str, *, colors: bool) -> list[Processor]:  # noqa: A002
    if format == "json":
        return [
            structlog.processors.format_exc_info,
            structlog.processors.UnicodeDecoder(),
            structlog.processors.JSONRenderer(),
        ]
    plain = structlog.dev.plain_traceback
    return [_printable, structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)]


def _take_standard_logging(
    level: str, shared: list[Processor], last: list[Processor], out: "_Unbreakable"
) -> None:
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(LEVELS[level])


def _without_traceback(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A fault of ours says in its own line what is wrong; where in the code it arose helps nobody."""
    info = event.get("exc_info")
    error = info if isinstance(info, BaseException) else None
    if info is True:
        error = sys.exc_info()[1]
    elif isinstance(info, tuple) and len(info) == 3:
        error = info[1]
    if isinstance(error, SluiceError):
        del event["exc_info"]
        event["error"] = str(error)
    return event


def _printable(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Escape what a terminal would act on; JSON does that by itself."""
    for key, value in event.items():
        if isinstance(value, str) and key != "exception" and not value.isprintable():
            event[key] = value.encode("unicode_escape").decode("ascii")
    return event


class _Unbreakable:
    """A stream whose reader may go away: a proxy does not stop mining because nobody reads its log."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or do not; UTF-8 with what cannot be encoded escaped."""
        try:
            return self._stream.write(text)
        except UnicodeEncodeError:
            return self.write(text.encode("ascii", "backslashreplace").decode())
        except (OSError, ValueError):  # the pipe is gone, or the stream closed
            return 0

    def flush(self) -> None:
        """Flush, or do not."""
        try:
            self._stream.flush()
        except (OSError, ValueError):
            return

    def isatty(self) -> bool:
        """Whether a person reads it."""
        return not self._stream.closed and self._stream.isatty()


@attrs.define(slots=True)
class _Quiet:
    """One key of Repeated: until when it is silent, and what was swallowed since it last spoke."""

    until: float
    swallowed: int = 0


class Repeated:
    """Lets an event of one kind be logged once in a while, and counts what it held back.

    Args:
        seconds: between two lines of one key.
        most: keys remembered.  When all are taken, new ones share one line between them, so that
            inventing keys does not make a flood either.
    """

    def __init__(self, seconds: float = 60.0, most: int = 1024) -> None:
        self._seconds = seconds
        self._most = most
        self._quiet: dict[Hashable, _Quiet] = {}  # in the order in which they last spoke
        self._others = _Quiet(float("-inf"))

    def should_log(self, key: Hashable, now: float) -> int | None:
        """Ask whether an event may be logged now.

        Args:
            key: what makes two events the same, such as (address, reason).
            now: seconds of the monotonic clock.
        Returns: None if not; else how many of this key were held back since its last line, to be
            logged as `repeated`.
        """
        quiet = self._quiet.get(key)
        if quiet is None:
            if len(self._quiet) >= self._most:
                self._forget(now)
            if len(self._quiet) < self._most:
                self._quiet[key] = _Quiet(now + self._seconds)
                return 0
            quiet = self._others
        if now < quiet.until:
            quiet.swallowed += 1
            return None
        swallowed, quiet.swallowed = quiet.swallowed, 0
        quiet.until = now + self._seconds
        if quiet is not self._others:
            self._quiet[key] = self._quiet.pop(key)
        return swallowed

    def _forget(self, now: float) -> None:
        """Drop the keys that are free to speak again, and what they held back with them."""
        while self._quiet:
            oldest = next(iter(self._quiet))
            if now < self._quiet[oldest].until:
                return
            del self._quiet[oldest]

    def __len__(self) -> int:
        return len(self._quiet)
