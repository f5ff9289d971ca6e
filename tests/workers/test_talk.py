"""Parent and worker in their own words: what comes out at the miner is what one process would have said."""

import json

import attrs
import pytest

from proxy.config import Listen
from proxy.errors import PoolError
from proxy.model.share import Reason, Verdict
from proxy.model.target import from_difficulty, to_bytes
from proxy.workers.talk import LOST_CODE, pool_of
from tests.downstream.farms import HEADER
from tests.kit.miners import blob_work, login_submit, mined, no, ok, refusal, yes
from tests.workers.pairs import Pair

OTHER = "cd" * 32


@pytest.fixture
def up() -> Pair:
    """A parent with its pool."""
    made = Pair()
    made.pool.comes()
    return made


def notifies(said: bytes) -> list[list[object]]:
    """The jobs among the parent's lines: id, clean, target, header each."""
    lines = [json.loads(line) for line in said.splitlines()]
    return [line["params"] for line in lines if line.get("method") == "mining.notify"]


# ---- a share and its verdict


def test_a_share_takes_both_hops_and_its_verdict_comes_home(up: Pair) -> None:
    wire = up.worker()
    miner = wire.miner()
    found = next(mined(HEADER, miner.prefix))
    assert miner.says(found.submit(miner.job_id)) == []
    wire.exchange()
    (forward,) = up.pool.got
    assert forward.share.nonce == miner.prefix + found.nonce
    assert forward.share.solution == found.solution[2:]
    assert forward.share.ntime == "000000006b00635f"
    assert forward.job.pool_id == "1"
    up.pool.answers()
    wire.exchange()
    assert miner.hears() == [yes(4)]
    assert wire.tally.shares == {Reason.ACCEPTED: 1}
    assert wire.tally.forwarded == {"main": 1}, "under the name of the pool itself"
    assert up.books["1.1"].arrived == {"main": 1}
    assert up.books["1.1"].settled == {Reason.ACCEPTED: 1}
    assert up.books["1.1"].connections == 1


@pytest.mark.parametrize(
    ("verdict", "code", "text"),
    [
        (Verdict(Reason.REJECTED, "stale share", -1), -1, "stale share"),
        (Verdict(Reason.REJECTED, "gebührt „nicht“", 23), 23, "gebührt „nicht“"),
        (Verdict(Reason.REJECTED, "pool connection lost", 20), 20, "pool connection lost"),
    ],
)
def test_the_pools_own_words_pass_unchanged(up: Pair, verdict: Verdict, code: int, text: str) -> None:
    wire = up.worker()
    miner = wire.miner()
    miner.says(next(mined(HEADER, miner.prefix)).submit(miner.job_id))
    wire.exchange()
    up.pool.answers(verdict)
    wire.exchange()
    assert miner.hears() == [no(4, code, text)]
    assert wire.tally.shares == {Reason.REJECTED: 1}, "a pool's refusal, whatever it sounds like"


def test_what_the_parent_lost_is_lost_to_the_worker(up: Pair) -> None:
    wire = up.worker()
    miner = wire.miner()
    miner.says(next(mined(HEADER, miner.prefix)).submit(miner.job_id))
    wire.exchange()
    up.pool.goes()
    assert f"[{LOST_CODE},".encode() in wire.exchange()
    assert miner.hears() == [no(4, 20, "pool connection lost")]
    assert wire.tally.shares == {Reason.LOST: 1}
    # So is one that finds no pool.
    shares = mined(HEADER, miner.prefix)
    next(shares)
    miner.says(next(shares).submit(miner.job_id, 5))
    wire.exchange()
    assert miner.hears() == [no(5, 20, "pool connection lost")]
    assert up.books["1.1"].settled == {Reason.LOST: 2}
    assert wire.tally.conserved


def test_a_verdict_for_a_worker_that_has_died_is_in_its_book(up: Pair) -> None:
    wire = up.worker()
    miner = wire.miner()
    miner.says(next(mined(HEADER, miner.prefix)).submit(miner.job_id))
    wire.exchange()
    wire.session.end(0.0)
    assert up.books["1.1"].connections == 0
    assert not up.books["1.1"].is_closed
    up.pool.answers()
    assert up.books["1.1"].is_closed


# ---- jobs


def test_a_worker_knows_what_the_network_asks_as_soon_as_its_parent_does(up: Pair) -> None:
    wire = up.worker()
    job = attrs.evolve(up.relay.works[0].job, header=OTHER, target=2**255, network_target=to_bytes(2**250))
    up.relay.pool_job(job)
    wire.exchange()
    assert wire.relay.works[0].job.network_target == to_bytes(2**250)
    assert wire.relay.works[0].target == to_bytes(2**255)
    up.relay.pool_job(attrs.evolve(job, header=HEADER, network_target=b""))
    wire.exchange()
    assert wire.relay.works[0].job.network_target == b""


