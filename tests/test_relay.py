"""Where the sides meet: real sessions below, a pool that does what the test says above."""

from itertools import islice
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config import Listen, Vardiff
from proxy.errors import PoolError
from proxy.model.job import Job
from proxy.model.share import FILTERED, Reason, Verdict
from proxy.model.target import MAX_TARGET, from_difficulty, to_hex
from proxy.upstream.conversation import Conversation
from tests.downstream.farms import ACCEPTED, HEADER, FakeLink, Farm, farm
from tests.kit.miners import (
    AUTHORIZE,
    EXTRANONCE,
    EXTRANONCE1,
    SOLUTION,
    SUBSCRIBE,
    Dialogue,
    Found,
    authorize,
    mined,
    no,
    notified,
    submit,
    written,
    yes,
)
from tests.wire.hostile import patient

OTHER = "cd" * 32


@pytest.fixture
def up() -> Farm:
    """A farm with its pool."""
    made = farm()
    made.pool.comes()
    return made


# ---- a share's way


def test_share_goes_to_the_pool_and_its_verdict_comes_home(up: Farm) -> None:
    miner = up.miner()
    found = up.share(miner)
    work = up.relay.works[0]
    assert miner.says(found.submit(miner.job_id)) == []
    (forward,) = up.pool.got
    assert forward.job is work.job
    assert forward.user == "account"
    assert forward.share.nonce == miner.prefix + found.nonce
    assert miner.prefix.startswith(EXTRANONCE1)
    assert forward.share.solution == found.solution[2:]
    assert int.from_bytes(forward.value, "big") == found.value
    assert forward.share.ntime == "000000006b00635f"
    assert up.tally.in_flight == 1
    assert up.tally.conserved
    up.pool.answers(ACCEPTED, now=1000.25)
    assert miner.hears() == [yes(4)]
    assert up.tally.received == {("farm", "aion"): 1}
    assert up.tally.forwarded == {"main": 1}
    assert up.tally.shares == {Reason.ACCEPTED: 1}
    assert up.tally.work == {Reason.ACCEPTED: work.difficulty}
    assert up.tally.roundtrip["main"].total == 0.25
    assert sum(up.tally.verify.counts) == 1
    assert up.tally.conserved


def test_time_of_a_share_is_ours_when_the_miner_sends_none(up: Farm) -> None:
    miner = up.miner()
    line = up.share(miner).submit(miner.job_id)
    line["params"][2] = "soon"
    miner.says(line)
    assert up.pool.got[0].share.ntime == f"{1_800_000_000:016x}"


def test_the_pools_own_refusal_reaches_the_miner(up: Farm) -> None:
    miner = up.miner()
    miner.says(up.share(miner).submit(miner.job_id))
    up.pool.answers(Verdict(Reason.REJECTED, "stale share", -1))
    assert miner.hears() == [no(4, -1, "stale share")]
    assert up.tally.shares == {Reason.REJECTED: 1}


def test_verdicts_find_their_own_miner(up: Farm) -> None:
    miners = [up.miner(f"rig{number}") for number in range(3)]
    for number, miner in enumerate(miners):
        miner.says(up.share(miner).submit(miner.job_id, request_id=f"s{number}"))
    nonces = {forward.share.nonce for forward in up.pool.got}
    assert len(nonces) == 3
    while up.pool.got:
        up.pool.answers()
    assert [miner.hears() for miner in miners] == [[yes("s0")], [yes("s1")], [yes("s2")]]


def test_a_verdict_for_a_miner_that_has_left_is_counted(up: Farm) -> None:
    miner = up.miner()
    miner.says(up.share(miner).submit(miner.job_id))
    miner.session.end(0.0)
    up.pool.answers()
    assert up.tally.shares == {Reason.ACCEPTED: 1}
    assert up.tally.conserved


