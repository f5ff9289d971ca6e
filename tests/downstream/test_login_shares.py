"""Dialogues with one miner of the login dialect about its shares: one answer each, in fixed words.

First against a house that says what the test wants, for the words; then through a real relay, for the rest.
"""

from typing import Any

import pytest

from proxy.config import Listen
from proxy.model.share import Reason, Verdict
from proxy.model.target import from_difficulty, to_bytes, to_difficulty
from tests.downstream.farms import ACCEPTED, Farm, blob_door, farm
from tests.kit.miners import (
    LOGIN,
    PROOF,
    SIZE_PREFIX,
    SOLUTION,
    FakeHouse,
    Found,
    Line,
    LoginDialogue,
    blob_work,
    login_submit,
    ok,
    refusal,
)
from tests.wire import xmrig

BARE = SOLUTION[len(SIZE_PREFIX) :]

REPLIES = [
    (Verdict(Reason.ACCEPTED), ok(2)),
    (Verdict(Reason.KEPT), ok(2)),
    (Verdict(Reason.MALFORMED, "so"), refusal(2, "Malformed share: so")),
    (Verdict(Reason.UNAUTHORIZED), refusal(2, "Unauthenticated")),
    (Verdict(Reason.UNKNOWN_JOB), refusal(2, "Job not found")),
    (Verdict(Reason.STALE), refusal(2, "Block expired")),
    (Verdict(Reason.BAD_NONCE), refusal(2, "Invalid nonce")),
    (Verdict(Reason.DUPLICATE), refusal(2, "Duplicate share")),
    (Verdict(Reason.LOW_DIFFICULTY), refusal(2, "Low difficulty share")),
    (Verdict(Reason.INVALID_SOLUTION), refusal(2, "Invalid solution")),
    (Verdict(Reason.REJECTED, "low difficulty share (3)", 23), refusal(2, "low difficulty share (3)", 23)),
    (Verdict(Reason.REJECTED, 'a "quoted" text', -1), refusal(2, 'a "quoted" text')),
    (Verdict(Reason.LOST), refusal(2, "Pool connection lost")),
]


# ---- words


@pytest.mark.parametrize(("verdict", "reply"), REPLIES, ids=lambda value: getattr(value, "reason", ""))
def test_every_verdict_has_its_words(verdict: Verdict, reply: Line) -> None:
    house = FakeHouse()
    house.verdict = verdict
    miner = LoginDialogue(house)
    miner.logs_in()
    assert miner.submits() == [reply]
    assert miner.session.unanswered == 0
    assert not miner.session.closing


@pytest.mark.parametrize(("verdict", "reply"), REPLIES, ids=lambda value: getattr(value, "reason", ""))
def test_a_verdict_of_the_pool_has_the_same_words(verdict: Verdict, reply: Line) -> None:
    house = FakeHouse()
    house.verdict = None
    miner = LoginDialogue(house)
    miner.logs_in()
    assert miner.submits() == []
    assert miner.session.unanswered == 1
    house.pool_says(verdict)
    assert miner.hears() == [reply]
    assert miner.session.unanswered == 0


def test_all_reasons_of_this_dialect_are_in_the_table_above() -> None:
    assert {verdict.reason for verdict, _ in REPLIES} == set(Reason) - {Reason.NOT_SUBSCRIBED}


def test_every_submit_in_one_write_is_answered_once_and_in_order() -> None:
    house = FakeHouse()
    house.verdict = None
    miner = LoginDialogue(house)
    job_id = miner.logs_in()
    shares = [login_submit(miner.session_id, job_id, "00" * 32, number) for number in range(10, 30)]
    assert miner.says(*shares) == []
    for _ in range(20):
        house.pool_says(Verdict(Reason.ACCEPTED))
    assert miner.hears() == [ok(number) for number in range(10, 30)]


# ---- whose share it is


def test_submit_before_login_is_unauthenticated() -> None:
    house = FakeHouse()
    miner = LoginDialogue(house)
    assert miner.says(login_submit("", house.works[0].id, "00" * 32)) == [refusal(2, "Unauthenticated")]
    assert house.refused == [Verdict(Reason.UNAUTHORIZED)]
    assert not house.judged
    assert not miner.session.closing
    assert miner.logs_in()


