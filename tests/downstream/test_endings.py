"""The end of a share, in every book that has a line for it; and of one that is a block."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import count

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.windows import Windows
from proxy.model.ended import Ended
from proxy.model.job import Job
from proxy.model.share import Reason, Verdict
from proxy.model.target import MAX_TARGET, to_bytes
from tests.downstream.farms import Farm, farm
from tests.kit.miners import Dialogue

NOW = 1000.0
ANY_NETWORK = to_bytes(MAX_TARGET)  # every share would be a block
NO_NETWORK = to_bytes(1)
REFUSED = Verdict(Reason.REJECTED, "no", 20)


class Written(list[Ended]):
    """A ledger as it is called."""

    def record(self, share: Ended) -> None:
        self.append(share)


@attrs.define
class Desk:
    """A farm with a ledger, and who is told of blocks."""

    farm: Farm
    ledger: Written
    told: list[Ended]
    numbers: Iterator[int]

    def gets_a_job(self, network_target: bytes = b"") -> None:
        pool, number = self.farm.pool, next(self.numbers)
        pool.relay.pool_job(
            Job(
                "main",
                pool.connection,
                str(number),
                f"{number:064x}",
                MAX_TARGET,
                clean=True,
                received=0.0,
                network_target=network_target,
            )
        )


def newest(desk: Desk) -> str:
    """The id of the current work."""
    return desk.farm.relay.works[0].id


@pytest.fixture
def desk() -> Desk:
    return made_desk()


def made_desk() -> Desk:
    """A farm with all books open."""
    made = Desk(farm(), Written(), [], count(1))
    endings = made.farm.relay.endings
    endings.ledger, endings.tell_block, endings.total = made.ledger, made.told.append, Windows(NOW)
    made.farm.pool.comes()
    return made


def test_a_forwarded_share_has_one_row_when_its_verdict_is_in(desk: Desk) -> None:
    miner = desk.farm.miner()
    found = desk.farm.share(miner)
    miner.says(found.submit(miner.job_id))
    assert desk.ledger == []
    desk.farm.pool.answers(REFUSED, now=NOW + 1.5)
    (row,) = desk.ledger
    assert (row.worker, row.pool, row.job) == ("rig1", "main", miner.job_id)
    assert (row.reason, row.message) == (Reason.REJECTED, "no")
    assert int.from_bytes(row.value, "big") == found.value
    assert row.at == NOW + 1.5
    assert row.roundtrip == row.at - row.received
    assert desk.farm.relay.endings.tally.shares == {Reason.REJECTED: 1}


def test_a_share_refused_here_has_one_row_that_names_no_pool(desk: Desk) -> None:
    miner = desk.farm.miner()
    miner.says(desk.farm.share(miner).submit("f" * 12))
    (row,) = desk.ledger
    assert (row.reason, row.pool, row.job) == (Reason.UNKNOWN_JOB, "", "f" * 12)
    assert (row.value, row.roundtrip, row.block) == (b"", None, False)


def test_a_job_id_is_written_only_so_far(desk: Desk) -> None:
    miner = desk.farm.miner()
    miner.says(desk.farm.share(miner).submit("f" * 5000))
    assert desk.ledger[0].job == "f" * 40


def test_a_share_that_finds_no_pool_is_lost_to_none(desk: Desk) -> None:
    miner = desk.farm.miner()
    desk.farm.pool.is_up = False
    miner.says(desk.farm.share(miner).submit(miner.job_id))
    (row,) = desk.ledger
    assert (row.reason, row.pool, row.roundtrip) == (Reason.LOST, "none", None)


# ---- blocks


def test_a_share_below_the_networks_target_is_told_of_with_the_pools_verdict(desk: Desk) -> None:
    desk.gets_a_job(ANY_NETWORK)
    miner = desk.farm.miner()
    miner.says(desk.farm.share(miner).submit(miner.job_id))
    assert desk.told == []
    desk.farm.pool.answers()
    assert [row.reason for row in desk.told] == [Reason.ACCEPTED]
    assert desk.ledger == desk.told
    assert desk.ledger[0].block
    assert desk.farm.tally.blocks == 1


def test_one_that_the_pool_refuses_is_told_of_but_is_no_found_block(desk: Desk) -> None:
    desk.gets_a_job(ANY_NETWORK)
    miner = desk.farm.miner()
    miner.says(desk.farm.share(miner).submit(miner.job_id))
    desk.farm.pool.answers(REFUSED)
    assert [(row.reason, row.block) for row in desk.told] == [(Reason.REJECTED, True)]
    assert desk.farm.tally.blocks == 0


def test_one_that_finds_no_pool_is_told_of(desk: Desk) -> None:
    desk.gets_a_job(ANY_NETWORK)
    miner = desk.farm.miner()
    desk.farm.pool.is_up = False
    miner.says(desk.farm.share(miner).submit(miner.job_id))
    assert [(row.reason, row.block) for row in desk.told] == [(Reason.LOST, True)]


@pytest.mark.parametrize("network_target", [b"", NO_NETWORK], ids=["unknown", "far away"])
def test_any_other_share_is_no_block(desk: Desk, network_target: bytes) -> None:
    desk.gets_a_job(network_target)
    miner = desk.farm.miner()
    miner.says(desk.farm.share(miner).submit(miner.job_id))
    desk.farm.pool.answers()
    assert desk.told == []
    assert not desk.ledger[0].block
    assert desk.farm.tally.blocks == 0


def test_a_block_is_told_of_where_no_ledger_is_kept(desk: Desk) -> None:
    desk.farm.relay.endings.ledger = None
    desk.gets_a_job(ANY_NETWORK)
    miner = desk.farm.miner()
    miner.says(desk.farm.share(miner).submit(miner.job_id))
    desk.farm.pool.answers()
    assert [row.worker for row in desk.told] == ["rig1"]


# ---- all books agree


def shares_of(counted: Iterable[Mapping[Reason, int]]) -> Counter[Reason]:
    """The sum of several counts."""
    total: Counter[Reason] = Counter()
    for one in counted:
        total.update(one)
    return total


def agree(desk: Desk, *miners: Dialogue) -> None:
    """Hold all books against each other."""
    relay = desk.farm.relay
    tally = Counter({reason: count for reason, count in relay.tally.shares.items() if count})
    names = {share.worker for share in desk.ledger}
    records = [record for name in names if (record := relay.workers.find(name)) is not None]
    assert tally == shares_of(miner.session.standing.shares for miner in miners)
    assert tally == shares_of(record.shares for record in records)
    assert tally == Counter(share.reason for share in desk.ledger)
    good = [share for share in desk.ledger if share.reason in (Reason.ACCEPTED, Reason.KEPT)]
    assert sum(record.work for record in records) == pytest.approx(sum(share.difficulty for share in good))
    for record in records:
        assert record.shares == Counter(share.reason for share in desk.ledger if share.worker == record.name)
    assert relay.tally.conserved


ends = st.lists(
    st.sampled_from(("accepted", "rejected", "lost", "duplicate", "malformed", "unknown")), max_size=12
)


@given(ends, ends)
def test_whatever_becomes_of_shares_all_books_agree(first: list[str], second: list[str]) -> None:
    desk = made_desk()
    pool, miners = desk.farm.pool, [desk.farm.miner("rig1"), desk.farm.miner("rig2")]
    for miner, said in zip(miners, (first, second), strict=True):
        for number, end in enumerate(said):
            if not pool.is_up:
                pool.comes()
                miner.hears()
            if end == "malformed":
                miner.says({"id": number, "method": "mining.submit", "params": ["rig1", 7]})
                continue
            share = desk.farm.share(miner, number).submit(
                "7" * 12 if end == "unknown" else newest(desk), f"s{number}"
            )
            miner.says(share)
            if end == "lost":
                pool.goes()
            elif pool.got:
                pool.answers(REFUSED if end == "rejected" else Verdict(Reason.ACCEPTED))
            if end == "duplicate":
                miner.says(share)
    agree(desk, *miners)
    total = desk.farm.relay.endings.total
    assert total is not None
    accepted = sum(share.difficulty for share in desk.ledger if share.reason is Reason.ACCEPTED)
    assert total.rates(NOW + 1)["1h"] * 5 == pytest.approx(accepted)


def test_a_late_verdict_counts_for_the_worker_that_sent_the_share(desk: Desk) -> None:
    miner = desk.farm.miner("rig1")
    miner.says(desk.farm.share(miner).submit(miner.job_id))
    miner.says({"id": 9, "method": "mining.authorize", "params": ["rig2", "x"]})
    assert miner.session.worker == "rig2"
    first, second = desk.farm.relay.workers.find("rig1"), desk.farm.relay.workers.find("rig2")
    assert first is None, "it has gone, and had no good share yet"
    assert second is not None
    desk.farm.pool.answers()
    assert second.shares == {}
    assert desk.ledger[-1].worker == "rig1"
    assert miner.session.standing.shares == {Reason.ACCEPTED: 1}


def test_so_does_one_that_comes_when_its_miner_has_gone(desk: Desk) -> None:
    stays, goes = desk.farm.miner("rig1"), desk.farm.miner("rig1")
    goes.says(desk.farm.share(goes).submit(goes.job_id))
    goes.session.end(NOW)
    desk.farm.pool.answers()
    record = desk.farm.relay.workers.find("rig1")
    assert record is not None
    assert record.shares == {Reason.ACCEPTED: 1}
    assert record.miners == 1
    assert stays.session.standing.shares == {}
    assert desk.ledger[-1].worker == "rig1"
    agree(desk, stays, goes)


def test_a_good_share_bears_its_miner_out_and_a_bad_one_tells_against_it(desk: Desk) -> None:
    miner = desk.farm.miner("rig1")
    standing = miner.session.standing
    assert standing.miner is not None
    share = desk.farm.share(miner).submit(miner.job_id)
    miner.says(share)
    proven = [standing.is_proven]
    desk.farm.pool.answers()
    assert [*proven, standing.is_proven] == [False, True]
    miner.passes(60)  # past what is pardoned after a login
    miner.says(share)
    conduct = desk.farm.relay.warden.penalties.record(standing.miner)
    assert conduct is not None
    assert conduct.bad == 1
    assert desk.ledger[-1].reason is Reason.DUPLICATE
    assert standing.last_share == miner.now
