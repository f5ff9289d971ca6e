"""The validator: which rule a bad share is told, what goes to the pool, and that nothing makes it raise."""

from collections.abc import Callable

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.assignment import Assignment
from proxy.core.jobbook import MAX_STALE, JobBook
from proxy.core.validator import Judgement, Validator
from proxy.model.job import Job, Work
from proxy.model.share import FORWARDED, Reason, Share, Verdict
from proxy.model.target import MAX_TARGET, to_bytes
from proxy.native import Equihash
from tests.kit.shares import Proof, Targets, a_job, flipped, proofs

GOOD = proofs("equihash_48_5_job")[0]
ANOTHER = next(proof for proof in proofs("equihash_48_5_job") if proof.prefix != GOOD.prefix)
BAD_SOLUTION = flipped(GOOD.solution)


class House:
    """A validator with its book, and one miner that gets whatever the pool gives.

    Args:
        targets: of further lanes; the miner is on the pool's own.
    """

    def __init__(self, equihash: Equihash, *targets: int | None) -> None:
        self.lanes = Targets(*targets)
        self.book = JobBook(lanes=self.lanes)
        self.validator = Validator(equihash, self.book)
        self.miner = Assignment()

    def give(self, job: Job) -> list[Work]:
        """Give the miner a job; returns the works of all lanes."""
        made = self.book.add(job)
        works = [made[lane] for lane in range(len(self.lanes))]
        self.miner.first = self.miner.first or works[self.miner.lane].serial
        self.miner.last = works[self.miner.lane].serial
        return works

    def judge(self, share: Share) -> Judgement:
        """Judge a share of the miner."""
        return self.validator.judge(share, self.miner)

    def reason(self, share: Share) -> Reason | None:
        """The reason a share is told, None if the pool shall see it."""
        verdict = self.judge(share).verdict
        return verdict.reason if verdict is not None else None


@pytest.fixture
def house() -> House:
    return House(Equihash(48, 5))


def work_of(house: House, target: int = MAX_TARGET) -> Work:
    """Give the work that GOOD is a share of."""
    return house.give(a_job(GOOD.header, target))[0]


# ---- real shares


@pytest.mark.parametrize(
    ("name", "n", "k", "most"),
    [
        ("equihash_48_5", 48, 5, 500),
        ("equihash_48_5_job", 48, 5, 200),
        ("equihash_210_9", 210, 9, 12),
        ("equihash_210_9_job", 210, 9, 4),
    ],
)
def test_real_shares_are_judged_right(name: str, n: int, k: int, most: int) -> None:
    house = House(Equihash(n, k))
    judged = [proof for proof in proofs(name) if proof.valid][:most]
    judged += [proof for proof in proofs(name) if not proof.valid][:most]
    for proof in judged:
        work = house.give(a_job(proof.header, clean=False))[0]
        judgement = house.judge(proof.share(work.id))
        if proof.valid:
            assert judgement.verdict is None
            assert judgement.entry is house.book.find(work.id)
            assert judgement.value == to_bytes(proof.value)
            assert house.reason(proof.share(work.id)) is Reason.DUPLICATE
        else:
            assert judgement.verdict is not None
            assert judgement.verdict.reason in (Reason.INVALID_SOLUTION, Reason.MALFORMED)


def test_two_solutions_of_one_nonce_are_two_shares() -> None:
    by_nonce: dict[str, list[Proof]] = {}
    for proof in proofs("equihash_48_5_job"):
        by_nonce.setdefault(proof.nonce, []).append(proof)
    pair = next(found for found in by_nonce.values() if len(found) > 1)
    house = House(Equihash(48, 5))
    work = house.give(a_job(pair[0].header))[0]
    assert [house.reason(proof.share(work.id)) for proof in pair] == [None] * len(pair)


@pytest.mark.parametrize("cut", [0, 20])
def test_upper_case_is_the_same_share(house: House, cut: int) -> None:
    house.miner.prefix = GOOD.prefix
    work = work_of(house)
    nonce = GOOD.nonce[:cut] + GOOD.nonce[cut:].upper()
    assert house.reason(Share(work.id, nonce, GOOD.solution.upper(), "")) is None
    assert house.reason(GOOD.share(work.id)) is Reason.DUPLICATE


# ---- targets