def test_bad_shares_stay_here(up: Farm) -> None:
    miner = up.miner()
    found = up.share(miner)
    miner.says(found.submit(miner.job_id))
    up.pool.answers()
    miner.hears()
    refused = [
        (found.submit(miner.job_id), no(4, 22, "duplicate share"), Reason.DUPLICATE),
        (found.submit("fffffff"), no(4, 21, "job not found"), Reason.UNKNOWN_JOB),
        (found.submit("1"), no(4, 21, "job not found"), Reason.UNKNOWN_JOB),
        (submit(miner.job_id, miner.nonce, SOLUTION), no(4, 20, "invalid solution"), Reason.INVALID_SOLUTION),
        (submit(miner.job_id, "00" * 32), no(4, 20, "nonce outside extranonce1"), Reason.BAD_NONCE),
    ]
    for line, answer, reason in refused:
        before = up.tally.shares[reason]
        assert miner.says(line) == [answer]
        assert up.tally.shares[reason] == before + 1
    (line,) = miner.says(submit(miner.job_id, miner.nonce, "00"))
    assert line["error"][1].startswith("malformed share: solution of 2 hex digits")
    assert not up.pool.got
    assert up.tally.received_total == 7
    assert up.tally.conserved


def test_share_of_a_replaced_job_is_stale(up: Farm) -> None:
    miner = up.miner()
    old_id = miner.job_id
    found = up.share(miner)
    up.pool.gives(OTHER)
    assert miner.says(found.submit(old_id)) == [no(4, 21, "stale share")]
    miner.is_given_work()
    assert miner.says(found.submit(old_id)) == [no(4, 21, "stale share")]
    assert not up.pool.got


def test_a_job_that_is_not_clean_leaves_the_old_one_good(up: Farm) -> None:
    miner = up.miner()
    old, old_id = up.relay.works[0], miner.job_id
    found = up.share(miner)
    up.pool.gives(OTHER, clean=False)
    assert miner.is_given_work()[-1]["method"] == "mining.notify"
    assert miner.says(found.submit(old_id)) == []
    assert up.pool.got[0].job is old.job


# ---- difficulties


def test_share_below_the_miners_target_but_not_the_pools_is_kept() -> None:
    made = farm(listen=(Listen(difficulty=1.0),))
    target = from_difficulty(1e6)
    made.pool.comes(target=target)
    miner = made.miner(lane=made.relay.lane_of(1.0))
    assert miner.says(made.share(miner).submit(miner.job_id)) == [yes(4)]
    assert made.tally.shares == {Reason.KEPT: 1}
    assert made.tally.work[Reason.KEPT] == pytest.approx(1.0)
    assert not made.pool.got
    assert made.tally.conserved


def test_share_above_the_target_is_low_difficulty(up: Farm) -> None:
    up.pool.gives(OTHER, target=from_difficulty(1e9))
    miner = up.miner()
    assert miner.says(up.share(miner).submit(miner.job_id)) == [no(4, 23, "low difficulty share")]


def test_each_difficulty_has_its_lane_and_none_is_harder_than_the_pool() -> None:
    listen = (
        Listen(name="a"),
        Listen(name="b", difficulty=2.0),
        Listen(name="c", difficulty=2.0),
        Listen(name="d", difficulty=1e9),
    )
    made = farm(listen=listen)
    assert [made.relay.lane_of(each.difficulty) for each in listen] == [0, 1, 1, 2]
    assert made.relay.lane_of(Vardiff(start=2)) == 1, "where its miners start"
    made.pool.comes(target=from_difficulty(100))
    works = [made.relay.works[lane] for lane in range(3)]
    targets = [int.from_bytes(work.target, "big") for work in works]
    assert targets == [from_difficulty(100), from_difficulty(2), from_difficulty(100)]
    assert len({work.id for work in works}) == 3
    easy, hard = made.miner(lane=1), made.miner(lane=0)
    # Work of another lane was never given to this miner.
    found = made.share(easy)
    assert hard.says(submit(easy.job_id, hard.nonce, found.solution)) == [no(4, 21, "job not found")]


def test_new_target_for_the_same_header_keeps_old_work_good(up: Farm) -> None:
    miner = up.miner()
    old, old_id = up.relay.works[0], miner.job_id
    hard, easy = sorted((up.share(miner, number) for number in range(2)), key=lambda found: found.value)
    up.pool.gives(HEADER, target=easy.value)
    new = up.relay.works[0]
    assert new.id != old.id
    assert miner.is_given_work() == [
        notified("mining.set_target", to_hex(easy.value)),
        notified("mining.notify", new.id, True, to_hex(easy.value), HEADER),
    ]
    # Solved for the old target: what also meets the new one goes to the pool, the rest counts here.
    assert miner.says(hard.submit(old_id, 10)) == []
    assert miner.says(easy.submit(old_id, 11)) == [yes(11)]
    assert up.pool.answers().job is new.job
    assert up.tally.shares == {Reason.ACCEPTED: 1, Reason.KEPT: 1}
    # It is the same share under the new id, too.
    assert miner.says(hard.submit(new.id, 12))[-1] == no(12, 22, "duplicate share")


