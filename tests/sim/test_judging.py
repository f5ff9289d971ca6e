"""The pool's own judgement, and its books."""

import pytest

from proxy.model.share import Reason, Verdict
from proxy.native import Equihash
from proxy.sim.judging import Judge, PoolTally, Seat, Shelf
from proxy.sim.rig import Proof, Task, solving
from proxy.sim.styles import P2, PoolJob, Solo, Style

SMALL = Equihash(48, 5)
HEADER = "ab" * 32
PREFIX = "c511"
EASY = 2**256 - 1


def job(serial: int = 1, job_id: str = "1", clean: bool = True) -> PoolJob:
    return PoolJob(serial, job_id, HEADER, EASY, EASY, clean)


def judge(params: object, style: Style | None = None, target: int = EASY, **how: bool) -> Verdict:
    judges = Judge(style or P2(0), SMALL, PoolTally(), how.get("strict", False), how.get("trust", False))
    return judges.judge(params, Seat(job(), False, PREFIX, target))


def proof() -> Proof:
    source, task = solving(SMALL), Task("1", HEADER, b"\xff" * 32, PREFIX)
    return next(found[0] for _ in range(100) if (found := source(task)))


def params(size: str = "24", ntime: str = "0" * 16) -> list[object]:
    good = proof()
    return ["w", "1", ntime, good.nonce[4:], size + good.solution]


def test_a_good_share_in_both_sizes_and_cases() -> None:
    assert judge(params()).reason is Reason.ACCEPTED
    assert judge(params(size="")).reason is Reason.ACCEPTED
    assert judge(params(size=""), Solo()).detail == "solution"
    upper = params()
    upper[4] = str(upper[4]).upper()
    assert judge(upper).reason is Reason.ACCEPTED


@pytest.mark.parametrize("bad", [None, {}, [], ["w", "1", 5, "", ""], ["w", "1", "", None, ""]])
def test_params_that_are_none(bad: object) -> None:
    assert judge(bad) == Verdict(Reason.MALFORMED, "params")


def test_ntime_has_16_digits() -> None:
    assert judge(params(ntime="0" * 15)) == Verdict(Reason.MALFORMED, "ntime")
    assert judge(params(ntime="x" * 16)) == Verdict(Reason.MALFORMED, "hex")


def test_the_target_is_looked_at_before_the_proof_and_the_proof_not_if_trusted() -> None:
    forged = [*params()[:4], "24" + "00" * 36]
    assert judge(forged, target=1).reason is Reason.LOW_DIFFICULTY
    assert judge(forged).reason is Reason.INVALID_SOLUTION
    assert judge(forged, trust=True).reason is Reason.ACCEPTED


def test_jobs_are_kept_forgotten_and_known_to_have_been() -> None:
    shelf = Shelf(2)
    jobs = [job(number, str(number), clean=number != 3) for number in (1, 2, 3)]
    for one in jobs:
        shelf.add(one)
    assert shelf.current is jobs[2]
    assert shelf.clean_serial == 2
    assert shelf.find("1") == (None, True)
    assert shelf.find(2) == (jobs[1], False)
    assert shelf.find("77") == shelf.find(None) == (None, False)
    shelf.add(job(4, "1"))
    assert shelf.find("1")[1] is False


def test_a_clean_job_leaves_no_other_if_the_shelf_expires() -> None:
    shelf = Shelf(10, expires=True)
    for number, clean in enumerate((True, False, False), 1):
        shelf.add(job(number, str(number), clean))
    assert shelf.find("1")[0] is not None
    shelf.add(job(4, "4"))
    assert [shelf.find(str(number)) for number in (1, 2, 3)] == [(None, True)] * 3
    assert shelf.find("4")[0] is shelf.current


def test_a_second_solution_counts_apart() -> None:
    tally = PoolTally()
    for verdict in (
        Verdict(Reason.ACCEPTED),
        Verdict(Reason.DUPLICATE, "second_solution"),
        Verdict(Reason.LOW_DIFFICULTY, "0.5"),
    ):
        tally.count(verdict)
    assert tally.refused == {"second_solution": 1, "low_difficulty": 1}
    assert (tally.submits, tally.accepted, tally.bad) == (3, 1, 1)
    assert tally.as_dict()["bad"] == 1
