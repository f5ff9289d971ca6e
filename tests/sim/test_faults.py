"""Each forged share is wrong in its one way, and in no other."""

import json
import random
from typing import Any

import pytest

from proxy.errors import ConfigError
from proxy.native import Equihash, reference
from proxy.sim.aion_faults import AionPen
from proxy.sim.faults import Forge, Mix
from proxy.sim.rig import Rig, Task, solving
from proxy.sim.verdicts import Kind

SMALL = Equihash(48, 5)
TARGET = b"\x80" + bytes(31)
PREFIX = "b760ca8200000000"


def forge(against: str = "sluice") -> Forge:
    pen = AionPen(SMALL, 'a "worker"', against)
    return Forge(Rig(solving(SMALL)), random.Random(1), pen, SMALL)


def task(header: str = "ab", prefix: str = PREFIX, target: bytes = TARGET) -> Task:
    return Task("5", header * 32, target, prefix)


async def made(kind: Kind, work: Task | None = None, previous: Task | None = None) -> Any:
    shot = await forge().make(kind, work or task(), previous)
    assert shot is not None
    assert shot.kind is kind
    assert shot.params is not None
    return json.loads(shot.params)


def parts(params: list[str], work: Task) -> tuple[str, str]:
    """Whole nonce and bare solution."""
    assert params[4][:2] == "24"
    return work.prefix + params[3], params[4][2:]


def flaw(work: Task, nonce: str, solution: str) -> str:
    return reference.FLAWS[reference.verify(48, 5, SMALL.person, work.header, nonce, solution)]


def meets(work: Task, nonce: str, solution: str) -> bool:
    return reference.share_value(work.header, nonce, solution) < work.target


async def test_good() -> None:
    work = task()
    params = await made(Kind.GOOD, work)
    assert params[:2] == ['a "worker"', "5"]
    assert [len(part) for part in params[2:]] == [16, 48, 74]
    nonce, solution = parts(params, work)
    assert meets(work, nonce, solution)
    assert flaw(work, nonce, solution) == ""


async def test_duplicate_is_the_last_good_one() -> None:
    work, maker = task(), forge()
    assert await maker.make(Kind.DUPLICATE, work, None) is None
    good = await maker.make(Kind.GOOD, work, None)
    again = await maker.make(Kind.DUPLICATE, work, None)
    assert good is not None
    assert good.params is not None
    assert again is not None
    assert again.params is not None
    assert json.loads(good.params)[3:] == json.loads(again.params)[3:]


async def test_stale_is_good_work_for_the_job_before() -> None:
    before = task("cd")
    nonce, solution = parts(await made(Kind.STALE, task(), before), before)
    assert meets(before, nonce, solution)
    assert flaw(before, nonce, solution) == ""


@pytest.mark.parametrize("previous", [None, task("ab"), task("cd", prefix="00" * 8)])
async def test_no_stale_share_without_a_job_before_of_the_same_extranonce1(previous: Task | None) -> None:
    assert await forge().make(Kind.STALE, task(), previous) is None


async def test_low_is_proven_and_above_the_target() -> None:
    work = task()
    nonce, solution = parts(await made(Kind.LOW, work), work)
    assert not meets(work, nonce, solution)
    assert flaw(work, nonce, solution) == ""
    assert await forge().make(Kind.LOW, task(target=b"\xff" * 32), None) is None


async def test_wrong_slice_is_proven_for_the_neighbour() -> None:
    work = task()
    params = await made(Kind.WRONG_SLICE, work)
    assert len(params[3]) == 64
    assert params[3][:15] == PREFIX[:15]
    assert params[3][15] != PREFIX[15]
    assert meets(work, params[3], params[4][2:])
    assert flaw(work, params[3], params[4][2:]) == ""
    assert await forge().make(Kind.WRONG_SLICE, task(prefix=""), None) is None


@pytest.mark.parametrize("kind", [Kind.BAD_PROOF, Kind.NEAR_MISS])
async def test_a_false_proof_meets_the_target(kind: Kind) -> None:
    for number in range(20):
        work = task(f"{number:02x}")
        nonce, solution = parts(await made(kind, work), work)
        assert meets(work, nonce, solution)
        assert flaw(work, nonce, solution)


async def test_a_near_miss_has_the_leaves_of_a_solution_and_not_their_order() -> None:
    work = task()
    nonce, solution = parts(await made(Kind.NEAR_MISS, work), work)
    leaves = sorted(reference.unpack(48, 5, bytes.fromhex(solution)))
    source = solving(SMALL)
    again = task()
    true_ones = [proof for _ in range(100) for proof in source(again) or () if proof.nonce == nonce]
    assert leaves in [sorted(reference.unpack(48, 5, bytes.fromhex(p.solution))) for p in true_ones]
    assert flaw(work, nonce, solution) == "order"


async def test_unknown_job() -> None:
    assert (await made(Kind.UNKNOWN_JOB))[1] in ("nosuchjob", "fffffffffffffff0", "")


# ---- the mix


def test_mix_reads_weights() -> None:
    assert Mix.parse(["good=95,low=2", "junk"]).weights == {Kind.GOOD: 95, Kind.LOW: 2, Kind.JUNK: 1}
    assert Mix.parse([]).weights == {Kind.GOOD: 1}


@pytest.mark.parametrize("text", ["bad=1", "good=x", "good=-1", "good=0", "good=inf", "good=nan"])
def test_mix_refuses(text: str) -> None:
    with pytest.raises(ConfigError):
        Mix.parse([text])


def test_mix_draws_by_weight() -> None:
    drawn = [
        Mix.parse(["good=3,low=1,stale=0"]).draw(source) for source in [random.Random(1)] for _ in range(400)
    ]
    assert 250 < drawn.count(Kind.GOOD) < 350
    assert Kind.STALE not in drawn