# ---- jobs


def test_job_of_the_same_content_goes_to_nobody_and_is_submitted_under_its_new_name(up: Farm) -> None:
    miner = up.miner()
    work = up.relay.works[0]
    announced = len(up.carrier.announced)
    renamed = up.pool.gives(HEADER)
    assert list(up.relay.works.values()) == [work]
    assert len(up.carrier.announced) == announced
    miner.says(up.share(miner).submit(miner.job_id))
    assert up.pool.got[0].job.pool_id == renamed.pool_id
    assert up.tally.jobs == {("main", True): 2}


def test_jobs_are_announced_and_counted(up: Farm) -> None:
    up.relay.pool_job(Job("main", 1, "7", OTHER, MAX_TARGET, clean=False, received=12.5))
    assert up.carrier.announced == [0.0, 12.5]
    assert up.tally.jobs == {("main", True): 1, ("main", False): 1}
    up.relay.after_batch()
    assert up.carrier.flushed == 1


def test_first_work_is_told_once() -> None:
    made = farm()
    told: list[str] = []
    made.relay.on_first_work = lambda: told.append("ready")
    made.pool.comes()
    made.pool.gives(OTHER)
    made.pool.goes()
    made.pool.comes()
    assert told == ["ready"]


def test_not_ready_says_why(up: Farm) -> None:
    assert up.relay.not_ready == ""
    up.pool.goes()
    up.pool.pools[0].last_fault = "closed by the pool"
    assert up.relay.not_ready == "no work from any pool (main: down, closed by the pool)"
    up.relay.pools[0].last_fault = ""
    assert up.relay.not_ready == "no work from any pool (main: down)"


# ---- pools come and go


def test_without_a_pool_shares_are_lost_and_count_as_forwarded_to_none(up: Farm) -> None:
    miner = up.miner()
    first, second = (up.share(miner, number) for number in range(2))
    miner.says(first.submit(miner.job_id, 10))
    up.pool.goes()
    # One was on its way to the pool, the other comes when there is none.
    assert miner.hears() == [no(10, 20, "pool connection lost")]
    assert miner.says(second.submit(miner.job_id, 11)) == [no(11, 20, "pool connection lost")]
    assert up.tally.forwarded == {"main": 1, "none": 1}
    assert up.tally.shares == {Reason.LOST: 2}
    assert not up.tally.roundtrip
    assert up.tally.conserved
    assert not miner.session.closing


def test_pool_switch_is_clean(up: Farm) -> None:
    miner = up.miner()
    old_id = miner.job_id
    found = up.share(miner)
    up.pool.comes("beef", header=OTHER)
    # Even before the miner knows: nothing of the old connection reaches the new one.
    assert miner.says(found.submit(old_id)) == [no(4, 21, "stale share")]
    heard = miner.is_given_work()
    assert [line["method"] for line in heard] == ["mining.set_extranonce", "mining.notify"]
    assert miner.says(found.submit(old_id)) != []
    assert not up.pool.got
    found = up.share(miner)
    assert miner.says(found.submit(miner.job_id)) == []
    assert up.pool.got[0].job.connection == 2
    assert miner.prefix.startswith("beef")
    assert up.pool.got[0].share.nonce == miner.prefix + found.nonce
    assert up.tally.conserved


def test_switch_to_the_same_header_is_clean_too(up: Farm) -> None:
    miner = up.miner()
    old, old_id = up.relay.works[0], miner.job_id
    found = up.share(miner)
    up.pool.comes(EXTRANONCE1, header=HEADER)
    assert miner.says(found.submit(old_id)) == [no(4, 21, "stale share")]
    assert up.relay.works[0].id != old.id
    assert miner.is_given_work()[-1]["params"][0] == up.relay.works[0].id


def test_share_that_was_on_its_way_during_a_switch_costs_no_connection(up: Farm) -> None:
    """The new extranonce1 is shorter, so the old share's nonce has another length."""
    miner = up.miner()
    old_id = miner.job_id
    found = up.share(miner)
    up.pool.comes("beef", header=OTHER)
    miner.is_given_work()
    (answer,) = miner.says(found.submit(old_id))
    assert answer["result"] is None
    assert not miner.session.closing


