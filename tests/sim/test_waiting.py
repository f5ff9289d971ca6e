"""Waiting for a condition."""

import trio
import trio.testing

from proxy.sim.waiting import Changes


async def test_a_condition_that_holds_is_not_waited_for() -> None:
    await Changes().until(lambda: True)


async def test_every_touch_lets_look_again_also_through_a_child() -> None:
    parent = Changes()
    child = Changes(parent)
    seen = []

    async def wait(changes: Changes, number: int) -> None:
        await changes.until(lambda: number in seen)
        seen.append(10 * number)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait, parent, 1)
        nursery.start_soon(wait, child, 2)
        await trio.testing.wait_all_tasks_blocked()
        child.touch()
        await trio.testing.wait_all_tasks_blocked()
        assert not seen
        seen.append(1)
        child.touch()
        await trio.testing.wait_all_tasks_blocked()
        assert seen == [1, 10]
        seen.append(2)
        child.touch()
    assert seen == [1, 10, 2, 20]
