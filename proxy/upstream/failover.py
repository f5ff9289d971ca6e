"""Which pool the farm works for, and which are to be connected to: decided, not done.

    best()    the pool to work for now, and why
    wanted()  whether a pool is to be tried, or its connection kept

Strategy: pools are ranked by preference.  While one gives work, those before it are wanted, as probes, and
those behind it are not.  While none does, the first is wanted, and the next as soon as those before it
have failed or have had their head start; so all of them, in the end.  Time is an argument.
The traps: a pool that is back for a moment must not pull the farm back and forth, so it has to give work
for a while without a break; and a quiet probe that is dropped for its silence has not failed.
"""

import math
from collections.abc import Callable, Iterable, Sequence

import attrs

from proxy.core.poolhealth import Patience

LOST, SILENT, REJECTING, FAILBACK, OPERATOR = "lost", "silent", "rejecting", "failback", "operator"
# Seconds a pool is tried before the next one is tried beside it: enough for any that is well, and little
# enough for miners without work.
HEAD_START = 5.0


@attrs.define(slots=True, eq=False)
class Standing:
    """How one pool stands.

    Args:
        tried_since: when the present attempt began, which lasts as long as its connection; None without one.
        up_since: since when it has given work without a break; a probe that fell silent keeps it.
        passed_over: it has failed, and has given no work since.
    """

    patience: Patience
    tried_since: float | None = None
    let_in: bool = False
    has_work: bool = False
    up_since: float | None = None
    passed_over: bool = False


class Failover:
    """The standing of all pools, and what follows from it.

    Args:
        count: of pools, in order of preference.
        failback_seconds: that a pool must have given work before the farm goes back to it.
        preferred: place of the pool that comes before all others whatever the order; asked each time.
    """

    def __init__(self, count: int, failback_seconds: float, preferred: Callable[[], int]) -> None:
        self._standings = [Standing(Patience(failback_seconds)) for _ in range(count)]
        self._preferred = preferred
        self._chosen: int | None = None  # by hand, until it fails
        self._led = ""  # why the one that is followed has moved
        self._loss = ""  # why the last one that gave work was left, until another does
        self.active: int | None = None

    # ---- what has happened

    def tried(self, place: int, now: float) -> None:
        """An attempt begins."""
        self._standings[place].tried_since = now

    def let_in(self, place: int) -> None:
        """The pool has let us in."""
        self._standings[place].let_in = True

    def gave_work(self, place: int, now: float) -> None:
        """The pool has given a job."""
        standing = self._standings[place]
        standing.let_in = standing.has_work = True
        standing.passed_over = False
        if standing.up_since is None:
            standing.up_since = now
        if place == self.active:
            self._loss = ""

    def ended(self, place: int, now: float, reason: str) -> None:
        """An attempt, or the connection it led to, has failed."""
        standing = self._standings[place]
        had_work, is_active = standing.has_work, place == self.active
        if is_active or not had_work or reason != SILENT:
            standing.up_since = None
        standing.tried_since = None
        standing.let_in = standing.has_work = False
        standing.passed_over = True
        if is_active or place == self._chosen:
            standing.patience.lost(now)
        if place == self._chosen:
            self._chosen = None
        if is_active:
            self.active = None
            if had_work or not self._loss:
                self._loss = reason

    def left(self, place: int) -> None:
        """A pool that is not wanted any more has been left: what was is forgotten."""
        self._standings[place] = Standing(self._standings[place].patience)

    def activated(self, place: int, now: float, reason: str) -> None:
        """The farm works for a pool from now on."""
        if self.active is not None:
            self._standings[self.active].patience.left()
        self.active, self._led = place, ""
        standing = self._standings[place]
        if reason == FAILBACK:
            standing.patience.went_back(now)
        if standing.has_work:
            self._loss = ""

    def choose(self, place: int) -> None:
        """Prefer a pool to all others until it fails."""
        self._chosen = place
        self._standings[place].patience.waive()

    def led(self, reason: str) -> None:
        """The one that is followed has moved to the preferred pool; it has proved itself there."""
        self._led = reason
        self._standings[self._preferred()].patience.waive()

    def rearrange(
        self, order: Sequence[int | None], failback_seconds: float, waived: Iterable[int] = ()
    ) -> None:
        """Go by another list of pools.

        Args:
            order: the former place of each, None for a new one.
            waived: places of those that the farm goes to as soon as they give work.
        """
        former = self._standings
        self._standings = [
            Standing(Patience(failback_seconds)) if place is None else former[place] for place in order
        ]
        for standing in self._standings:
            standing.patience.configure(failback_seconds)
        self.active, self._chosen = (
            order.index(place) if place is not None and place in order else None
            for place in (self.active, self._chosen)
        )
        for place in waived:
            self._standings[place].patience.waive()

    # ---- what follows

    def patience(self, place: int) -> float:
        """Seconds of work without a break that are asked of a pool."""
        return self._standings[place].patience.seconds

    def has_work(self, place: int) -> bool:
        """Whether a pool gives work."""
        return self._standings[place].has_work

    def best(self, now: float) -> tuple[int | None, str]:
        """Tell which pool to work for, None if there is none, and why it is to be that one."""
        working = [place for place in self._ranked() if self._standings[place].has_work]
        active = self.active
        if active is None or not self._standings[active].has_work:
            if working:
                return working[0], self._loss or SILENT
            if active is not None:
                return active, ""
            let_in = [place for place in self._ranked() if self._standings[place].let_in]
            return (let_in[0] if let_in else None), self._loss
        for place in working:
            if place == active:
                break
            if now >= self._due(place):
                return place, self._reason_for(place)
        return active, ""

    def wanted(self, place: int, now: float) -> bool:
        """Tell whether a pool is to be tried, or its connection kept."""
        if place == self.active:
            return True
        ranked = self._ranked()
        before = ranked[: ranked.index(place)]
        if self.active is not None and self._standings[self.active].has_work:
            return self.active not in before
        return all(self._is_slow(self._standings[other], now) for other in before)

    def next_look(self, now: float) -> float:
        """Tell when best() or wanted() will say something else at the earliest, if nothing happens."""
        times = [self._due(place) for place in range(len(self._standings)) if place != self.active]
        times += [
            standing.tried_since + HEAD_START
            for standing in self._standings
            if standing.tried_since is not None
        ]
        return min((time for time in times if time > now), default=math.inf)

    # ---- parts

    def _ranked(self) -> list[int]:
        first = self._preferred() if self._chosen is None else self._chosen
        return sorted(range(len(self._standings)), key=lambda place: (place != first, place))

    def _due(self, place: int) -> float:
        """When the farm may go back to a pool."""
        standing = self._standings[place]
        if not standing.has_work or standing.up_since is None:
            return math.inf
        return standing.up_since + standing.patience.seconds

    def _reason_for(self, place: int) -> str:
        if place == self._chosen:
            return OPERATOR
        return self._led if self._led and place == self._preferred() else FAILBACK

    @staticmethod
    def _is_slow(standing: Standing, now: float) -> bool:
        """Whether to wait for a pool no longer before the next one is tried."""
        if standing.passed_over:
            return True
        return standing.tried_since is not None and now >= standing.tried_since + HEAD_START
