"""`sluice top` in a terminal: a real one, of the kernel, with keys typed into it and what it shows read back.

Nothing waits for a time: each step ends when the screen shows what it is about, or the API was asked.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

import proxy
from tests.kit.terminals import ALTERNATE, NORMAL, PATIENT, Screen
from tests.ops.apis import FakeApi, listing, serving, summary, worker


@pytest.fixture
def fake() -> Iterator[FakeApi]:
    """An API that answers."""
    with serving(FakeApi()) as api:
        yield api


Opened = Callable[..., Screen]


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Terminals, closed at the end."""
    with ExitStack() as stack:

        def start(*arguments: str, columns: int = 120, lines: int = 30) -> Screen:
            screen = Screen("top", *arguments, columns=columns, lines=lines)
            stack.callback(screen.close)
            return screen

        yield start


def test_it_shows_the_farm_and_leaves_the_terminal_as_it_was(fake: FakeApi, opened: Opened) -> None:
    screen = opened(fake.url)
    shown = screen.until("q quit")
    for part in ("sluice 9.8.7", "pool main", "Sol/s  1m 358", "missing 2", "conserved", "rig1", "rig2"):
        assert part in shown
    assert ALTERNATE in screen.shown
    screen.shown = b""
    os.write(screen.leader, b"q")
    assert screen.ends() == (0, "")
    screen.shown = ALTERNATE + screen.shown
    assert screen.is_as_before()


def test_keys_ask_for_another_page_at_once(fake: FakeApi, opened: Opened) -> None:
    fake.answers["workers"] = listing(*(worker(f"rig{n}") for n in range(20)), total=10_000)
    screen = opened(fake.url, "--every", "3600")
    screen.until("page 1 of")
    screen.types("s")
    fake.until_asked("workers", sort="name", order="asc")
    screen.until("worker ▴")
    screen.types("r")
    fake.until_asked("workers", sort="name", order="desc")
    screen.types("n")
    fake.until_asked("workers", sort="name", order="desc", offset="21")
    screen.until("page 2 of 477")
    screen.types("o")
    fake.until_asked("workers", state="offline", offset="0")
    screen.until("only offline")


def test_a_filter(fake: FakeApi, opened: Opened) -> None:
    screen = opened(fake.url, "--every", "3600")
    screen.until("q quit")
    screen.types("/rig7")
    screen.until("filter: rig7")
    fake.answers["workers"] = listing(worker("rig77"))
    screen.types("\r")
    fake.until_asked("workers", search="rig7")
    screen.until("rig77")
    fake.answers["workers"] = listing(worker("rig88"))
    screen.types("\x1b")
    shown = screen.until("rig88")
    assert "filter rig7" not in shown.rpartition("sluice 9.8.7")[2]
    assert "search" not in fake.asked[-1][1]


def test_the_views(fake: FakeApi, opened: Opened) -> None:
    screen = opened(fake.url, "--every", "3600", columns=160)
    screen.until("rig1")
    for key, text in (
        ("2", "192.0.2.7"),
        ("p", "stratum+tcp://pool"),
        ("4", "nobody is banned"),
        ("\t", "rig2"),
    ):
        screen.types(key)
        screen.until(text)


def test_help_and_back(fake: FakeApi, opened: Opened) -> None:
    screen = opened(fake.url)
    screen.until("q quit")
    screen.types("?")
    screen.until("any key goes back")
    screen.types("x")
    screen.until("q quit")


@pytest.mark.parametrize("way", ["ctrl-c", "SIGINT", "SIGTERM", "SIGHUP"])
def test_however_it_ends_the_terminal_is_as_before(fake: FakeApi, opened: Opened, way: str) -> None:
    screen = opened(fake.url)
    screen.until("q quit")
    if way == "ctrl-c":
        os.write(screen.leader, b"\x03")
    else:
        screen.process.send_signal(getattr(signal, way))
    assert screen.ends() == (0, "")
    assert screen.is_as_before()


