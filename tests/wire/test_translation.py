"""Both dialects say the same: whatever is neutral survives being said in either, and in one after the other.

    neutral ── written in a dialect ── read back ── the same neutral
    a pool's line ── read ── written in the other dialect ── read ── written in its own ── the same line

What a dialect cannot say is named where it is asserted: the Aion dialect's jobs to miners are always
clean, and it always has an ntime.
"""

import json
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st

from proxy.model.job import Job, Work
from proxy.model.proof import ProofForm
from proxy.model.share import Share
from proxy.model.target import MAX_TARGET
from proxy.native.reference import pack, share_value, unpack
from proxy.wire import aion, events, login
from proxy.wire.loginjobs import JobForm, Seat, job_body, read_blob, read_equihash
from proxy.wire.replies import MAX_POOL_ID
from proxy.wire.targethex import lengthen
from tests.wire.hostile import patient

AION, PERSON = "equihash/210_9", "AION0PoW"
SESSION = "58cb2fca0342a4ec"
BIG, SMALL = ProofForm.of(210, 9), ProofForm.of(48, 5)

targets = st.integers(1, 256).flatmap(lambda bits: st.integers(1, 2**bits - 1))
headers = st.binary(min_size=32, max_size=32).map(bytes.hex)
prefixes = st.binary(max_size=17).map(bytes.hex)  # more would reach the bytes that miners write
pool_ids = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.integers(0, 2**64 - 1).map(str)
aliases = st.binary(max_size=5).map(bytes.hex)
ntimes = st.binary(min_size=8, max_size=8).map(bytes.hex)


@attrs.frozen
class Neutral:
    """A job as both dialects have it."""

    job_id: str
    header: str
    target: int
    clean: bool
    extranonce1: str


neutrals = st.builds(Neutral, pool_ids, headers, targets, st.booleans(), prefixes)

# ---- the roads: what is written by one side of a dialect, read by the other


def work_of(job: Neutral, serial: int = 0x1F) -> Work:
    return Work.of(serial, Job("main", 1, job.job_id, job.header, job.target, clean=job.clean, received=0.0))


def told_in_aion(work: Work, extranonce1: str, alias: str = "") -> Neutral:
    """As an Aion miner, a proxy for instance, has it from its answer to subscribe and its job."""
    reply = aion.read_pool(aion.subscribed(b"1", extranonce1).rstrip())
    assert isinstance(reply, events.Reply)
    given_extranonce1 = aion.read_subscribed(reply.result)
    later = aion.read_pool(aion.set_extranonce(extranonce1).rstrip())
    assert later == events.SetExtranonce(given_extranonce1)
    job = aion.read_pool(aion.notify(work, alias).rstrip())
    assert isinstance(job, events.Notify)
    assert job.extranonce1 is None
    return Neutral(job.job_id, job.header, job.target, job.clean, given_extranonce1)


def told_in_login(work: Work, extranonce1: str, alias: str = "", digits: int = 0) -> Neutral | None:
    """As a login miner has it, from the answer to its login and as a job of its own alike."""
    body = job_body(work, JobForm(AION, PERSON, digits), Seat(extranonce1, SESSION), alias)
    if not body:
        return None
    apart = login.read_pool(login.job(body).rstrip())
    assert isinstance(apart, events.JobGiven)
    answer = login.read_logged_in(login.logged_in(b"1", SESSION, body, b'["algo"]').rstrip())
    assert answer.job == apart
    job = read_equihash(apart, AION, PERSON)
    assert job.extranonce1 is not None
    return Neutral(job.job_id, job.header, job.target, job.clean, job.extranonce1)


# ---- jobs


@patient
@given(neutrals, st.integers(0, 2**48 - 1), aliases)
def test_a_job_is_the_same_in_either_dialect(job: Neutral, serial: int, alias: str) -> None:
    work = work_of(job, serial)
    ours = attrs.evolve(job, job_id=work.id + alias)
    assert told_in_login(work, job.extranonce1, alias) == ours
    assert told_in_aion(work, job.extranonce1, alias) == attrs.evolve(ours, clean=True)


@patient
@given(neutrals, st.integers(0, 2**48 - 1), aliases)
def test_a_job_is_the_same_after_any_way_through_both(job: Neutral, serial: int, alias: str) -> None:
    """A proxy behind a proxy, of the other dialect each."""
    work = work_of(job, serial)
    login_first = told_in_login(work, job.extranonce1, alias)
    assert login_first is not None
    aion_first = told_in_aion(work, job.extranonce1, alias)
    login_then_aion = told_in_aion(work_of(login_first, serial), job.extranonce1, alias)
    aion_then_login = told_in_login(work_of(aion_first, serial), job.extranonce1, alias)
    assert login_then_aion == aion_then_login == aion_first
    again = told_in_login(work_of(login_then_aion, serial), job.extranonce1, alias)
    assert again == attrs.evolve(login_first, clean=True)
    if job.clean:
        assert login_first == aion_first == again


