"""The share of another process of ours: looked up, and nothing else."""

from proxy.core.assignment import Assignment
from proxy.core.jobbook import JobBook
from proxy.core.trusting import TrustingValidator
from proxy.model.share import Reason, Share
from proxy.native import share_value
from tests.kit.shares import a_job, proofs

NOBODY = Assignment()


def test_whatever_is_for_a_known_work_goes_to_the_pool() -> None:
    book = JobBook()
    work = book.add(a_job(target=1))[0]
    judge = TrustingValidator(book).judge
    for _ in range(2):  # it would have been a duplicate, too low, and no solution
        judgement = judge(Share(work.id + "3", "zz", "junk"), NOBODY)
        assert judgement.verdict is None
        assert judgement.entry is not None
        assert judgement.entry.work is work
        assert judgement.value == b""


def test_one_that_a_new_job_overtook_between_the_processes_goes_on() -> None:
    book = JobBook()
    old = book.add(a_job())[0]
    book.add(a_job("cd" * 32))
    judgement = TrustingValidator(book).judge(Share(old.id, "", ""), NOBODY)
    assert judgement.verdict is None
    assert judgement.entry is not None
    assert judgement.entry.work.job is old.job


def test_a_work_that_is_forgotten_is_refused() -> None:
    judgement = TrustingValidator(JobBook()).judge(Share("00000000000f", "", ""), NOBODY)
    assert judgement.verdict is not None
    assert judgement.verdict.reason is Reason.UNKNOWN_JOB
    assert judgement.entry is None


def test_the_value_is_hashed_where_the_pool_is_told_it() -> None:
    proof = next(proof for proof in proofs("equihash_48_5") if proof.valid)
    book = JobBook()
    work = book.add(a_job(proof.header))[0]
    judgement = TrustingValidator(book, share_value).judge(proof.share(work.id), NOBODY)
    assert int.from_bytes(judgement.value, "big") == proof.value
