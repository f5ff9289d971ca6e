"""Puts thousands of records in order without holding up the loop, and keeps the order for a second.

Strategy: keys are made and small parts sorted a slice at a time; the parts are then merged in one go, which
takes some milliseconds for as many workers as there may be, and far fewer turns than a merge in slices.  An
order that was made is everybody's for a second, so that a flood of requests for one list costs one sort;
a page is cut from it.
The trap: the records go on changing, so what is kept is who comes after whom; what a page shows of them is
written when it is asked for.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Generic, TypeVar

import trio

from proxy.ops.turns import Turns

SLICE = 250  # records between two turns: each costs up to 3 µs
ROWS = 50  # written out between two turns: each costs up to 15 µs
SORTED_AT_ONCE = 1000  # 0.3 ms; as much as this is sorted in one go
KEPT_SECONDS = 1.0
MOST_KEPT = 16  # orders: a few people who look at different things; of 10,000 workers each is 80 KB

Item = TypeVar("Item")
Row = TypeVar("Row")


async def in_order(
    items: Sequence[Item],
    key: Callable[[Item], Any],
    keep: Callable[[Item], bool],
    turns: Turns,
    descending: bool = False,
) -> list[Item]:
    """Sort items.

    Args:
        key: what they are sorted by; ties go by what follows in it, so a tuple is best.
        keep: which of them are wanted.
    """
    keyed: list[tuple[Any, int]] = []
    part: list[tuple[Any, int]] = []
    for start in range(0, len(items), SLICE):
        await turns.turn()
        places = range(start, min(start + SLICE, len(items)))
        part += [(key(items[place]), place) for place in places if keep(items[place])]
        if len(part) >= SORTED_AT_ONCE:
            part.sort(reverse=descending)
            keyed += part
            part = []
    await turns.turn()
    part.sort(reverse=descending)
    keyed += part
    keyed.sort(reverse=descending)  # finds the sorted parts and merges them: 0.25 ms for a thousand
    return [items[place] for _, place in keyed]


async def written(items: Sequence[Item], write: Callable[[Item], Row], turns: Turns) -> list[Row]:
    """Write out the rows of a page, a few at a time."""
    rows: list[Row] = []
    for start in range(0, len(items), ROWS):
        await turns.turn()
        rows += map(write, items[start : start + ROWS])
    return rows


class Orders(Generic[Item]):
    """Keeps orders for a second.

    `made` counts those that were made.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[float, list[Item]]] = OrderedDict()
        self._making = trio.StrictFIFOLock()  # one at a time: whoever waits may find it made
        self.made = 0

    async def get(self, name: Hashable, make: Callable[[], Any]) -> list[Item]:
        """Give the order of a name.

        Args:
            name: all that it depends on.
            make: gives an awaitable of it, where there is none or it is too old.
        """
        found = self._fresh(name)
        if found is not None:
            return found
        async with self._making:
            found = self._fresh(name)
            if found is None:
                found = await make()
                self.made += 1
                self._kept[name] = trio.current_time(), found
                self._kept.move_to_end(name)
                if len(self._kept) > MOST_KEPT:
                    self._kept.popitem(last=False)
            return found

    def _fresh(self, name: Hashable) -> list[Item] | None:
        found = self._kept.get(name)
        if found is None:
            return None
        if trio.current_time() - found[0] >= KEPT_SECONDS:
            del self._kept[name]
            return None
        return found[1]