def test_another_session_id_is_unauthenticated_and_the_connection_stays() -> None:
    house = FakeHouse()
    former = LoginDialogue(house)
    former.logs_in()
    miner = LoginDialogue(house)
    job_id = miner.logs_in()
    for session in (former.session_id, "x", miner.session_id.upper() + " ", "0"):
        line = login_submit(session, job_id, "00" * 32)
        assert miner.says(line) == [refusal(2, "Unauthenticated")]
    assert [verdict.reason for verdict in house.refused] == [Reason.UNAUTHORIZED] * 4
    assert not house.judged
    assert not miner.session.closing
    assert miner.submits() == [ok(2)]


@pytest.mark.parametrize("session", [None, "", 17, ["x"]])
def test_a_submit_without_a_session_id_is_taken(session: object) -> None:
    house = FakeHouse()
    miner = LoginDialogue(house)
    line = login_submit("", miner.logs_in(), "00" * 32)
    line["params"]["id"] = session
    assert miner.says(line) == [ok(2)]
    del line["params"]["id"]
    assert miner.says(line) == [ok(2)]
    assert len(house.judged) == 2


def test_refusals_before_login_are_counted_under_the_dialect() -> None:
    made = farm()
    made.pool.comes()
    miner = LoginDialogue(made.relay)
    miner.says(login_submit("", "1", "00" * 32))
    assert made.tally.shares == {Reason.UNAUTHORIZED: 1}
    assert made.tally.received == {("farm", "login"): 1}
    assert made.tally.conserved


# ---- spellings


@pytest.mark.parametrize(
    "more",
    [
        {"solution": BARE},
        {"solution": SOLUTION},
        {"output": BARE},
        {"output": SOLUTION},
        {"pow": [0] * PROOF.indices},
        {"result": BARE},
        {"result": SOLUTION},
        {"solution": BARE, "pow": None, "output": ""},
    ],
)
def test_a_solution_is_taken_in_every_spelling(more: Line) -> None:
    house = FakeHouse()
    miner = LoginDialogue(house)
    miner.logs_in()
    assert miner.submits(**more) == [ok(2)]
    (share,) = house.judged
    assert (share.solution, share.result) == (BARE, "")


def test_a_result_beside_a_solution_is_the_value_it_claims() -> None:
    house = FakeHouse()
    miner = LoginDialogue(house)
    miner.logs_in()
    miner.submits(solution=SOLUTION, result="AB" * 32)
    assert (house.judged[0].solution, house.judged[0].result) == (BARE, "AB" * 32)


def test_indices_are_packed_first_one_in_the_highest_bits() -> None:
    house = FakeHouse()
    miner = LoginDialogue(house)
    miner.logs_in()
    miner.submits(pow=[1] + [0] * (PROOF.indices - 2) + [2])
    packed = int(house.judged[0].solution, 16)
    assert packed == 1 << PROOF.index_bits * (PROOF.indices - 1) | 2


@pytest.mark.parametrize(
    ("params", "what"),
    [
        (None, "object of parameters"),
        ([], "object of parameters"),
        ({}, "job_id"),
        ({"job_id": None, "nonce": "00"}, "job_id"),
        ({"job_id": "1"}, "nonce"),
        ({"job_id": "1", "nonce": 7}, "nonce"),
        ({"job_id": "1", "nonce": "00", "result": 5}, "result"),
        ({"job_id": "1", "nonce": "00", "solution": 5}, "solution"),
        ({"job_id": "1", "nonce": "00", "pow": {"a": 1}}, "solution"),
        ({"job_id": "1", "nonce": "00", "sig": "ab"}, "sig must be 128 hex digits"),
        ({"job_id": "1", "nonce": "00", "commitment": "zz" * 32}, "commitment must be 64 hex digits"),
        ({"job_id": "1", "nonce": "00", "algo": 5}, "algo must be text"),
    ],
)
def test_what_is_no_share_is_malformed_and_says_why(params: Any, what: str) -> None:
    house = FakeHouse()
    miner = LoginDialogue(house)
    miner.logs_in()
    (line,) = miner.says({"id": 2, "method": "submit", "params": params})
    assert line["error"]["code"] == -1
    assert line["error"]["message"].startswith("Malformed share: ")
    assert what in line["error"]["message"]
    assert [verdict.reason for verdict in house.refused] == [Reason.MALFORMED]
    assert not miner.session.closing


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"solution": "25" + SOLUTION[2:]}, f"starts with {SIZE_PREFIX}"),
        ({"pow": [0] * 31}, f"31 indices, {PROOF.indices} expected"),
        ({"pow": [0] * 31 + [512]}, "numbers from 0 to 511"),
        ({"pow": [0] * 31 + [True]}, "numbers from 0 to 511"),
        ({"pow": ["0"] * 32}, "numbers from 0 to 511"),
    ],
)
def test_a_spelling_that_cannot_be_read_is_malformed_and_says_why(more: Line, what: str) -> None:
    house = FakeHouse()
    miner = LoginDialogue(house)
    miner.logs_in()
    (line,) = miner.submits(**more)
    assert line["error"]["message"].startswith("Malformed share: ")
    assert what in line["error"]["message"]
    assert [verdict.reason for verdict in house.refused] == [Reason.MALFORMED]