@pytest.mark.parametrize(
    ("pool", "miner", "reason"),
    [
        (GOOD.value + 1, None, None),
        (GOOD.value, None, Reason.LOW_DIFFICULTY),
        (GOOD.value - 1, None, Reason.LOW_DIFFICULTY),
        (GOOD.value, GOOD.value + 1, Reason.KEPT),
        (GOOD.value + 1, GOOD.value + 2, None),
        (1, GOOD.value, Reason.LOW_DIFFICULTY),
        (1, MAX_TARGET, Reason.KEPT),
        (GOOD.value + 1, 1, None),  # never asked more than the pool asks
    ],
)
def test_a_share_must_be_below_the_target(pool: int, miner: int | None, reason: Reason | None) -> None:
    house = House(Equihash(48, 5), miner)
    house.miner.lane = 1
    work = house.give(a_job(GOOD.header, pool))[1]
    judgement = house.judge(GOOD.share(work.id))
    assert (judgement.verdict.reason if judgement.verdict else None) is reason
    assert judgement.entry is not None
    assert judgement.entry.work is work
    assert judgement.value == to_bytes(GOOD.value)


def test_a_pools_new_target_counts_for_a_share_on_the_way(house: House) -> None:
    work = work_of(house)
    house.give(a_job(GOOD.header, GOOD.value, pool_id="2"))
    assert house.reason(GOOD.share(work.id)) is Reason.KEPT


# ---- one rule after the other


def test_the_first_rule_that_is_broken_is_told(house: House) -> None:
    """A share that breaks every rule is mended one rule at a time."""
    house.miner.prefix = GOOD.prefix
    work = work_of(house, 1)
    share = Share("never", "zz" * 33, BAD_SOLUTION[:-1] + "z" + "00", "")

    def told() -> tuple[Reason, str]:
        verdict = house.judge(share).verdict
        assert verdict is not None
        return verdict.reason, verdict.detail

    assert told() == (Reason.MALFORMED, "solution of 74 hex digits, 72 expected")
    share.solution = BAD_SOLUTION[:-1] + "z"
    assert told() == (Reason.MALFORMED, "nonce of 66 hex digits, 64 expected")
    share.nonce = "zz" * 32
    assert told() == (Reason.MALFORMED, "nonce and solution must be hex")
    share.nonce = "00" * 32
    assert told() == (Reason.MALFORMED, "nonce and solution must be hex")
    share.solution = BAD_SOLUTION
    assert told() == (Reason.BAD_NONCE, "")
    share.nonce, share.solution = GOOD.nonce, BAD_SOLUTION[:-1] + "z"
    assert told() == (Reason.MALFORMED, "nonce and solution must be hex")
    share.solution = BAD_SOLUTION
    assert told() == (Reason.UNKNOWN_JOB, "")
    share.work_id = work.id
    assert told() == (Reason.LOW_DIFFICULTY, "")
    assert told() == (Reason.DUPLICATE, "")
    work.target = to_bytes(MAX_TARGET)
    assert told() == (Reason.DUPLICATE, "")
    share.solution = GOOD.solution[:-1] + f"{int(GOOD.solution[-1], 16) ^ 2:x}"
    assert told() == (Reason.INVALID_SOLUTION, "")
    share.solution = GOOD.solution
    assert told() == (Reason.KEPT, "")


@pytest.mark.parametrize("place", [0, 31, 63])
@pytest.mark.parametrize("digit", ["g", " ", "_", "+", "\x00", "é", "٣", "０", "\ud800"])
def test_what_is_not_hex_is_malformed_wherever_it_stands(house: House, place: int, digit: str) -> None:
    work = work_of(house)
    nonce = GOOD.nonce[:place] + digit + GOOD.nonce[place + 1 :]
    solution = GOOD.solution[:place] + digit + GOOD.solution[place + 1 :]
    for work_id in (work.id, "unknown"):
        assert house.reason(Share(work_id, nonce, GOOD.solution, "")) is Reason.MALFORMED
        assert house.reason(Share(work_id, GOOD.nonce, solution, "")) is Reason.MALFORMED


def test_a_nonce_outside_the_slice_is_refused(house: House) -> None:
    work = work_of(house)
    house.miner.prefix = ANOTHER.prefix
    judgement = house.judge(GOOD.share(work.id))
    assert judgement.verdict is not None
    assert judgement.verdict.reason is Reason.BAD_NONCE
    assert judgement.value == b""


# ---- which job


def test_live_stale_and_unknown(house: House) -> None:
    early = house.book.add(a_job("cc" * 32))[0]
    first, second = house.give(a_job("dd" * 32))[0], work_of(house)
    later = house.book.add(a_job("ee" * 32, clean=False))[0]
    assert house.reason(GOOD.share(early.id)) is Reason.UNKNOWN_JOB, "given before this miner came"
    assert house.reason(GOOD.share(first.id)) is Reason.STALE
    assert house.reason(GOOD.share(second.id)) is None
    assert house.reason(GOOD.share(later.id)) is Reason.UNKNOWN_JOB, "not given to it yet"


