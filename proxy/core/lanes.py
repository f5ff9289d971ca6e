"""The difficulties that miners are asked for, each under a number: its lane.

    lane 0      the pool's own, whatever it is
    lane 1 …    a difficulty of ours; never above the pool's, see model.job.Work

Strategy: a number stands for a difficulty for as long as the proxy runs, and for all its relays, so that
what a miner was given is a few bits.  Numbers are given as they are asked for.
The trap: a lane in use is one more work of every job.  So what miners may choose or grow into is on a
grid (vardiff.tidy): all of that, from the least difficulty to the most, is 121 lanes.  The rest are an
operator's own numbers, four for a listener at most, and so the table needs no bound of its own.
"""

from proxy.model.target import from_difficulty

POOLS = 0  # lane of the pool's own difficulty


class Lanes:
    """Numbers difficulties."""

    def __init__(self) -> None:
        self._numbers: dict[float, int] = {}
        self._targets: list[int | None] = [None]

    def __len__(self) -> int:
        return len(self._targets)

    def number(self, difficulty: float) -> int:
        """Return the lane of a difficulty, always the same.

        Args:
            difficulty: above 0 and finite; from the operator, or on the grid.
        """
        lane = self._numbers.get(difficulty)
        if lane is None:
            self._targets.append(from_difficulty(difficulty))
            lane = self._numbers[difficulty] = len(self._targets) - 1
        return lane

    def target(self, lane: int) -> int | None:
        """Return what a lane's miners shall meet; None for the pool's own target."""
        return self._targets[lane]
