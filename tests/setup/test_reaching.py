"""Whether a pool can be had: somebody listens, nobody does, or somebody of another kind."""

import contextlib
import socket
import threading

from proxy.setup.answers import Answers
from proxy.setup.reaching import unreachable
from proxy.setup.writing import loaded, written

PATIENT = 60


def faults(*urls: str, seconds: float = PATIENT) -> list[str]:
    """What is wrong with these pools."""
    return unreachable(loaded(written(Answers(pools=urls, user="a"))), seconds)


def test_a_pool_that_is_there_is_told_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as pool:
        assert faults(f"stratum+tcp://127.0.0.1:{pool.getsockname()[1]}") == []
        visitor, _ = pool.accept()
        with visitor:
            visitor.settimeout(PATIENT)
            with contextlib.suppress(ConnectionResetError):
                assert visitor.recv(100) == b""


def test_nobody_there_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as pool:
        port = pool.getsockname()[1]
    url = f"stratum+tcp://127.0.0.1:{port}"
    assert faults(url, "unix:///nowhere/pool.sock") == [
        f"{url}: Connection refused",
        "unix:///nowhere/pool.sock: No such file or directory",
    ]


def test_a_pool_without_tls_is_told_apart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as pool:

        def answers() -> None:
            visitor, _ = pool.accept()
            with visitor:
                visitor.recv(4096)
                visitor.sendall(b'{"id":1,"result":false}\n')
                visitor.recv(4096)

        thread = threading.Thread(target=answers)
        thread.start()
        (line,) = faults(f"stratum+tls://127.0.0.1:{pool.getsockname()[1]}")
        thread.join()
    assert "does not speak TLS here" in line


def test_a_pool_that_says_nothing_to_tls() -> None:
    with socket.create_server(("127.0.0.1", 0)) as pool:
        (line,) = faults(f"stratum+tls://127.0.0.1:{pool.getsockname()[1]}", seconds=0.2)
    assert "no answer within 0.2 s" in line