def test_a_work_that_is_gone_is_still_told_from_one_that_never_was(house: House) -> None:
    early = house.book.add(a_job("cc" * 32))[0]
    mine = house.give(a_job("dd" * 32))[0]
    for n in range(MAX_STALE + 2):
        house.give(a_job(f"{n:064x}"))
    assert house.book.find(early.id) is None
    assert house.book.find(mine.id) is None
    assert house.reason(GOOD.share(early.id)) is Reason.UNKNOWN_JOB
    assert house.reason(GOOD.share(mine.id)) is Reason.STALE


@pytest.mark.parametrize(
    "work_id", ["", "x", "0", "01", "0x1", "-1", "+1", " 1", "1_0", "A", "1" * 17, "ff", "١", "\ud800"]
)
def test_an_id_that_is_none_of_ours_is_unknown(house: House, work_id: str) -> None:
    for n in range(20):
        house.give(a_job(f"{n:064x}"))
    assert house.reason(GOOD.share(work_id)) is Reason.UNKNOWN_JOB


def test_a_miner_without_a_job_knows_none(house: House) -> None:
    work = house.book.add(a_job(GOOD.header))[0]
    assert house.reason(GOOD.share(work.id)) is Reason.UNKNOWN_JOB
    assert house.reason(GOOD.share("0")) is Reason.UNKNOWN_JOB


def test_the_first_work_has_an_alias_and_no_other_id(house: House) -> None:
    """A miner that comes back to a work must not see the id it had, so it gets one of its own."""
    house.miner.alias = "2f"
    first = work_of(house)
    assert house.reason(GOOD.share(first.id)) is Reason.UNKNOWN_JOB
    assert house.reason(GOOD.share(first.id + "2e")) is Reason.UNKNOWN_JOB
    assert house.reason(GOOD.share(first.id + "2f")) is None
    second = house.give(a_job(GOOD.header, MAX_TARGET - 1))[0]
    assert house.reason(GOOD.share(second.id + "2f")) is Reason.UNKNOWN_JOB
    assert house.reason(GOOD.share(second.id)) is Reason.DUPLICATE
    house.give(a_job("ab" * 32))
    assert house.reason(GOOD.share(first.id + "2f")) is Reason.STALE
    assert house.reason(GOOD.share(first.id)) is Reason.UNKNOWN_JOB


def test_the_work_of_another_difficulty_is_not_the_miners() -> None:
    house = House(Equihash(48, 5), MAX_TARGET)
    house.miner.lane = 1
    easy_target = GOOD.value
    theirs, mine = house.give(a_job(GOOD.header, easy_target))
    later_theirs, _ = house.give(a_job(GOOD.header, easy_target - 1))
    assert house.reason(GOOD.share(theirs.id)) is Reason.UNKNOWN_JOB
    assert house.reason(GOOD.share(later_theirs.id)) is Reason.UNKNOWN_JOB
    house.give(a_job("dd" * 32))
    assert house.reason(GOOD.share(theirs.id)) is Reason.UNKNOWN_JOB, "stale, but never its own"
    assert house.reason(GOOD.share(mine.id)) is Reason.STALE


def test_one_share_counts_once_over_all_works_of_its_header() -> None:
    house = House(Equihash(48, 5), 5)
    first = house.give(a_job(GOOD.header, MAX_TARGET - 1))[0]
    second = house.give(a_job(GOOD.header, MAX_TARGET))[0]
    assert house.reason(GOOD.share(first.id)) is None
    assert house.reason(GOOD.share(second.id)) is Reason.DUPLICATE


# ---- a miner that goes on with its former extranonce1


@attrs.define
class Moved:
    """A miner that was moved from one extranonce1 to another, and the shares it sends now."""

    house: House
    work: Work

    def obeying(self, proof: Proof) -> Share:
        """A share under the new extranonce1."""
        return proof.share(self.work.id)

    def not_obeying(self, proof: Proof) -> Share:
        """A share mined under the former one, as the session completes it."""
        prefix = self.house.miner.prefix
        return Share(self.work.id, prefix + proof.nonce[len(proof.prefix) :], proof.solution, "")


@pytest.fixture
def moved(house: House) -> Moved:
    house.miner.prefix, house.miner.former_prefix = GOOD.prefix, ANOTHER.prefix
    return Moved(house, work_of(house))


def test_a_share_sound_under_the_former_prefix_says_so(moved: Moved) -> None:
    assert moved.house.reason(moved.not_obeying(ANOTHER)) is Reason.BAD_NONCE
    assert moved.house.miner.former_prefix == ANOTHER.prefix