@pytest.mark.parametrize("extranonce1", ["beef", "00" * 8])
def test_miner_that_keeps_its_old_prefix_is_told_and_closed(up: Farm, extranonce1: str) -> None:
    miner = up.miner()
    former = miner.prefix
    up.pool.comes(extranonce1, header=OTHER)
    miner.is_given_work()
    found = next(mined(OTHER, former))
    assert miner.says(found.submit(miner.job_id)) == [no(4, 20, "nonce outside extranonce1")]
    assert miner.session.closing == "old_extranonce"
    assert not up.pool.got


def test_miners_wait_for_a_pool_in_their_order() -> None:
    made = farm()
    miners = [Dialogue(made.relay) for _ in range(3)]
    for miner in miners:
        assert miner.says(SUBSCRIBE, AUTHORIZE, EXTRANONCE) == [yes(2), yes(3)]
    gone = miners.pop(1)
    gone.session.end(0.0)
    made.pool.comes()
    prefixes = [miner.hears()[0]["result"][1] for miner in miners]
    assert prefixes == [f"{EXTRANONCE1}00000000", f"{EXTRANONCE1}00000001"]
    assert gone.hears() == []


def test_slices_come_back_and_are_lent_anew_after_a_clean_job() -> None:
    made = farm(nonce_bytes=1)
    made.pool.comes()
    miners = [made.miner(f"rig{number}") for number in range(256)]
    space = made.relay.space
    assert space is not None
    miners[7].session.end(0.0)
    # Its last job is still good, so nobody else may work in its slice.
    late = Dialogue(made.relay)
    assert late.says(SUBSCRIBE)[0]["error"][1] == "no nonce slice free"
    late.session.end(0.0)
    made.pool.gives(HEADER, target=5)
    assert space.resting == 1
    made.pool.gives(OTHER)
    assert space.resting == 0
    late = Dialogue(made.relay)
    assert late.says(SUBSCRIBE)[0]["result"][1] == f"{EXTRANONCE1}07"


def test_a_long_extranonce1_is_used_but_warned_of_once(capsys: pytest.CaptureFixture[str]) -> None:
    made = farm()
    made.pool.comes("00" * 9)
    made.pool.comes("00" * 9)
    assert made.miner().prefix == "00" * 13
    out, err = capsys.readouterr()
    assert (out + err).count("long extranonce1") == 1


def test_an_extranonce1_that_leaves_no_room_is_the_pools_fault() -> None:
    made = farm()
    with pytest.raises(PoolError, match="leaves no room"):
        made.pool.comes("00" * 17)


# ---- workers


def test_workers_are_counted_by_name(up: Farm) -> None:
    miners = [up.miner("a"), up.miner("a"), up.miner("b")]
    assert up.relay.workers.connections == {"a": 2, "b": 1}
    miners[0].says(authorize("c"))
    assert up.relay.workers.connections == {"a": 1, "b": 1, "c": 1}
    for miner in miners:
        miner.session.end(0.0)
    assert not up.relay.workers.connections


@pytest.mark.parametrize(
    ("worker_names", "user"), [("account", "account"), ("suffix", "account.rig7"), ("own", "rig7")]
)
def test_the_pool_sees_the_worker_as_configured(worker_names: str, user: str) -> None:
    made = farm(worker_names=worker_names)
    made.pool.comes()
    miner = made.miner("rig7")
    miner.says(made.share(miner).submit(miner.job_id))
    assert made.pool.got[0].user == user


# ---- whatever happens

ACTS = [
    *["good"] * 4,
    "again",
    "old job",
    "no job",
    "junk proof",
    "malformed",
    "unauthorized",
    "accept",
    "reject",
    "lose",
    "pool goes",
    "pool comes",
    "pool moves",
    "new job",
    "unclean job",
    "new target",
    "rename",
    "fan out",
    "miner comes",
    "miner goes",
]