@patient
@given(headers, targets, st.booleans(), pool_ids)
def test_a_pools_aion_job_comes_out_of_the_login_dialect_as_it_went_in(
    header: str, target: int, clean: bool, pool_id: str
) -> None:
    line = json.dumps({"method": "mining.notify", "params": [pool_id, clean, f"{target:064x}", header]})
    notify = aion.read_pool(line.encode())
    assert isinstance(notify, events.Notify)
    neutral = Neutral(notify.job_id, notify.header, notify.target, notify.clean, "a1b2")
    assert notify.job_id == pool_id
    told = told_in_login(work_of(neutral), "a1b2")
    assert told is not None
    assert attrs.evolve(told, job_id=pool_id) == neutral


@patient
@given(neutrals)
def test_a_pools_login_job_comes_out_of_the_aion_dialect_as_it_went_in(job: Neutral) -> None:
    size = len(job.extranonce1) // 2
    members = {
        "job_id": job.job_id,
        "algo": AION,
        "blob": (job.header + job.extranonce1).ljust(128, "0"),
        "xn": job.extranonce1,
        "nonceoffset": 32 + size,
        "noncebytes": 32 - size,
        "target": f"{job.target:064x}",
        "clean": job.clean,
    }
    event = login.read_pool(json.dumps({"method": "job", "params": members}).encode())
    assert isinstance(event, events.JobGiven)
    notify = read_equihash(event, AION, PERSON)
    neutral = Neutral(notify.job_id, notify.header, notify.target, notify.clean, notify.extranonce1 or "")
    assert neutral == job
    told = told_in_aion(work_of(neutral), job.extranonce1)
    assert attrs.evolve(told, job_id=job.job_id, clean=job.clean) == job


@patient
@given(neutrals, st.sampled_from([64, 16, 8]), st.integers(0, MAX_TARGET))
def test_a_shortened_target_never_lets_a_low_share_through(job: Neutral, digits: int, value: int) -> None:
    work = work_of(job)
    told = told_in_login(work, job.extranonce1, digits=digits)
    if told is None:
        assert job.target < 1 << (256 - 4 * digits)  # nothing is left of it, and no job goes out
        return
    assert told.target <= job.target
    assert attrs.evolve(told, target=job.target, job_id=job.job_id) == job
    if value < told.target:
        assert value < job.target
    # And it is the end of the losses: the next one behind shortens nothing more.
    again = told_in_login(work_of(told), job.extranonce1, digits=digits)
    assert again is not None
    assert again.target == told.target


