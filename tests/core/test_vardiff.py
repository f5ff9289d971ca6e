"""The difficulty that follows a miner: bounds that always hold, and how miners of any speed fare.

Whole days of miners are played through with seeded chance, so every run sees the same ones.
"""

import math
import random
import sys

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config import Vardiff as Settings
from proxy.core.vardiff import LEAST, MOST, Vardiff, fixed_from_password, fixed_from_user, tidy
from tests.wire.hostile import patient

HOUR = 3600.0
SWEEP = 5.0  # seconds between two looks at silent miners
# A quarter off, and what the grid takes: half a step of it.
SETTLED = 1.25 * 2**0.25
WIDE = Settings(start=1000, min=LEAST, max=MOST)


@attrs.define
class Farmhand:
    """A miner of constant speed; its shares come by chance.

    Args:
        speed: difficulty it does in a second.
    """

    speed: float
    vardiff: Vardiff
    chance: random.Random
    now: float = 0.0
    shares: int = 0
    changes: list[tuple[float, float]] = attrs.field(factory=list)

    @property
    def rate(self) -> float:
        """Its shares, on average, as a part of what is wanted."""
        return self.speed / self.vardiff.difficulty * WIDE.target_seconds

    @property
    def settled(self) -> bool:
        """Whether they come as often as wanted."""
        return 1 / SETTLED <= self.rate <= SETTLED

    def play(self, until: float = math.inf, shares: float = math.inf) -> None:
        """Let it mine for a time, or for a number of shares."""
        ends = self.shares + shares
        while self.now < until and self.shares < ends:
            # Chance has no memory, so every sweep may roll anew.
            wait = self.chance.expovariate(self.speed / self.vardiff.difficulty)
            if wait > SWEEP:
                self.now += SWEEP
                changed = self.vardiff.idle(self.now)
            else:
                self.now += wait
                self.shares += 1
                changed = self.vardiff.accepted(self.now, self.vardiff.difficulty)
            if changed is not None:
                self.changes.append((self.now, changed))


def farmhand(seed: int, rate: float, settings: Settings = WIDE) -> Farmhand:
    """A miner whose shares come `rate` times as often as wanted at first; each seed another speed."""
    chance = random.Random(seed)
    start = settings.start * 2 ** chance.uniform(0, 0.5)  # so that the grid lies anywhere to it
    speed = rate * start / settings.target_seconds
    return Farmhand(speed, Vardiff(settings, 0.0), chance)


# ---- how miners fare


@pytest.mark.parametrize("rate", [100, 10, 1, 0.1, 0.01])
def test_any_speed_settles(rate: float) -> None:
    """Within 200 shares from a hundred times too easy to a hundred times too hard."""
    hands = [farmhand(seed, rate) for seed in range(100)]
    for hand in hands:
        hand.play(shares=200)
    # Chance looks like a change of speed once in a while, and is put right within the hour.
    assert sum(hand.settled for hand in hands) >= 94
    assert all(1 / 4 < hand.rate < 4 for hand in hands)


def test_on_the_whole_shares_come_as_often_as_wanted() -> None:
    for rate in (100, 0.01):
        hands = [farmhand(seed, rate) for seed in range(20)]
        for hand in hands:
            hand.play(shares=1000)
        assert 0.75 < sum(hand.rate for hand in hands) / len(hands) < 1.25


def test_a_fast_one_is_near_it_after_a_handful_of_shares() -> None:
    hands = [farmhand(seed, 100) for seed in range(100)]
    for hand in hands:
        hand.play(shares=30)
    assert sum(1 / 3 < hand.rate < 3 for hand in hands) >= 90
    assert all(hand.rate < 8 for hand in hands)


def test_a_slow_one_is_near_it_in_minutes() -> None:
    """Most of them with hardly a share."""
    hands = [farmhand(seed, 0.01) for seed in range(100)]
    for hand in hands:
        hand.play(until=30 * WIDE.target_seconds)
    assert sum(1 / 3 < hand.rate < 3 for hand in hands) >= 94
    assert all(hand.rate > 1 / 8 for hand in hands)


def test_a_steady_miner_is_left_alone() -> None:
    """A change in some ten hours is chance that no rule could tell from a change of speed."""
    changes = 0
    for seed in range(20):
        hand = farmhand(seed, 1)
        hand.play(until=HOUR)
        before = len(hand.changes)
        hand.play(until=12 * HOUR)
        after = [at for at, _ in hand.changes[before:]]
        assert all(sum(at <= other < at + HOUR for other in after) < 4 for at in after)
        changes += len(after)
    assert changes < 0.25 * 20 * 11


def test_a_miner_that_slows_down_is_followed() -> None:
    hand = farmhand(1, 1)
    hand.play(until=HOUR)
    hand.speed /= 20
    hand.play(until=2 * HOUR)
    assert hand.settled


