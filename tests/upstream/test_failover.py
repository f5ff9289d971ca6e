"""Decisions between pools as dialogues: what happened, then who is wanted and who is best."""

import math

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from proxy.upstream.failover import (
    FAILBACK,
    HEAD_START,
    LOST,
    OPERATOR,
    REJECTING,
    SILENT,
    Failover,
)

BACK = 60.0
FIRST, SECOND, THIRD = range(3)


class Play:
    """A failover whose decisions are carried out at once, as the pool side does it."""

    def __init__(self, count: int = 3) -> None:
        self.now = 1000.0
        self.preferred = 0
        self.moves: list[tuple[int, str]] = []
        self.failover = Failover(count, BACK, lambda: self.preferred)
        self.count = count
        self.tried: set[int] = set()
        self.settles()

    def settles(self) -> None:
        """Carry out what is decided."""
        for _ in range(self.count):
            place, reason = self.failover.best(self.now)
            if place is None or place == self.failover.active:
                break
            self.failover.activated(place, self.now, reason)
            self.moves.append((place, reason))
        for place in self.tried - set(self.wanted):
            self.tried.discard(place)
            self.failover.left(place)

    @property
    def wanted(self) -> list[int]:
        """Places of the pools that are wanted now."""
        return [place for place in range(self.count) if self.failover.wanted(place, self.now)]

    @property
    def active(self) -> int | None:
        """Place of the pool that the farm works for."""
        return self.failover.active

    def tries(self, *places: int) -> None:
        """Begin to try pools."""
        for place in places:
            self.tried.add(place)
            self.failover.tried(place, self.now)
        self.settles()

    def gives_work(self, place: int) -> None:
        """Let a pool give work, trying it before if need be."""
        if place not in self.tried:
            self.tries(place)
        self.failover.let_in(place)
        self.settles()
        self.failover.gave_work(place, self.now)
        self.settles()

    def fails(self, place: int, reason: str = LOST) -> None:
        """Let a pool fail."""
        self.tried.discard(place)
        self.failover.ended(place, self.now, reason)
        self.settles()

    def passes(self, seconds: float) -> None:
        """Let time go by, looking when a look is due."""
        end = self.now + seconds
        while (due := self.failover.next_look(self.now)) <= end:
            assert due > self.now, "it would look for ever"
            self.now = due
            self.settles()
        self.now = end


# ---- who is tried


def test_the_first_alone_has_its_head_start() -> None:
    play = Play()
    assert play.wanted == [FIRST]
    play.tries(FIRST)
    play.passes(HEAD_START - 0.1)
    assert play.wanted == [FIRST]
    play.passes(0.1)
    assert play.wanted == [FIRST, SECOND]
    play.tries(SECOND)
    play.passes(HEAD_START)
    assert play.wanted == [FIRST, SECOND, THIRD]


def test_one_that_fails_gives_way_at_once_and_stays_wanted() -> None:
    play = Play()
    play.tries(FIRST)
    play.fails(FIRST)
    assert play.wanted == [FIRST, SECOND]
    play.tries(SECOND)
    play.fails(SECOND)
    assert play.wanted == [FIRST, SECOND, THIRD]


def test_while_one_works_those_before_it_are_wanted_and_those_behind_are_not() -> None:
    play = Play()
    play.tries(FIRST)
    play.fails(FIRST)
    play.gives_work(SECOND)
    assert play.wanted == [FIRST, SECOND]
    assert play.moves == [(SECOND, "")], "the first work of all is no change"


def test_one_that_failed_before_the_farm_came_home_is_tried_in_its_turn_again() -> None:
    play = Play()
    play.tries(FIRST)
    play.fails(FIRST)
    play.tries(SECOND)
    play.fails(SECOND)
    play.tries(SECOND)
    play.gives_work(FIRST)
    assert play.wanted == [FIRST]
    play.fails(FIRST)
    assert play.wanted == [FIRST, SECOND], "the third waits for the second to fail"


def test_one_that_lets_us_in_and_gives_nothing_yields_to_one_that_does() -> None:
    play = Play()
    play.tries(FIRST)
    play.failover.let_in(FIRST)
    play.settles()
    assert play.active == FIRST
    play.passes(HEAD_START)
    play.gives_work(SECOND)
    assert play.moves == [(FIRST, ""), (SECOND, SILENT)]
    assert play.wanted == [FIRST, SECOND]


# ---- who takes over


def test_one_in_reserve_takes_over_at_once_for_the_reason_of_the_loss() -> None:
    for reason in (LOST, SILENT, REJECTING):
        play = Play()
        play.tries(FIRST)
        play.fails(FIRST)
        play.gives_work(SECOND)
        play.gives_work(FIRST)
        assert play.active == SECOND
        play.fails(SECOND, reason)
        assert play.moves[-1] == (FIRST, reason)


def test_of_two_in_reserve_the_one_that_has_proved_itself_first() -> None:
    play = Play()
    play.tries(FIRST, SECOND)
    play.fails(FIRST)
    play.fails(SECOND)
    play.gives_work(THIRD)
    play.gives_work(SECOND)
    play.passes(BACK / 2)
    play.gives_work(FIRST)
    play.passes(BACK / 2)
    assert play.moves[-1] == (SECOND, FAILBACK)
    play.passes(BACK / 2)
    assert play.moves[-1] == (FIRST, FAILBACK)
    assert play.wanted == [FIRST]


def test_work_with_a_break_begins_anew() -> None:
    play = Play()
    play.tries(FIRST)
    play.fails(FIRST)
    play.gives_work(SECOND)
    for _ in range(5):
        play.gives_work(FIRST)
        play.passes(BACK - 1)
        play.fails(FIRST)
    assert play.active == SECOND


