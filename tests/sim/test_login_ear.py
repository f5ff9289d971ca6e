"""What XMRig takes of the login dialect, overlooks, and closes at."""

import json
from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import PoolError
from proxy.native import Equihash
from proxy.sim.ear import Reconnect, Reply
from proxy.sim.login_ear import Heard, Job, LoginEar, is_fatal

SMALL = Equihash(48, 5)
HEADER = "AB" * 32
OK = {"status": "OK"}

EQUIHASH: dict[str, Any] = {
    "job_id": "j1", "algo": "equihash/48_5", "pers": "AION0PoW", "blob": HEADER + "A1B2" + "00" * 30,
    "xn": "A1B2", "nonceoffset": 34, "noncebytes": 30, "target": "00ff" + "00" * 30, "id": "s1",
}  # fmt: skip
BLOB: dict[str, Any] = {
    "job_id": "j1", "algo": "rx/0", "blob": "CD" * 76, "target": "b88d0600", "height": 7,
    "seed_hash": "5E" * 32,
}  # fmt: skip


def hear(message: dict[str, Any], equihash: Equihash | None = SMALL) -> tuple[Heard | None, list[str]]:
    violations: Counter[str] = Counter()
    return LoginEar(violations, equihash).hear(json.dumps(message).encode()), list(violations)


def job(params: Any, equihash: Equihash | None = SMALL) -> tuple[Heard | None, list[str]]:
    return hear({"jsonrpc": "2.0", "method": "job", "params": params}, equihash)


def reply(**message: Any) -> dict[str, Any]:
    return {"id": 4, "jsonrpc": "2.0", "error": None, **message}


# ---- replies


UNDERSTOOD = [
    (reply(result=OK), Reply(4, True, OK, "")),
    (reply(result={}), Reply(4, True, {}, "")),
    (reply(error={"code": -1, "message": "no"}), Reply(4, False, None, "no")),
    (reply(error={"code": -1, "message": "no"}, result=OK), Reply(4, False, OK, "no")),
    ({"jsonrpc": "2.0", "method": "client.reconnect", "params": ["h", "77"]}, Reconnect("h", 77)),
    ({"jsonrpc": "2.0", "id": None, "error": {"code": -1, "message": "bye"}}, None),
    ({"jsonrpc": "2.0", "method": "job", "params": [], "error": {"code": -1}}, None),
]


@pytest.mark.parametrize(("message", "heard"), UNDERSTOOD)
def test_understood(message: dict[str, Any], heard: Heard | None) -> None:
    assert hear(message) == (heard, [])


STUMBLED = [
    (reply(result=True), "result_not_an_object"),
    (reply(), "result_not_an_object"),
    (reply(error=[20, "no"]), "error_not_an_object"),
    (reply(id="4", result=OK), "reply_id_not_an_integer"),
    (reply(id=4.5, result=OK), "reply_id_not_an_integer"),
    (reply(id=True, result=OK), "reply_id_not_an_integer"),
    (reply(id=2**63, result=OK), "reply_id_not_an_integer"),
    ({"jsonrpc": "2.0", "method": "mining.notify", "params": []}, "unknown_method"),
    ({"jsonrpc": "2.0", "method": "client.reconnect", "params": ["h", 77]}, "reconnect_form"),
    ({"jsonrpc": "2.0", "method": "client.reconnect", "params": ["h", "77", 0]}, "reconnect_form"),
    ({"id": 4, "result": None}, "line_too_short"),
]


@pytest.mark.parametrize(("message", "violation"), STUMBLED)
def test_stumbled_over(message: dict[str, Any], violation: str) -> None:
    assert violation in hear(message)[1]


@pytest.mark.parametrize(
    ("line", "violations"),
    [(b"", []), (b"%" * 40, ["line_not_an_object"]), (b"{" * 40, ["line_not_json"])],
)
def test_no_message_at_all(line: bytes, violations: list[str]) -> None:
    counted: Counter[str] = Counter()
    assert LoginEar(counted).hear(line) is None
    assert list(counted) == violations


