"""The pool's own judgement in the login dialect: of both kinds of work, and of whatever a socket brings."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.model.share import Reason, Verdict
from proxy.native import Equihash
from proxy.sim import blobwork
from proxy.sim.judging import PoolTally, Seat
from proxy.sim.login_judging import BlobJudge, EquihashLoginJudge
from proxy.sim.login_styles import BlobWork, EquihashWork
from proxy.sim.styles import PoolJob
from tests.sim.login_talker import SMALL, hashes, proofs

HEADER, PREFIX, EASY = "ab" * 32, "b760ca8200000000", 2**256 - 1


def job() -> PoolJob:
    return PoolJob(1, "j1", HEADER, EASY, EASY, True)


def seat(target: int = EASY, prefix: str = PREFIX) -> Seat:
    return Seat(job(), False, prefix, target)


# ---- Equihash


def equihash(
    params: dict[str, Any], at: Seat | None = None, *, strict: bool = False, trust: bool = False
) -> Verdict:
    return EquihashLoginJudge(SMALL, PoolTally(), strict, trust).judge(params, at or seat())


def proof(**instead: Any) -> dict[str, Any]:
    """A good one; None takes a member away."""
    share = {**next(proofs(EquihashWork(SMALL, 64).members(job(), PREFIX, "s"))), **instead}
    return {name: member for name, member in share.items() if member is not None}


def test_a_good_proof_in_each_spelling() -> None:
    bare = proof()["solution"]
    for share in (
        proof(),
        proof(result=None),
        proof(ntime="00000000655f0000"),
        proof(solution="24" + bare),
        proof(solution=bare.upper(), nonce=proof()["nonce"].upper(), result=proof()["result"].upper()),
        proof(algo="equihash/48_5", sig="anything", more=[1]),
    ):
        assert equihash(share, strict=True).reason is Reason.ACCEPTED


@pytest.mark.parametrize(
    ("share", "reason", "detail"),
    [
        (proof(job_id=None), Reason.MALFORMED, "params"),
        (proof(job_id=1), Reason.MALFORMED, "params"),
        (proof(nonce=None), Reason.MALFORMED, "nonce"),
        (proof(nonce=proof()["nonce"][:-2]), Reason.MALFORMED, "nonce"),
        (proof(nonce="x" * 64), Reason.MALFORMED, "nonce"),
        (proof(nonce="00" * 32), Reason.BAD_NONCE, ""),
        (proof(solution=None), Reason.MALFORMED, "solution"),
        (proof(solution=["00"]), Reason.MALFORMED, "solution"),
        (proof(solution="00" * 35), Reason.MALFORMED, "solution"),
        (proof(solution="25" + proof()["solution"]), Reason.MALFORMED, "solution"),
        (proof(solution="xx" * 36), Reason.MALFORMED, "hex"),
        (proof(result="00" * 32), Reason.MALFORMED, "result"),
        (proof(result=7), Reason.MALFORMED, "result"),
        (proof(result=proof()["solution"]), Reason.MALFORMED, "result"),
        (proof(ntime="0" * 15), Reason.MALFORMED, "ntime"),
        (proof(ntime=0), Reason.MALFORMED, "ntime"),
        (proof(algo="rx/0"), Reason.MALFORMED, "algorithm"),
        (proof(solution="00" * 36, result=None), Reason.INVALID_SOLUTION, ""),
    ],
)
def test_each_flaw_of_a_proof(share: dict[str, Any], reason: Reason, detail: str) -> None:
    assert equihash(share, strict=True) == Verdict(reason, detail)


def test_a_proof_must_be_below_the_target_and_is_looked_at_unless_trusted() -> None:
    value = int(proof()["result"], 16)
    assert equihash(proof(), seat(value)).reason is Reason.LOW_DIFFICULTY
    assert equihash(proof(), seat(value + 1)).reason is Reason.ACCEPTED
    assert equihash(proof(solution="00" * 36, result=None), trust=True).reason is Reason.ACCEPTED


def test_any_algorithm_passes_where_the_pool_is_not_strict() -> None:
    assert equihash(proof(algo="rx/0")).reason is Reason.ACCEPTED


def test_a_proof_counts_once_a_job() -> None:
    tally, at = PoolTally(), seat()
    judge = EquihashLoginJudge(SMALL, tally, False, False)
    prefixed = proof(solution="24" + proof()["solution"])
    assert judge.judge(proof(), at).reason is Reason.ACCEPTED
    assert judge.judge(prefixed, at).reason is Reason.DUPLICATE
    assert (tally.nonces, tally.repeated_nonces) == (1, 1)


# ---- blob work


def blob(
    params: dict[str, Any], at: Seat | None = None, *, strict: bool = False, trust: bool = False
) -> Verdict:
    return BlobJudge(PoolTally(), strict, trust).judge(params, at or seat())


def hashed(**instead: Any) -> dict[str, Any]:
    """A good one; None takes a member away."""
    work = {"job_id": "j1", "blob": BlobWork.blob(job(), PREFIX)}
    return {name: member for name, member in {**next(hashes(work)), **instead}.items() if member is not None}


def test_a_good_hash_with_whatever_else() -> None:
    upper = hashed()["result"].upper()
    for share in (hashed(), hashed(result=upper), hashed(algo="rx/0", sig="5" * 128, commitment=None)):
        assert blob(share, strict=True).reason is Reason.ACCEPTED


@pytest.mark.parametrize(
    ("share", "reason", "detail"),
    [
        (hashed(job_id=None), Reason.MALFORMED, "params"),
        (hashed(nonce=None), Reason.MALFORMED, "nonce"),
        (hashed(nonce=0), Reason.MALFORMED, "nonce"),
        (hashed(nonce="000000"), Reason.MALFORMED, "nonce"),
        (hashed(nonce="-0000000"), Reason.MALFORMED, "nonce"),
        (hashed(result=None), Reason.MALFORMED, "result"),
        (hashed(result="0" * 62), Reason.MALFORMED, "result"),
        (hashed(result="0" * 64), Reason.INVALID_SOLUTION, ""),
        (hashed(nonce="01000000"), Reason.INVALID_SOLUTION, ""),
        (hashed(algo="cn/0"), Reason.MALFORMED, "algorithm"),
    ],
)
def test_each_flaw_of_a_hash(share: dict[str, Any], reason: Reason, detail: str) -> None:
    assert blob(share, strict=True) == Verdict(reason, detail)


def test_a_hash_of_another_connections_blob_is_wrong() -> None:
    assert blob(hashed(), seat(prefix="b760ca8200000001")).reason is Reason.INVALID_SOLUTION


def test_a_hash_must_be_below_the_target_and_is_computed_unless_trusted() -> None:
    value = blobwork.value(hashed()["result"])
    assert blob(hashed(), seat(value << 192)).reason is Reason.LOW_DIFFICULTY
    assert blob(hashed(), seat(value + 1 << 192)).reason is Reason.ACCEPTED
    assert blob(hashed(result="0" * 64), seat(1 << 192), trust=True).reason is Reason.ACCEPTED


def test_a_nonce_counts_once_a_blob() -> None:
    tally, shared = PoolTally(), job()
    judge = BlobJudge(tally, False, True)
    seats = [Seat(shared, False, prefix, EASY) for prefix in ("aa", "aa", "bb")]
    assert [judge.judge(hashed(), at).reason for at in seats] == [
        Reason.ACCEPTED,
        Reason.DUPLICATE,
        Reason.ACCEPTED,
    ]
    assert (tally.nonces, tally.repeated_nonces) == (2, 1)


# ---- both


@pytest.mark.parametrize("judge", [equihash, blob])
def test_jobs_that_are_gone_or_never_were(judge: Any) -> None:
    for gone, reason in ((True, Reason.STALE), (False, Reason.UNKNOWN_JOB)):
        assert judge({"job_id": "j1"}, Seat(None, gone, PREFIX, 0)).reason is reason


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80)
anything = st.recursive(
    scalars | st.text("0123456789abcdefABCDEFx", max_size=80),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(["id", "job_id", "nonce", "solution", "result", "ntime", "algo", "sig"]) | st.text()


@given(share=st.dictionaries(names, anything, max_size=8), known=st.booleans(), strict=st.booleans())
def test_no_params_can_crash_a_judge_nor_be_accepted(
    share: dict[str, Any], known: bool, strict: bool
) -> None:
    at = seat() if known else Seat(None, False, PREFIX, 0)
    for judge in (equihash, blob):
        assert judge(share, at, strict=strict).reason is not Reason.ACCEPTED


@given(name=st.sampled_from(["job_id", "nonce", "solution", "result", "ntime", "algo"]), member=anything)
def test_no_member_of_a_good_share_can_crash_a_judge(name: str, member: object) -> None:
    for judge, share in ((equihash, proof()), (blob, hashed())):
        assert isinstance(judge({**share, name: member}, strict=True), Verdict)


def test_depth_can_not_crash_a_judge() -> None:
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    for name in ("job_id", "nonce", "solution", "result", "ntime", "algo", "other"):
        for judge, share in ((equihash, proof()), (blob, hashed())):
            assert isinstance(judge({**share, name: deep}, strict=True), Verdict)


def test_other_equihashes_have_other_sizes() -> None:
    judge = EquihashLoginJudge(Equihash(), PoolTally(), False, True)
    share = proof(solution="fd8005" + "00" * 1408, result=None)
    assert judge.judge(share, seat()).reason is Reason.ACCEPTED