def test_so_it_does_when_its_value_under_the_new_prefix_is_low(moved: Moved) -> None:
    share = moved.not_obeying(ANOTHER)
    value = int.from_bytes(moved.house.judge(share).value, "big")
    proof = next(
        proof
        for proof in proofs("equihash_48_5_job")
        if proof.prefix == ANOTHER.prefix and proof.value < value and proof is not ANOTHER
    )
    share = moved.not_obeying(proof)
    moved.work.target = to_bytes(proof.value + 1)
    assert moved.house.reason(share) is Reason.BAD_NONCE


def test_a_share_bad_under_either_prefix_is_bad(moved: Moved) -> None:
    share = moved.not_obeying(ANOTHER)
    share.solution = flipped(ANOTHER.solution)
    assert moved.house.reason(share) is Reason.INVALID_SOLUTION


def test_a_share_low_under_either_prefix_is_low(moved: Moved) -> None:
    moved.work.target = to_bytes(1)
    assert moved.house.reason(moved.not_obeying(ANOTHER)) is Reason.LOW_DIFFICULTY


@pytest.mark.parametrize("kept", [False, True])
def test_a_good_share_ends_the_doubt(moved: Moved, kept: bool) -> None:
    if kept:
        moved.work.pool_target = to_bytes(1)
    assert moved.house.reason(moved.obeying(GOOD)) is (Reason.KEPT if kept else None)
    assert moved.house.miner.former_prefix == ""
    assert moved.house.reason(moved.not_obeying(ANOTHER)) is Reason.INVALID_SOLUTION


def test_without_a_former_prefix_such_a_share_is_just_bad(moved: Moved) -> None:
    moved.house.miner.former_prefix = ""
    assert moved.house.reason(moved.not_obeying(ANOTHER)) is Reason.INVALID_SOLUTION


@pytest.mark.parametrize(
    ("former", "rolled", "reason"),
    [
        ("0a" * 12, 20, Reason.BAD_NONCE),  # what a miner rolls behind a prefix of 12 bytes
        ("0a" * 6, 26, Reason.BAD_NONCE),
        ("0a" * 12, 21, Reason.MALFORMED),
        ("0a" * 12, 0, Reason.MALFORMED),
        ("", 20, Reason.MALFORMED),
        (ANOTHER.prefix, 23, Reason.MALFORMED),
    ],
)
def test_a_former_prefix_of_another_length_shows_in_the_size(
    house: House, former: str, rolled: int, reason: Reason
) -> None:
    house.miner.prefix, house.miner.former_prefix = GOOD.prefix, former
    work = work_of(house)
    nonce = house.miner.prefix + "00" * rolled
    assert house.reason(Share(work.id, nonce, GOOD.solution, "")) is reason


def test_a_late_share_under_a_former_prefix_of_another_length_is_stale(house: House) -> None:
    """It was on its way when the pool changed; nothing is wrong with the miner."""
    late = house.give(a_job("ab" * 32))[0]
    house.miner.prefix, house.miner.former_prefix = GOOD.prefix, "0a" * 12
    work_of(house)
    nonce = house.miner.prefix + "00" * 20
    assert house.reason(Share(late.id, nonce, GOOD.solution, "")) is Reason.STALE
    assert house.reason(Share("none", nonce, GOOD.solution, "")) is Reason.UNKNOWN_JOB


def test_it_is_stale_even_when_another_card_of_the_rig_has_obeyed_already(house: House) -> None:
    late = house.give(a_job("ab" * 32))[0]
    house.miner.prefix = GOOD.prefix
    house.miner.left("0a" * 12)
    house.miner.left(GOOD.prefix)  # and there was another change of pool meanwhile
    work = work_of(house)
    assert house.reason(Share(work.id, GOOD.nonce, GOOD.solution, "")) is None
    nonce = house.miner.prefix + "00" * 20
    assert house.reason(Share(late.id, nonce, GOOD.solution, "")) is Reason.STALE
    assert house.reason(Share(late.id, nonce + "00", GOOD.solution, "")) is Reason.MALFORMED
    assert house.reason(Share(work.id, nonce, GOOD.solution, "")) is Reason.MALFORMED
    assert house.reason(Share("none", nonce, GOOD.solution, "")) is Reason.MALFORMED


def test_a_bad_share_of_the_right_size_is_no_doubt_about_a_longer_former_prefix(house: House) -> None:
    house.miner.prefix, house.miner.former_prefix = GOOD.prefix, "0a" * 12
    work = work_of(house)
    assert house.reason(Share(work.id, GOOD.nonce, BAD_SOLUTION, "")) is Reason.INVALID_SOLUTION


