"""Work a second over the last minute, ten minutes, hour and day, in memory that does not grow.

    ring    bars of 5 s, 30 s, 3 min and 30 min, as many as fill its span

Strategy: work is added up while the present five seconds last, and poured into all rings when they are
over, so that a share costs an addition.  The span of every bar is a multiple of the one before, so none
ever lies across two bars of a longer ring.
The trap: who has been here for a minute has no work of an hour to be divided by an hour.
"""

from array import array
from typing import NamedTuple

STEP = 5.0  # seconds of the shortest bar; the names below are those of "sols_per_second" in the API


class _Ring(NamedTuple):
    name: str
    step: float
    bars: int
    first: int  # where its bars begin among those of all rings


_RINGS = (
    _Ring("1m", STEP, 12, 0),
    _Ring("10m", 30.0, 20, 12),
    _Ring("1h", 180.0, 20, 32),
    _Ring("24h", 1800.0, 48, 52),
)
SPANS = tuple(ring.name for ring in _RINGS)
_BARS = 100


class Point(NamedTuple):
    """One bar of a history: when it began, seconds of the caller's clock, and work a second in it."""

    at: float
    rate: float


class Windows:
    """The work of one worker, or of a whole farm; 1 KB.

    Args:
        now: when it begins, seconds of any clock that only goes on, as everywhere below.
    """

    __slots__ = ("_bars", "_fresh", "_since", "_until")

    def __init__(self, now: float) -> None:
        self._bars = array("d", bytes(8 * _BARS))
        self._since = now
        self._fresh = 0.0  # of the present step, which ends at:
        self._until = _begin(now, STEP) + STEP

    def add(self, work: float, now: float) -> None:
        """Add work.

        Args:
            work: difficulty of a good share.
        """
        if now >= self._until:
            self._pour(now)
        self._fresh += work

    def rates(self, now: float) -> dict[str, float]:
        """Give work a second, by the name of the span.

        What is younger than a span is divided by its age, but by one step at least: a first share would
        otherwise make a giant of a small miner.
        """
        return {span: self.rate(span, now) for span in SPANS}

    def rate(self, span: str, now: float) -> float:
        """Give work a second over one span; see rates()."""
        if now >= self._until:
            self._pour(now)
        _, step, bars, first = _RINGS[SPANS.index(span)]
        # The oldest bar is the one that the present one takes the place of.
        seconds = (bars - 1) * step + now - _begin(now, step)
        work = sum(self._bars[first : first + bars]) + self._fresh
        return work / max(min(max(now - self._since, STEP), seconds), STEP)

    def history(self, span: str, now: float) -> list[Point]:
        """Give the bars of a span, oldest first; the first and the last count as far as they have been.

        Args:
            span: one of SPANS.
        """
        if now >= self._until:
            self._pour(now)
        ring = _RINGS[SPANS.index(span)]
        present = _begin(now, ring.step)
        points = []
        for back in range(ring.bars - 1, -1, -1):
            at = present - back * ring.step
            if at + ring.step <= self._since:
                continue
            work = self._bars[ring.first + _place(at, ring)]
            begin, end = max(at, self._since), at + ring.step
            if not back:
                work += self._fresh
                end = now
            seconds = max(end - begin, STEP)
            points.append(Point(at, work / seconds))
        return points

    def _pour(self, now: float) -> None:
        """Put what is fresh into its bars, and clear those whose time has come again."""
        past = self._until - STEP
        bars = self._bars
        for ring in _RINGS:
            bars[ring.first + _place(past, ring)] += self._fresh
            passed = round((_begin(now, ring.step) - _begin(past, ring.step)) / ring.step)
            for ahead in range(1, min(passed, ring.bars) + 1):
                bars[ring.first + _place(past + ahead * ring.step, ring)] = 0.0
        self._fresh = 0.0
        self._until = _begin(now, STEP) + STEP


def _begin(now: float, step: float) -> float:
    """When the bar began that a time is in."""
    return now // step * step


def _place(at: float, ring: _Ring) -> int:
    return int(at // ring.step) % ring.bars
