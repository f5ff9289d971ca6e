"""The line buffer: the same lines however the bytes arrive, and never more of them kept than allowed."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.wire.lines import LineBuffer
from tests.wire.hostile import patient


def fed(limit: int, *pieces: bytes) -> tuple[list[bytes], bool]:
    buffer = LineBuffer(limit)
    return [line for piece in pieces for line in buffer.feed(piece)], buffer.overflow


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        ([b""], []),
        ([b"one\n"], [b"one"]),
        ([b"one\ntwo\n"], [b"one", b"two"]),
        ([b"one"], []),
        ([b"one", b"\n"], [b"one"]),
        ([b"o", b"n", b"e", b"\nt", b"wo\nthree"], [b"one", b"two"]),
        ([b"\n\n"], [b"", b""]),
        ([b"one\r\n"], [b"one\r"]),
        ([b"one\x00\xff\n"], [b"one\x00\xff"]),
    ],
)
def test_lines_come_out_whole(pieces: list[bytes], lines: list[bytes]) -> None:
    assert fed(100, *pieces) == (lines, False)


def test_a_line_of_just_the_limit_is_taken() -> None:
    assert fed(5, b"12345\n12345", b"\n") == ([b"12345", b"12345"], False)


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        ([b"123456"], []),  # no end in sight, yet too long already
        ([b"123", b"456"], []),
        ([b"123456\n"], []),
        ([b"123", b"456\n"], []),
        ([b"one\n123456"], [b"one"]),
        ([b"one\n123456\ntwo\n"], [b"one"]),
        ([b"one\ntwo\n12", b"3456"], [b"one", b"two"]),
        ([b"123456\n", b"one\n", b"two"], []),  # deaf from there on
    ],
)
def test_a_line_too_long_ends_it_but_not_the_lines_before_it(pieces: list[bytes], lines: list[bytes]) -> None:
    assert fed(5, *pieces) == (lines, True)


def test_after_a_line_too_long_nothing_is_kept() -> None:
    buffer = LineBuffer(5)
    buffer.feed(b"one\n123456")
    assert buffer.feed(b"x" * 1000) == []
    assert len(buffer._partial) == 0


@patient
@given(
    st.lists(st.binary(max_size=12) | st.sampled_from([b"\n", b"\r\n", b"a\nb", b"123456"])),
    st.integers(0, 8),
)
@example([b"ab\ncccc", b"\n"], 3)
def test_any_split_gives_the_same_lines(pieces: list[bytes], limit: int) -> None:
    data = b"".join(pieces)
    whole = fed(limit, data)
    assert fed(limit, *pieces) == whole
    assert fed(limit, *(data[i : i + 1] for i in range(len(data)))) == whole


@patient
@given(st.binary(max_size=200), st.integers(0, 8))
def test_the_lines_are_those_before_the_first_too_long(data: bytes, limit: int) -> None:
    *complete, rest = data.split(b"\n")
    good = []
    for line in complete:
        if len(line) > limit:
            break
        good.append(line)
    overflow = len(good) < len(complete) or len(rest) > limit
    assert fed(limit, data) == (good, overflow)


@patient
@given(st.lists(st.binary(max_size=12)), st.integers(0, 8))
def test_never_more_than_the_limit_is_kept(pieces: list[bytes], limit: int) -> None:
    buffer = LineBuffer(limit)
    for piece in pieces:
        buffer.feed(piece)
        assert len(buffer._partial) <= limit


class Watched(bytearray):
    """Counts how often what is held is gone through as a whole."""

    passes = 0

    def __bytes__(self) -> bytes:
        self.passes += 1
        return bytes(memoryview(self))

    def __contains__(self, item: object) -> bool:
        raise AssertionError("searched what had been searched before")


def test_byte_by_byte_the_held_part_is_gone_through_once() -> None:
    buffer = LineBuffer(10_000)
    held = Watched(b"{")
    buffer._partial = held
    for _ in range(9_998):
        assert buffer.feed(b"x") == []
    assert held.passes == 0
    assert buffer.feed(b"}\n") == [b"{" + b"x" * 9_998 + b"}"]
    assert held.passes == 1
