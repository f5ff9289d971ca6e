"""The end of a share, in every book that has a line for it; and of one that is a block."""

from collections.abc import Iterator
from itertools import count

import attrs
import pytest

from proxy.core.windows import Windows
from proxy.model.ended import Ended
from proxy.model.job import Job
from proxy.model.share import Reason, Verdict
from proxy.model.target import MAX_TARGET, to_bytes
from tests.downstream.farms import Farm, farm

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


@pytest.fixture
def desk() -> Desk:
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
