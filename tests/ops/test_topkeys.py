"""Keys: what a terminal sends, however it is cut, and settings that come back."""

import os
import termios

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.ops.topkeys import NAMES, Keys, Raw, is_usable


def keys(*parts: bytes) -> list[str]:
    """What comes of bytes that arrive in these parts, and then no more."""
    decoder = Keys()
    found = [key for part in parts for key in decoder.feed(part)]
    return found + decoder.flush()


@pytest.mark.parametrize(
    ("sent", "pressed"),
    [
        (b"q", ["q"]),
        (b"sS/", ["s", "S", "/"]),
        ("é µ".encode(), ["é", " ", "µ"]),
        (b"\x03\x1a\x04\x0c\x15", ["ctrl-c", "ctrl-z", "ctrl-d", "ctrl-l", "ctrl-u"]),
        (b"\r\n\t\x7f\x08", ["enter", "enter", "tab", "backspace", "backspace"]),
        (b"\x1b[A\x1b[B\x1bOC\x1bOD", ["up", "down", "right", "left"]),
        (b"\x1b[5~\x1b[6~\x1b[H\x1b[F\x1b[1~\x1b[4~", ["pgup", "pgdn", "home", "end", "home", "end"]),
        (b"\x1b[Z", ["backtab"]),
        (b"\x1b", ["escape"]),
        (b"\x1b\x1b", ["escape", "escape"]),
        (b"\x1bq", ["escape", "q"]),
        (b"\x1b[15~x", ["x"]),  # F5
        (b"\x1b[<0;12;7Mx", ["x"]),  # a mouse
        (b"\x00\x01", []),
        (b"\xff\xc3", []),
    ],
)
def test_what_is_sent_is_what_was_pressed(sent: bytes, pressed: list[str]) -> None:
    assert keys(sent) == pressed


def test_a_sequence_may_come_in_parts_and_escape_is_told_by_patience() -> None:
    decoder = Keys()
    assert decoder.feed(b"\x1b") == []
    assert (decoder.pending, decoder.feed(b"["), decoder.feed(b"A")) == (True, [], ["up"])
    assert (decoder.pending, decoder.flush()) == (False, [])
    assert decoder.feed(b"\x1b") == []
    assert decoder.flush() == ["escape"]
    assert decoder.flush() == []


@given(st.lists(st.binary(max_size=40)))
def test_any_bytes_are_keys_or_nothing(parts: list[bytes]) -> None:
    for key in keys(*parts):
        assert key in NAMES or (len(key) == 1 and key.isprintable())


@given(st.binary(max_size=40), st.integers(0, 40))
def test_where_the_bytes_are_cut_makes_no_difference(sent: bytes, cut: int) -> None:
    assert keys(sent) == keys(sent[:cut], sent[cut:])


def test_the_terminal_gets_its_settings_back_whatever_happens() -> None:
    leader, follower = os.openpty()
    try:
        before = termios.tcgetattr(follower)
        raw = Raw(follower)
        raw.__enter__()
        assert not termios.tcgetattr(follower)[3] & (termios.ECHO | termios.ICANON | termios.ISIG)
        raw.__exit__(ZeroDivisionError, ZeroDivisionError(), None)
        assert termios.tcgetattr(follower) == before
    finally:
        os.close(leader)
        os.close(follower)


def test_without_a_terminal_there_is_nothing_to_use() -> None:
    assert not is_usable({"TERM": "dumb"})
    assert not is_usable({})