@pytest.mark.parametrize("case", [str.lower, str.upper])
def test_a_whole_nonce_under_the_former_prefix(house: House, case: Callable[[str], str]) -> None:
    """For a job of then it is late; for one that came with the new prefix the miner has not obeyed."""
    late = house.give(a_job("ab" * 32))[0]
    house.miner.prefix, house.miner.former_prefix = GOOD.prefix, ANOTHER.prefix
    work = work_of(house)
    nonce = case(ANOTHER.nonce)
    assert house.reason(Share(late.id, nonce, ANOTHER.solution)) is Reason.STALE
    assert house.reason(Share(work.id, nonce, ANOTHER.solution)) is Reason.BAD_NONCE
    assert house.reason(Share("none", nonce, ANOTHER.solution)) is Reason.UNKNOWN_JOB
    assert house.reason(Share(work.id, "zz" + nonce[2:], ANOTHER.solution)) is Reason.MALFORMED


def test_a_whole_nonce_under_no_prefix_it_ever_had_is_outside_on_any_job(house: House) -> None:
    late = house.give(a_job("ab" * 32))[0]
    house.miner.prefix, house.miner.former_prefix = GOOD.prefix, ANOTHER.prefix
    work = work_of(house)
    for work_id in (late.id, work.id, "none"):
        assert house.reason(Share(work_id, "ee" * 32, GOOD.solution)) is Reason.BAD_NONCE


# ---- the value that a miner claims


@pytest.mark.parametrize("case", [str.lower, str.upper])
def test_a_result_that_is_the_value_is_taken(house: House, case: Callable[[str], str]) -> None:
    share = GOOD.share(work_of(house).id)
    share.result = case(f"{GOOD.value:064x}")
    assert house.reason(share) is None


@pytest.mark.parametrize(
    "claim", [f"{ANOTHER.value:064x}", "00" * 32, f"{GOOD.value:064x}"[2:], "x", "é" * 64]
)
def test_a_result_that_is_not_is_malformed_and_says_why(house: House, claim: str) -> None:
    share = GOOD.share(work_of(house).id)
    share.result = claim
    detail = "result is not the hash of header, nonce and solution"
    assert house.judge(share).verdict == Verdict(Reason.MALFORMED, detail)
    # It never was that share, so the share itself is still to come.
    assert house.reason(GOOD.share(share.work_id)) is None


def test_a_result_is_looked_at_last_of_all_form(house: House) -> None:
    """The job comes first: a miner that hashes another header than ours is told that its job is gone."""
    old = work_of(house)
    house.give(a_job("ab" * 32))
    share = GOOD.share(old.id)
    share.result = "00" * 32
    assert house.reason(share) is Reason.STALE


# ---- anything at all

hex_text = st.text("0123456789abcdefABCDEF", max_size=80)
near_misses = st.one_of(
    st.text(max_size=80),
    hex_text,
    st.text("0123456789abcdefg\ud800é", min_size=64, max_size=64),
    st.just(GOOD.nonce),
    st.integers(0, 63).map(lambda place: GOOD.nonce[:place] + "é" + GOOD.nonce[place + 1 :]),
)
solutions = st.one_of(
    st.text(max_size=80),
    hex_text,
    st.text("0123456789abcdefg\ud800é", min_size=72, max_size=72),
    st.sampled_from([GOOD.solution, BAD_SOLUTION, "00" * 36, "ff" * 36]),
)
prefixes = st.sampled_from(["", GOOD.prefix, ANOTHER.prefix, "0a" * 12, "ff" * 17])


@given(
    st.one_of(st.sampled_from(["1", "2", "3"]), st.text(max_size=20)),
    near_misses,
    solutions,
    st.text(max_size=20),
    st.just("") | st.just(f"{GOOD.value:064X}") | st.text(max_size=64),
    prefixes,
    prefixes,
)
def test_any_strings_give_a_judgement(
    work_id: str, nonce: str, solution: str, ntime: str, result: str, prefix: str, former: str
) -> None:
    house = House(Equihash(48, 5))
    house.miner.prefix, house.miner.former_prefix = prefix, former
    house.give(a_job("dd" * 32))
    work_of(house)
    share = Share(work_id, nonce, solution, ntime, result)
    judgement = house.judge(share)
    if judgement.verdict is not None:
        assert judgement.verdict.reason not in FORWARDED
    else:
        assert (nonce.lower(), solution.lower()) == (GOOD.nonce, GOOD.solution)
        assert result.lower() in ("", f"{GOOD.value:064x}")
        assert house.reason(share) is Reason.DUPLICATE
