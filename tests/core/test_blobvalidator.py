"""The validator of blob work: what is told without the proof, in which order; and nothing makes it raise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.assignment import Assignment
from proxy.core.blobvalidator import BlobValidator
from proxy.core.jobbook import MAX_STALE, JobBook
from proxy.core.validator import Judgement
from proxy.model.job import Work
from proxy.model.share import FORWARDED, Reason, Share, Verdict
from proxy.model.target import to_bytes
from tests.kit.miners import blob_job, blob_work
from tests.kit.shares import Targets

TOP = "f5"
TARGET = blob_work().target
GOOD = TARGET - 1  # as a value


def result(value: int) -> str:
    """Write a value as a result: its bytes the other way round."""
    return to_bytes(value)[::-1].hex()


def share(work: Work, nonce: str = "000000" + TOP, value: int = GOOD) -> Share:
    """A share that claims this value."""
    return Share(work.id, nonce, "", result=result(value))


class House:
    """A validator with its book, and one miner that gets whatever the pool gives.

    Args:
        targets: of further lanes; the miner is on the pool's own.
    """

    def __init__(self, *targets: int | None) -> None:
        self.lanes = Targets(*targets)
        self.book = JobBook(lanes=self.lanes)
        self.validator = BlobValidator(self.book)
        self.miner = Assignment(prefix=TOP)

    def works(self, number: int = 1, connection: int = 1, target: str = "b88d0600") -> list[Work]:
        """Get a job; its works, the pool's own first."""
        made = self.book.add(blob_job(blob_work(number, target), connection))
        return [made[lane] for lane in range(len(self.lanes))]

    def give(self, number: int = 1, connection: int = 1, target: str = "b88d0600") -> Work:
        """Give the miner a job; another number is another blob."""
        work = self.works(number, connection, target)[self.miner.lane]
        self.miner.first = self.miner.first or work.serial
        self.miner.last = work.serial
        return work

    def judge(self, share: Share) -> Judgement:
        """Judge a share of the miner."""
        return self.validator.judge(share, self.miner)

    def reason(self, share: Share) -> Reason | None:
        """The reason a share is told, None if the pool shall see it."""
        verdict = self.judge(share).verdict
        return verdict.reason if verdict is not None else None


@pytest.fixture
def house() -> House:
    return House()


def test_a_good_share_is_the_pools_with_the_value_it_claims(house: House) -> None:
    work = house.give()
    judgement = house.judge(share(work))
    assert judgement.verdict is None
    assert judgement.entry is house.book.find(work.id)
    assert judgement.value == to_bytes(GOOD)


def test_the_last_eight_bytes_of_a_result_count_little_endian(house: House) -> None:
    """As XMRig compares them: 10,000 is the difficulty, so their largest good value is 2^64 / 10,000."""
    work = house.give()
    most = (2**64 - 1) // 10_000
    for number, (last, reason) in enumerate([(most - 1, None), (most + 1, Reason.LOW_DIFFICULTY), (0, None)]):
        claimed = "ff" * 24 + last.to_bytes(8, "little").hex()
        assert house.reason(Share(work.id, f"{number:06x}{TOP}", "", result=claimed)) is reason


@pytest.mark.parametrize(
    ("nonce", "claimed", "detail"),
    [
        ("", "00" * 32, "nonce of 0 hex digits, 8 expected"),
        ("00" * 3, "00" * 32, "nonce of 6 hex digits, 8 expected"),
        ("00" * 5, "00" * 32, "nonce of 10 hex digits, 8 expected"),
        ("00" * 4, "", "result of 0 hex digits, 64 expected"),
        ("00" * 4, "00" * 31, "result of 62 hex digits, 64 expected"),
        ("00" * 4, "00" * 33, "result of 66 hex digits, 64 expected"),
        ("0000000g", "00" * 32, "nonce and result must be hex"),
        ("00 00 00", "00" * 32, "nonce and result must be hex"),
        ("00000000", "00" * 31 + "0x", "nonce and result must be hex"),
        ("0000000٣", "00" * 32, "nonce and result must be hex"),
    ],
)
def test_form_comes_before_all_else(house: House, nonce: str, claimed: str, detail: str) -> None:
    for work_id in ("none", house.give().id):
        verdict = house.judge(Share(work_id, nonce, "", result=claimed)).verdict
        assert verdict == Verdict(Reason.MALFORMED, detail)


def test_upper_case_is_the_same_share(house: House) -> None:
    work = house.give()
    assert house.reason(Share(work.id, "abcdefF5", "", result=result(GOOD).upper())) is None
    assert house.reason(share(work, "ABCDEFf5")) is Reason.DUPLICATE


