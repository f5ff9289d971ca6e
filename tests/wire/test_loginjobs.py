"""The job object, both ways: a pool's that miners could not use stops here, ours is one they can.

What XMRig demands is asked of xmrig.py, line by line; there is nobody to ask about Equihash work.
"""

import json
from typing import Any

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.errors import PoolError
from proxy.model.blob import Blob
from proxy.model.job import Job, Work
from proxy.model.target import MAX_TARGET, from_difficulty
from proxy.wire import events, login
from proxy.wire.loginjobs import MAX_MEMBERS, JobForm, Seat, job_body, read_blob, read_equihash
from tests.wire import xmrig
from tests.wire.hostile import fit_to_show, nested, patient, values

AION, PERSON = "equihash/210_9", "AION0PoW"
HEADER = "5a17c0ffee" + "0" * 52 + "aa"
TARGET = "0020" + "0" * 60
SESSION = "58cb2fca0342a4ec"
SEAT = Seat("2a", SESSION)
FORM = JobForm(AION, PERSON)
BLOB_FORM = JobForm()

SEED = "5e" * 32
BEFORE, AFTER = "10" * 39, "77" * 33
BLOB = BEFORE + "00000000" + AFTER
RX: dict[str, Any] = {
    "blob": BLOB,
    "job_id": "j1",
    "target": "b88d0600",
    "algo": "rx/0",
    "height": 101,
    "seed_hash": SEED,
}
EQUIHASH: dict[str, Any] = {
    "job_id": "1f",
    "algo": AION,
    "pers": PERSON,
    "blob": HEADER + "a1b2" + "0" * 60,
    "xn": "a1b2",
    "nonceoffset": 34,
    "noncebytes": 30,
    "target": TARGET,
    "id": SESSION,
}
ABSENT = object()


def given_as(members: dict[str, Any] | bytes) -> events.JobGiven:
    """A job in the pool's own line, read."""
    params = members if isinstance(members, bytes) else json.dumps(members).encode()
    event = login.read_pool(b'{"jsonrpc":"2.0","method":"job","params":%s}' % params)
    assert isinstance(event, events.JobGiven)
    return event


def changed(members: dict[str, Any], **changes: Any) -> events.JobGiven:
    merged = {**members, **changes}
    return given_as({name: value for name, value in merged.items() if value is not ABSENT})


def blob_of(**changes: Any) -> events.Notify:
    return read_blob(changed(RX, **changes))


def equihash_of(**changes: Any) -> events.Notify:
    return read_equihash(changed(EQUIHASH, **changes), AION, PERSON)


def work_of(notify: events.Notify, target: int | None = None, serial: int = 0x1F) -> Work:
    job = Job(
        "main", 1, notify.job_id, notify.header, notify.target, notify.clean, received=0.0, blob=notify.blob
    )
    return Work.of(serial, job, target)


def body(work: Work, form: JobForm = BLOB_FORM, seat: Seat = SEAT, alias: str = "") -> dict[str, Any]:
    written = job_body(work, form, seat, alias)
    assert b"\n" not in written
    assert b"\r" not in written
    decoded = json.loads(written)
    assert isinstance(decoded, dict)
    return decoded


# ---- a pool's job of Equihash work


