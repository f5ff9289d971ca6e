"""The links are as bad as they are ordered to be, and no worse."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from tests.soak.dialling import by_tcp
from tests.soak.links import Fault, Link, Manner

LONGEST = 10


@asynccontextmanager
async def dialled(manner: Manner) -> AsyncIterator[tuple[Link, trio.SocketStream, trio.SocketStream]]:
    """A link with one connection through it: the link, the near end, the far end."""
    send, receive = trio.open_memory_channel[trio.SocketStream](1)

    async def keep(stream: trio.SocketStream) -> None:
        await send.send(stream)
        await trio.sleep_forever()

    with trio.fail_after(LONGEST):
        async with trio.open_nursery() as nursery:
            listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
            nursery.start_soon(trio.serve_listeners, keep, listeners)
            link = Link(by_tcp("127.0.0.1", listeners[0].socket.getsockname()[1]), manner, seed=1)
            await nursery.start(link.run)
            async with await trio.open_tcp_stream("127.0.0.1", link.port) as near:
                yield link, near, await receive.receive()
            nursery.cancel_scope.cancel()


async def heard(stream: trio.abc.ReceiveStream, count: int) -> bytes:
    """Read so many bytes."""
    data = b""
    while len(data) < count:
        more = await stream.receive_some(count - len(data))
        assert more
        data += bytes(more)
    return data


@pytest.mark.parametrize("manner", [Manner(), Manner(delay=0.01, jitter=0.01), Manner(drip=True)])
async def test_a_link_that_is_well_changes_no_byte(manner: Manner) -> None:
    """Neither the slow nor the dripping one does, in either direction."""
    async with dialled(manner) as (_, near, far):
        await near.send_all(b"a question\n")
        assert await heard(far, 11) == b"a question\n"
        await far.send_all(b"an answer\n")
        assert await heard(near, 10) == b"an answer\n"


async def test_a_reset_is_seen_at_both_ends_and_by_the_next_to_come() -> None:
    """None of them sees an orderly end."""
    async with dialled(Manner()) as (link, near, far):
        link.break_down(Fault.RESET)
        for end in (near, far):
            with pytest.raises(trio.BrokenResourceError):
                await end.receive_some(1)
        async with await trio.open_tcp_stream("127.0.0.1", link.port) as late:
            with pytest.raises(trio.BrokenResourceError):
                await late.receive_some(1)
        link.heal()
        assert link.fault is None


async def test_of_a_cut_nobody_hears_until_it_is_healed() -> None:
    """What was lost stays lost, so the connection ends."""
    async with dialled(Manner()) as (link, near, far):
        link.break_down(Fault.CUT)
        await near.send_all(b"lost")
        await far.send_all(b"lost")
        while link.swallowed < 8:  # noqa: ASYNC110  # nothing tells of it
            await trio.sleep(0.01)
        link.heal()
        for end in (near, far):
            with pytest.raises(trio.BrokenResourceError):
                await end.receive_some(1)


async def test_a_connection_that_was_idle_outlives_a_cut() -> None:
    """As it would in a real network."""
    async with dialled(Manner()) as (link, near, far):
        link.break_down(Fault.CUT)
        link.heal()
        await near.send_all(b"still here")
        assert await heard(far, 10) == b"still here"


async def test_a_silent_far_end_still_hears() -> None:
    """Only what it says itself is gone."""
    async with dialled(Manner()) as (link, near, far):
        link.break_down(Fault.SILENCE)
        await far.send_all(b"lost")
        while not link.swallowed:  # noqa: ASYNC110  # nothing tells of it
            await trio.sleep(0.01)
        await near.send_all(b"heard")
        assert await heard(far, 5) == b"heard"


async def test_garbage_stands_between_two_lines() -> None:
    """It never cuts into one."""
    async with dialled(Manner()) as (link, near, far):
        await far.send_all(b"one\nhalf")
        assert await heard(near, 8) == b"one\nhalf"
        link.break_down(Fault.GARBAGE)
        await far.send_all(b" a line\n")
        assert await heard(near, 21) == b" a line\n%%% not JSON\n"
