"""Every line of a pool of the login dialect, to the byte, and how targets are written."""

import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.model.share import Reason, Verdict
from proxy.native import Equihash
from proxy.sim import blobwork
from proxy.sim.login_styles import (
    ALGORITHM,
    RESULT,
    BlobWork,
    EquihashWork,
    LoginStyle,
    LoginWork,
    header_of,
    target_text,
)
from proxy.sim.styles import HEX, NONCE, NTIME, PARAMS, SOLUTION, PoolJob

HEADER, PREFIX, SEED, SESSION = "ab" * 32, "b760ca8200000000", "5e" * 32, "58cb2fca0342a4ec"
EQUIHASH, BLOB = EquihashWork(Equihash(210, 9), 64), BlobWork(SEED, 8)


def style(work: LoginWork = EQUIHASH, **extra: object) -> LoginStyle:
    return LoginStyle(work, extra)


def job(clean: bool = True, number: int = 2**240) -> PoolJob:
    return PoolJob(1, "j1", HEADER, 2**240, number, clean, 101)


# ---- lines


def test_an_equihash_job() -> None:
    target = f"{2**240:064x}"
    members = (
        f'"job_id":"j1","algo":"equihash/210_9","pers":"AION0PoW","blob":"{HEADER}{PREFIX}{"0" * 48}",'
        f'"xn":"{PREFIX}","nonceoffset":40,"noncebytes":24,"target":"{target}","id":"{SESSION}"'
    )
    line = f'{{"jsonrpc":"2.0","method":"job","params":{{{members}}}}}\n'
    assert style().job(job(), PREFIX, SESSION) == line.encode()
    line = line.replace('"}', '","clean":false}')
    assert style().job(job(clean=False), PREFIX, SESSION) == line.encode()


def test_a_blob_job() -> None:
    blob = BLOB.blob(job(), PREFIX)
    members = (
        f'"blob":"{blob}","job_id":"j1","target":"b88d0600","algo":"rx/0","height":101,"seed_hash":"{SEED}"'
    )
    line = f'{{"jsonrpc":"2.0","method":"job","params":{{{members}}}}}\n'
    for clean in (True, False):
        assert style(BLOB).job(job(clean, 0x00068DB8), PREFIX, SESSION) == line.encode()


def test_a_blob_has_a_place_for_the_nonce_and_is_each_connections_own() -> None:
    blob, other = BLOB.blob(job(), PREFIX), BLOB.blob(job(), "b760ca8200000001")
    assert len(blob) == 2 * blobwork.BLOB_BYTES
    assert blob[2 * blobwork.NONCE_AT :][:8] == "0" * 8
    assert header_of(blob) == header_of(other) == HEADER
    assert blob != other


def test_login() -> None:
    line = style(BLOB, sig_key=7).logged_in(b"1", SESSION, job(number=1), PREFIX)
    head = f'{{"jsonrpc":"2.0","id":1,"error":null,"result":{{"id":"{SESSION}","job":{{"blob":"'
    assert line.startswith(head.encode())
    assert line.endswith(b',"sig_key":7},"extensions":["algo","keepalive"],"status":"OK"}}\n')


def test_extra_members_stand_last_in_every_job_and_may_replace() -> None:
    told = json.loads(style(odd=[1, {"x": None}], pers="Other").job(job(), PREFIX, SESSION))["params"]
    assert list(told)[-1] == "odd"
    assert (told["odd"], told["pers"]) == ([1, {"x": None}], "Other")


def test_a_status() -> None:
    assert style().ok(b"2") == b'{"jsonrpc":"2.0","id":2,"error":null,"result":{"status":"OK"}}\n'
    assert b'"result":{"status":"KEEPALIVED"}}\n' in style().ok(b"3", "KEEPALIVED")
    assert style().verdict(b"2", Verdict(Reason.ACCEPTED)) == style().ok(b"2")