@patient
@given(st.sampled_from([16, 8]), st.data())
def test_a_pools_short_target_reaches_aion_miners_whole(digits: int, data: st.DataObject) -> None:
    text = data.draw(st.binary(min_size=digits // 2, max_size=digits // 2).filter(any)).hex()
    target = lengthen(text)
    job = Neutral("1", "ab" * 32, target, True, "")
    assert told_in_aion(work_of(job), "").target == target
    assert f"{target:064x}"[digits:] == "0" * (64 - digits)


# ---- shares


@attrs.frozen
class Found:
    """A share as its finder has it: for a job, of a nonce that begins with its extranonce1."""

    job_id: str
    extranonce1: str
    nonce: str
    solution: str
    ntime: str


@st.composite
def founds(draw: st.DrawFn) -> Found:
    prefix = draw(prefixes)
    nonce = prefix + draw(st.binary(min_size=32, max_size=32)).hex()[len(prefix) :]
    # Not drawn byte by byte: 1408 of them are more than a draw may take.
    seed = draw(st.binary(min_size=1, max_size=64))
    return Found(draw(pool_ids), prefix, nonce, (seed * 1408)[:1408].hex(), draw(ntimes))


def heard_in_aion(found: Found, user: str = "rig") -> Found:
    """Sent as a miner sends it, read as a pool does."""
    line = aion.submit(
        4, user, found.job_id, found.ntime, found.nonce[len(found.extranonce1) :], found.solution
    )
    event = aion.read_request(line.rstrip())
    assert isinstance(event, events.Submit)
    assert event.id == b"4"
    nonce = found.extranonce1 + event.nonce  # the first part was never said
    return Found(event.job_id, found.extranonce1, nonce, BIG.bare(event.solution), event.ntime)


def heard_in_login(found: Found) -> Found:
    """Sent as a miner sends it, read as a pool does."""
    share = Share(found.job_id, found.nonce, found.solution, found.ntime)
    value = share_value("ab" * 32, found.nonce, found.solution)
    event = login.read_request(login.submit(4, SESSION, found.job_id, share, value, AION).rstrip())
    assert isinstance(event, events.Submit)
    assert (event.id, event.session, event.result) == (b"4", SESSION, value.hex())
    assert event.members == b'"algo":"equihash/210_9"'
    return Found(event.job_id, found.extranonce1, event.nonce, BIG.bare(event.solution), event.ntime)


@patient
@given(founds())
def test_a_share_is_the_same_in_either_dialect_and_after_both(found: Found) -> None:
    assert heard_in_aion(found) == found
    assert heard_in_login(found) == found
    assert heard_in_aion(heard_in_login(found)) == found
    assert heard_in_login(heard_in_aion(found)) == found
    without = attrs.evolve(found, ntime="")
    assert (
        heard_in_login(without) == without
    )  # the Aion dialect always has one, and who writes it sees to that


@patient
@given(founds())
def test_the_line_of_a_share_is_the_same_after_both(found: Found) -> None:
    def in_aion(share: Found) -> bytes:
        rolled = share.nonce[len(share.extranonce1) :]
        return aion.submit(4, "rig", share.job_id, share.ntime, rolled, share.solution)

    assert in_aion(heard_in_login(heard_in_aion(found))) == in_aion(found)


def spellings(n: int, k: int, solution: bytes) -> list[tuple[str, Any]]:
    """Every way a submit of the login dialect can say a solution."""
    form, digits = ProofForm.of(n, k), solution.hex()
    prefixed = form.size_prefix + digits
    return [
        *(("solution", text) for text in (digits, digits.upper(), prefixed, prefixed.upper())),
        *(("output", text) for text in (digits, prefixed)),
        ("pow", unpack(n, k, solution)),
        *(("result", text) for text in (digits, prefixed, digits.upper())),
    ]


@patient
@given(st.sampled_from([(210, 9), (48, 5), (96, 5), (150, 5), (200, 9)]), st.binary(min_size=1, max_size=64))
def test_every_spelling_of_a_proof_is_the_same_share(size: tuple[int, int], seed: bytes) -> None:
    n, k = size
    form = ProofForm.of(n, k)
    solution = (seed * form.digits)[: form.digits // 2]
    for name, said in spellings(n, k, solution):
        params = {"id": SESSION, "job_id": "1f", "nonce": "a1" * 32, name: said}
        event = login.read_request(json.dumps({"id": 2, "method": "submit", "params": params}).encode())
        assert isinstance(event, events.Submit)
        assert event.result == ""
        assert form.bare(event.solution).lower() == solution.hex()


@given(st.lists(st.integers(0, 511), min_size=32, max_size=32))
def test_a_list_of_small_indices_is_packed_as_the_check_has_it(indices: list[int]) -> None:
    line = json.dumps({"id": 2, "method": "submit", "params": {"job_id": "1", "nonce": "", "pow": indices}})
    event = login.read_request(line.encode())
    assert isinstance(event, events.Submit)
    assert SMALL.bare(event.solution) == pack(48, 5, indices).hex()


# ---- blob work, which only one dialect has: from a pool, through us, to a miner and back


@patient
@given(
    st.binary(min_size=43, max_size=407),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=MAX_POOL_ID),
    st.integers(0, 255),
    st.binary(min_size=3, max_size=3),
    st.binary(min_size=32, max_size=32).map(bytes.hex),
    aliases,
)
def test_a_share_of_blob_work_comes_back_for_the_job_that_was_given(
    blob: bytes, pool_id: str, top: int, rolled: bytes, result: str, alias: str
) -> None:
    blob = blob[:39] + bytes(4) + blob[43:]
    params = {"blob": blob.hex(), "job_id": pool_id, "target": "b88d0600", "algo": "cn/r", "height": 7}
    event = login.read_pool(json.dumps({"method": "job", "params": params}).encode())
    assert isinstance(event, events.JobGiven)
    notify = read_blob(event)
    work = Work.of(
        0x1F,
        Job("main", 1, notify.job_id, notify.header, notify.target, True, received=0.0, blob=notify.blob),
    )
    to_miner = json.loads(job_body(work, JobForm(), Seat(f"{top:02x}", SESSION), alias))
    mined = bytes.fromhex(to_miner["blob"])
    assert mined[:42] + b"\0" + mined[43:] == blob
    assert {**to_miner, "blob": params["blob"], "job_id": pool_id} == params
    nonce = (rolled + mined[42:43]).hex()
    sent = {"id": SESSION, "job_id": to_miner["job_id"], "nonce": nonce, "result": result, "algo": "cn/r"}
    share = login.read_request(json.dumps({"id": 2, "method": "submit", "params": sent}).encode())
    assert isinstance(share, events.Submit)
    assert share.job_id == work.id + alias
    up = login.submit(
        9,
        "pool's",
        work.job.pool_id,
        Share(share.job_id, share.nonce, "", result=share.result, members=share.members),
        b"",
        "",
    )
    assert json.loads(up)["params"] == {**sent, "id": "pool's", "job_id": pool_id}
