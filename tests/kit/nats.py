"""A real NATS server with JetStream for tests, in a directory of its own, and a look at what it has."""

import asyncio  # noqa: TID251  # the client's; nothing here runs in the proxy
import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.postgres import free_port

ABSENT = "no nats-server here: apt-get install nats-server"


class Nats:
    """A server; start() first."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"nats://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        argv = ["nats-server", "-a", "127.0.0.1", "-p", str(self._port), "-js", "-sd", str(self._directory)]
        self._process = subprocess.Popen(argv, stderr=subprocess.PIPE)
        assert self._process.stderr is not None
        said = []
        for line in self._process.stderr:
            said.append(line)
            if b"Server is ready" in line:
                return
        raise AssertionError(b"".join(said).decode())

    def stop(self) -> None:
        """End it; what its streams have stays on disk."""
        if self._process is not None:
            self._process.terminate()
            self._process.communicate()
            self._process = None

    def make_stream(self, subjects: str = "sluice.>") -> None:
        """Have a stream take what is published under subjects."""

        async def make() -> None:
            connection = await _connect(self.url)
            await connection.jetstream().add_stream(name="shares", subjects=[subjects])
            await connection.close()

        asyncio.run(make())

    def messages(self) -> list[tuple[str, dict[str, Any]]]:
        """All that the stream has: the id that each was published with, and what it says."""

        async def read() -> list[tuple[str, dict[str, Any]]]:
            connection = await _connect(self.url)
            stream = connection.jetstream()
            state = (await stream.stream_info("shares")).state
            found = []
            for number in range(state.first_seq, state.last_seq + 1):
                message = await stream.get_msg("shares", number)
                found.append((message.headers["Nats-Msg-Id"], json.loads(message.data)))
            await connection.close()
            return found

        return asyncio.run(read())


async def _connect(url: str) -> Any:
    import nats

    return await nats.connect(url, allow_reconnect=False)


@contextlib.contextmanager
def server(directory: Path) -> Iterator[Nats]:
    """Run a server; skips the test where there is none."""
    if shutil.which("nats-server") is None:
        pytest.skip(ABSENT)
    pytest.importorskip("nats", reason="pip install 'sluice[nats]'")
    made = Nats(directory)
    made.start()
    try:
        yield made
    finally:
        made.stop()
