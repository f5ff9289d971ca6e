"""Shares as the login dialect writes them: every spelling, and every way to be misspelt."""

import json
import random
from typing import Any

import pytest

from proxy.model.proof import ProofForm
from proxy.native import Equihash, reference
from proxy.sim import blobwork
from proxy.sim.faults import Forge, Pen
from proxy.sim.login_faults import SPELLINGS, BlobPen, LoginPen
from proxy.sim.rig import BlobTask, Rig, Task, hashing, solving
from proxy.sim.verdicts import Kind

SMALL = Equihash(48, 5)
FORM = ProofForm.of(48, 5)
HALF = b"\x80" + bytes(31)
BLOB = "cd" * blobwork.BLOB_BYTES


def task() -> Task:
    return Task("j5", "ab" * 32, HALF, "b760ca82", session="s1", algo="equihash/48_5")


def blob_task(blob: str = BLOB, prefix: str = "f5", target: bytes = HALF) -> BlobTask:
    return BlobTask("j5", blob, target, prefix, counter=0xFFFFF0, session="s1")


def forge(blob: bool = False, pen: Pen | None = None) -> Forge:
    if blob:
        return Forge(Rig(hashing), random.Random(1), BlobPen(), None)
    return Forge(Rig(solving(SMALL)), random.Random(1), pen or LoginPen(SMALL), SMALL)


async def made(maker: Forge, kind: Kind, work: Task, previous: Task | None = None) -> Any:
    shot = await maker.make(kind, work, previous)
    assert shot is not None
    assert shot.params is not None
    return json.loads(shot.params)


# ---- Equihash


def proven(work: Task, params: dict[str, Any], solution: str) -> bool:
    nonce = params["nonce"]
    assert len(nonce) == 64
    flaw = reference.verify(48, 5, SMALL.person, work.header, nonce, solution)
    return not flaw and reference.share_value(work.header, nonce, solution) < work.target


async def test_a_good_share() -> None:
    work = task()
    params = await made(forge(), Kind.GOOD, work)
    assert list(params) == ["id", "job_id", "nonce", "result", "solution", "ntime", "algo"]
    assert (params["id"], params["job_id"], params["algo"]) == ("s1", "j5", "equihash/48_5")
    assert params["nonce"].startswith("b760ca82")
    assert proven(work, params, params["solution"])
    assert params["result"] == reference.share_value(work.header, params["nonce"], params["solution"]).hex()
    assert len(params["ntime"]) == 16


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_every_spelling_says_the_same_solution(spelling: str) -> None:
    work = task()
    params = await made(forge(pen=LoginPen(SMALL, spelling)), Kind.GOOD, work)
    key = "solution" if spelling == "prefixed" else spelling
    assert proven(work, params, FORM.bare(params[key]))
    assert ("solution" in params) is (spelling in ("solution", "prefixed"))
    if spelling == "prefixed":
        assert params["solution"].startswith("24")


async def test_extra_members_come_last() -> None:
    extra = {"sig": "00" * 64, "height": 7}
    params = await made(forge(pen=LoginPen(SMALL, extra=extra)), Kind.GOOD, task())
    assert list(params)[-2:] == ["sig", "height"]
    assert params["height"] == 7


async def test_a_share_of_the_neighbours_slice_has_its_whole_nonce() -> None:
    work = task()
    params = await made(forge(), Kind.WRONG_SLICE, work)
    assert params["nonce"][:7] == "b760ca8"
    assert params["nonce"][7] != "2"
    assert proven(work, params, params["solution"])


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_malformed_equihash_never_passes_for_a_share(spelling: str) -> None:
    pen, source, work = LoginPen(SMALL, spelling), random.Random(1), task()
    for _ in range(400):
        params = json.loads(pen.malformed(work, source))
        assert params["job_id"] == "j5"
        assert not well_formed(params), params


def well_formed(params: dict[str, Any]) -> bool:
    """Whether a tolerant server could take this for a share."""
    solution = params.get("solution") or params.get("output") or params.get("pow")
    if solution is None and isinstance(params.get("result"), str) and len(params["result"]) > 64:
        solution = params["result"]
    return is_digits(params.get("nonce"), 64) and is_solution(solution)


def is_digits(value: object, size: int) -> bool:
    return isinstance(value, str) and len(value) == size and not value.strip("0123456789abcdef")


def is_solution(solution: object) -> bool:
    if isinstance(solution, list):
        return len(solution) == 32 and all(type(index) is int and index >= 0 for index in solution)
    if isinstance(solution, str) and solution.startswith("24") and len(solution) == 74:
        solution = solution[2:]
    return is_digits(solution, 72)


# ---- blob work


async def test_a_good_share_of_blob_work() -> None:
    work = blob_task()
    params = await made(forge(blob=True), Kind.GOOD, work)
    assert list(params) == ["id", "job_id", "nonce", "result"]
    assert params["nonce"].endswith("f5")
    assert params["result"] == blobwork.result(BLOB, params["nonce"])
    assert blobwork.value(params["result"]) < 1 << 63


async def test_a_low_result_is_honest() -> None:
    params = await made(forge(blob=True), Kind.LOW, blob_task())
    assert params["result"] == blobwork.result(BLOB, params["nonce"])
    assert blobwork.value(params["result"]) >= 1 << 63


async def test_a_false_result_is_low_enough_and_nothing_else() -> None:
    params = await made(forge(blob=True), Kind.BAD_PROOF, blob_task())
    assert params["nonce"].endswith("f5")
    assert blobwork.value(params["result"]) < 1 << 63
    assert params["result"] != blobwork.result(BLOB, params["nonce"])


async def test_a_share_with_another_byte_is_honest() -> None:
    maker = forge(blob=True)
    params = await made(maker, Kind.WRONG_SLICE, blob_task())
    assert params["nonce"][:-2]
    assert not params["nonce"].endswith("f5")
    assert params["result"] == blobwork.result(BLOB, params["nonce"])
    assert await maker.make(Kind.WRONG_SLICE, blob_task(prefix=""), None) is None


async def test_a_stale_share_of_blob_work() -> None:
    before = blob_task("ef" * blobwork.BLOB_BYTES)
    params = await made(forge(blob=True), Kind.STALE, blob_task(), before)
    assert params["result"] == blobwork.result(before.header, params["nonce"])


async def test_what_blob_work_cannot_be() -> None:
    maker = forge(blob=True)
    assert await maker.make(Kind.NEAR_MISS, blob_task(), None) is None
    assert await maker.make(Kind.LOW, blob_task(target=b"\xff" * 8 + bytes(24)), None) is None


def test_malformed_blob_work_never_passes_for_a_share() -> None:
    pen, source, work = BlobPen(), random.Random(1), blob_task()
    for _ in range(200):
        params = json.loads(pen.malformed(work, source))
        assert not (is_digits(params.get("nonce"), 8) and is_digits(params.get("result"), 64)), params
