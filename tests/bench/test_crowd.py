"""The crowd alone: it logs in, counts lines, and ends with its input."""

import socket
import subprocess
import sys
import time

import pytest

from proxy.bench import crowd


@pytest.fixture
def listener() -> "socket.socket":
    """A port to come to; generous with time, because a slow machine is no failure."""
    sock = socket.create_server(("127.0.0.1", 0))
    sock.settimeout(30)
    return sock


def test_it_logs_in_and_reports_every_full_round(listener: socket.socket) -> None:
    """One report after the login, one for each further line to all."""
    port = listener.getsockname()[1]
    command = [sys.executable, "-m", crowd.__name__, str(port), "2"]
    with listener, subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        before = time.monotonic_ns()
        miners = [listener.accept()[0] for _ in range(2)]
        for miner in miners:
            assert miner.recv(4096).count(b"\n") == 3
            miner.sendall(b"{}\n" * crowd.LOGIN_LINES)
        assert int(process.stdout.readline()) > before
        for miner in miners:
            miner.sendall(b"{}\n")
        assert int(process.stdout.readline()) > before
        process.stdin.close()
        assert process.wait(30) == 0
        for miner in miners:
            miner.close()
