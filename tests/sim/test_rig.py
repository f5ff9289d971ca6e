"""Rolling nonces and digging for shares."""

import random

import pytest

from proxy.errors import SluiceError
from proxy.native import Equihash, reference, share_value
from proxy.sim import blobwork, rig
from proxy.sim.rig import BlobTask, Proof, Rig, Task, difficulty_of, hashing, solving

EASY = b"\xff" * 32
SMALL = Equihash(48, 5)


def task(target: bytes = EASY, prefix: str = "0011223344556677") -> Task:
    return Task("1", "ab" * 32, target, prefix)


def test_nonces_count_up_behind_extranonce1_little_endian() -> None:
    work = task()
    nonces = [work.next_nonce() for _ in range(258)]
    assert nonces[0] == "0011223344556677" + "00" * 24
    assert nonces[257] == "0011223344556677" + "0101" + "00" * 22
    assert len(set(nonces)) == 258


@pytest.mark.parametrize("size", [0, 2, 17, 31, 32])
def test_nonces_are_32_bytes_whatever_the_prefix(size: int) -> None:
    work = task(prefix="77" * size)
    assert all(len(work.next_nonce()) == 64 for _ in range(300))


@pytest.mark.parametrize("below", [True, False])
async def test_a_dug_share_is_proven_and_on_the_wanted_side(below: bool) -> None:
    work = task(target=b"\x40" + bytes(31))
    proof = await Rig(solving(SMALL)).dig(work, below)
    assert proof is not None
    assert not reference.verify(48, 5, SMALL.person, work.header, proof.nonce, proof.solution)
    assert (share_value(work.header, proof.nonce, proof.solution) < work.target) is below


async def test_one_share_a_nonce_unless_all_are_wanted() -> None:
    for all_solutions in (False, True):
        digger, work = Rig(solving(SMALL), all_solutions), task()
        nonces = [proof.nonce for proof in [await digger.dig(work) for _ in range(60)] if proof]
        assert (len(set(nonces)) < 60) is all_solutions


async def test_a_source_of_ready_proofs_can_run_dry() -> None:
    ready = [[Proof("00" * 32, "00" * 1408)], []]
    digger = Rig(lambda _: ready.pop() if ready else None)
    work = task()
    assert await digger.dig(work) == Proof("00" * 32, "00" * 1408)
    assert await digger.dig(work) is None
    assert await digger.dig_any(work) is None


async def test_a_difficulty_out_of_all_proportion_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rig, "MOST_NONCES", 3)
    with pytest.raises(SluiceError, match="no share in 3 nonces"):
        await Rig(solving(SMALL)).dig(task(target=bytes(31) + b"\1"))


def test_difficulty() -> None:
    assert difficulty_of(b"\x40" + bytes(31)) == 4


# ---- blob work


def blob_task(prefix: str = "f5", counter: int = 0xFFFFFE, target: bytes = EASY) -> BlobTask:
    return BlobTask("1", "cd" * blobwork.BLOB_BYTES, target, prefix, counter)


def test_the_nonces_of_blob_work_are_counted_below_the_byte_that_is_fixed() -> None:
    work = blob_task()
    assert [work.next_nonce() for _ in range(4)] == ["fefffff5", "fffffff5", "000000f5", "010000f5"]


def test_the_whole_nonce_of_blob_work_is_counted_where_none_of_it_is_fixed() -> None:
    work = blob_task(prefix="", counter=0xFFFFFFFF)
    assert [work.next_nonce() for _ in range(2)] == ["ffffffff", "00000000"]


@pytest.mark.parametrize("below", [True, False])
async def test_a_hashed_share_is_on_the_wanted_side(below: bool) -> None:
    work = blob_task(target=b"\x40" + bytes(31))
    proof = await Rig(hashing).dig(work, below)
    assert proof is not None
    assert proof.solution == blobwork.result(work.header, proof.nonce)
    assert (blobwork.value(proof.solution) < 1 << 62) is below


def test_a_neighbour_has_another_slice_and_all_else_alike() -> None:
    for work in (task(), blob_task()):
        other = work.neighbour(random.Random(1))
        assert other is not None
        assert type(other) is type(work)
        assert (other.id, other.header, other.counter) == (work.id, work.header, work.counter)
        assert other.prefix[:-1] == work.prefix[:-1]
        assert other.prefix != work.prefix
    assert task(prefix="").neighbour(random.Random(1)) is None
