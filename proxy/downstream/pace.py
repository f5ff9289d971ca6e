"""How hard one miner's work is to be, where that is neither the pool's choice nor the listener's alone.

Strategy: a Pace belongs to a miner whose difficulty follows it.  It is told of good shares, and asked once
in a while about a silent miner; that it has changed is noted here, and acted on once the share that
changed it is answered.
The trap: the pool's difficulty bounds a miner's, but is on no grid; a work for each that a pool ever had
would be made for nothing, so up there the next place of the grid is asked for, which comes to the same.
"""

import math

from proxy.config import Vardiff as Settings
from proxy.core.vardiff import LEAST, MOST, Vardiff, tidy

# Between two looks at one miner.  Shares cause looks of their own, and silence says nothing before some
# shares are overdue; so a time to aim for is soon enough, and no shorter than this, or ten thousand miners
# would cost more than half a percent of a core.
LOOK_SECONDS = 2.0


class Pace:
    """A difficulty that follows one miner.

    Args:
        now: seconds of the monotonic clock, here and everywhere.
        ceiling: the pool's difficulty, here and everywhere; 0 where there is no work.
    Attributes:
        changed: the difficulty is another than before; whoever acts on it sets this back.
        every: seconds between two looks.
    """

    __slots__ = ("_ceiling", "_vardiff", "changed", "every")

    def __init__(self, settings: Settings, now: float, ceiling: float) -> None:
        self._ceiling = ceiling or math.inf
        self._vardiff = Vardiff(settings, now, self._ceiling)
        self.changed = False
        self.every = max(LOOK_SECONDS, settings.target_seconds)

    @property
    def difficulty(self) -> float:
        """What to ask of the miner; from the ceiling on that is what the pool asks."""
        difficulty = self._vardiff.difficulty
        if difficulty < self._ceiling:
            return difficulty
        grid = tidy(difficulty)
        return grid if grid >= difficulty else tidy(difficulty * math.sqrt(2.0))

    def restart(self, now: float) -> None:
        """Forget the time that has gone by: there was no work in it."""
        self._vardiff.restart(now)

    def solved(self, now: float, difficulty: float, ceiling: float) -> None:
        """Count a good share.

        Args:
            difficulty: of the work it is for.
        """
        if not ceiling:
            return  # a late one; there is nothing to do, and with new work all begins anew
        self._ceiling = ceiling
        if self._vardiff.accepted(now, difficulty, ceiling) is not None:
            self.changed = True

    def look(self, now: float, ceiling: float) -> None:
        """See whether a miner that may be silent has too much asked of it."""
        if not ceiling:
            self.restart(now)
            return
        self._ceiling = ceiling
        if self._vardiff.idle(now, ceiling) is not None:
            self.changed = True


def fixed(asked: float, settings: Settings | None) -> float:
    """Return the difficulty for a miner that asks for one: the nearest on the grid, within bounds.

    Args:
        asked: as the miner wrote it; LEAST .. MOST.
        settings: those of a port whose difficulty follows miners; None elsewhere.
    """
    low, high = (LEAST, MOST) if settings is None else (settings.min, settings.max)
    return float(min(max(tidy(asked), low), high))
