"""What tells against a pool and what does not, and how long it must prove itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.poolhealth import (
    BAD_PART,
    GRACE_SECONDS,
    MOST_SECONDS,
    PROOF_SECONDS,
    WINDOW,
    Patience,
    Record,
    is_late,
)
from proxy.model.job import Job
from proxy.model.share import Reason, Verdict

USUAL = 60.0

# ---- verdicts


@given(st.lists(st.booleans(), max_size=3 * WINDOW))
def test_the_last_verdicts_are_looked_back_to_and_no_others(verdicts: list[bool]) -> None:
    record = Record()
    for is_good in verdicts:
        (record.good if is_good else record.bad)()
    last = verdicts[-WINDOW:]
    assert (record.decided, record.count, record.bad_count) == (len(verdicts), len(last), last.count(False))
    assert record.ratio == (last.count(False) / len(last) if last else 0)
    assert record.is_hopeless == (len(last) == WINDOW and last.count(False) >= BAD_PART * WINDOW)


def test_too_few_to_tell() -> None:
    record = Record()
    for _ in range(WINDOW - 1):
        record.bad()
    assert not record.is_hopeless
    record.bad()
    assert record.is_hopeless


def a_job(pool_id: str, received: float) -> Job:
    """A job of that id."""
    return Job("main", 1, pool_id, "ab" * 32, 1, clean=True, received=received)


def refused(text: str, code: int = 20) -> Verdict:
    """A pool's refusal."""
    return Verdict(Reason.REJECTED, text, code)


OLD, NEW = a_job("1", 900.0), a_job("2", 1000.0)


@pytest.mark.parametrize(
    ("verdict", "job", "now", "late"),
    [
        (refused("Job not found"), OLD, 1000.0, True),
        (refused("stale share"), OLD, 1000.0 + 9 * GRACE_SECONDS, True),
        (refused("", 21), OLD, 1000.0, True),
        (refused("Block expired", -1), NEW, 1000.0 + GRACE_SECONDS / 2, True),
        # Nothing has changed for long: the pool knows no job of ours.
        (refused("Job not found"), NEW, 1000.0 + GRACE_SECONDS, False),
        (refused("invalid solution"), OLD, 1000.0, False),
        (refused("low difficulty share", 23), OLD, 1000.0, False),
        (Verdict(Reason.LOST), OLD, 1000.0, False),
    ],
)
def test_a_refusal_that_only_a_new_job_is_to_blame_for(
    verdict: Verdict, job: Job, now: float, late: bool
) -> None:
    assert is_late(verdict, job, NEW, now) is late


def test_without_a_job_nothing_is_late() -> None:
    assert not is_late(refused("stale"), OLD, None, 1000.0)


# ---- patience


def fails_after(patience: Patience, seconds: float) -> float:
    """Let the farm go back to a pool that fails so soon; what is asked of it then."""
    patience.went_back(1000.0)
    patience.lost(1000.0 + seconds)
    return patience.seconds


def test_each_failed_return_doubles_what_is_asked_up_to_a_bound() -> None:
    patience = Patience(USUAL)
    asked = [fails_after(patience, 10) for _ in range(8)]
    assert asked == [120, 240, 480, 960, 1920, MOST_SECONDS, MOST_SECONDS, MOST_SECONDS]


def test_a_return_that_lasts_makes_up_for_it() -> None:
    patience = Patience(USUAL)
    fails_after(patience, 10)
    assert fails_after(patience, PROOF_SECONDS) == USUAL


def test_who_has_been_asked_for_more_has_to_last_as_long() -> None:
    patience = Patience(USUAL)
    for _ in range(4):
        fails_after(patience, 10)
    assert patience.seconds == 960
    assert fails_after(patience, PROOF_SECONDS) == 1920
    assert fails_after(patience, 1920) == USUAL


def test_a_loss_that_was_no_failed_return_costs_nothing() -> None:
    patience = Patience(USUAL)
    patience.lost(1000.0)
    assert patience.seconds == USUAL
    patience.went_back(1000.0)
    patience.left()
    patience.lost(1001.0)
    assert patience.seconds == USUAL


def test_more_than_the_bound_is_kept_if_it_is_configured() -> None:
    patience = Patience(2 * MOST_SECONDS)
    assert fails_after(patience, 10) == 2 * MOST_SECONDS


def test_what_is_waived_is_waived_until_it_fails() -> None:
    patience = Patience(USUAL)
    patience.waive()
    assert patience.seconds == 0
    patience.lost(1000.0)
    assert patience.seconds == USUAL