@patient
@given(st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 2)), max_size=40))
def test_whatever_happens_the_sums_hold_and_every_submit_is_answered_once(
    acts: list[tuple[str, int]],
) -> None:
    made = farm()
    made.pool.comes()
    pool, relay = made.pool, made.relay
    miners = [made.miner(f"rig{number}") for number in range(3)]
    shares: dict[Dialogue, Any] = {}
    sent: dict[Dialogue, list[int]] = {miner: [] for miner in miners}
    heard: dict[Dialogue, list[int]] = {miner: [] for miner in miners}
    old_ids = ["0"]
    for serial, (act, number) in enumerate(acts, start=100):
        if relay.works:
            old_ids.append(relay.works[0].id)
        miner = miners[number]
        if miner.job_id:
            old_ids.append(miner.job_id)
        match act:
            case "good" | "again" | "old job" | "no job" | "junk proof" | "malformed":
                header = relay.works[0].job.header if relay.works else HEADER
                if act != "again" or miner not in shares:
                    shares[miner] = next(islice(mined(header, miner.prefix), serial - 100, None))
                found: Found = shares[miner]
                work_id = {"old job": old_ids[len(old_ids) // 2], "no job": "zz"}.get(act, old_ids[-1])
                line = found.submit(work_id, serial)
                if act == "junk proof":
                    line = submit(work_id, found.nonce, SOLUTION, serial)
                elif act == "malformed":
                    line = submit(work_id, found.nonce[2:], "00", serial)
                sent[miner].append(serial)
                miner.session.receive(written(line), miner.now)
            case "unauthorized":
                stranger = Dialogue(relay)
                assert len(stranger.says(submit("1", "00", request_id=1))) == 1
                stranger.session.end(0.0)
            case "accept" | "reject" | "lose" if pool.got:
                reason = {"accept": Reason.ACCEPTED, "reject": Reason.REJECTED}.get(act, Reason.LOST)
                pool.answers(Verdict(reason, "no", 20) if reason is Reason.REJECTED else Verdict(reason))
            case "pool goes":
                pool.goes()
            case "pool comes":
                pool.comes("beef" if number else EXTRANONCE1, header=f"{serial:064x}")
            case "pool moves" if pool.is_up:
                # A new extranonce1 on the living connection: it has another number from then on.
                pool.connection += 1
                relay.pool_working(cast("Conversation", FakeLink(f"{serial:04x}")))
                pool.gives(f"{serial:064x}")
            case "new job" if pool.is_up:
                pool.gives(f"{serial:064x}")
            case "unclean job" if pool.is_up:
                pool.gives(f"{serial:064x}", clean=False)
            case "new target" if relay.works:
                pool.gives(relay.works[0].job.header, target=MAX_TARGET - serial)
            case "rename" if relay.works:
                pool.gives(relay.works[0].job.header, target=relay.works[0].job.target)
            case "fan out":
                for each in miners:
                    if relay.works and each.session.at_work:
                        each.session.say(each.session.offer(relay.works, each.now))
            case "miner goes" | "miner comes":
                miner.session.end(0.0)
                heard[miner] += _answered(miner)
                miners[number] = Dialogue(relay)
                sent[miners[number]], heard[miners[number]] = [], []
                miners[number].says(SUBSCRIBE, AUTHORIZE, EXTRANONCE)
        assert made.tally.conserved
        for forward in pool.got:
            if forward.job.connection == pool.connection and relay.space is not None:
                assert forward.share.nonce.startswith(relay.space.extranonce1)
                assert len(forward.share.nonce) == 64
        for each in miners:
            heard[each] += _answered(each)
            if each.session.closing:
                sent.pop(each)  # what it sends after that is not read
                each.session.end(0.0)
                miners[miners.index(each)] = fresh = Dialogue(relay)
                sent[fresh], heard[fresh] = [], []
    pool.goes()
    assert made.tally.in_flight == 0
    assert made.tally.conserved
    for each, ids in sent.items():
        assert sorted(heard[each] + _answered(each)) == sorted(ids)
    for each in miners:
        each.session.end(0.0)
    assert not relay.workers.connections
    ended = sum(made.tally.shares[reason] for reason in Reason)
    assert ended == made.tally.received_total
    assert made.tally.shares[Reason.KEPT] + sum(made.tally.shares[r] for r in FILTERED) <= ended


def _answered(miner: Dialogue) -> list[int]:
    """The ids of submits that were answered since the last look."""
    return [line["id"] for line in miner.hears() if type(line["id"]) is int and line["id"] >= 100]