def test_a_job_id_that_came_back_as_a_number_is_taken() -> None:
    house = FakeHouse()
    miner = LoginDialogue(house)
    miner.logs_in()
    line = login_submit(miner.session_id, "", "00" * 32)
    line["params"]["job_id"] = 17
    assert miner.says(line) == [ok(2)]
    assert house.judged[0].work_id == "17"


def test_time_is_passed_on_where_it_is_one() -> None:
    house = FakeHouse()
    miner = LoginDialogue(house)
    miner.logs_in()
    for ntime in ("000000006b00635f", "soon", None, 5):
        miner.submits(ntime=ntime)
    assert [share.ntime for share in house.judged] == ["000000006b00635f", "", "", ""]


# ---- real shares of Equihash work


@pytest.fixture
def up() -> Farm:
    """A farm with its pool."""
    made = farm()
    made.pool.comes()
    return made


def proof(miner: LoginDialogue, found: Found) -> Line:
    """The members of a submit that a share has of its own, nonce aside."""
    return {"solution": found.solution, "result": f"{found.value:064x}"}


def test_a_share_goes_to_the_pool_and_its_verdict_comes_home(up: Farm) -> None:
    miner = up.login_miner()
    found = up.share(miner)
    nonce = miner.job["xn"] + found.nonce
    assert (
        miner.submits(nonce, 2, ntime="000000006b00635f", algo="equihash/48_5", **proof(miner, found)) == []
    )
    (forward,) = up.pool.got
    assert (forward.share.nonce, forward.share.solution) == (nonce, found.solution[2:])
    assert forward.share.ntime == "000000006b00635f"
    assert int.from_bytes(forward.value, "big") == found.value
    up.pool.answers(ACCEPTED)
    assert miner.hears() == [ok(2)]
    assert up.tally.received == {("farm", "login"): 1}
    assert up.tally.shares == {Reason.ACCEPTED: 1}
    assert up.tally.conserved


def test_it_is_the_same_share_in_upper_case(up: Farm) -> None:
    miner = up.login_miner()
    found = up.share(miner)
    nonce = miner.prefix + found.nonce
    said = {name: value.upper() for name, value in proof(miner, found).items()}
    assert miner.submits(nonce.upper(), **said) == []
    assert up.pool.got[0].share.nonce == nonce
    assert miner.submits(nonce, 3, **proof(miner, found)) == [refusal(3, "Duplicate share")]


def test_a_wrong_result_is_malformed_and_the_right_share_still_good(up: Farm) -> None:
    miner = up.login_miner()
    found = up.share(miner)
    nonce = miner.prefix + found.nonce
    text = "Malformed share: result is not the hash of header, nonce and solution"
    assert miner.submits(nonce, solution=found.solution, result="00" * 32) == [refusal(2, text)]
    assert miner.submits(nonce, solution=found.solution) == []
    assert len(up.pool.got) == 1


def test_a_nonce_that_does_not_begin_with_xn_is_invalid(up: Farm) -> None:
    miner, other = up.login_miner("rig1"), up.login_miner("rig2")
    found = up.share(other)
    line = refusal(2, "Invalid nonce")
    assert miner.submits(other.prefix + found.nonce, **proof(other, found)) == [line]
    assert up.tally.shares == {Reason.BAD_NONCE: 1}
    assert not miner.session.closing


def test_bad_shares_stay_here(up: Farm) -> None:
    miner = up.login_miner()
    found = up.share(miner)
    nonce = miner.prefix + found.nonce
    assert miner.submits(nonce, 2, solution=found.solution) == []
    up.pool.answers()
    assert miner.hears() == [ok(2)]
    assert miner.submits(nonce, 3, solution=found.solution) == [refusal(3, "Duplicate share")]
    assert miner.submits(nonce, 4, solution=BARE) == [refusal(4, "Invalid solution")]
    text = "Malformed share: solution of 0 hex digits, 72 expected"
    assert miner.submits(nonce, 5) == [refusal(5, text)]
    text = "Malformed share: nonce of 8 hex digits, 64 expected"
    assert miner.submits("00" * 4, 6, solution=BARE) == [refusal(6, text)]
    for job_id in ("", "1", "ffffffffffff", up.relay.works[0].id):
        line = login_submit(miner.session_id, job_id, nonce, 7, solution=found.solution)
        assert miner.says(line) == [refusal(7, "Job not found")]
    up.pool.gives("cd" * 32)
    assert miner.submits(nonce, 8, solution=found.solution) == [refusal(8, "Block expired")]
    up.pool.gives("cd" * 32, target=from_difficulty(1e9))
    miner.is_given_work()
    found = up.share(miner)
    hard = refusal(9, "Low difficulty share")
    assert miner.submits(miner.prefix + found.nonce, 9, solution=found.solution) == [hard]
    assert not up.pool.got
    assert up.tally.conserved
    assert not miner.session.closing


