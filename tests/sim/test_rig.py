"""Rolling nonces and digging for shares."""

import pytest

from proxy.errors import SluiceError
from proxy.native import Equihash, reference, share_value
from proxy.sim import rig
from proxy.sim.rig import Proof, Rig, Task, difficulty_of, solving

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