def test_a_job_says_which_pool_it_is_from_and_keeps_its_clean(up: Pair) -> None:
    wire = up.worker()
    up.pool.gives(OTHER, clean=False)
    (params,) = notifies(wire.exchange())
    work = up.relay.works[0]
    assert params == [f"{work.id}0", False, f"{2**256 - 1:064x}", OTHER]
    assert wire.relay.works[0].job.pool == "main"
    up.pool.gives("ef" * 32)
    ((_, clean, *_),) = notifies(wire.exchange())
    assert clean is True


def test_a_clean_job_that_was_overtaken_is_not_forgotten(up: Pair) -> None:
    wire = up.worker()
    miner = wire.miner()
    first = miner.job_id
    wire.session.at_work = False  # the board has not come round to it yet
    up.pool.gives(OTHER)
    up.pool.gives("ef" * 32, clean=False)
    wire.session.at_work = True
    wire.session.say(wire.session.offer(up.relay.works, wire.now))
    ((_, clean, _, header),) = notifies(wire.exchange())
    assert (clean, header) == (True, "ef" * 32)
    found = next(mined(HEADER, miner.prefix))
    assert miner.says(found.submit(first)) == [no(4, 21, "stale share")]


def test_a_target_moves_within_a_job(up: Pair) -> None:
    wire = up.worker()
    assert wire.relay.works[0].difficulty == 1
    up.pool.gives(HEADER, from_difficulty(4), clean=False)
    wire.exchange()
    assert round(wire.relay.works[0].difficulty) == 4


def test_a_new_pool_connection_moves_the_miners_through_both(up: Pair) -> None:
    wire = up.worker()
    miner = wire.miner()
    former = miner.prefix
    up.pool.comes("ee" * 8, OTHER)
    wire.exchange()
    heard = miner.is_given_work()
    assert heard[0]["method"] == "mining.set_extranonce"
    assert miner.prefix.startswith("ee" * 8)
    assert len(miner.prefix) == len(former) == 24, "eight bytes of the pool's and four of ours in all"


def test_a_worker_that_comes_before_there_is_work_waits() -> None:
    pair = Pair()
    wire = pair.worker()
    assert not wire.relay.works
    wire.now += 1e6
    wire.conversation.tick(wire.now)  # and is never tired of it
    pair.pool.comes()
    wire.comes()
    assert wire.relay.works


# ---- blob work


def test_blob_work_is_lent_whole_and_split_by_the_worker() -> None:
    pair = Pair(blob=True)
    pair.pool.comes_with_blobs()
    wire = pair.worker()
    job = wire.relay.works[0].job
    assert job.header == pair.relay.works[0].job.header
    assert job.pool == "main"
    miner = wire.blob_miner()
    nonce = "010203" + miner.prefix
    assert (
        miner.says(login_submit(miner.session_id, miner.job_id, nonce, result="00" * 32, sig="ab" * 64)) == []
    )
    wire.exchange()
    (forward,) = pair.pool.got
    assert forward.share.nonce == nonce
    assert forward.share.members == b'"sig":"%s"' % (b"ab" * 64)
    pair.pool.answers()
    wire.exchange()
    assert miner.hears() == [ok(2)]


def test_blob_jobs_keep_their_clean_and_their_own_words() -> None:
    pair = Pair(blob=True)
    pair.pool.comes_with_blobs()
    wire = pair.worker()
    first = wire.relay.works[0]
    given = blob_work(2)
    given.clean = False
    pair.pool.gives_blob(given)
    wire.exchange()
    second = wire.relay.works[0]
    assert second.job.blob == given.blob
    assert not second.job.clean
    live = wire.relay.book.find(first.id)
    assert live is not None
    assert live.live
    pair.pool.comes_with_blobs(blob_work(3))
    wire.exchange()
    assert wire.relay.works[0].job.clean
    assert not live.live


def test_a_lost_blob_share_is_lost_in_its_miners_dialect() -> None:
    pair = Pair(blob=True)
    pair.pool.comes_with_blobs()
    wire = pair.worker()
    miner = wire.blob_miner()
    miner.says(login_submit(miner.session_id, miner.job_id, "000000" + miner.prefix, result="00" * 32))
    wire.exchange()
    pair.pool.goes()
    wire.exchange()
    assert miner.hears() == [refusal(2, "Pool connection lost")]
    assert wire.tally.shares == {Reason.LOST: 1}


# ---- what cannot be


@pytest.mark.parametrize("work_id", ["00000000000a", "00000000000a9", "00000000000ax", ""])
def test_a_job_without_its_pool_is_a_fault(work_id: str) -> None:
    with pytest.raises(PoolError, match="names no pool"):
        pool_of(work_id, ["main"])


def test_the_listener_of_workers_is_no_listener_of_miners(up: Pair) -> None:
    wire = up.worker()
    wire.miner()
    assert set(wire.tally.received) <= {("farm", "aion")}
    assert wire.relay.lane_of(Listen().difficulty) == 0
