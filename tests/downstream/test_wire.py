"""The stream under a WebSocket: what was read ahead comes first, and a handshake waits for its turn."""

import pytest
import trio
from trio.testing import memory_stream_pair, wait_all_tasks_blocked

from proxy.downstream.wire import Wire


def wire(ahead: bytes = b"") -> tuple[Wire, trio.StapledStream, trio.StrictFIFOLock]:  # type: ignore[type-arg]
    near, far = memory_stream_pair()
    turns = trio.StrictFIFOLock()
    return Wire(near, ahead, turns), far, turns  # type: ignore[arg-type]


async def test_what_was_read_ahead_comes_first() -> None:
    near, far, _ = wire(b"ahead")
    await far.send_all(b"more")
    assert await near.receive_some(2) == b"ah"
    assert await near.receive_some() == b"ead"
    assert await near.receive_some(100) == b"more"


async def test_a_look_takes_nothing_away() -> None:
    near, far, _ = wire()
    await far.send_all(b"first")
    assert await near.peek() == b"first"
    assert await near.receive_some() == b"first"


async def test_the_end_is_told() -> None:
    near, far, _ = wire()
    ends: list[str] = []
    near.on_end = lambda: ends.append("end")
    await far.send_eof()
    assert await near.peek() == b""
    assert ends == ["end"]


async def test_what_is_sent_goes_through() -> None:
    near, far, _ = wire()
    await near.wait_send_all_might_not_block()
    await near.send_all(b"text")
    assert await far.receive_some() == b"text"
    await near.aclose()
    assert await far.receive_some() == b""


async def test_a_handshake_waits_for_its_turn() -> None:
    near, far, turns = wire()
    heard: list[bytes] = []

    async def hear() -> None:
        heard.append(await near.receive_some())

    async with trio.open_nursery() as nursery:
        async with turns:
            nursery.start_soon(hear)
            await far.send_all(b"hello")
            await wait_all_tasks_blocked()
            assert heard == []
        await wait_all_tasks_blocked()
        assert heard == [b"hello"]


async def test_what_never_makes_a_message_is_cut_off() -> None:
    near, far, _ = wire()
    near.most = 10
    await far.send_all(b"123456")
    assert await near.receive_some() == b"123456"
    near.heard()
    await far.send_all(b"123456")
    assert await near.receive_some() == b"123456"
    await far.send_all(b"123456")
    with pytest.raises(trio.BrokenResourceError):
        await near.receive_some()
    assert await far.receive_some() == b""
