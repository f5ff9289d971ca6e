"""How long to wait before the next attempt to reach a pool.

Doubling, capped, and spread over the upper half of each step, so that a farm's proxies do not all come
back to a restarted pool in the same instant.
"""

from random import Random

FIRST_SECONDS = 0.5


class Backoff:
    """Counts failures and says how long to wait.

    Args:
        most: longest wait in seconds.
        random: where the spread comes from.
    """

    def __init__(self, most: float, random: Random) -> None:
        self._most = most
        self._random = random
        self._step = FIRST_SECONDS

    def next(self) -> float:
        """Return the seconds to wait after one more failure."""
        step = min(self._step, self._most)
        self._step = min(step * 2, self._most)
        return step * (0.5 + 0.5 * self._random.random())

    def reset(self) -> None:
        """Say that an attempt succeeded."""
        self._step = FIRST_SECONDS