def test_a_probe_that_falls_silent_and_is_back_at_its_next_attempt_has_had_no_break() -> None:
    play = Play()
    play.tries(FIRST)
    play.fails(FIRST)
    play.gives_work(SECOND)
    play.gives_work(FIRST)
    play.passes(BACK - 1)
    play.fails(FIRST, SILENT)
    play.gives_work(FIRST)
    play.passes(1)
    assert play.active == FIRST


def test_a_probe_that_falls_silent_and_then_fails_has_had_one() -> None:
    play = Play()
    play.tries(FIRST)
    play.fails(FIRST)
    play.gives_work(SECOND)
    play.gives_work(FIRST)
    play.passes(BACK - 1)
    play.fails(FIRST, SILENT)
    play.tries(FIRST)
    play.fails(FIRST, SILENT)
    play.gives_work(FIRST)
    play.passes(BACK - 1)
    assert play.active == SECOND


# ---- by hand, or led


def test_one_chosen_by_hand_is_preferred_until_it_fails() -> None:
    play = Play()
    play.gives_work(FIRST)
    play.failover.choose(THIRD)
    assert play.wanted == [FIRST, THIRD]
    play.gives_work(THIRD)
    assert play.moves[-1] == (THIRD, OPERATOR)
    assert play.wanted == [THIRD]
    play.fails(THIRD)
    assert play.wanted == [FIRST]


def test_one_chosen_by_hand_that_fails_is_no_more_patient_than_before() -> None:
    play = Play()
    play.tries(FIRST)
    play.fails(FIRST)
    play.gives_work(SECOND)
    play.failover.choose(FIRST)
    play.tries(FIRST)
    play.fails(FIRST)
    play.gives_work(FIRST)
    assert play.active == SECOND
    play.passes(BACK)
    assert play.moves[-1] == (FIRST, FAILBACK)


def test_one_that_is_led_moves_for_the_leaders_reason_and_comes_back_by_itself() -> None:
    play = Play()
    play.gives_work(FIRST)
    play.preferred = SECOND
    play.failover.led(LOST)
    assert play.wanted == [FIRST, SECOND]
    play.gives_work(SECOND)
    assert play.moves[-1] == (SECOND, LOST)
    # It alone loses the connection: it helps itself, and returns once that has proved itself.
    play.fails(SECOND)
    play.gives_work(FIRST)
    play.gives_work(SECOND)
    assert play.active == FIRST
    play.passes(BACK)
    assert play.moves[-1] == (SECOND, FAILBACK)


# ---- any order of events


class Machine(RuleBasedStateMachine):
    """Pools come and go as they like; the decisions stay sound."""

    def __init__(self) -> None:
        super().__init__()
        self.play = Play()
        self.working: set[int] = set()

    @rule(place=st.integers(0, 2))
    def tries(self, place: int) -> None:
        if place in self.play.wanted and place not in self.play.tried:
            self.play.tries(place)

    @precondition(lambda self: self.play.tried)
    @rule(data=st.data())
    def gives_work(self, data: st.DataObject) -> None:
        self.play.gives_work(data.draw(st.sampled_from(sorted(self.play.tried))))

    @precondition(lambda self: self.play.tried)
    @rule(data=st.data(), reason=st.sampled_from([LOST, SILENT, REJECTING]))
    def fails(self, data: st.DataObject, reason: str) -> None:
        self.play.fails(data.draw(st.sampled_from(sorted(self.play.tried))), reason)

    @rule(seconds=st.floats(0, 200))
    def passes(self, seconds: float) -> None:
        self.play.passes(seconds)

    @rule(place=st.integers(0, 2))
    def chooses(self, place: int) -> None:
        self.play.failover.choose(place)
        self.play.settles()

    @invariant()
    def whoever_works_is_wanted_and_tried(self) -> None:
        active = self.play.active
        assert active is None or active in self.play.wanted
        assert active is None or active in self.play.tried

    @invariant()
    def somebody_is_always_wanted(self) -> None:
        assert self.play.wanted

    @invariant()
    def nobody_waits_while_another_gives_work(self) -> None:
        failover = self.play.failover
        if any(failover.has_work(place) for place in range(3)):
            assert failover.active is not None
            assert failover.has_work(failover.active)

    @invariant()
    def the_next_look_is_in_the_future(self) -> None:
        look = self.play.failover.next_look(self.play.now)
        assert look > self.play.now or look == math.inf


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)


# ---- another list of pools


def test_those_that_stay_keep_what_is_known_of_them_in_their_new_places() -> None:
    play = Play()
    play.tries(FIRST)
    play.failover.gave_work(FIRST, play.now)
    play.settles()
    assert play.active == FIRST
    play.failover.rearrange([None, FIRST], BACK)
    assert play.active == 1
    assert play.failover.has_work(1)
    assert not play.failover.has_work(0)
    assert play.failover.wanted(0, play.now), "a new one that is preferred is tried"


def test_one_that_is_gone_is_active_no_more_and_the_next_is_gone_to_without_a_wait() -> None:
    play = Play()
    play.failover.gave_work(SECOND, play.now)
    play.settles()
    play.failover.rearrange([None, SECOND], 2 * BACK, waived=[0])
    play.failover.gave_work(0, play.now)
    assert play.failover.best(play.now) == (0, FAILBACK)
    play.failover.rearrange([0], BACK)
    assert play.active is None


def test_another_patience_holds_at_once() -> None:
    play = Play()
    play.failover.rearrange([FIRST, SECOND, THIRD], 5)
    assert play.failover.patience(FIRST) == 5
