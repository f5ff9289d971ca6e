"""Order among thousands, made a slice at a time and kept for a second."""

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from proxy.ops.ordering import KEPT_SECONDS, MOST_KEPT, ROWS, SLICE, SORTED_AT_ONCE, Orders, in_order, written
from proxy.ops.turns import Turns


@pytest.fixture
def clock() -> MockClock:
    """Let time jump."""
    return MockClock(autojump_threshold=0)


class Counted(Turns):
    """Turns that are counted, and come at once."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    async def turn(self) -> None:
        self.count += 1
        await trio.lowlevel.checkpoint()


@given(st.lists(st.tuples(st.integers(0, 9), st.text(max_size=3))), st.booleans())
def test_it_is_the_order_that_sorting_gives(items: list[tuple[int, str]], descending: bool) -> None:
    async def order() -> list[tuple[int, str]]:
        return await in_order(items, lambda one: one, lambda one: one[0] != 5, Counted(), descending)

    assert trio.run(order) == sorted((one for one in items if one[0] != 5), reverse=descending)


@pytest.mark.parametrize("count", [0, 1, SLICE, SORTED_AT_ONCE, SORTED_AT_ONCE + 1, 5 * SORTED_AT_ONCE + 17])
@pytest.mark.parametrize("descending", [False, True])
async def test_whatever_their_number_none_is_lost(count: int, descending: bool) -> None:
    items = [(number * 7919) % 10_007 for number in range(count)]
    turns = Counted()
    found = await in_order(items, lambda one: one, lambda _: True, turns, descending)
    assert found == sorted(items, reverse=descending)
    assert turns.count >= count // SLICE, "others had their turn in between"


async def test_an_order_is_kept_for_a_second(clock: MockClock) -> None:
    orders: Orders[int] = Orders()

    async def make() -> list[int]:
        await trio.lowlevel.checkpoint()
        return [orders.made]

    assert await orders.get("a", make) == [0]
    assert await orders.get("a", make) == [0]
    assert await orders.get("b", make) == [1]
    await trio.sleep(KEPT_SECONDS)
    assert await orders.get("a", make) == [2]


async def test_many_who_ask_at_once_have_it_made_once(clock: MockClock) -> None:
    orders: Orders[int] = Orders()

    async def make() -> list[int]:
        await trio.sleep(0.1)
        return [1]

    async with trio.open_nursery() as nursery:
        for _ in range(50):
            nursery.start_soon(orders.get, "a", make)
    assert orders.made == 1


async def test_only_so_many_are_kept(clock: MockClock) -> None:
    orders: Orders[int] = Orders()

    async def make() -> list[int]:
        await trio.lowlevel.checkpoint()
        return []

    for name in range(3 * MOST_KEPT):
        await orders.get(name, make)
    assert len(orders._kept) == MOST_KEPT


async def test_one_that_fails_is_not_kept_and_holds_nobody_up(clock: MockClock) -> None:
    orders: Orders[int] = Orders()

    async def fail() -> list[int]:
        await trio.lowlevel.checkpoint()
        raise LookupError

    async def make() -> list[int]:
        await trio.lowlevel.checkpoint()
        return [1]

    with pytest.raises(LookupError):
        await orders.get("a", fail)
    assert await orders.get("a", make) == [1]


async def test_rows_are_written_a_few_at_a_time() -> None:
    turns = Counted()
    assert await written(range(2 * ROWS + 1), str, turns) == [str(number) for number in range(2 * ROWS + 1)]
    assert turns.count == 3
    assert await written([], str, turns) == []