def test_an_error_without_words_is_closed_at() -> None:
    with pytest.raises(PoolError):
        hear(reply(error={"code": -1, "message": 7}))


@pytest.mark.parametrize(
    ("text", "fatal"),
    [
        ("Unauthenticated", True),
        ("invalid job ID 7", True),
        ("Your IP is banned", True),
        ("IP address currently banned", True),
        ("Block expired", False),
        ("Job not found", False),
        ("sorry: unauthenticated", False),
    ],
)
def test_what_is_fatal(text: str, fatal: bool) -> None:
    assert is_fatal(text) is fatal


# ---- jobs


def test_a_job_of_equihash() -> None:
    wanted = Job(
        "j1",
        EQUIHASH["blob"].lower(),
        b"\0\xff" + bytes(30),
        EQUIHASH["target"],
        "equihash/48_5",
        "a1b2",
    )
    assert job(EQUIHASH) == (wanted, [])


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("01" + "00" * 31, b"\x01" + bytes(31)),
        ("0000000000000001", b"\x01" + bytes(31)),
        ("00000001", b"\x01" + bytes(31)),
        ("0200000000000000", bytes(7) + b"\x02" + bytes(24)),
        ("02000000", bytes(3) + b"\x02" + bytes(28)),
    ],
)
def test_targets_of_equihash_are_the_first_digits_of_a_value(text: str, target: bytes) -> None:
    heard, violations = job({**EQUIHASH, "target": text})
    assert isinstance(heard, Job)
    assert (heard.target, violations) == (target, [])


def test_a_job_of_blob_work() -> None:
    heard, violations = job(BLOB, None)
    assert isinstance(heard, Job)
    assert violations == []
    assert (heard.blob, heard.algo, heard.prefix) == ("cd" * 76, "rx/0", "")
    # XMRig shows this target as difficulty 10000.
    assert (2**64 - 1) // int.from_bytes(heard.target[:8], "big") == 10_000
    assert heard.target[8:] == bytes(24)


@pytest.mark.parametrize("missing", ["algo", "pers", "nonceoffset", "noncebytes", "id"])
def test_what_a_job_of_equihash_may_lack(missing: str) -> None:
    heard, violations = job({name: value for name, value in EQUIHASH.items() if name != missing})
    assert isinstance(heard, Job)
    assert violations == []


@pytest.mark.parametrize("algo", ["cn/0", "cn-pico", "argon2/chukwa"])
def test_only_randomx_needs_a_seed(algo: str) -> None:
    heard, _ = job({**BLOB, "algo": algo, "seed_hash": None}, None)
    assert isinstance(heard, Job)


ABSENT = object()
CLOSED_AT_BOTH = [
    ("job_id", ABSENT, "job_without_job_id"),
    ("job_id", 7, "job_without_job_id"),
    ("blob", ABSENT, "job_without_blob"),
    ("target", ABSENT, "job_without_target"),
    ("blob", "ab" * 76 + "a", "blob_odd"),
    ("blob", "zz" * 76, "blob_not_hex"),
    ("blob", "ab" * 408, "blob_too_long"),
    ("blob", "ab" * 42, "blob_too_short"),
    ("target", "ff", "target_form"),
    ("target", "ffff0f0", "target_form"),
    ("target", "0xffffff", "target_form"),
    ("target", "00000000", "target_zero"),
    ("target", "0" * 16, "target_zero"),
    ("algo", "kawpow", "algo_unknown"),
]
CLOSED_AT_EQUIHASH = [
    ("blob", "ab" * 65, "blob_too_long"),
    ("blob", "ab" * 63, "blob_too_short"),
    ("target", "0" * 64, "target_zero"),
    ("algo", "equihash/96_5", "algo_unknown"),
    ("pers", "ZcashPoW", "pers_unknown"),
    ("xn", "a1b", "xn_form"),
    ("xn", 7, "xn_form"),
    ("xn", "a1b3", "xn_contradicts_blob"),
    ("xn", ABSENT, "xn_contradicts_blob"),
    ("nonceoffset", 2, "nonceoffset_contradicts_xn"),
    ("nonceoffset", "34", "nonceoffset_contradicts_xn"),
    ("noncebytes", 32, "noncebytes_contradict_xn"),
]
CLOSED_AT_BLOB = [
    ("target", "ff" * 32, "target_form"),
    ("seed_hash", ABSENT, "seed_hash_form"),
    ("seed_hash", "5e" * 31, "seed_hash_form"),
    ("algo", ABSENT, None),
    ("algo", "rx/yada", "algo_unknown"),
]