@pytest.mark.parametrize("extranonce1", ["beef", "00" * 8])
def test_after_a_change_of_pool_a_late_share_is_late_and_a_new_one_has_to_obey(
    up: Farm, extranonce1: str
) -> None:
    miner = up.login_miner()
    late = login_submit(miner.session_id, miner.job_id, miner.prefix + up.share(miner).nonce, solution=BARE)
    former = miner.prefix
    up.pool.comes(extranonce1, header="cd" * 32)
    assert miner.says(late) == [refusal(2, "Block expired")]
    miner.is_given_work()
    assert miner.prefix != former
    assert miner.says(late) == [refusal(2, "Block expired")]
    assert miner.submits(former.ljust(64, "0"), 3, solution=BARE) == [refusal(3, "Invalid nonce")]
    # Its jobs carry their prefix, so it is not taken for one that cannot change.
    assert not miner.session.closing
    found = up.share(miner)
    assert miner.submits(miner.prefix + found.nonce, 4, solution=found.solution) == []


def test_without_a_pool_a_share_is_lost_and_counts_as_forwarded(up: Farm) -> None:
    miner = up.login_miner()
    found = up.share(miner)
    up.pool.goes()
    line = refusal(2, "Pool connection lost")
    assert miner.submits(miner.prefix + found.nonce, solution=found.solution) == [line]
    assert up.tally.forwarded == {"none": 1}
    assert up.tally.conserved


# ---- shares of blob work

TARGET = blob_work().target


def result(value: int) -> str:
    """Write a value as XMRig writes a hash."""
    return to_bytes(value)[::-1].hex()


GOOD = result(TARGET - 1)


@pytest.fixture
def blobs() -> Farm:
    """A farm with a pool of blob work."""
    made = farm(blob=True)
    made.pool.comes_with_blobs()
    return made


def test_a_share_of_blob_work_goes_to_the_pool_as_it_is(blobs: Farm) -> None:
    miner = blobs.login_miner()
    more = {"sig": "AB" * 64, "commitment": "cd" * 32, "algo": "rx/0", "other": 1}
    assert miner.submits("ABCDEF01", result=GOOD.upper(), **more) == []
    (forward,) = blobs.pool.got
    assert (forward.share.nonce, forward.share.result) == ("ABCDEF01", GOOD.upper())
    assert forward.share.solution == ""
    assert forward.share.members == b'"sig":"%s","commitment":"%s","algo":"rx/0"' % (b"AB" * 64, b"cd" * 32)
    assert forward.job.pool_id == "p1"
    assert forward.user == "account"
    blobs.pool.answers()
    assert miner.hears() == [ok(2)]
    assert blobs.tally.work == {Reason.ACCEPTED: to_difficulty(TARGET)}
    assert blobs.tally.conserved


def test_the_pools_own_refusal_reaches_the_miner(blobs: Farm) -> None:
    """What a share claims is not checked here, so the pool may know better."""
    miner = blobs.login_miner()
    assert miner.submits("00000001", result=GOOD) == []
    blobs.pool.answers(Verdict(Reason.REJECTED, "Low difficulty share", -1))
    assert miner.hears() == [refusal(2, "Low difficulty share")]
    assert blobs.tally.shares == {Reason.REJECTED: 1}


@pytest.mark.parametrize(
    ("nonce", "claimed", "what"),
    [
        ("0000001", GOOD, "nonce of 7 hex digits, 8 expected"),
        ("00" * 32, GOOD, "nonce of 64 hex digits, 8 expected"),
        ("0000000x", GOOD, "nonce and result must be hex"),
        ("00000001", "", "result of 0 hex digits, 64 expected"),
        ("00000001", "00" * 31, "result of 62 hex digits, 64 expected"),
        ("00000001", "0x" * 32, "nonce and result must be hex"),
    ],
)
def test_nonce_and_result_have_their_form(blobs: Farm, nonce: str, claimed: str, what: str) -> None:
    miner = blobs.login_miner()
    assert miner.submits(nonce, result=claimed) == [refusal(2, f"Malformed share: {what}")]
    assert blobs.tally.shares == {Reason.MALFORMED: 1}