def test_another_top_byte_is_outside_the_slice(house: House) -> None:
    work = house.give()
    for nonce in ("00000000", "f5000000", "000000f4", "0000f500"):
        assert house.reason(share(work, nonce)) is Reason.BAD_NONCE


def test_a_nonce_counts_once_on_a_job_whatever_it_claims(house: House) -> None:
    work = house.give()
    assert house.reason(share(work)) is None
    assert house.reason(share(work)) is Reason.DUPLICATE
    assert house.reason(share(work, value=GOOD - 1)) is Reason.DUPLICATE
    assert house.reason(share(work, "010000" + TOP)) is None
    other = house.give(2)
    assert house.reason(share(other)) is None


def test_a_new_target_is_no_new_job(house: House) -> None:
    work = house.give()
    assert house.reason(share(work)) is None
    easier = house.give(target="ffffff00")
    assert easier.id != work.id
    assert house.reason(share(easier)) is Reason.DUPLICATE
    assert house.reason(share(work, "010000" + TOP)) is None


def test_a_claim_that_meets_no_target_is_low(house: House) -> None:
    work = house.give()
    assert house.reason(share(work, value=TARGET)) is Reason.LOW_DIFFICULTY
    assert house.reason(share(work, "010000" + TOP, 2**256 - 1)) is Reason.LOW_DIFFICULTY


def test_between_the_miners_target_and_the_pools_a_share_is_kept() -> None:
    house = House(2 * TARGET)
    house.miner.lane = 1
    work = house.give()
    assert house.reason(share(work, "000000" + TOP, TARGET - 1)) is None
    assert house.reason(share(work, "010000" + TOP, TARGET)) is Reason.KEPT
    assert house.reason(share(work, "020000" + TOP, 2 * TARGET)) is Reason.LOW_DIFFICULTY


def test_live_stale_gone_and_unknown(house: House) -> None:
    old = house.give(1)
    house.give(2)
    assert house.reason(share(old)) is Reason.STALE
    for number in range(3, MAX_STALE + 5):
        house.give(number)
    assert house.book.find(old.id) is None
    assert house.reason(share(old)) is Reason.STALE
    for work_id in ("", "j1", "ffffffffffff", old.id + "1"):
        assert house.reason(Share(work_id, "000000" + TOP, "", result=result(GOOD))) is Reason.UNKNOWN_JOB


def test_the_work_of_another_lane_is_not_the_miners() -> None:
    house = House(2 * TARGET)
    works = house.works()
    house.miner.first, house.miner.last = 1, 2
    assert house.reason(share(works[0])) is None
    assert house.reason(share(works[1])) is Reason.UNKNOWN_JOB


def test_the_job_comes_before_the_byte(house: House) -> None:
    """After a change of pool connection a miner has another byte; what was on its way is only late."""
    old = house.give(1)
    late = share(old)
    house.give(2, connection=2)
    house.miner.former_prefix, house.miner.prefix = TOP, "07"
    assert house.reason(late) is Reason.STALE


def test_nothing_is_remembered_of_a_share_that_is_not_the_miners(house: House) -> None:
    work = house.give()
    assert house.reason(share(work, "000000f4")) is Reason.BAD_NONCE
    house.miner.prefix = "f4"
    assert house.reason(share(work, "000000f4")) is None


digits = st.text("0123456789abcdefABCDEF", min_size=8, max_size=8)
nonces = st.one_of(
    st.text(max_size=12),
    digits,
    digits.map(lambda text: text[:6] + TOP),
    st.text("0123456789abcdefg\ud800é _+", min_size=8, max_size=8),
)
results = st.one_of(
    st.text(max_size=70),
    st.text("0123456789abcdefABCDEF", min_size=64, max_size=64),
    st.text("0123456789abcdefg\ud800é _+", min_size=64, max_size=64),
    st.integers(0, 2 * TARGET).map(result),
)


@given(
    st.text(max_size=20) | st.sampled_from(["000000000001", "000000000002"]),
    nonces,
    results,
    st.sampled_from(["", "f5", "00"]),
)
def test_any_strings_give_a_judgement(work_id: str, nonce: str, claimed: str, prefix: str) -> None:
    house = House()
    house.miner.prefix = prefix
    house.give(1)
    house.give(2)
    made = Share(work_id, nonce, "", result=claimed)
    judgement = house.judge(made)
    if judgement.verdict is not None:
        assert judgement.verdict.reason not in FORWARDED
    else:
        assert (work_id, nonce[6:].lower()) == ("000000000002", prefix)
        assert judgement.value == to_bytes(int(bytes.fromhex(claimed)[::-1].hex(), 16)) < to_bytes(TARGET)
        assert house.reason(made) is Reason.DUPLICATE
