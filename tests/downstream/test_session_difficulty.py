"""A miner's difficulty as it hears of it: one that follows it, and one that it asks for, in both dialects."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.config import Vardiff
from proxy.downstream.aion import FIRST_JOB_DELAY
from proxy.model.share import Reason
from proxy.model.target import from_difficulty, to_hex
from proxy.wire.loginjobs import JobForm
from tests.downstream.farms import Farm, farm
from tests.kit.miners import (
    EXTRANONCE,
    SUBSCRIBE,
    Dialogue,
    Line,
    LoginDialogue,
    door,
    login,
    mined,
    no,
    notified,
    ok,
    refusal,
    yes,
)

FOLLOWS = Vardiff(start=4, min=1, max=1e6, target_seconds=1)
HARD = from_difficulty(1e9)  # the pool's: no share of a test gets that far
HEADER, OTHER = "ab" * 32, "cd" * 32


def up(target: int = HARD) -> Farm:
    """A farm with a pool and a job."""
    made = farm()
    made.pool.comes(target=target)
    return made


def at_work(made: Farm, vardiff: Vardiff = FOLLOWS) -> Dialogue:
    """An Aion miner whose difficulty follows it."""
    miner = Dialogue(made.relay, at=door(vardiff=vardiff, lane=made.relay.lane_of(vardiff)))
    miner.logs_in()
    return miner


def login_at_work(made: Farm, vardiff: Vardiff = FOLLOWS) -> LoginDialogue:
    """A login miner whose difficulty follows it."""
    blob = {"proof": None, "job_form": JobForm(), "dialects": ["login"]} if made.is_blob else {}
    miner = LoginDialogue(made.relay, at=door(vardiff=vardiff, lane=made.relay.lane_of(vardiff), **blob))  # type: ignore[arg-type]
    miner.logs_in()
    return miner


def authorize(password: str, worker: str = "rig1") -> Line:
    """Log in with a password."""
    return {"id": 2, "method": "mining.authorize", "params": [worker, password]}


def target_of(difficulty: float) -> str:
    """As Aion miners hear it."""
    return to_hex(from_difficulty(difficulty))


# ---- one that follows the miner


def test_a_silent_miner_is_given_the_same_work_with_an_easier_target_and_a_new_id() -> None:
    made = up()
    miner = at_work(made)
    first = miner.job_id
    assert miner.session.difficulty == 4
    assert miner.passes(1.9) == [], "too early to say anything of it"
    assert miner.passes(2.1) == [
        notified("mining.set_target", target_of(1)),
        notified("mining.notify", miner.job_id, True, target_of(1), HEADER),
    ]
    assert miner.job_id != first
    assert miner.session.difficulty == 1
    assert miner.passes(60) == [], "it is at the least"


def test_shares_for_the_earlier_id_stay_good_at_what_they_were_asked() -> None:
    made = up()
    miner = at_work(made)
    earlier = miner.job_id
    found = mined(HEADER, miner.prefix)
    good = next(each for each in found if each.value < from_difficulty(4))
    weak, also_weak = (next(each for each in found if each.value >= from_difficulty(4)) for _ in range(2))
    miner.passes(4)
    assert miner.says(weak.submit(earlier, 10)) == [no(10, 23, "low difficulty share")]
    assert miner.says(good.submit(earlier, 11)) == [yes(11)]
    assert miner.says(also_weak.submit(miner.job_id, 12)) == [yes(12)]
    assert made.tally.work[Reason.KEPT] == pytest.approx(4 + 1)
    # The same share is the same share under each of its ids.
    assert miner.says(good.submit(miner.job_id, 13)) == [no(13, 22, "duplicate share")]


def test_a_miner_that_is_fast_hears_of_it_behind_the_answer_to_its_share() -> None:
    made = up()
    miner = at_work(made, Vardiff(start=1, min=1, max=1e6, target_seconds=10))
    found = mined(HEADER, miner.prefix)
    heard: list[Line] = []
    for number in range(5):
        assert not heard[1:]
        heard = miner.says(next(found).submit(miner.job_id, number))
    assert heard[0] == yes(4)
    assert [line["method"] for line in heard[1:]] == ["mining.set_target", "mining.notify"]
    assert miner.session.difficulty == 64, "which is as far as one step goes"


def test_the_next_job_comes_at_the_miners_difficulty_under_a_plain_id() -> None:
    made = up()
    miner = at_work(made)
    miner.passes(4)
    made.pool.gives(OTHER, HARD)
    (heard,) = miner.is_given_work()
    assert heard["params"][1:] == [True, target_of(1), OTHER]
    assert len(heard["params"][0]) == 12


def test_late_shares_for_any_of_a_jobs_ids_are_stale_after_the_next_one() -> None:
    made = up()
    miner = at_work(made, Vardiff(start=16, min=1, max=1e6, target_seconds=1))
    ids = [miner.job_id]
    for _ in range(2):
        miner.passes(4)
        ids.append(miner.job_id)
    assert len(set(ids)) == 3
    made.pool.gives(OTHER, HARD)
    miner.is_given_work()
    found = mined(HEADER, miner.prefix)
    for job_id in ids:
        assert miner.says(next(found).submit(job_id)) == [no(4, 21, "stale share")]
    for number in range(40):  # forgotten, and told the same
        made.pool.gives(f"{number:064x}", HARD)
        miner.is_given_work()
    for job_id in ids:
        assert miner.says(next(found).submit(job_id)) == [no(4, 21, "stale share")]


def test_it_never_goes_above_the_pools() -> None:
    """Or a share that the pool would pay were refused."""
    made = up(from_difficulty(3))
    miner = at_work(made)
    assert miner.session.difficulty == pytest.approx(3)
    found = mined(HEADER, miner.prefix)
    for number in range(12):
        good = next(each for each in found if each.value < from_difficulty(3))
        assert miner.says(good.submit(miner.job_id, number)) == []
    assert miner.session.difficulty == pytest.approx(3)
    assert len(made.pool.got) == 12
    made.pool.gives(OTHER, from_difficulty(2))
    assert miner.is_given_work()[0] == notified("mining.set_target", target_of(2))
    assert miner.passes(2) == [], "which it knows by now"


def test_a_pool_that_asks_for_more_does_not_make_it_harder_at_once() -> None:
    made = up(from_difficulty(3))
    miner = at_work(made)
    made.pool.gives(OTHER, HARD)
    miner.is_given_work()
    assert miner.session.difficulty == 4


def test_time_without_a_pool_is_no_silence() -> None:
    made = up()
    miner = at_work(made)
    miner.passes(3)
    made.pool.goes()
    assert miner.session.difficulty == 0
    assert miner.passes(60) == []
    made.pool.comes(extranonce1="1122334455667788", header=OTHER, target=HARD)
    assert [line["method"] for line in miner.is_given_work()] == ["mining.set_extranonce", "mining.notify"]
    assert miner.session.difficulty == 4
    assert miner.passes(3) == []


def test_a_miner_that_waits_for_its_first_job_is_not_silent() -> None:
    made = up()
    miner = Dialogue(made.relay, at=door(vardiff=FOLLOWS))
    miner.says(SUBSCRIBE, authorize("x"))
    assert miner.session.pace is None
    heard = miner.passes(FIRST_JOB_DELAY)
    assert heard[-1]["params"][2] == target_of(4)


def test_login_miners_hear_of_it_by_a_job() -> None:
    made = up()
    miner = login_at_work(made)
    first = miner.job
    assert first["target"] == target_of(4)
    (heard,) = miner.passes(4)
    assert heard["method"] == "job"
    assert heard["params"] == {**first, "job_id": miner.job_id, "target": target_of(1)}
    assert miner.job_id != first["job_id"]
    found = next(each for each in mined(HEADER, miner.prefix) if each.value < from_difficulty(4))
    nonce = miner.prefix + found.nonce
    solution = found.solution
    assert miner.says(
        {
            "id": 9,
            "method": "submit",
            "params": {
                "id": miner.session_id,
                "job_id": first["job_id"],
                "nonce": nonce,
                "solution": solution,
            },
        }
    ) == [ok(9)]


def test_blob_miners_have_it_in_their_own_spelling() -> None:
    made = farm(blob=True)
    made.pool.comes_with_blobs()
    miner = login_at_work(made, Vardiff(start=1e6, min=100, max=1e6, target_seconds=1))
    assert miner.job["target"] == "b88d0600", "the pool's own words, for it asks for 10,000"
    (heard,) = miner.passes(4)
    assert miner.session.difficulty == pytest.approx(2500, rel=0.2)
    target = int.from_bytes(bytes.fromhex(heard["params"]["target"]), "little")
    assert 2**64 / target == pytest.approx(miner.session.difficulty)
    too_easy = (2**256 // 2000).to_bytes(32, "little").hex()
    good = (2**256 // 3000).to_bytes(32, "little").hex()
    top = miner.prefix
    assert miner.submits("000000" + top, 5, result=too_easy) == [refusal(5, "Low difficulty share")]
    assert miner.submits("010000" + top, 6, result=good) == [ok(6)]
    assert made.tally.work[Reason.KEPT] == pytest.approx(miner.session.difficulty)


# ---- one that the miner asks for


def test_a_password_asks_for_a_difficulty_and_keeps_it() -> None:
    made = up()
    miner = Dialogue(made.relay, at=door(vardiff=FOLLOWS))
    miner.says(SUBSCRIBE, authorize("d=1000"))
    heard = miner.says(EXTRANONCE)
    assert heard[1:] == [
        notified("mining.set_target", target_of(1024)),
        notified("mining.notify", miner.job_id, True, target_of(1024), HEADER),
    ]
    assert miner.passes(300) == []


@pytest.mark.parametrize(
    ("pool", "vardiff", "asked", "got"),
    [
        (1e9, None, "d=8", 8),
        (100, None, "d=1000", 100),  # never above the pool's
        (1e9, FOLLOWS, "d=0.5", 1),  # nor beyond the port's bounds
        (1e9, FOLLOWS, "d=1e9", 1e6),
        (1e9, None, "d=0", 1e9),  # no difficulty at all
        (1e9, None, "x", 1e9),
    ],
)
def test_what_may_be_asked_for(pool: float, vardiff: Vardiff | None, asked: str, got: float) -> None:
    made = up(from_difficulty(pool))
    miner = Dialogue(made.relay, at=door(vardiff=vardiff))
    miner.says(SUBSCRIBE, authorize(asked), EXTRANONCE)
    assert miner.session.difficulty == pytest.approx(got)


def test_another_password_changes_it_in_the_middle_of_a_job() -> None:
    made = up()
    miner = Dialogue(made.relay, at=door())
    miner.says(SUBSCRIBE, authorize("d=8"), EXTRANONCE)
    first = miner.job_id
    for asked, difficulty in (("d=16", 16), ("d=8", 8)):
        heard = miner.says(authorize(asked))
        assert heard[1:] == [
            notified("mining.set_target", target_of(difficulty)),
            notified("mining.notify", miner.job_id, True, target_of(difficulty), HEADER),
        ]
        assert miner.job_id != first
    assert miner.says(authorize("d=8")) == [yes(2)]
    assert miner.says(authorize("x")) == [yes(2)], "it does not take it back"


def test_login_miners_ask_by_password_too() -> None:
    made = up()
    miner = LoginDialogue(made.relay, at=door())
    miner.says(login(login="wallet+1000.rig7", **{"pass": "d=8"}))
    assert miner.job["target"] == target_of(8)
    assert miner.session.worker == "wallet+1000.rig7", "what is behind the name may be meant for the pool"


@pytest.mark.parametrize(
    ("user", "password", "worker", "difficulty"),
    [
        ("wallet+1000", "x", "wallet", 1024),
        ("wallet+1000.rig7", "x", "wallet.rig7", 1024),
        ("wallet+1000", "d=8", "wallet", 8),
        ("wallet+rig", "x", "wallet+rig", 4),
        ("wallet+0", "x", "wallet+0", 4),
    ],
)
def test_and_behind_their_name_where_the_port_has_a_difficulty_of_its_own(
    user: str, password: str, worker: str, difficulty: float
) -> None:
    made = up()
    miner = LoginDialogue(made.relay, at=door(vardiff=FOLLOWS, takes_suffix=True))
    miner.says(login(login=user, **{"pass": password}))
    assert miner.session.worker == worker
    assert miner.session.difficulty == difficulty


def test_a_rigs_name_stays_where_the_difficulty_is_behind_the_account() -> None:
    made = up()
    miner = LoginDialogue(made.relay, at=door(vardiff=FOLLOWS, takes_suffix=True))
    miner.says(login(login="wallet+1000", rigid="rig+7"))
    assert (miner.session.worker, miner.session.difficulty) == ("rig+7", 1024)


# ---- whatever happens


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["d=1", "d=2", "d=4", "job", "same header", "share", "old share"]), max_size=30),
    st.integers(0, 2**32),
)
def test_no_id_comes_twice_and_every_id_of_a_living_job_is_good(steps: list[str], seed: int) -> None:
    made, chance = up(), random.Random(seed)
    # Others make the works of this job before, in any order.
    others = [Dialogue(made.relay, at=door()) for _ in range(3)]
    miner = Dialogue(made.relay, at=door())
    for each in (*others, miner):
        each.says(SUBSCRIBE, authorize(chance.choice(["d=1", "d=2", "d=4"])), EXTRANONCE)
    header, jobs = HEADER, 0
    living = [miner.job_id]
    seen = {miner.job_id}
    found = mined(header, miner.prefix)

    def hears(heard: list[Line]) -> None:
        told = [line["params"] for line in heard if line.get("method") == "mining.notify"]
        for job_id, _, target, told_header in told:
            assert job_id not in seen
            assert told_header == header
            assert int(target, 16) == from_difficulty(miner.session.difficulty)
            seen.add(job_id)
            living.append(job_id)

    for step in steps:
        if step.startswith("d="):
            hears(miner.says(authorize(step)))
        elif step == "job":
            jobs += 1
            header = f"{jobs:064x}"
            made.pool.gives(header, HARD)
            living.clear()
            found = mined(header, miner.prefix)
            chance.choice(others).is_given_work()
            hears(miner.is_given_work())
        elif step == "same header":
            made.pool.gives(header, HARD - jobs - len(seen))
            hears(miner.is_given_work())
        else:
            job_id = living[-1] if step == "share" else chance.choice(living)
            good = next(each for each in found if each.value < from_difficulty(4))
            assert miner.says(good.submit(job_id)) == [yes(4)], "good at any of its difficulties"
            stranger = chance.choice(others)
            assert stranger.says(good.submit(job_id + "0"))[0]["error"] is not None
    assert made.tally.conserved