def test_a_job_of_equihash_work() -> None:
    assert equihash_of() == events.Notify("1f", clean=True, target=2**245, header=HEADER, extranonce1="a1b2")


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"job_id": 17}, "job_id", "17"),
        ({"clean": False}, "clean", False),
        ({"clean": True}, "clean", True),
        ({"clean": None}, "clean", True),
        ({"clean": 0}, "clean", True),
        ({"algo": ABSENT}, "header", HEADER),
        ({"algo": "equihash"}, "header", HEADER),
        ({"algo": "Equihash 210,9"}, "header", HEADER),
        ({"algo": "equihash210_9"}, "header", HEADER),
        ({"algo": "aion"}, "header", HEADER),
        ({"pers": ABSENT}, "header", HEADER),
        ({"pers": None}, "header", HEADER),
        ({"blob": EQUIHASH["blob"].upper(), "xn": "A1B2"}, "extranonce1", "a1b2"),
        ({"nonceoffset": ABSENT, "noncebytes": ABSENT}, "extranonce1", "a1b2"),
        ({"xn": ABSENT}, "extranonce1", "a1b2"),
        ({"xn": ABSENT, "noncebytes": ABSENT}, "extranonce1", "a1b2"),
        ({"xn": ABSENT, "nonceoffset": 32, "noncebytes": 32}, "extranonce1", ""),
        ({"xn": "", "nonceoffset": 32, "noncebytes": 32}, "extranonce1", ""),
        ({"target": "0000000000002000"}, "target", 2**245),
        ({"target": "00002000"}, "target", 2**245),
        ({"target": "F" * 64}, "target", MAX_TARGET),
        ({"height": 5, "extra": {"deep": [1]}}, "header", HEADER),
    ],
)
def test_equihash_work_is_taken_in_every_form(changes: dict[str, Any], field: str, value: Any) -> None:
    assert getattr(equihash_of(**changes), field) == value


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"algo": "equihash/200_9"},
            "the pool gives equihash/200_9 work; upstream.algorithm is equihash/210_9",
        ),
        ({"algo": "equihash 144,5"}, "the pool gives equihash 144,5 work"),
        ({"algo": 17}, "a job whose algo is not text"),
        ({"pers": "ZcashPoW"}, 'the pool\'s personalization is "ZcashPoW"'),
        ({"pers": 17}, "a job whose pers is not text"),
        ({"job_id": None}, "the job id must be a string"),
        ({"blob": ABSENT}, "a blob of 0 bytes is not Equihash work, which has 64"),
        ({"blob": BLOB}, 'a blob of 76 bytes is not Equihash work.*upstream.algorithm = "blob"'),
        ({"blob": "zz" * 64}, "a job whose blob is not hex of whole bytes"),
        ({"blob": "a" * 127}, "a job whose blob is not hex of whole bytes"),
        ({"blob": ["a1"]}, "a job whose blob is not text"),
        ({"xn": ABSENT, "nonceoffset": ABSENT}, "a job without xn or nonceoffset"),
        ({"xn": ABSENT, "nonceoffset": 31}, "a job without xn or nonceoffset"),
        ({"xn": ABSENT, "nonceoffset": 65}, "a job without xn or nonceoffset"),
        ({"xn": ABSENT, "nonceoffset": True}, "a job without xn or nonceoffset"),
        ({"xn": ABSENT, "nonceoffset": "34"}, "a job without xn or nonceoffset"),
        ({"xn": "a1b"}, "a job whose xn is not hex of whole bytes"),
        ({"xn": "zz"}, "a job whose xn is not hex of whole bytes"),
        ({"xn": 17}, "a job whose xn is not text"),
        ({"xn": "b2a1"}, "does not go on with its xn"),
        ({"xn": "00" * 33}, "does not go on with its xn"),
        ({"nonceoffset": 35}, "a job whose nonceoffset does not fit its xn of 2 bytes; 34 expected"),
        ({"nonceoffset": 34.0}, "a job whose nonceoffset does not fit"),
        ({"noncebytes": 32}, "a job whose noncebytes does not fit its xn of 2 bytes; 30 expected"),
        ({"noncebytes": True}, "a job whose noncebytes does not fit"),
        ({"target": ABSENT}, "target '' is not 64, 16 or 8 hex digits"),
        ({"target": "0" * 64}, "target 0"),
        ({"target": "0" * 16}, "target 0"),
        ({"target": 17}, "a job whose target is not text"),
    ],
)
def test_equihash_work_that_makes_no_sense_is_the_pools_fault(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(PoolError, match=says) as fault:
        equihash_of(**changes)
    fit_to_show(fault.value)


# ---- a pool's job of blob work


def test_a_job_of_blob_work() -> None:
    assert blob_of() == events.Notify(
        job_id="j1",
        clean=True,
        target=((2**64 - 1) // 10_000) << 192,
        header=BLOB,
        extranonce1="",
        blob=Blob(78, "b88d0600", "rx/0", b'"algo":"rx/0","height":101,"seed_hash":"%s"' % SEED.encode()),
    )


@pytest.mark.parametrize(
    ("algorithm", "nonce_at"),
    [
        (None, 39),
        ("cn/r", 39),
        ("nobody/knows", 39),
        ("ghostrider", 76),
        ("GhostRider/RTM", 76),
        ("gr", 76),
        ("rx/yada", 147),
        ("RandomYada", 147),
    ],
)
def test_the_nonce_stands_where_the_algorithm_has_it(algorithm: str | None, nonce_at: int) -> None:
    blob = "10" * nonce_at + "00000000" + "77" * 9
    notify = blob_of(algo=algorithm, blob=blob)
    assert notify.blob is not None
    assert notify.blob.nonce_at == 2 * nonce_at
    assert body(work_of(notify))["blob"] == "10" * nonce_at + "0000002a" + "77" * 9
    # One byte less before it, and it stands elsewhere, or beyond the end.
    for short in (blob[2:], blob[: 2 * nonce_at + 6]):
        with pytest.raises(PoolError):
            blob_of(algo=algorithm, blob=short.replace("77", ""))


@pytest.mark.parametrize("size", [42, 408, 409, 5000])
def test_a_blob_that_xmrig_has_no_room_for_or_no_nonce_in(size: int) -> None:
    with pytest.raises(PoolError, match=f"a blob of {size} bytes holds no nonce at byte 39"):
        blob_of(blob="00" * size)


@pytest.mark.parametrize("size", [43, 76, 407])
def test_a_blob_of_any_other_size(size: int) -> None:
    assert len(blob_of(blob="00" * size).header) == 2 * size


@pytest.mark.parametrize("nonce", ["01000000", "00000001", "000000ff"])
def test_a_nonce_that_is_split_already(nonce: str) -> None:
    with pytest.raises(PoolError, match=r"the pool has split the nonce already.*not for NiceHash"):
        blob_of(blob=BEFORE + nonce + AFTER)


def test_a_blob_in_capitals() -> None:
    assert blob_of(blob=BLOB.replace("77", "AF")).header == BLOB.replace("77", "af")


@pytest.mark.parametrize("algorithm", ["rx/0", "RX/0", "rx/wow", "rx", "randomx", "RandomARQ"])
@pytest.mark.parametrize("seed", [ABSENT, None, "", "5e" * 31, "5e" * 33])
def test_randomx_without_its_seed(algorithm: str, seed: Any) -> None:
    with pytest.raises(PoolError, match="a RandomX job without a seed_hash of 64 hex digits"):
        blob_of(algo=algorithm, seed_hash=seed)


@pytest.mark.parametrize("algorithm", ["cn/r", "argon2/chukwa", None])
def test_others_need_no_seed(algorithm: str | None) -> None:
    blob_of(algo=algorithm, seed_hash=ABSENT)


@pytest.mark.parametrize("algorithm", ["kawpow", "KawPow", "kawpow/rvn"])
def test_a_nonce_of_eight_bytes_is_not_split(algorithm: str) -> None:
    with pytest.raises(PoolError, match="kawpow has nonces of another size, which are not split here"):
        blob_of(algo=algorithm)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"xn": "00"}, 'the pool gives Equihash work; upstream.algorithm must be "equihash/N_K" for it'),
        ({"algo": "equihash/150_5"}, "the pool gives Equihash work"),
        ({"algo": "Equihash/150_5"}, "the pool gives Equihash work"),
        ({"algo": ["rx/0"]}, "a job whose algo is not text"),
        ({"job_id": ABSENT}, "the job id must be a string"),
        ({"job_id": 1.5}, "the job id must be a string"),
        ({"job_id": "x" * 513}, "the job id must be a string of at most 512"),
        ({"blob": ABSENT}, "a blob of 0 bytes"),
        ({"blob": BLOB[1:]}, "a job whose blob is not hex of whole bytes"),
        ({"blob": " " * 152}, "a job whose blob is not hex"),
        ({"blob": 17}, "a job whose blob is not text"),
        ({"seed_hash": 17}, "a job whose seed_hash is not text"),
        ({"seed_hash": "zz" * 32}, "a job whose seed_hash is not hex"),
        ({"target": ABSENT}, "a target of 0 hex digits; 16 or 8 are known"),
        ({"target": "ffff"}, "a target of 4 hex digits"),
        ({"target": TARGET}, "a target of 64 hex digits"),
        ({"target": "0" * 8}, "target 0"),
        ({"target": "0" * 16}, "target 0"),
        ({"target": 17}, "a job whose target is not text"),
        ({"algo": "rx/yada", "blob": "00" * 160, "target": "fff"}, "a target of 3 hex digits"),
        ({"more": "x" * MAX_MEMBERS}, "a job with more than 8192 bytes beside its blob"),
    ],
)
def test_blob_work_that_xmrig_could_not_use_is_the_pools_fault(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(PoolError, match=says) as fault:
        blob_of(**changes)
    fit_to_show(fault.value)


@patient
@given(st.dictionaries(st.sampled_from([*RX, *EQUIHASH, "clean", "é%"]), values, max_size=6))
def test_any_members_are_a_job_or_the_pools_fault(members: dict[str, bytes]) -> None:
    """Whatever bytes a member is made of, even such as no line that was read could hold."""
    for base, read in (
        (RX, read_blob),
        (EQUIHASH, lambda job: read_equihash(job, AION, PERSON)),
    ):
        whole = {name: json.dumps(value).encode() for name, value in base.items()} | members
        try:
            notify = read(events.JobGiven(whole))
        except PoolError as fault:
            fit_to_show(fault)
            continue
        assert 1 <= notify.target <= MAX_TARGET


@pytest.mark.parametrize("name", ["blob", "target", "clean", "xn", "nonceoffset"])
@pytest.mark.parametrize("raw", [nested(1_000_000), b'"\xff"', b"[1,", b"1e999", b""])
def test_a_member_that_cannot_be_decoded_is_the_pools_fault(name: str, raw: bytes) -> None:
    """A line that was read holds none such; but what was deep there is as deep further in."""
    whole = {key: json.dumps(value).encode() for key, value in EQUIHASH.items()} | {name: raw}
    with pytest.raises(PoolError, match=f"a job whose {name} is not JSON, or nested too deeply"):
        read_equihash(events.JobGiven(whole), AION, PERSON)


# ---- what miners get: blob work


def test_a_miner_gets_its_byte_and_our_id_and_all_else_as_it_was() -> None:
    written = job_body(work_of(blob_of()), BLOB_FORM, SEAT, "")
    assert written == (
        b'{"blob":"%s0000002a%s","job_id":"00000000001f","target":"b88d0600","algo":"rx/0","height":101,'
        b'"seed_hash":"%s"}' % (BEFORE.encode(), AFTER.encode(), SEED.encode())
    )
    job = xmrig.take_job(json.loads(written))
    assert (job.top, job.target) == (0x2A, (2**64 - 1) // 10_000)


def test_a_miner_whose_byte_is_zero_keeps_it_because_it_is_told_to() -> None:
    """XMRig sees from the blob alone that a byte is not its own; zero it learns from the extensions."""
    job = xmrig.take_job(body(work_of(blob_of()), seat=Seat("00", SESSION)))
    assert job.top is None


def test_a_job_that_is_not_clean_says_so() -> None:
    assert body(work_of(blob_of(clean=False)))["clean"] is False
    assert "clean" not in body(work_of(blob_of(clean=True)))


def test_each_miner_of_a_work_gets_its_own() -> None:
    work = work_of(blob_of())
    first, other = body(work), body(work, seat=Seat("ff", "x"), alias="0b")
    assert other == first | {"blob": BEFORE + "000000ff" + AFTER, "job_id": "00000000001f0b"}
    assert body(work) == first
    assert len(work.encoded) == 1


def test_the_pools_own_target_keeps_its_spelling() -> None:
    for text in ("b88d0600", "B88D0600", "711b0d0000000000"):
        assert body(work_of(blob_of(target=text)))["target"] == text
    yada = blob_of(algo="rx/yada", blob="00" * 160, target="abcde")
    assert body(work_of(yada))["target"] == "abcde"


@pytest.mark.parametrize(
    ("digits", "difficulty", "text"),
    [
        (0, 5000, "96218e75711b0d00"),
        (16, 5000, "96218e75711b0d00"),
        (64, 5000, "96218e75711b0d00"),  # there is no such form of blob work
        (8, 5000, "711b0d00"),
        (8, 2**40, ""),
    ],
)
def test_another_target_has_sixteen_digits_unless_asked(digits: int, difficulty: int, text: str) -> None:
    notify = blob_of(target="0100000000000000")
    work = work_of(notify, from_difficulty(difficulty))
    written = job_body(work, JobForm(target_digits=digits), SEAT, "")
    assert (json.loads(written)["target"] if written else "") == text


def test_the_pools_target_in_digits_that_were_asked_for() -> None:
    work = work_of(blob_of())
    assert body(work, JobForm(target_digits=8))["target"] == "b88d0600"
    assert (
        body(work, JobForm(target_digits=16))["target"] == ((2**64 - 1) // 10_000).to_bytes(8, "little").hex()
    )


def test_a_target_moved_under_the_same_job_leaves_what_miners_are_told() -> None:
    work = work_of(blob_of())
    before = body(work)
    harder = blob_of(target="711b0d0000000000")
    work.retarget(Job("main", 1, "j1", BLOB, harder.target, clean=True, received=1.0, blob=harder.blob))
    assert body(work) == before
    work.encoded.clear()
    assert xmrig.take_job(body(work)) == xmrig.take_job(before)  # the digits may be others, not the target


NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=6).filter(
    lambda name: name not in (*RX, "id", "clean", "xn")
)
# Texts of JSON values that another writer would write in another way.
RAW = st.sampled_from(
    [
        b"1.10",
        b"-0.0",
        b"1e308",
        b"2E+2",
        b"1e-400",
        b"18446744073709551616",
        b'"%"',
        b'"100%% %b %s %(x)s"',
        b'"\\u0025b"',
        b'"\\u00e9\\/"',
        '"é漢😀"'.encode(),
        b'{"a": [1, 2,  {"b":null}], "a":3}',
        b"[ ]",
        b"true",
        b"null",
    ]
)


@patient
@given(
    st.lists(st.tuples(NAMES, RAW), max_size=8, unique_by=lambda pair: pair[0]),
    st.binary(min_size=43, max_size=407),
    st.integers(0, 255),
    st.binary(max_size=5).map(bytes.hex),
    st.booleans(),
)
@example([("%", b'"%b"'), ("%s", b'"%"')], bytes(76), 0x25, "25", True)
def test_any_other_member_passes_byte_for_byte(
    others: list[tuple[str, bytes]], blob: bytes, top: int, alias: str, clean: bool
) -> None:
    blob = blob[:39] + bytes(4) + blob[43:]
    written = [json.dumps(name).encode() + b":" + raw for name, raw in others]
    own = b'"blob":"%s","job_id":"p","target":"b88d0600","algo":"cn/r"' % blob.hex().encode()
    flag = b"" if clean else b',"clean":false'
    notify = read_blob(given_as(b"{%s%s}" % (b",".join([*written, own]), flag)))
    work = work_of(notify)
    out = job_body(work, BLOB_FORM, Seat(f"{top:02x}", SESSION), alias)
    job = xmrig.hear_job(login.job(out))
    assert job.id == work.id + alias
    assert job.blob == blob[:42] + bytes([top]) + blob[43:]
    given = given_as(out).members
    for name, raw in others:
        assert given[name] == raw
    assert set(given) == {name for name, _ in others} | {"blob", "job_id", "target", "algo"} | (
        set() if clean else {"clean"}
    )


def test_a_number_that_xmrig_cannot_read_is_the_pools_fault() -> None:
    """Its parser gives the whole line up for a number no double holds, so ours must not pass one on."""
    with pytest.raises(PoolError, match="Number out of range"):
        given_as(b'{"blob":"","more":1e400}')


def test_space_in_a_member_does_not_end_the_line() -> None:
    notify = read_blob(given_as(json.dumps(RX).encode()[:-1] + b',"more":[1,\r2]}'))
    assert body(work_of(notify))["more"] == [1, 2]


def test_a_member_given_twice_is_passed_on_once() -> None:
    notify = read_blob(given_as(json.dumps(RX).encode()[:-1] + b',"height":102}'))
    written = job_body(work_of(notify), BLOB_FORM, SEAT, "")
    assert written.count(b'"height"') == 1
    assert json.loads(written)["height"] == 102


def test_what_is_ours_to_say_is_not_said_by_the_pool_as_well() -> None:
    notify = blob_of(id="the pool's", clean=True)
    written = job_body(work_of(notify), BLOB_FORM, SEAT, "")
    assert b"the pool" not in written
    assert b"j1" not in written


@st.composite
def blob_jobs(draw: st.DrawFn) -> events.Notify:
    """Any job of blob work that read_blob lets through."""
    algorithm = draw(st.sampled_from([*xmrig.OFFSETS]))
    at = xmrig.OFFSETS[algorithm]
    blob = draw(st.binary(max_size=40)).ljust(draw(st.integers(at + 4, 407)), b"\x77")
    text = draw(st.sampled_from([4, 8]).flatmap(lambda size: st.binary(min_size=size, max_size=size)))
    return blob_of(
        algo=algorithm,
        blob=(blob[:at] + bytes(4) + blob[at + 4 :]).hex(),
        target=text.hex() if any(text) else "01000000",
        job_id=draw(st.text(max_size=20)),
        clean=draw(st.booleans()),
    )


@patient
@given(
    blob_jobs(),
    st.none() | st.integers(1, 256).flatmap(lambda bits: st.integers(1, 2**bits - 1)),
    st.sampled_from([0, 8, 16, 64]),
    st.integers(1, 255),
    st.binary(max_size=4).map(bytes.hex),
)
def test_xmrig_takes_every_job_we_write(
    notify: events.Notify, target: int | None, digits: int, top: int, alias: str
) -> None:
    work = work_of(notify, target)
    written = job_body(work, JobForm(target_digits=digits), Seat(f"{top:02x}", SESSION), alias)
    if not written:
        assert digits == 8  # the pool's own target fits into 16, and ours is never harder
        return
    for job in (
        xmrig.hear_job(login.job(written)),
        xmrig.hear_session(login.logged_in(b"1", SESSION, written, b'["nicehash"]')).job,
    ):
        assert job.top == top
        assert job.id == work.id + alias
        assert job.target << 192 <= int.from_bytes(work.target, "big")


# ---- what miners get: Equihash work


def test_an_equihash_miner_gets_the_very_bytes_it_hashes() -> None:
    seat = Seat("a1b20000002a", SESSION)
    written = job_body(work_of(equihash_of()), FORM, seat, "")
    assert written == (
        b'{"job_id":"00000000001f","algo":"equihash/210_9","pers":"AION0PoW",'
        b'"blob":"%s","xn":"a1b20000002a","nonceoffset":38,"noncebytes":26,"target":"%s","id":"%s"}'
        % ((HEADER + "a1b20000002a").ljust(128, "0").encode(), TARGET.encode(), SESSION.encode())
    )


def test_equihash_miners_of_one_work_share_all_but_their_own() -> None:
    work = work_of(equihash_of(clean=False))
    first = body(work, FORM, Seat("a1b2", "s1"))
    other = body(work, FORM, Seat("c3d4", "s2"), alias="0b")
    assert first["clean"] is False
    assert other == first | {
        "job_id": "00000000001f0b",
        "blob": HEADER + "c3d4" + "0" * 60,
        "xn": "c3d4",
        "id": "s2",
    }
    assert body(work, FORM, Seat("a1b2", "s1")) == first
    longer = body(work, FORM, Seat("a1b2c3", "s1"))
    assert (longer["nonceoffset"], longer["noncebytes"]) == (35, 29)


def test_a_personalization_with_a_percent_sign_is_no_gap() -> None:
    job = body(work_of(equihash_of()), JobForm(AION, '%b"\\%s%%'), SEAT)
    assert job["pers"] == '%b"\\%s%%'


@pytest.mark.parametrize(
    ("target", "digits", "text"),
    [
        (2**245, 0, TARGET),
        (2**245, 64, TARGET),
        (2**245, 16, "0000000000002000"),
        (2**245, 8, "00002000"),
        (2**192 - 1, 16, ""),
        (2**224 - 1, 8, ""),
        (1, 64, "0" * 63 + "1"),
    ],
)
def test_an_equihash_target_in_the_digits_asked_for(target: int, digits: int, text: str) -> None:
    work = work_of(attrs.evolve(equihash_of(), target=target))
    written = job_body(work, JobForm(AION, PERSON, digits), SEAT, "")
    assert (json.loads(written)["target"] if written else "") == text
    assert job_body(work, JobForm(AION, PERSON, digits), SEAT, "") == written


def test_listeners_of_other_digits_have_their_own() -> None:
    work = work_of(equihash_of())
    for digits in (64, 16, 8, 64, 16, 8):
        assert len(body(work, JobForm(AION, PERSON, digits), SEAT)["target"]) == digits


@pytest.mark.parametrize("digits", [-1, 1, 32, 128])
def test_a_form_has_digits_that_somebody_reads(digits: int) -> None:
    with pytest.raises(ValueError):
        JobForm(target_digits=digits)
