"""The measured process from outside."""

import os
import socket

import pytest

from proxy.bench.house import Settings
from proxy.bench.watched import Stopwatch, Watched, apart
from proxy.errors import SluiceError


@pytest.fixture
def pool_port() -> int:
    """Nobody answers there; a proxy starts all the same."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port: int = unused.getsockname()[1]
        return port


def test_the_kernel_tells_cpu_memory_and_files_of_it(pool_port: int) -> None:
    """And nothing of this process's own."""
    with Watched(Settings("aion", pool_port, 10), None) as watched:
        watch = Stopwatch(watched)
        while not watched.port:
            watched.read()
        assert watch.seconds > 0
        assert watched.resident_kib() > 1000
        assert watched.descriptors() > 3
        assert watched.interruptions() >= 0
        watched.ask()
        while not watched.facts:
            watched.read()
        assert watched.facts[0].conserved
    assert watched.process.returncode == 0


def test_one_that_ends_is_said_so(pool_port: int) -> None:
    """And not waited for."""
    with Watched(Settings("aion", pool_port, 10), None) as watched:
        watched.process.kill()
        watched.process.wait()
        with pytest.raises(SluiceError, match="ended"):
            watched.read()


def test_this_process_has_its_cores_back() -> None:
    """Where there are two, load and proxy get one each."""
    before = os.sched_getaffinity(0)
    with apart() as core:
        if core is not None:
            assert os.sched_getaffinity(0) == {min(before)}
            assert core not in os.sched_getaffinity(0)
    assert os.sched_getaffinity(0) == before
