"""The measurement measures: every miner of a real crowd gets every line.  How fast is not a test's matter."""

import socket

import attrs
import pytest
import trio

from proxy.bench import fanout
from proxy.errors import SluiceError


async def test_a_small_crowd_is_measured() -> None:
    """Both ways of sending take some time, and the last miner cannot have read before it was sent to."""
    told: list[float] = []
    with trio.fail_after(60):
        row = await fanout.measure(20, told.append)
    assert row.connections == 20
    assert all(value > 0 for value in attrs.astuple(row))
    assert told == [pytest.approx((n + 1) / fanout.ROUNDS) for n in range(fanout.ROUNDS)]


def test_the_limit_of_open_files_is_heeded() -> None:
    """Nobody gets more connections than asked for."""
    assert fanout.room_for(10) == 10


async def test_a_crowd_that_cannot_connect_is_said_so() -> None:
    """Its process ends, and the measurement does not wait for ever."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with trio.fail_after(60), pytest.RaisesGroup(pytest.RaisesExc(SluiceError, match="ended")):
            async with fanout._crowd(port, 1) as miners:
                await miners.seen()
