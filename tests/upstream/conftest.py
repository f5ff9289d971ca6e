"""Pools on loopback, closed when the test is over, and what was logged."""

from collections.abc import AsyncIterator, Iterator

import pytest
import structlog

from tests.kit.pools import SocketPool
from tests.upstream.sides import Log


@pytest.fixture
def log() -> Iterator[Log]:
    with structlog.testing.capture_logs() as lines:
        yield lines


@pytest.fixture
async def pool() -> AsyncIterator[SocketPool]:
    opened = await SocketPool.open()
    yield opened
    await opened.closes()


@pytest.fixture
async def backup() -> AsyncIterator[SocketPool]:
    opened = await SocketPool.open()
    yield opened
    await opened.closes()
