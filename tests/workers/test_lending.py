"""What the parent lends, and whom it lets the pool see."""

import pytest

from proxy.errors import PoolError
from tests.downstream.farms import HEADER
from tests.kit.miners import mined
from tests.workers.pairs import Pair


def test_workers_split_the_byte_that_the_parent_leaves_them() -> None:
    pair = Pair()
    pair.pool.comes("b760ca8200000000")
    wires = [pair.worker(f"{number}.{number}") for number in (1, 2)]
    given = {wire.conversation.extranonce1 for wire in wires}
    assert len(given) == 2
    assert all(prefix.startswith("b760ca8200000000") and len(prefix) == 18 for prefix in given)
    prefixes = [wire.miner(f"rig{number}").prefix for wire in wires for number in range(3)]
    assert len(set(prefixes)) == 6
    assert {len(prefix) for prefix in prefixes} == {24}, "no longer than with one process"


def test_a_long_extranonce1_leaves_both_a_byte_or_is_refused() -> None:
    pair = Pair()
    pair.pool.comes("ab" * 15)
    assert len(pair.worker().miner().prefix) == 34
    with pytest.raises(PoolError, match="at most 15 bytes work"):
        pair.pool.comes("ab" * 16)


@pytest.mark.parametrize(
    ("worker_names", "seen"), [("account", "account"), ("own", "rig1"), ("suffix", "account.rig1")]
)
def test_the_pool_sees_whom_it_would_see_of_one_process(worker_names: str, seen: str) -> None:
    pair = Pair(worker_names)
    pair.pool.comes()
    wire = pair.worker()
    miner = wire.miner("rig1")
    miner.says(next(mined(HEADER, miner.prefix)).submit(miner.job_id))
    wire.exchange()
    assert pair.pool.got[0].user == seen


@pytest.mark.parametrize(("dialect", "hashed"), [("aion", False), ("login", True)])
def test_a_share_is_hashed_again_only_where_the_pool_is_told_its_value(dialect: str, hashed: bool) -> None:
    pair = Pair(dialect=dialect)
    pair.pool.comes()
    wire = pair.worker()
    miner = wire.miner()
    found = next(mined(HEADER, miner.prefix))
    miner.says(found.submit(miner.job_id))
    wire.exchange()
    assert pair.pool.got[0].value == (found.value.to_bytes(32, "big") if hashed else b"")


def test_a_connection_for_blob_work_is_one_workers() -> None:
    pair = Pair(blob=True)
    pair.pool.comes_with_blobs()
    other = pair.another_relay()
    second_pool = pair.add_pool(other)
    pair.relay.overflow = lambda: other
    second_pool.comes_with_blobs()
    first, second = pair.worker("1.1"), pair.worker("2.2")
    assert (first.session.house, second.session.house) == (pair.relay, other)
    assert not pair.relay.has_room
    # One that died rests till the next job: its miners' nonces were all used on this one.
    first.session.end(0.0)
    assert not pair.relay.has_room
    assert pair.books["1.1"].connections == 0


def test_no_room_at_all() -> None:
    pair = Pair(blob=True)
    pair.pool.comes_with_blobs()
    pair.worker("1.1")
    with pytest.raises(PoolError, match="no nonce slice free"):
        pair.worker("2.2")
