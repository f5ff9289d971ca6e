"""Requests have their turn when nothing else is to be done."""

from itertools import pairwise

import pytest
import trio
from trio.testing import MockClock

from proxy.ops.turns import PATIENCE, PAUSE, Turns


@pytest.fixture
def clock() -> MockClock:
    """Let time jump."""
    return MockClock(autojump_threshold=0)


async def test_turns_come_one_after_the_other_in_the_order_asked_for(clock: MockClock) -> None:
    turns = Turns()
    came: list[tuple[int, float]] = []

    async def ask(number: int) -> None:
        await turns.turn()
        came.append((number, trio.current_time()))

    async with trio.open_nursery() as nursery:
        for number in range(5):
            nursery.start_soon(ask, number)
            await trio.sleep(PAUSE / 100)
    assert [number for number, _ in came] == [0, 1, 2, 3, 4]
    gaps = [after - before for (_, before), (_, after) in pairwise(came)]
    assert min(gaps) >= PAUSE * 0.9


async def test_none_comes_while_a_job_goes_out(clock: MockClock) -> None:
    busy = True
    turns = Turns(lambda: busy)
    came = trio.Event()

    async def ask() -> None:
        await turns.turn()
        came.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await trio.sleep(PATIENCE / 2)
        assert not came.is_set()
        busy = False
        with trio.fail_after(PATIENCE / 4):
            await came.wait()


async def test_patience_ends(clock: MockClock) -> None:
    with trio.fail_after(2 * PATIENCE):
        await Turns(lambda: True).turn()


async def test_whoever_gives_up_leaves_its_place(clock: MockClock) -> None:
    turns = Turns(lambda: True)
    with trio.move_on_after(PAUSE / 2):
        await turns.turn()
    with trio.fail_after(2 * PATIENCE):
        await turns.turn()