def test_a_share_outside_its_byte_is_invalid_and_the_connection_stays(blobs: Farm) -> None:
    miners = [blobs.login_miner(f"rig{number}") for number in range(3)]
    assert [miner.job["blob"][84:86] for miner in miners] == ["01", "02", "03"]
    for number, miner in enumerate(miners, start=1):
        assert miner.submits(f"ffffff{number:02x}", result=GOOD) == []
        assert miner.submits(f"ffffff{number % 3 + 1:02x}", 3, result=GOOD) == [refusal(3, "Invalid nonce")]
        assert miner.submits(f"{number:02x}ffff00", 4, result=GOOD) == [refusal(4, "Invalid nonce")]
        assert not miner.session.closing
    assert len(blobs.pool.got) == 3


def test_bad_shares_of_blob_work_stay_here(blobs: Farm) -> None:
    miner = blobs.login_miner()
    assert miner.submits("00000001", 2, result=GOOD) == []
    assert miner.submits("00000001", 3, result=GOOD) == [refusal(3, "Duplicate share")]
    assert miner.submits("00000101", 4, result=result(TARGET)) == [refusal(4, "Low difficulty share")]
    line = login_submit(miner.session_id, "j1", "00000201", 5, result=GOOD)
    assert miner.says(line) == [refusal(5, "Job not found")]
    blobs.pool.gives_blob(blob_work(2))
    assert miner.submits("00000301", 6, result=GOOD) == [refusal(6, "Block expired")]
    assert len(blobs.pool.got) == 1
    miner.is_given_work()
    # The same nonce is another share on another job.
    assert miner.submits("00000001", 7, result=GOOD) == []
    assert blobs.tally.conserved


def test_a_late_share_after_a_change_of_pool_is_late_though_its_byte_is_another(blobs: Farm) -> None:
    blobs.login_miner("rig0").session.end(0.0)
    miner = blobs.login_miner("rig1")
    late = login_submit(miner.session_id, miner.job_id, "00000002", result=GOOD)
    blobs.pool.comes_with_blobs(blob_work(2))
    miner.is_given_work()
    assert miner.prefix == "01"
    assert miner.says(late) == [refusal(2, "Block expired")]
    assert miner.submits("00000002", 3, result=GOOD) == [refusal(3, "Invalid nonce")]
    assert not miner.session.closing


def test_a_share_below_the_miners_target_but_not_the_pools_is_kept() -> None:
    made = farm(listen=(Listen(), Listen(difficulty=100.0)), blob=True)
    made.pool.comes_with_blobs()
    easy, hard = made.login_miner("a", lane=made.relay.lane_of(100.0)), made.login_miner("b")
    assert (easy.job["target"], hard.job["target"]) == ("5c8fc2f5285c8f02", "b88d0600")
    assert easy.submits("00000001", 2, result=result(TARGET)) == [ok(2)]
    assert hard.submits("00000002", 3, result=result(TARGET)) == [refusal(3, "Low difficulty share")]
    assert easy.submits("01000001", 4, result=GOOD) == []
    too_easy = result(from_difficulty(100))
    assert easy.submits("02000001", 5, result=too_easy) == [refusal(5, "Low difficulty share")]
    assert made.tally.shares == {Reason.KEPT: 1, Reason.LOW_DIFFICULTY: 2}
    assert made.tally.work[Reason.KEPT] == pytest.approx(100)
    assert len(made.pool.got) == 1
    assert made.tally.conserved


def test_a_difficulty_above_the_pools_is_the_pools() -> None:
    made = farm(listen=(Listen(difficulty=1e9),), blob=True)
    made.pool.comes_with_blobs()
    miner = made.login_miner(lane=made.relay.lane_of(1e9))
    assert miner.job["target"] == "b88d0600"
    assert miner.submits("00000001", result=GOOD) == []


def test_an_easy_difficulty_is_written_in_8_digits_where_asked_and_never_easier() -> None:
    made = farm(listen=(Listen(difficulty=3.0),), blob=True)
    made.pool.comes_with_blobs()
    miner = LoginDialogue(made.relay, at=blob_door(made.relay.lane_of(3.0), target_digits=8))
    miner.says(LOGIN)
    assert miner.job["target"] == "55555555"
    assert xmrig.take_job(miner.job).target << 192 <= from_difficulty(3)