REFUSALS = [
    (Verdict(Reason.UNKNOWN_JOB), "Invalid job id"),
    (Verdict(Reason.STALE), "Block expired"),
    (Verdict(Reason.DUPLICATE), "Duplicate share"),
    (Verdict(Reason.DUPLICATE, "second_solution"), "Duplicate share"),
    (Verdict(Reason.LOW_DIFFICULTY, "0.5"), "Low difficulty share"),
    (Verdict(Reason.BAD_NONCE), "Invalid nonce"),
    (Verdict(Reason.INVALID_SOLUTION), "Invalid solution"),
    (Verdict(Reason.UNAUTHORIZED), "Unauthenticated"),
    (Verdict(Reason.MALFORMED, PARAMS), "Malformed share"),
    (Verdict(Reason.MALFORMED, NONCE), "Invalid nonce"),
    (Verdict(Reason.MALFORMED, SOLUTION), "Malformed solution"),
    (Verdict(Reason.MALFORMED, RESULT), "Malformed result"),
    (Verdict(Reason.MALFORMED, HEX), "Malformed hex"),
    (Verdict(Reason.MALFORMED, NTIME), "Malformed ntime"),
    (Verdict(Reason.MALFORMED, ALGORITHM), "Incorrect algorithm"),
    (Verdict(Reason.MALFORMED, "anything"), "Malformed share"),
]


@pytest.mark.parametrize(("verdict", "text"), REFUSALS, ids=lambda value: str(value)[:60])
def test_refusals(verdict: Verdict, text: str) -> None:
    line = f'{{"jsonrpc":"2.0","id":2,"error":{{"code":-1,"message":"{text}"}}}}\n'
    assert style().verdict(b"2", verdict) == line.encode()


def test_a_wrong_hash_is_called_low() -> None:
    assert b"Low difficulty share" in style(BLOB).verdict(b"2", Verdict(Reason.INVALID_SOLUTION))


def test_reconnect_has_two_strings() -> None:
    line = b'{"jsonrpc":"2.0","method":"client.reconnect","params":["example.org","3333"]}\n'
    assert style().reconnect("example.org", 3333, 5) == line


def test_job_ids() -> None:
    assert [style().job_id(number) for number in (1, 255)] == ["j1", "j255"]


# ---- targets


@pytest.mark.parametrize(
    ("work", "difficulty", "text"),
    [
        (BlobWork(SEED, 8), 10_000, "b88d0600"),
        (BlobWork(SEED, 8), 256, "ffffff00"),
        (BlobWork(SEED, 8), 5000, "711b0d00"),
        (BlobWork(SEED, 8), 1, "ffffffff"),
        (BlobWork(SEED, 8), 1e30, "01000000"),
        (BlobWork(SEED, 16), 4096, "ffffffffffff0f00"),
        (EquihashWork(Equihash(), 8), 10_000, "b88d0600"),
        (EquihashWork(Equihash(), 16), 256, "0000000000000001"),
        (EquihashWork(Equihash(), 64), 16, "1" + "0" * 63),
    ],
)
def test_a_target_as_it_is_written(work: LoginWork, difficulty: float, text: str) -> None:
    number = style(work).targets(difficulty)[1]
    assert target_text(number, work.digits) == text


@given(digits=st.sampled_from([8, 16, 64]), difficulty=st.floats(1, 2**200))
def test_an_equihash_target_is_rounded_down_and_never_0(digits: int, difficulty: float) -> None:
    work = EquihashWork(Equihash(), digits)
    target, number = style(work).targets(difficulty)
    assert target == number << (256 - 4 * digits) > 0
    assert target <= Fraction(2**256) / Fraction(difficulty) or number == 1


@given(digits=st.sampled_from([8, 16]), difficulty=st.floats(1, 2**200))
def test_a_blob_target_is_judged_as_a_miner_reads_it(digits: int, difficulty: float) -> None:
    work = BlobWork(SEED, digits)
    target, number = style(work).targets(difficulty)
    assert target == blobwork.target_from(target_text(number, digits)) << 192 > 0
    assert target < 2**256
