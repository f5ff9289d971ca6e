"""Signals and what is told outside; start and stop are in tests/test_app.py, takeovers in tests/e2e/."""

import os
import signal
import socket
from pathlib import Path

import attrs
import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from proxy.config import Config, Limits
from proxy.lifecycle.running import run_until_signalled
from proxy.sim.pool import SimPool
from tests.kit.miners import within
from tests.test_app import configured, until


@pytest.fixture
def clock() -> MockClock:
    """Let time jump once nothing has happened for some real milliseconds."""
    return MockClock(autojump_threshold=0.005)


async def test_a_hang_up_reads_the_configuration_again(clock: MockClock) -> None:
    lines: list[str] = []
    loads: list[Config] = []
    with within(60), capture_logs() as said:
        async with trio.open_nursery() as nursery:
            pool: SimPool = await nursery.start(SimPool().run)
            config = configured(pool.url)

            def load() -> Config:
                loads.append(attrs.evolve(config, limits=Limits(max_miners=7)))
                return loads[-1]

            async def run() -> None:
                await run_until_signalled(config, lines.append, load=load)
                nursery.cancel_scope.cancel()

            nursery.start_soon(run)
            await until(lambda: "ready" in lines)
            os.kill(os.getpid(), signal.SIGHUP)
            await until(lambda: any(line["event"] == "configuration reloaded" for line in said))
            os.kill(os.getpid(), signal.SIGTERM)
    assert len(loads) == 1
    assert [line["key"] for line in said if line["event"] == "change"][0] == "limits.max_miners"  # noqa: RUF015


async def test_a_hang_up_without_a_file_to_read_is_no_end(clock: MockClock) -> None:
    lines: list[str] = []
    with within(60):
        async with trio.open_nursery() as nursery:
            pool: SimPool = await nursery.start(SimPool().run)

            async def run() -> None:
                await run_until_signalled(configured(pool.url), lines.append)
                nursery.cancel_scope.cancel()

            nursery.start_soon(run)
            await until(lambda: "ready" in lines)
            os.kill(os.getpid(), signal.SIGHUP)
            await trio.sleep(1)
            os.kill(os.getpid(), signal.SIGTERM)
    assert lines[-1] == "ready"


async def test_systemd_hears_of_start_and_stop(
    clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "notify")
    lines: list[str] = []
    with within(60), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(path)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        async with trio.open_nursery() as nursery:
            pool: SimPool = await nursery.start(SimPool().run)

            async def run() -> None:
                await run_until_signalled(configured(pool.url), lines.append)
                nursery.cancel_scope.cancel()

            nursery.start_soon(run)
            await until(lambda: "ready" in lines)
            os.kill(os.getpid(), signal.SIGTERM)
        assert [sock.recv(100), sock.recv(100)] == [b"READY=1", b"STOPPING=1"]
