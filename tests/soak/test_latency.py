"""What of a round trip is the measuring process's own, and is taken off."""

from tests.soak.latency import STALL_SECONDS, Latency, Pulse


class Clock:
    """Shows what it is set to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _after(clock: Clock, *beats: tuple[float, float]) -> Pulse:
    """A pulse that was due and came at these times."""
    pulse = Pulse(clock)
    for due, came in beats:
        pulse.expect(due)
        clock.now = came
        pulse.beat()
    pulse.expect(clock.now + 100)
    return pulse


def test_a_beat_that_comes_late_is_a_stall() -> None:
    pulse = _after(Clock(), (1.0, 1.5))
    assert pulse.worst == 0.5
    assert pulse.stalled(0.0, 2.0) == 0.5


def test_only_what_lies_in_the_stretch_counts() -> None:
    pulse = _after(Clock(), (1.0, 2.0), (4.0, 6.0))
    assert pulse.stalled(1.5, 5.0) == 0.5 + 1.0
    assert pulse.stalled(2.0, 4.0) == 0
    assert pulse.stalled(7.0, 8.0) == 0


def test_a_beat_as_late_as_timers_are_is_none() -> None:
    assert _after(Clock(), (1.0, 1.0 + STALL_SECONDS / 2)).stalled(0.0, 2.0) == 0


def test_one_that_is_overdue_counts_before_it_has_come() -> None:
    pulse = Pulse(Clock())
    pulse.expect(1.0)
    assert pulse.stalled(0.0, 1.5) == 0.5
    assert pulse.stalled(1.25, 1.5) == 0.25


async def test_what_we_took_ourselves_is_taken_off(autojump_clock: object) -> None:
    class Stalls(Pulse):
        def stalled(self, since: float, until: float) -> float:
            return 0.03

    whole = Latency(Stalls())
    for seconds in (0.01, 0.04, 0.05):
        Latency(Stalls(), whole).add(seconds)
    figures = whole.milliseconds()
    assert (figures["p50"], figures["max"]) == (40, 50)
    assert (figures["their_p50"], figures["their_max"]) == (10, 20)
    assert whole.count == 3


def test_nothing_has_no_figures() -> None:
    assert Latency(Pulse(Clock())).milliseconds()["their_p999"] is None