def test_a_miner_that_doubles_its_cards_is_followed() -> None:
    hand = farmhand(2, 1)
    hand.play(until=HOUR)
    hand.speed *= 2.5
    hand.play(until=2 * HOUR)
    assert hand.settled


def test_a_thousand_miners_share_a_handful_of_difficulties() -> None:
    """A factor of thousand between the slowest and the fastest; a work is made for each."""
    chance = random.Random(3)
    difficulties = set()
    for seed in range(1000):
        hand = farmhand(seed, 10 ** chance.uniform(-1.5, 1.5))
        hand.play(shares=40)
        difficulties.add(hand.vardiff.difficulty)
    assert len(difficulties) <= 24 + 1  # and the start, where nothing was to change


# ---- single steps


def test_the_start_is_kept_as_it_was_written() -> None:
    assert Vardiff(Settings(start=1000, max=1e6), 0.0).difficulty == 1000


def test_a_start_of_its_own_is_put_on_the_grid() -> None:
    """Where a miner was before, or what it asked for: 10,000 of them are not to be 10,000 works."""
    assert Vardiff(Settings(), 0.0, start=1000).difficulty == 1024
    assert Vardiff(Settings(max=900), 0.0, start=1000).difficulty == 900
    assert Vardiff(Settings(min=2000, start=2000), 0.0, start=1000).difficulty == 2000


def test_the_pools_difficulty_is_above_all() -> None:
    vardiff = Vardiff(Settings(start=50, min=10), 0.0, ceiling=8)
    assert vardiff.difficulty == 8
    assert vardiff.idle(1.0, ceiling=5) == 5, "at once, without any evidence"
    assert vardiff.accepted(2.0, 5.0, ceiling=3) == 3
    assert vardiff.idle(2.5, ceiling=3) is None


def test_silence_brings_it_down_step_by_step_to_min() -> None:
    vardiff = Vardiff(Settings(start=100, min=3, target_seconds=10), 0.0)
    said = [(now, new) for now in range(0, 2000, 5) if (new := vardiff.idle(now)) is not None]
    assert said == [(40, 32.0), (80, 8.0), (120, 3.0)]


def test_a_share_at_the_very_moment_of_login_is_no_infinite_rate() -> None:
    vardiff = Vardiff(WIDE, 0.0)
    said = [vardiff.accepted(0.0, 1000.0) for _ in range(5)]
    assert said[:4] == [None] * 4
    assert said[4] is not None
    assert 32 * 1000 < said[4] <= 64 * 1000


def test_a_clock_that_stands_still_or_goes_back_does_no_harm() -> None:
    vardiff = Vardiff(WIDE, 100.0)
    assert vardiff.idle(50.0) is None
    assert vardiff.accepted(50.0, 1000.0) is None


def test_a_late_share_counts_what_it_was_asked_for() -> None:
    """After a step up, shares of the easier work are still under way; they are no sign of a fast miner."""
    late, new = Vardiff(WIDE, 0.0), Vardiff(WIDE, 0.0)
    for _ in range(5):
        late.accepted(12.0, 10.0)
        new.accepted(12.0, 1000.0)
    assert late.difficulty < 1000 < new.difficulty


def test_time_without_work_is_no_silence() -> None:
    vardiff = Vardiff(WIDE, 0.0)
    assert vardiff.idle(59.0) is None
    vardiff.restart(3600.0)
    assert vardiff.idle(3659.0) is None
    assert vardiff.idle(3660.0) is not None


def test_ten_thousand_of_them_are_small() -> None:
    vardiff = Vardiff(WIDE, 0.0)
    held = sum(sys.getsizeof(getattr(vardiff, name)) for name in vardiff.__slots__ if name != "_settings")
    assert sys.getsizeof(vardiff) + held <= 300
    assert not hasattr(vardiff, "__dict__")


# ---- what always holds


difficulties = st.floats(LEAST, MOST)
settings_of_any_kind = st.builds(
    lambda three, seconds: Settings(min=three[0], start=three[1], max=three[2], target_seconds=seconds),
    st.tuples(difficulties, difficulties, difficulties).map(sorted),
    st.floats(0.1, 3600),
)
# Seconds that pass, the pool's difficulty then, and whether a share comes.
events = st.lists(
    st.tuples(
        st.floats(0, 10_000) | st.just(0.0),
        st.floats(1e-6, 1e20) | st.just(math.inf),
        st.integers(0, 40),
    ),
    max_size=40,
)


@patient
@given(settings_of_any_kind, events, st.none() | difficulties)
def test_the_bounds_hold_whatever_happens(
    settings: Settings, events: list[tuple[float, float, int]], start: float | None
) -> None:
    vardiff, now = Vardiff(settings, 0.0, start=start), 0.0
    for seconds, ceiling, shares in events:
        now += seconds
        for share in range(shares + 1):
            before = vardiff.difficulty
            said = vardiff.accepted(now, before, ceiling) if share else vardiff.idle(now, ceiling)
            after = vardiff.difficulty
            assert said is None or said == after
            assert (said is None) == (after == before)
            assert 0 < after <= min(ceiling, settings.max)
            assert after >= min(settings.min, ceiling)
            assert after <= 64 * before or after in (settings.min, ceiling)
            assert after >= before / 4 or after == ceiling


