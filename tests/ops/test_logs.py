"""What reaches standard error: one line an event, nothing hostile, no flood, and never a crash."""

import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import ConfigError
from proxy.ops.logs import Repeated, configure


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Leave the process's logging as it was found."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], level = before
    root.setLevel(level)
    structlog.reset_defaults()


class Closed(io.StringIO):
    """A stream whose reader has gone."""

    def write(self, text: str, /) -> int:
        raise BrokenPipeError

    def flush(self) -> None:
        raise BrokenPipeError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Ascii(io.StringIO):
    """A stream in the encoding of a machine without a locale."""

    def write(self, text: str, /) -> int:
        return super().write(text.encode("ascii").decode())


def written(level: str = "info", format: str = "json") -> tuple[Any, io.StringIO]:  # noqa: A002
    stream = io.StringIO()
    configure(level, format, stream)
    return structlog.get_logger(), stream


def test_json_is_one_object_a_line() -> None:
    log, stream = written()
    log.info("pool lost", pool="main", retry_in=0.5)
    log.warning("größe\n", raw=b"\xc3\xa9")
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", first.pop("timestamp"))
    assert first == {"event": "pool lost", "level": "info", "pool": "main", "retry_in": 0.5}
    assert (second["event"], second["level"], second["raw"]) == ("größe\n", "warning", "é")


def test_console_is_plain_in_a_pipe_and_coloured_on_a_terminal() -> None:
    log, stream = written(format="console")
    log.info("pool up", pool="main")
    assert re.fullmatch(r"\S+Z \[info +\] pool up +pool=main\n", stream.getvalue())
    terminal = Terminal()
    configure("info", "console", terminal)
    log.info("pool up", pool="main")
    assert "\x1b[" in terminal.getvalue()


def test_below_the_level_nothing_is_written() -> None:
    log, stream = written("warning")
    log.info("no")
    log.debug("no")
    assert stream.getvalue() == ""
    log.error("yes")
    assert "yes" in stream.getvalue()


@pytest.mark.parametrize("format", ["json", "console"])
def test_what_a_miner_says_cannot_act_on_a_terminal(format: str) -> None:  # noqa: A002
    log, stream = written(format=format)
    log.info("agent\x1b[2J", agent="x\r\nforged line\x1b]0;title\x07\u202e")
    (line,) = stream.getvalue().splitlines()
    assert line.isprintable()


@pytest.mark.parametrize("format", ["json", "console"])
def test_a_fault_of_ours_has_no_traceback(format: str) -> None:  # noqa: A002
    log, stream = written(format=format)
    fault = ConfigError("s.toml: workers: no")
    for info in (fault, (type(fault), fault, None)):
        log.error("cannot start", exc_info=info)
    try:
        raise fault
    except ConfigError:
        log.exception("cannot start")
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3
    assert all("s.toml: workers: no" in line and "Traceback" not in line for line in lines)


@pytest.mark.parametrize("format", ["json", "console"])
def test_what_nobody_foresaw_shows_where_it_arose(format: str) -> None:  # noqa: A002
    log, stream = written(format=format)
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        log.exception("bug")
    assert "Traceback" in stream.getvalue()
    assert "test_logs.py" in stream.getvalue()
    if format == "json":
        assert len(stream.getvalue().splitlines()) == 1


def test_the_standard_librarys_lines_take_the_same_way() -> None:
    _, stream = written()
    logging.getLogger("hypercorn.error").info("Running on %s", "http://h")
    logging.getLogger("hypercorn.error").debug("no")
    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"]) == ("Running on http://h", "info")


def test_a_second_set_up_replaces_the_first() -> None:
    _, first = written()
    log, second = written()
    log.info("once")
    logging.getLogger("x").info("twice")
    assert first.getvalue() == ""
    assert len(second.getvalue().splitlines()) == 2


@pytest.mark.parametrize("format", ["json", "console"])
def test_nobody_reading_stops_nothing(format: str) -> None:  # noqa: A002
    closed = io.StringIO()
    closed.close()
    for stream in (Closed(), closed):
        configure("info", format, stream)
        structlog.get_logger().info("x")
        logging.getLogger("x").warning("x")


def test_what_cannot_be_encoded_is_escaped() -> None:
    stream = Ascii()
    configure("info", "console", stream)
    structlog.get_logger().info("größe")
    assert "gr\\xf6\\xdfe" in stream.getvalue()


def test_standard_error_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    structlog.get_logger().info("here")
    assert "here" in capsys.readouterr().err


def test_the_first_of_a_kind_is_logged_then_one_in_a_while() -> None:
    quiet = Repeated(seconds=60)
    assert quiet.should_log("a", 0.0) == 0
    assert [quiet.should_log("a", now) for now in (0.0, 1.0, 59.9)] == [None, None, None]
    assert quiet.should_log("b", 1.0) == 0
    assert quiet.should_log("a", 60.0) == 3
    assert quiet.should_log("a", 61.0) is None
    assert quiet.should_log("a", 120.0) == 1


def test_inventing_keys_makes_no_flood() -> None:
    quiet = Repeated(seconds=60, most=10)
    logged = [key for key in range(1000) if quiet.should_log(key, 1.0) is not None]
    assert logged == list(range(11))
    assert len(quiet) == 10
    # One line stands for all those there was no room for.
    assert quiet.should_log("new", 2.0) is None
    assert quiet.should_log("new", 61.0) == 0
    assert len(quiet) == 1


def test_a_full_table_forgets_only_who_may_speak_again() -> None:
    quiet = Repeated(seconds=60, most=2)
    quiet.should_log("a", 0.0)
    quiet.should_log("b", 30.0)
    assert quiet.should_log("c", 60.0) == 0
    assert quiet.should_log("b", 61.0) is None
    assert quiet.should_log("c", 61.0) is None
    assert quiet.should_log("others", 62.0) == 0
    assert quiet.should_log("others too", 62.0) is None
    assert quiet.should_log("b", 90.0) == 1


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 30)), max_size=200))
def test_lines_and_keys_are_bounded_whatever_comes(events: list[tuple[int, int]]) -> None:
    quiet, now, lines = Repeated(seconds=60, most=5), 0, []
    for key, wait in events:
        now += wait
        if quiet.should_log(key, now) is not None:
            lines.append(now)
        assert len(quiet) <= 5
    for start in lines:
        assert sum(start <= at < start + 60 for at in lines) <= 12