@pytest.mark.parametrize(
    ("good", "equihash", "name", "value", "violation"),
    [
        *((EQUIHASH, SMALL, *case) for case in CLOSED_AT_BOTH + CLOSED_AT_EQUIHASH),
        *((BLOB, None, *case) for case in CLOSED_AT_BOTH + CLOSED_AT_BLOB),
    ],
)
def test_jobs_that_are_closed_at(
    good: dict[str, Any], equihash: Equihash | None, name: str, value: object, violation: str | None
) -> None:
    params = {key: part for key, part in {**good, name: value}.items() if part is not ABSENT}
    counted: Counter[str] = Counter()
    ear = LoginEar(counted, equihash)
    if violation is None:
        ear.read_job(params)
        return
    with pytest.raises(PoolError):
        ear.read_job(params)
    assert counted == {violation: 1}


# ---- sessions


def test_a_session() -> None:
    session = LoginEar(Counter(), SMALL).read_session(
        {"id": "s1", "job": EQUIHASH, "extensions": ["algo", 7, "keepalive"], "status": "OK"}
    )
    assert (session.id, sorted(session.extensions), session.job.id) == ("s1", ["algo", "keepalive"], "j1")


@pytest.mark.parametrize(("extensions", "violations"), [(None, {}), ("algo", {"extensions_form": 1})])
def test_a_session_without_extensions(extensions: object, violations: dict[str, int]) -> None:
    counted: Counter[str] = Counter()
    session = LoginEar(counted, SMALL).read_session({"id": "s1", "job": EQUIHASH, "extensions": extensions})
    assert session.extensions == frozenset()
    assert counted == violations


# ---- anything

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


def survives(line: bytes) -> None:
    for equihash in (SMALL, None):
        counted: Counter[str] = Counter()
        ear = LoginEar(counted, equihash)
        try:
            heard = ear.hear(line)
            if isinstance(heard, Reply):
                ear.read_session(heard.result)
        except PoolError:
            assert counted


@given(st.binary(max_size=200))
def test_no_bytes_break_it(line: bytes) -> None:
    survives(line)
    survives(b'{"jsonrpc":"2.0","method":"job","params":' + line + b"}")


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "id": JSON,
            "jsonrpc": st.just("2.0"),
            "method": JSON | st.sampled_from(["job", "client.reconnect"]),
            "params": JSON,
            "result": JSON,
            "error": JSON | st.fixed_dictionaries({"message": JSON}),
        },
    )
)
def test_no_message_breaks_it(message: dict[str, Any]) -> None:
    survives(msgspec.json.encode(message))


@given(st.sampled_from([EQUIHASH, BLOB]), st.sampled_from([*EQUIHASH, *BLOB]), JSON)
def test_no_job_breaks_it(good: dict[str, Any], name: str, value: Any) -> None:
    params = {**good, name: value}
    survives(msgspec.json.encode({"jsonrpc": "2.0", "method": "job", "params": params}))
    result = {"id": "s1", "job": params, "extensions": value}
    survives(msgspec.json.encode({"id": 1, "jsonrpc": "2.0", "result": result}))


def test_depth_does_not_break_it() -> None:
    survives(b'{"jsonrpc":"2.0","method":"job","params":' + b"[" * 60_000)
    survives(b'{"jsonrpc":"2.0","method":"job","params":' + b"[" * 900 + b"]" * 900 + b"}")
