"""The counts: both sums hold after any sequence of shares, and break when one is counted wrongly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.tally import FANOUT_BOUNDS, ROUNDTRIP_BOUNDS, VERIFY_BOUNDS, Histogram, Tally
from proxy.model.share import FILTERED, FORWARDED, Reason

DOOR = ("farm", "aion")


def balanced(tally: Tally) -> bool:
    """Whether both sums hold now; a type checker takes a property for unchanged."""
    return tally.conserved


@pytest.mark.parametrize(
    ("value", "bucket"), [(0.0, 0), (1.0, 0), (1.1, 1), (2.0, 1), (3.0, 2), (float("inf"), 2)]
)
def test_a_bucket_holds_its_upper_bound(value: float, bucket: int) -> None:
    histogram = Histogram((1.0, 2.0))
    histogram.observe(value)
    assert histogram.counts == [int(place == bucket) for place in range(3)]
    assert histogram.total == value


@given(st.lists(st.floats(0, 100)))
def test_every_observation_is_in_one_bucket(values: list[float]) -> None:
    histogram = Histogram(VERIFY_BOUNDS)
    for value in values:
        histogram.observe(value)
    assert sum(histogram.counts) == len(values)
    assert histogram.total == pytest.approx(sum(values))  # later Pythons sum more exactly
    for place, bound in enumerate(VERIFY_BOUNDS):
        assert sum(histogram.counts[: place + 1]) == sum(value <= bound for value in values)


@pytest.mark.parametrize("bounds", [FANOUT_BOUNDS, VERIFY_BOUNDS, ROUNDTRIP_BOUNDS])
def test_bounds_grow(bounds: tuple[float, ...]) -> None:
    assert list(bounds) == sorted(set(bounds))


def test_a_new_tally_is_balanced() -> None:
    tally = Tally()
    assert tally.conserved
    assert (tally.received_total, tally.forwarded_total) == (0, 0)


def test_the_life_of_a_forwarded_share() -> None:
    tally = Tally()
    assert balanced(tally)
    tally.received[DOOR] += 1
    assert not balanced(tally), "received, and nowhere yet"
    tally.sent("main")
    assert balanced(tally), "in flight"
    assert (tally.in_flight, tally.forwarded_total) == (1, 1)
    tally.returned("main", Reason.ACCEPTED, 8.0, 0.004)
    assert tally.conserved
    assert tally.in_flight == 0
    assert tally.shares == {Reason.ACCEPTED: 1}
    assert tally.work == {Reason.ACCEPTED: 8.0}
    assert sum(tally.roundtrip["main"].counts) == 1


def test_a_share_without_an_answer_has_no_roundtrip() -> None:
    tally = Tally()
    tally.sent("none")
    tally.returned("none", Reason.LOST, 8.0, None)
    assert tally.roundtrip == {}
    assert tally.shares[Reason.LOST] == 1


def test_roundtrips_are_kept_by_pool() -> None:
    tally = Tally()
    for pool in ("main", "backup", "main"):
        tally.sent(pool)
        tally.returned(pool, Reason.REJECTED, 1.0, 0.5)
    counts = {pool: sum(histogram.counts) for pool, histogram in tally.roundtrip.items()}
    assert counts == {"main": 2, "backup": 1}


def test_only_good_shares_are_credited() -> None:
    tally = Tally()
    tally.judge(Reason.KEPT, 2.0)
    tally.judge(Reason.ACCEPTED, 3.0)
    tally.judge(Reason.REJECTED, 4.0)
    tally.judge(Reason.STALE, 8.0)
    assert tally.credited == 5.0


def test_work_is_summed_by_reason() -> None:
    tally = Tally()
    for difficulty in (2.0, 0.5, 0.0):
        tally.judge(Reason.KEPT, difficulty)
    assert tally.work == {Reason.KEPT: 2.5}
    assert tally.shares == {Reason.KEPT: 3}


@pytest.mark.parametrize("reason", list(Reason))
def test_a_verdict_that_is_counted_twice_shows(reason: Reason) -> None:
    tally = Tally()
    tally.received[DOOR] += 1
    if reason in FORWARDED:
        tally.sent("main")
        tally.returned("main", reason, 1.0, 1.0)
    else:
        tally.judge(reason, 1.0)
    assert balanced(tally)
    tally.judge(reason, 1.0)
    assert not balanced(tally)


pools = st.sampled_from(["main", "backup", "none"])
# How a share can end: here, or at a pool that answers or does not.
fates = st.one_of(
    st.sampled_from((*FILTERED, Reason.KEPT)),
    st.tuples(pools, st.sampled_from(FORWARDED)),
    st.tuples(pools, st.none()),
)


@given(st.lists(fates))
def test_the_sums_hold_after_any_sequence(shares: list[Reason | tuple[str, Reason | None]]) -> None:
    tally = Tally()
    flying: list[tuple[str, Reason]] = []
    unanswered = 0
    for place, fate in enumerate(shares):
        tally.received["farm" if place % 2 else "office", "aion"] += 1
        if isinstance(fate, Reason):
            tally.judge(fate, 1.0)
        else:
            pool, answer = fate
            tally.sent(pool)
            if answer is None:
                unanswered += 1
            else:
                flying.append((pool, answer))
        assert tally.conserved
        # Answers come late and in any order.
        if len(flying) > 3:
            pool, reason = flying.pop(place % len(flying))
            tally.returned(pool, reason, 1.0, None if reason is Reason.LOST else 0.1)
            assert tally.conserved
    for pool, reason in flying:
        tally.returned(pool, reason, 1.0, None)
    assert tally.conserved
    assert tally.in_flight == unanswered
    assert tally.received_total == len(shares)
    assert sum(tally.shares.values()) == len(shares) - unanswered
    assert sum(tally.work.values()) == len(shares) - unanswered
