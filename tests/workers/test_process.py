"""A worker as a process: what it inherits, how it ends."""

import os
import signal
from pathlib import Path

import pytest
import trio

from proxy.workers import process
from proxy.workers.messages import Stop, line


def command(pid: int) -> list[bytes]:
    """A process's arguments, for all to read."""
    while not (data := Path(f"/proc/{pid}/cmdline").read_bytes()):
        pass  # it is just being loaded
    return data.split(b"\0")


async def test_it_ends_by_itself_when_nobody_says_what_to_do() -> None:
    with trio.fail_after(30):
        worker = process.start(1, [])
        async with worker.channel:
            await worker.channel.send_all(line(Stop()))
            assert await worker.channel.receive_some() == b""
        assert await worker.wait() == 0
        assert await worker.wait() == 0, "as often as one asks"
        worker.kill()  # does nothing


async def test_it_ends_when_the_channel_does() -> None:
    with trio.fail_after(30):
        worker = process.start(1, [])
        await worker.channel.aclose()
        assert await worker.wait() == 0


async def test_it_can_be_killed_and_is_reaped() -> None:
    with trio.fail_after(30):
        worker = process.start(1, [])
        assert os.getpgid(worker.pid) == worker.pid, "Ctrl-C is not for it"
        worker.kill()
        assert await worker.wait() == -signal.SIGKILL
        await worker.channel.aclose()
        with pytest.raises(ProcessLookupError):
            os.kill(worker.pid, 0)


async def test_where_the_kernel_tells_nobody_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_pid: int) -> int:
        raise OSError

    monkeypatch.setattr(os, "pidfd_open", unknown)
    with trio.fail_after(30):
        worker = process.start(1, [])
        await worker.channel.aclose()
        assert await worker.wait() == 0


async def test_it_inherits_its_sockets_and_no_more() -> None:
    with trio.fail_after(30):
        reading, writing = os.pipe()
        try:
            worker = process.start(1, [writing])
            theirs = set(os.listdir(f"/proc/{worker.pid}/fd"))
            assert str(writing) in theirs
            assert str(reading) not in theirs
            assert command(worker.pid)[-2:] == [b"1", b""]
        finally:
            os.close(reading)
            os.close(writing)
        worker.kill()
        await worker.wait()
        await worker.channel.aclose()


async def test_what_cannot_be_started_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(OSError, match="No such file"):
        process.start(1, [])
