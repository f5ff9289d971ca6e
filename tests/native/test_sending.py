"""The same bytes on many sockets: each gets all of them, or its lack of room is told, in C and in Python."""

import errno
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress

import pytest

from proxy.native import sending

LINE = b'{"id":null,"method":"mining.notify"}\n'


@pytest.fixture(params=["native", "python"])
def send_each(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have the module use the one way or the other."""
    if request.param == "python":
        monkeypatch.setattr(sending, "_c", None)
    elif sending._c is None:
        pytest.skip("no native code here")
    return str(request.param)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def pairs(stack: ExitStack, count: int) -> list[tuple[socket.socket, socket.socket]]:
    """Connected sockets, ours not blocking."""
    made = []
    for _ in range(count):
        ours, theirs = socket.socketpair()
        stack.enter_context(ours)
        stack.enter_context(theirs)
        ours.setblocking(False)
        theirs.setblocking(False)
        made.append((ours, theirs))
    return made


def files(made: Sequence[tuple[socket.socket, socket.socket]]) -> list[int]:
    return [ours.fileno() for ours, _ in made]


@pytest.mark.usefixtures("send_each")
@pytest.mark.parametrize("threads", [1, 2, 8])
@pytest.mark.parametrize("count", [0, 1, 15, 33, 200])
def test_each_gets_the_bytes_once(stack: ExitStack, count: int, threads: int) -> None:
    made = pairs(stack, count)

    assert sending.send_each(files(made), LINE, threads) is None

    assert [theirs.recv(1000) for _, theirs in made] == [LINE] * count


@pytest.mark.usefixtures("send_each")
def test_whoever_has_no_room_or_is_gone_is_told_and_holds_up_nobody(stack: ExitStack) -> None:
    made = pairs(stack, 40)
    full, gone = made[3][0], made[35]
    with suppress(BlockingIOError):
        while True:
            full.send(b"x" * 65_536)
    gone[1].close()

    taken = sending.send_each(files(made), LINE, 2)

    assert taken is not None
    assert list(taken) == [
        -errno.EAGAIN if place == 3 else -errno.EPIPE if place == 35 else len(LINE) for place in range(40)
    ]
    assert all(theirs.recv(1000) == LINE for place, (_, theirs) in enumerate(made) if place not in (3, 35))


@pytest.mark.usefixtures("send_each")
def test_what_is_taken_in_part_is_told_exactly(stack: ExitStack) -> None:
    ours, theirs = pairs(stack, 1)[0]
    big = os.urandom(4_000_000)

    taken = sending.send_each([ours.fileno()], big, 1)

    assert taken is not None
    received = bytearray()
    with suppress(BlockingIOError):
        while True:
            received += theirs.recv(1 << 20)
    assert 0 < taken[0] < len(big)
    assert bytes(received) == big[: taken[0]]


@pytest.mark.usefixtures("send_each")
def test_a_number_that_is_no_socket_is_an_error_of_its_own(stack: ExitStack) -> None:
    made = pairs(stack, 2)
    closed = made[0][0].fileno()
    made[0][0].close()

    taken = sending.send_each([closed, made[1][0].fileno()], LINE, 1)

    assert taken is not None
    assert list(taken) == [-errno.EBADF, len(LINE)]
    assert made[1][1].recv(1000) == LINE


@pytest.mark.skipif(sending._c is None, reason="no native code here")
@pytest.mark.parametrize(("numbers", "threads"), [(b"abc", 1), (b"abcd", 0), (b"abcd", 9)])
def test_senseless_arguments_are_refused(numbers: bytes, threads: int) -> None:
    assert sending._c is not None
    with pytest.raises(ValueError, match="int32s"):
        sending._c.send_each(numbers, LINE, threads)
