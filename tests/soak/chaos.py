"""Which pool dies when, of what, and for how long: drawn from the seed before anything has begun.

Strategy: each kind of death comes as often as the others, in an order of its own each round.  Mostly it meets
the pool that the farm works for, now and then all pools at once; one is over before the next.
"""

import random
from collections.abc import Iterator

import attrs

from tests.soak.links import Fault
from tests.soak.scene import SILENCE_SECONDS

ON_THE_ACTIVE = 0.75  # of all deaths; the others show that nobody notices
NOTICED = {Fault.CUT: SILENCE_SECONDS, Fault.SILENCE: SILENCE_SECONDS}  # seconds a silent death takes to show
FIRST_AT = 2.0
RECOVERY_SECONDS = 2.0  # for the farm to move once a pool is known to be dead, reconnecting miners included
LEAST_EVERY = 1.5 * SILENCE_SECONDS + 2 * RECOVERY_SECONDS  # or one death would run into the next
PART_EVERYWHERE = 0.2  # of all deaths but the first
EVERYWHERE = "all"  # what such a death calls the pool
LEAST_DOWN, MOST_DOWN = 0.3, 0.6  # of the time between two deaths, on top of that


@attrs.frozen
class Kill:
    """A death that is to come.

    Args:
        at: seconds from the beginning of the chaos.
        on_active: of the pool that the farm works for then; else of the one that `other` points to.
        other: from 0 to 1, which of the others.
        everywhere: of all pools.
        down: seconds until it is well again; 0 for what is over at once.
    """

    at: float
    fault: Fault
    on_active: bool
    other: float
    everywhere: bool
    down: float


@attrs.define
class Death:
    """One that has come.

    Args:
        follow_seconds: until the last good miner had other work, by farm; those that had it before the next.
        left_behind: those that had not, by farm.
    """

    number: int
    at: float
    pool: str
    fault: str
    was_active: bool
    down: float
    miners: int = 0
    follow_seconds: dict[str, float] = attrs.field(factory=dict)
    left_behind: dict[str, int] = attrs.field(factory=dict)


def kills(seed: int, every: float, seconds: float) -> Iterator[Kill]:
    """Draw all deaths of a run; the last leaves time to come back from it.

    Args:
        every: seconds from one to the next, LEAST_EVERY at least.
        seconds: of the whole chaos.
    """
    source = random.Random(seed)
    at = FIRST_AT
    while True:
        for fault in source.sample(list(Fault), len(Fault)):
            down = source.uniform(LEAST_DOWN, MOST_DOWN) * every
            down = max(down, NOTICED.get(fault, 0.0) * 1.5)
            if fault is Fault.GARBAGE:
                down = 0.0  # it is over as soon as it is said
            if at + down + RECOVERY_SECONDS > seconds:
                return
            first = at == FIRST_AT  # of the active one always, so that even a short run has seen a move
            on_active, other = source.random() < ON_THE_ACTIVE or first, source.random()
            yield Kill(at, fault, on_active, other, source.random() < PART_EVERYWHERE and not first, down)
            at += every