def test_ctrl_z_gives_the_terminal_back_for_a_while(fake: FakeApi, opened: Opened) -> None:
    screen = opened(fake.url)
    screen.until("q quit")
    os.write(screen.leader, b"\x1a")
    _, status = os.waitpid(screen.process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    screen.until_raw(NORMAL)
    assert screen.is_as_before()
    screen.shown = b""
    screen.process.send_signal(signal.SIGCONT)
    screen.until("q quit")
    screen.types("q")
    assert screen.ends() == (0, "")


def test_a_proxy_that_hangs_makes_no_key_late(fake: FakeApi, opened: Opened) -> None:
    screen = opened(fake.url, "--every", "0.2", "--timeout", "60")
    screen.until("q quit")
    fake.hung.set()
    asked = len(fake.asked)
    with fake.changed:
        assert fake.changed.wait_for(lambda: len(fake.asked) > asked, timeout=PATIENT)
    screen.types("?")
    screen.until("any key goes back")
    screen.types("xq")
    assert screen.ends() == (0, "")


def test_while_it_runs_it_keeps_trying(fake: FakeApi, opened: Opened) -> None:
    screen = opened(fake.url, "--every", "0.2")
    screen.until("q quit")
    fake.token = "new"
    shown = screen.until("no answer since")
    assert "rig1" in shown
    screen.until("a read token is needed")
    fake.token = ""
    fake.answers["summary"] = summary(version="9.8.8")
    screen.shown = b""
    screen.until("sluice 9.8.8")
    screen.until("q quit")


def test_a_proxy_that_ends_and_comes_back(opened: Opened) -> None:
    with serving(FakeApi()) as first:
        screen = opened(first.url, "--every", "0.2")
        screen.until("q quit")
        port = int(first.url.rpartition(":")[2])
        first.status = 503
        screen.until("answered 503: out of order")
    screen.until("Connection refused")
    with serving(FakeApi(summary=summary(version="9.9.9")), port):
        screen.until("sluice 9.9.9")


def test_another_size_is_drawn_at_once(fake: FakeApi, opened: Opened) -> None:
    fake.answers["workers"] = listing(*(worker(f"rig{n}") for n in range(40)), total=40)
    screen = opened(fake.url, "--every", "3600", lines=30)
    screen.until("page 1 of 2")
    screen.shown = b""
    screen.resize(70, 60)
    fake.until_asked("workers", limit="51")
    screen.until("page 1 of 1")
    screen.shown = b""
    screen.resize(5, 2)
    fake.until_asked("workers", limit="1")
    screen.types("q")
    assert screen.ends() == (0, "")


@contextmanager
def _nobody() -> Iterator[str]:
    with serving(FakeApi()) as gone:
        url = gone.url
    yield url


@pytest.mark.parametrize(("token", "status", "said"), [("x", 2, "read token"), ("", 1, "Connection refused")])
def test_nobody_to_show_is_one_line_and_no_screen(
    fake: FakeApi, opened: Opened, token: str, status: int, said: str
) -> None:
    fake.token = token
    with _nobody() as nobody:
        screen = opened(fake.url if token else nobody)
    code, line = screen.ends()
    assert (code, line.count("\n"), screen.shown) == (status, 1, b"")
    assert said in line


def test_a_hostile_name_stays_a_name(fake: FakeApi, opened: Opened) -> None:
    fake.answers["workers"] = listing(worker("rig\x1b]0;owned\x07\x9b2J"))
    screen = opened(fake.url)
    assert "rig?]0;owned??2J" in screen.until("q quit")
    assert b"\x1b]0" not in screen.shown


def test_a_terminal_that_can_do_nothing_gets_a_snapshot(fake: FakeApi, monkeypatch: Any) -> None:
    environ = {**os.environ, "TERM": "dumb", "PYTHONPATH": str(Path(proxy.__file__).parent.parent)}
    leader, follower = os.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "proxy", "top", fake.url],
            stdin=follower,
            stdout=follower,
            env=environ,
            timeout=PATIENT,
            check=True,
        )
        shown = os.read(leader, 65_536)
    finally:
        os.close(leader)
        os.close(follower)
    assert done.returncode == 0
    assert b"rig1" in shown
    assert ALTERNATE not in shown
