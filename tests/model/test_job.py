"""Jobs and the works made of them: one id, one content."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.model import target as targets
from proxy.model.job import Job, Work

any_target = st.integers(1, targets.MAX_TARGET)


def a_job(target: int = 2**250, pool_id: str = "5") -> Job:
    return Job("main", 3, pool_id, "ab" * 32, target, clean=True, received=12.5)


def test_a_work_takes_the_pools_target_unless_told_another() -> None:
    work = Work.of(0x1F, a_job())
    assert (work.serial, work.id, work.lane) == (31, "00000000001f", 0)
    assert work.target == work.pool_target == (2**250).to_bytes(32, "big")
    assert work.difficulty == 64.0
    assert work.job.pool_id == "5"


def test_a_miner_may_have_it_easier_than_the_pool_asks() -> None:
    work = Work.of(1, a_job(), miner_target=2**254, lane=2)
    assert work.lane == 2
    assert work.target == (2**254).to_bytes(32, "big")
    assert work.pool_target == (2**250).to_bytes(32, "big")
    assert work.difficulty == 4.0


def test_a_miner_never_has_it_harder_than_the_pool_asks() -> None:
    work = Work.of(1, a_job(), miner_target=2**240)
    assert work.target == work.pool_target
    assert work.difficulty == 64.0


@given(any_target, st.none() | any_target)
def test_what_meets_the_pools_target_meets_the_miners(pool: int, miner: int | None) -> None:
    work = Work.of(1, a_job(pool), miner)
    assert work.pool_target <= work.target
    assert work.difficulty >= 1.0


@given(st.integers(0, 2**64), st.integers(0, 2**64))
def test_ids_differ_as_serials_do(one: int, other: int) -> None:
    assert (Work.of(one, a_job()).id == Work.of(other, a_job()).id) == (one == other)


def test_a_new_target_of_the_pool_leaves_what_the_miner_was_told() -> None:
    work = Work.of(7, a_job(2**250), miner_target=2**254)
    before = (work.id, work.target, work.difficulty)
    later = a_job(2**248)
    work.retarget(later)
    assert work.job is later
    assert work.pool_target == (2**248).to_bytes(32, "big")
    assert (work.id, work.target, work.difficulty) == before


def test_a_job_cannot_change() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        a_job().target = 1  # type: ignore[misc]


def test_jobs_and_works_are_told_apart_by_who_they_are_not_by_content() -> None:
    assert a_job() != a_job()
    assert Work.of(1, a_job()) != Work.of(1, a_job())
