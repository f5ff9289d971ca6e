"""How late verdicts are, and how much of that is the measuring process's own doing.

Strategy: a pulse beats in the loop that reads the verdicts.  A beat that comes late shows a stretch in which
nobody here was served, for whatever reason: this process had no core, or was busy solving.  What of a round
trip lies in such stretches is not the proxy's, and is taken off.
The trap: a verdict may be read right after a stall and before the beat that tells of it; so the beat that is
overdue counts as well.
"""

from collections import deque
from collections.abc import Callable

import trio

from proxy.sim.report import Samples

BEAT_SECONDS = 0.004
STALL_SECONDS = 0.001  # that a beat may come late, as timers do
MOST_STALLS = 4096  # remembered: those of some seconds at the worst, and no verdict takes as long


class Pulse:
    """Notes when the loop it runs in served nobody.

    Args:
        clock: seconds of the loop's clock.
    """

    def __init__(self, clock: Callable[[], float] = trio.current_time) -> None:
        self._clock = clock
        self._due = float("inf")
        self._stalls: deque[tuple[float, float]] = deque(maxlen=MOST_STALLS)
        self.worst = 0.0

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            self.expect(self._clock() + BEAT_SECONDS)
            await trio.sleep_until(self._due)
            self.beat()

    def expect(self, due: float) -> None:
        """Say when the next beat is due."""
        self._due = due

    def beat(self) -> None:
        """Note a beat; it was late if it should have been before."""
        now = self._clock()
        if now - self._due > STALL_SECONDS:
            self._stalls.append((self._due, now))
            self.worst = max(self.worst, now - self._due)

    def stalled(self, since: float, until: float) -> float:
        """Tell how many seconds of a stretch that ends now nobody was served."""
        seconds = max(0.0, until - max(since, self._due))
        for began, ended in reversed(self._stalls):
            if ended <= since:
                break
            seconds += min(ended, until) - max(began, since)
        return seconds


class Latency(Samples):
    """Round trips, with and without what this process itself took.

    Args:
        whole: where each is entered as well.
    """

    def __init__(self, pulse: Pulse, whole: "Latency | None" = None, seed: int = 0) -> None:
        super().__init__(seed)
        self._pulse = pulse
        self._whole = whole
        self._theirs = Samples(seed)
        self._worst = self._worst_theirs = 0.0

    def add(self, seconds: float) -> None:
        """Enter one that has just ended."""
        now = trio.current_time()
        self._enter(seconds, max(0.0, seconds - self._pulse.stalled(now - seconds, now)))

    def _enter(self, seconds: float, theirs: float) -> None:
        super().add(seconds)
        self._theirs.add(theirs)
        self._worst = max(self._worst, seconds)
        self._worst_theirs = max(self._worst_theirs, theirs)
        if self._whole is not None:
            self._whole._enter(seconds, theirs)

    def milliseconds(self) -> dict[str, float | None]:
        """Median, percentiles and maximum; `their` figures are without what this process took."""
        return {
            **_figures("", self, self._worst),
            **_figures("their_", self._theirs, self._worst_theirs),
        }


def _figures(prefix: str, samples: Samples, worst: float) -> dict[str, float | None]:
    values = sorted(samples._values)
    if not values:
        return {f"{prefix}{key}": None for key in ("p50", "p99", "p999", "max")}
    last = len(values) - 1
    parts = {"p50": last // 2, "p99": last * 99 // 100, "p999": last * 999 // 1000}
    figures = {f"{prefix}{key}": round(values[place] * 1e3, 3) for key, place in parts.items()}
    return {**figures, f"{prefix}max": round(worst * 1e3, 3)}