@patient
@given(settings_of_any_kind, events)
def test_once_it_knows_its_miner_no_step_is_longer_than_four(
    settings: Settings, events: list[tuple[float, float, int]]
) -> None:
    vardiff = Vardiff(settings, 0.0)
    vardiff._fresh = False
    now = 0.0
    for seconds, _, shares in events:
        now += seconds
        for _ in range(shares):
            before = vardiff.difficulty
            vardiff.accepted(now, before)
            assert before / 4 <= vardiff.difficulty <= 4 * before


@patient
@given(settings_of_any_kind, events)
def test_every_difficulty_is_of_the_grid_or_a_bound(
    settings: Settings, events: list[tuple[float, float, int]]
) -> None:
    vardiff, now = Vardiff(settings, 0.0), 0.0
    for seconds, ceiling, shares in events:
        now += seconds
        for _ in range(shares):
            said = vardiff.accepted(now, vardiff.difficulty, ceiling)
            assert said in (None, settings.min, settings.max, ceiling) or said == tidy(said)


@patient
@given(difficulties)
def test_tidy_is_near_and_final(difficulty: float) -> None:
    near = tidy(difficulty)
    assert difficulty / 2**0.2501 <= near <= difficulty * 2**0.2501
    assert tidy(near) == near


def test_the_grid_has_few_places() -> None:
    """Whole powers of 2 are exact, and two ways to one place give one number."""
    places = {tidy(LEAST * 1.01**step) for step in range(4167)}
    assert len(places) == 121
    assert {1.0, 2.0, 1024.0, 2.0**0.5} <= places


# ---- what miners ask for


@pytest.mark.parametrize(
    ("password", "difficulty"),
    [
        ("d=1000", 1000),
        ("D=1000", 1000),
        ("d=1e3", 1000),
        ("d=1E+3", 1000),
        ("d=0.5", 0.5),
        ("d=5.", 5),
        ("d=1e-3", 0.001),
        ("d=1e15", 1e15),
        ("x,d=1000", 1000),
        ("d=1000;x", 1000),
        ("x d=1000", 1000),
        ("c=AION, d=1000 ,m=solo", 1000),
        ("d=1000,d=7", 1000),
        ("", None),
        ("x", None),
        ("1000", None),
        ("d=", None),
        ("d=0", None),
        ("d=-5", None),
        ("d=1e16", None),
        ("d=1e99", None),
        ("d=1e999", None),
        ("d=0.0009", None),
        ("d=nan", None),
        ("d=inf", None),
        ("d=1_000", None),
        ("d=0x10", None),
        ("d= 1000", None),
        ("d=1000k", None),
        ("d=١٠٠٠", None),
        ("id=1000", None),
        ("d=" + "9" * 400, None),
    ],
)
def test_a_difficulty_in_a_password(password: str, difficulty: float | None) -> None:
    assert fixed_from_password(password) == difficulty


@pytest.mark.parametrize(
    ("user", "name", "difficulty"),
    [
        ("wallet+1000", "wallet", 1000),
        ("wallet+1000.rig7", "wallet.rig7", 1000),
        ("wallet.rig7+1000", "wallet.rig7", 1000),
        ("wallet+1", "wallet", 1),
        ("wallet", "wallet", None),
        ("wallet+", "wallet+", None),
        ("wallet+0", "wallet+0", None),
        ("wallet+1e3", "wallet+1e3", None),
        ("wallet+rig7", "wallet+rig7", None),
        ("wallet+1000+2000", "wallet+1000+2000", None),
        ("+1000", "+1000", None),
        ("me+1@farm.example", "me+1@farm.example", None),
        ("wallet+9999999999999999", "wallet+9999999999999999", None),
        ("wallet+" + "9" * 400, "wallet+" + "9" * 400, None),
        ("wallet+1000\n", "wallet+1000\n", None),
        ("", "", None),
    ],
)
def test_a_difficulty_behind_a_name(user: str, name: str, difficulty: float | None) -> None:
    assert fixed_from_user(user) == (name, difficulty)


hostile = st.text(max_size=300) | st.lists(
    st.sampled_from(["d=", "+", "9", "e", "-", ".", ",", ";", " ", "1e3", "٣", "nan", "w"]), max_size=30
).map("".join)


@patient
@given(hostile)
def test_any_text_asks_for_something_usable_or_nothing(text: str) -> None:
    name, behind = fixed_from_user(text)
    for difficulty in (fixed_from_password(text), behind):
        assert difficulty is None or LEAST <= difficulty <= MOST
    assert name == text or behind is not None
