"""The login dialect as dialogues: XMRig's own lines, what it is answered, and what pools of it say.

Jobs have a file of their own, test_loginjobs.py; what XMRig demands is asked of xmrig.py.
"""

import contextlib
import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import MinerError, PoolError
from proxy.model.share import Reason, Share, Verdict
from proxy.wire import events, login
from proxy.wire.loginjobs import read_blob, read_equihash
from proxy.wire.replies import REFUSED_BARE
from tests.wire import xmrig
from tests.wire.hostile import damaged, fit_to_show, nested, objects, patient, replaced

AGENT = "XMRig/6.26.0 (Linux x86_64) libuv/1.44.2 gcc/12.2.0"
SESSION = "58cb2fca0342a4ec"
SEED = "5e" * 32
BLOB = "10" * 39 + "00000000" + "77" * 33
RESULT = "ab" * 24 + "0" * 16
SOLUTION = "ab" * 1408

LOGIN = (
    b'{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"W","pass":"x","agent":"%s","rigid":"rig7",'
    b'"algo":["cn/0","cn/r","rx/0","argon2/chukwa","ghostrider"]}}' % AGENT.encode()
)
SUBMIT = (
    b'{"id":2,"jsonrpc":"2.0","method":"submit","params":{"id":"%s","job_id":"j1","nonce":"f5000000",'
    b'"result":"%s","algo":"cn-pico"}}' % (SESSION.encode(), RESULT.encode())
)
SIGNED = SUBMIT.replace(
    b'"algo"', b'"sig":"%s","commitment":"%s","algo"' % (b"Ab" * 64, b"0C" * 32)
)  # as rx/wow and rx/yada do
EQUIHASH_SUBMIT = (
    b'{"id":2,"jsonrpc":"2.0","method":"submit","params":{"id":"%s","job_id":"1f","nonce":"%s",'
    b'"solution":"%s","result":"%s","ntime":"000000006b00635f","algo":"equihash/210_9"}}'
    % (SESSION.encode(), b"a1" * 32, SOLUTION.encode(), b"00" * 32)
)
KEEPALIVED = b'{"id":3,"jsonrpc":"2.0","method":"keepalived","params":{"id":"%s"}}' % SESSION.encode()
FROM_MINERS = [LOGIN, SUBMIT, SIGNED, EQUIHASH_SUBMIT, KEEPALIVED]

BLOB_JOB = b'{"blob":"%s","job_id":"j1","target":"b88d0600","algo":"rx/0","height":101,"seed_hash":"%s"}' % (
    BLOB.encode(),
    SEED.encode(),
)
EQUIHASH_JOB = (
    b'{"job_id":"1f","algo":"equihash/210_9","pers":"AION0PoW","blob":"%s","xn":"a1b2","nonceoffset":34,'
    b'"noncebytes":30,"target":"%s","id":"%s"}'
    % (b"5a" * 32 + b"a1b2" + b"0" * 60, b"0020" + b"0" * 60, SESSION.encode())
)
LOGGED_IN = (
    b'{"jsonrpc":"2.0","id":1,"error":null,"result":{"id":"%s","job":%s,'
    b'"extensions":["algo","nicehash","connect","tls","keepalive"],"status":"OK"}}'
    % (SESSION.encode(), BLOB_JOB)
)
FROM_POOLS = [
    LOGGED_IN,
    LOGGED_IN.replace(BLOB_JOB, EQUIHASH_JOB),
    b'{"jsonrpc":"2.0","method":"job","params":%s}' % BLOB_JOB,
    b'{"jsonrpc":"2.0","method":"job","params":%s}' % EQUIHASH_JOB,
    b'{"id":2,"jsonrpc":"2.0","error":null,"result":{"status":"OK"}}',
    b'{"id":2,"jsonrpc":"2.0","error":{"code":-1,"message":"Low difficulty share"}}',
    b'{"jsonrpc":"2.0","method":"client.reconnect","params":["pool.example","3333"]}',
]


def request(method: str, params: Any, request_id: Any = 1) -> bytes:
    return json.dumps({"id": request_id, "jsonrpc": "2.0", "method": method, "params": params}).encode()


def submit_of(**params: Any) -> events.MinerEvent:
    return login.read_request(request("submit", {"job_id": "j1", "nonce": "f5000000", **params}))


def share_of(**params: Any) -> events.Submit:
    event = submit_of(**params)
    assert isinstance(event, events.Submit), event
    return event


def the_line(written: bytes) -> bytes:
    """What all that is written must be: one line, its brace last, no CR; returned without its end."""
    assert written.endswith(b"}\n")
    assert written.count(b"\n") == 1
    assert b"\r" not in written
    assert isinstance(json.loads(written), dict)
    return written[:-1]


def heard_by_pool(written: bytes) -> events.MinerEvent:
    return login.read_request(the_line(written))


def pool_reply(line: bytes) -> events.Reply:
    event = login.read_pool(line)
    assert isinstance(event, events.Reply)
    return event


def job_given(line: bytes) -> events.JobGiven:
    event = login.read_pool(line)
    assert isinstance(event, events.JobGiven)
    return event


# ---- what a miner says


def test_xmrig_logs_in_submits_and_pings() -> None:
    assert login.read_request(LOGIN) == events.Login(b"1", "rig7", "x", AGENT, "W")
    assert login.read_request(SUBMIT) == events.Submit(
        id=b"2",
        worker="",
        job_id="j1",
        ntime="",
        nonce="f5000000",
        solution="",
        session=SESSION,
        result=RESULT,
        members=b'"algo":"cn-pico"',
    )
    assert login.read_request(KEEPALIVED) == events.KeepAlive(b"3")


def test_an_equihash_miner_submits() -> None:
    assert login.read_request(EQUIHASH_SUBMIT) == events.Submit(
        id=b"2",
        worker="",
        job_id="1f",
        ntime="000000006b00635f",
        nonce="a1" * 32,
        solution=SOLUTION,
        session=SESSION,
        result="00" * 32,
        members=b'"algo":"equihash/210_9"',
    )


@pytest.mark.parametrize(
    ("params", "worker", "password", "agent"),
    [
        ({"login": "W", "pass": "x", "agent": "a"}, "W", "x", "a"),
        ({"login": "W", "rigid": "rig7"}, "rig7", "", ""),
        ({"login": "W", "rigid": ""}, "W", "", ""),
        ({"login": "W", "rigid": None, "pass": None, "agent": None}, "W", "", ""),
        ({"pass": "x"}, login.UNNAMED, "x", ""),
        ({}, login.UNNAMED, "", ""),
        ({"login": ""}, login.UNNAMED, "", ""),
        ({"login": "шахта-é漢"}, "шахта-é漢", "", ""),
        ({"login": "W", "pass": "p" * 300, "agent": "a\x00" * 200}, "W", "p" * 256, "a?" * 128),
        ({"login": "W", "algo": 17, "algo-perf": {"rx/0": 1.5}, "rig": []}, "W", "", ""),
    ],
)
def test_a_login_names_a_worker_or_nobody(params: Any, worker: str, password: str, agent: str) -> None:
    account = params.get("login", "")
    assert login.read_request(request("login", params)) == events.Login(
        b"1", worker, password, agent, account
    )


@pytest.mark.parametrize("params", [None, [], ["W", "x"], "W", 17, True])
def test_a_login_without_an_object_is_answered(params: Any) -> None:
    assert login.read_request(request("login", params)) == events.BadRequest(
        b"1", "login needs an object of parameters"
    )


@pytest.mark.parametrize("key", ["login", "pass", "agent", "rigid"])
@pytest.mark.parametrize("value", [17, True, ["W"], {"W": 1}, 1.5])
def test_what_is_not_text_in_a_login_is_as_good_as_not_said(key: str, value: Any) -> None:
    said = {"login": "W"}
    without = {name: text for name, text in said.items() if name != key}
    assert login.read_request(request("login", {**said, key: value})) == login.read_request(
        request("login", without)
    )


@pytest.mark.parametrize("name", ["a" * 257, "a\nb", "\x1b[31m", "a\u202eb"])
@pytest.mark.parametrize("key", ["login", "rigid"])
def test_a_name_nobody_can_read_is_answered(key: str, name: str) -> None:
    assert login.read_request(request("login", {key: name})) == events.BadRequest(
        b"1", "a worker name has at most 256 characters, all printable"
    )


@pytest.mark.parametrize("params", [None, [], {}, {"id": 17}, {"id": "another"}])
def test_a_keepalived_may_say_anything(params: Any) -> None:
    """The real proxy does not look at the session id in it."""
    assert login.read_request(request("keepalived", params)) == events.KeepAlive(b"1")


@pytest.mark.parametrize("method", ["getjob", "mining.subscribe", "Login", "KEEPALIVED", "", "job"])
def test_other_requests_are_named(method: str) -> None:
    assert login.read_request(request(method, {})) == events.UnknownMethod(b"1", method)


def test_the_name_of_a_request_is_fit_to_be_shown() -> None:
    event = login.read_request(request("a\x00b" * 100, {}))
    assert event == events.UnknownMethod(b"1", ("a?b" * 100)[:256])


@pytest.mark.parametrize("line", [b"{}", b'{"id":9,"result":{"status":"OK"}}', b'{"id":1,"method":null}'])
def test_an_answer_to_nothing_is_ignored(line: bytes) -> None:
    assert login.read_request(line) == events.Ignored()


@pytest.mark.parametrize("line", [b"", b"[1,2]", b"17", b"null", b"{not json", b'{"method":1}', b"\xff"])
def test_what_is_no_request_is_the_miners_fault(line: bytes) -> None:
    with pytest.raises(MinerError):
        login.read_request(line)


# ---- a share


@pytest.mark.parametrize(
    ("job_id", "text"), [(5, "5"), (-5, "-5"), (2**70, str(2**70)), ("", ""), ("é/", "é/")]
)
def test_a_job_id_may_be_a_number_and_any_text(job_id: Any, text: str) -> None:
    assert share_of(job_id=job_id).job_id == text


@pytest.mark.parametrize("session", [None, 17, ["x"], {}, True])
def test_a_session_that_is_no_text_is_none(session: Any) -> None:
    assert share_of(id=session).session == ""
    assert share_of().session == ""


@pytest.mark.parametrize(
    ("ntime", "kept"),
    [
        ("000000006b00635f", "000000006b00635f"),
        ("6b00635f", ""),
        ("0x0000006b00635f", ""),
        ("٠" * 16, ""),
        (1795257183, ""),
        (None, ""),
    ],
)
def test_an_ntime_is_kept_when_it_has_16_digits(ntime: Any, kept: str) -> None:
    assert share_of(ntime=ntime).ntime == kept


@pytest.mark.parametrize("name", ["solution", "output", "pow"])
@pytest.mark.parametrize("value", [SOLUTION, "fd8005" + SOLUTION, [1, 2, 3], ["x", None, 1.5], "zz"])
def test_a_solution_stands_under_any_of_three_names(name: str, value: Any) -> None:
    event = share_of(**{name: value, "result": RESULT})
    assert (event.solution, event.result) == (value, RESULT)


def test_of_several_names_the_first_one_that_says_something_counts() -> None:
    assert share_of(solution="aa", output="bb", pow=[1]).solution == "aa"
    assert share_of(solution="", output="bb", pow=[1]).solution == "bb"
    assert share_of(solution=None, output=None, pow=[1]).solution == [1]


@pytest.mark.parametrize("spelling", [SOLUTION, "fd8005" + SOLUTION, "a" * 72, "a" * 65])
def test_a_result_longer_than_a_hash_is_the_solution(spelling: str) -> None:
    event = share_of(result=spelling)
    assert (event.solution, event.result) == (spelling, "")


@pytest.mark.parametrize("result", ["", "zz", RESULT, RESULT.upper(), "é" * 64])
def test_any_other_result_is_the_claimed_value_and_not_judged_here(result: str) -> None:
    event = share_of(result=result)
    assert (event.solution, event.result) == ("", result)


@pytest.mark.parametrize("result", [None, False, 0, [], {}])
def test_an_empty_result_of_any_type_is_none(result: Any) -> None:
    assert (share_of(result=result).result, share_of().result) == ("", "")


OBJECT = "submit needs an object of parameters"
PROOF = "the solution must be hex, or a list of indices"


@pytest.mark.parametrize(
    ("params", "detail"),
    [
        (None, OBJECT),
        ([], OBJECT),
        ("x", OBJECT),
        ({}, "job_id must be a string"),
        ({"job_id": None}, "job_id must be a string"),
        ({"job_id": True}, "job_id must be a string"),
        ({"job_id": 1.0}, "job_id must be a string"),
        ({"job_id": ["j1"]}, "job_id must be a string"),
        ({"job_id": "j1"}, "nonce must be a string"),
        ({"job_id": "j1", "nonce": 0}, "nonce must be a string"),
        ({"job_id": "j1", "nonce": "00", "result": 17}, "result must be a string"),
        ({"job_id": "j1", "nonce": "00", "result": [1]}, "result must be a string"),
        ({"job_id": "j1", "nonce": "00", "solution": 17}, PROOF),
        ({"job_id": "j1", "nonce": "00", "output": {"a": 1}}, PROOF),
        ({"job_id": "j1", "nonce": "00", "pow": True}, PROOF),
        ({"job_id": "j1", "nonce": "00", "sig": "ab" * 63}, "sig must be 128 hex digits"),
        ({"job_id": "j1", "nonce": "00", "sig": "zz" * 64}, "sig must be 128 hex digits"),
        ({"job_id": "j1", "nonce": "00", "sig": 17}, "sig must be 128 hex digits"),
        ({"job_id": "j1", "nonce": "00", "sig": ""}, "sig must be 128 hex digits"),
        ({"job_id": "j1", "nonce": "00", "commitment": "ab" * 33}, "commitment must be 64 hex digits"),
        ({"job_id": "j1", "nonce": "00", "commitment": '"' * 64}, "commitment must be 64 hex digits"),
        ({"job_id": "j1", "nonce": "00", "algo": 17}, "algo must be text of at most 64 characters"),
        ({"job_id": "j1", "nonce": "00", "algo": "a" * 65}, "algo must be text of at most 64 characters"),
    ],
)
def test_a_submit_of_wrong_types_can_be_answered(params: Any, detail: str) -> None:
    assert login.read_request(request("submit", params)) == events.BadSubmit(b"1", detail)


def test_a_submit_without_parameters_at_all() -> None:
    assert login.read_request(b'{"id":9,"method":"submit"}') == events.BadSubmit(b"9", OBJECT)


# ---- what miners are told

ID_FORMS = [
    b"1",
    b"0",
    b"-7",
    b"1.5",
    b"null",
    b"true",
    b'"seventeen"',
    b'"\\u0041\\""',
    b'["a", 1]',
    b'{"k":"v"}',
]


@pytest.mark.parametrize("raw", ID_FORMS)
@pytest.mark.parametrize("method", ["login", "submit", "keepalived", "getjob"])
@pytest.mark.parametrize("params", [b"{}", b"[]"])
def test_an_id_of_any_type_comes_back_as_it_was(raw: bytes, method: str, params: bytes) -> None:
    event = login.read_request(b'{"id":%s,"method":"%s","params":%s}' % (raw, method.encode(), params))
    assert not isinstance(event, events.Ignored)
    assert event.id == raw
    for written in (
        login.logged_in(event.id, SESSION, BLOB_JOB, b"[]"),
        login.kept_alive(event.id),
        login.refused(event.id, "no"),
        login.verdict(event.id, Verdict(Reason.ACCEPTED)),
        login.method_unknown(event.id),
    ):
        assert the_line(written).startswith(b'{"id":%s,' % raw)


def test_without_an_id_the_answer_has_null() -> None:
    event = login.read_request(b'{"method":"submit","params":[]}')
    assert isinstance(event, events.BadSubmit)
    assert login.refused(event.id, "no") == (
        b'{"id":null,"jsonrpc":"2.0","error":{"code":-1,"message":"no"}}\n'
    )


def test_the_answer_to_login_holds_a_session_and_a_job() -> None:
    line = login.logged_in(b"1", SESSION, BLOB_JOB, b'["algo","keepalive"]')
    assert line == (
        b'{"id":1,"jsonrpc":"2.0","error":null,"result":{"id":"58cb2fca0342a4ec","job":%s,'
        b'"extensions":["algo","keepalive"],"status":"OK"}}\n' % BLOB_JOB
    )
    session = xmrig.hear_session(line)
    assert (session.id, session.job.id, session.extensions) == (
        SESSION,
        "j1",
        frozenset(("algo", "keepalive")),
    )


def test_a_job_is_a_notification_without_an_id() -> None:
    line = login.job(BLOB_JOB)
    assert line == b'{"jsonrpc":"2.0","method":"job","params":%s}\n' % BLOB_JOB
    assert xmrig.hear_job(line) == xmrig.Job("j1", bytes.fromhex(BLOB), (2**64 - 1) // 10_000, None)


def test_a_ping_is_answered_with_an_object() -> None:
    assert login.kept_alive(b"3") == (
        b'{"id":3,"jsonrpc":"2.0","error":null,"result":{"status":"KEEPALIVED"}}\n'
    )
    assert xmrig.hear_verdict(login.kept_alive(b"3"), 3) == ""


@pytest.mark.parametrize("reason", [Reason.ACCEPTED, Reason.KEPT])
def test_a_share_that_counts_gets_an_object(reason: Reason) -> None:
    line = login.verdict(b"2", Verdict(reason))
    assert line == b'{"id":2,"jsonrpc":"2.0","error":null,"result":{"status":"OK"}}\n'
    assert xmrig.hear_verdict(line, 2) == ""


@pytest.mark.parametrize(
    ("verdict", "code", "text"),
    [
        (Verdict(Reason.MALFORMED, "nonce of 2 hex digits"), -1, "Malformed share: nonce of 2 hex digits"),
        (Verdict(Reason.UNAUTHORIZED), -1, "Unauthenticated"),
        (Verdict(Reason.UNKNOWN_JOB), -1, "Job not found"),
        (Verdict(Reason.STALE), -1, "Block expired"),
        (Verdict(Reason.BAD_NONCE), -1, "Invalid nonce"),
        (Verdict(Reason.DUPLICATE), -1, "Duplicate share"),
        (Verdict(Reason.LOW_DIFFICULTY), -1, "Low difficulty share"),
        (Verdict(Reason.INVALID_SOLUTION), -1, "Invalid solution"),
        (Verdict(Reason.LOST), -1, "Pool connection lost"),
        (Verdict(Reason.REJECTED, "stale share", 21), 21, "stale share"),
        (Verdict(Reason.REJECTED, 'the "pool\'s" own\n', -32501), -32501, 'the "pool\'s" own\n'),
        (Verdict(Reason.REJECTED, "Invalid job id", -1), -1, "Invalid job id"),
        (Verdict(Reason.REJECTED), -1, REFUSED_BARE),
    ],
)
def test_a_refusal_says_why(verdict: Verdict, code: int, text: str) -> None:
    line = the_line(login.verdict(b'"x"', verdict))
    assert json.loads(line) == {"id": "x", "jsonrpc": "2.0", "error": {"code": code, "message": text}}


# not_subscribed is of the other dialect: nobody subscribes here
SAID_HERE = [reason for reason in Reason if reason is not Reason.NOT_SUBSCRIBED]


@pytest.mark.parametrize("reason", SAID_HERE)
def test_no_verdict_of_ours_makes_xmrig_hang_up_but_one(reason: Reason) -> None:
    line = login.verdict(b"2", Verdict(reason))
    if reason is Reason.UNAUTHORIZED:  # there is nothing it could do but log in again
        with pytest.raises(xmrig.HangsUpError, match="Unauthenticated"):
            xmrig.hear_verdict(line, 2)
        return
    counts = reason in (Reason.ACCEPTED, Reason.KEPT)
    assert (xmrig.hear_verdict(line, 2) == "") == counts
    reply = pool_reply(the_line(line))
    assert (reply.id, reply.ok) == (2, counts)


@pytest.mark.parametrize("reason", Reason)
def test_every_verdict_has_its_answer_and_only_two_bring_their_own_words(reason: Reason) -> None:
    bare, wordy = Verdict(reason), Verdict(reason, "own words", 77)
    own = reason in (Reason.MALFORMED, Reason.REJECTED, Reason.NOT_SUBSCRIBED)
    assert (login.verdict(b"4", bare) != login.verdict(b"4", wordy)) == own


def test_no_other_answer_of_ours_makes_xmrig_hang_up() -> None:
    for detail in ("login needs an object of parameters", OBJECT, PROOF, "nonce must be a string"):
        assert xmrig.hear_verdict(login.refused(b"2", detail), 2) == detail
    assert xmrig.hear_verdict(login.method_unknown(b"2"), 2) == "Invalid method"


any_text = st.text(st.characters())


@patient
@given(any_text, st.integers(-(2**31), 2**31 - 1))
def test_whatever_a_pool_says_is_a_text_for_xmrig(text: str, code: int) -> None:
    line = login.verdict(b"2", Verdict(Reason.REJECTED, text, code))
    message = json.loads(the_line(line))["error"]["message"]
    assert message
    if not message.lower().startswith(xmrig.FATAL):
        assert xmrig.hear_verdict(line, 2) == message


# ---- what pools are told


def test_the_pool_is_asked_as_xmrigs_own_proxy_asks() -> None:
    assert login.login(1, "W", "x", "sluice/1", "") == (
        b'{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"W","pass":"x","agent":"sluice/1"}}\n'
    )
    assert login.login(1, "W", "x", "sluice/1", "equihash/210_9") == (
        b'{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"W","pass":"x","agent":"sluice/1",'
        b'"algo":["equihash/210_9"]}}\n'
    )
    assert login.keepalived(3, SESSION) == KEEPALIVED + b"\n"


def test_a_share_of_blob_work_goes_up_as_xmrig_wrote_it() -> None:
    for line in (SUBMIT, SIGNED):
        event = login.read_request(line)
        assert isinstance(event, events.Submit)
        share = Share(event.job_id, event.nonce, "", result=event.result, members=event.members)
        assert login.submit(2, SESSION, "j1", share, b"", "") == line + b"\n"


def test_a_share_of_blob_work_with_nothing_else_in_it() -> None:
    assert login.submit(2, SESSION, "j1", Share("x", "f5000000", "", result=RESULT), b"", "") == (
        b'{"id":2,"jsonrpc":"2.0","method":"submit","params":{"id":"%s","job_id":"j1","nonce":"f5000000",'
        b'"result":"%s"}}\n' % (SESSION.encode(), RESULT.encode())
    )


def test_a_share_of_equihash_work_goes_up_whole_and_in_lower_case() -> None:
    share = Share("1f", "A1" * 32, SOLUTION.upper(), "000000006b00635f")
    assert login.submit(2, SESSION, "1f", share, bytes(32), "equihash/210_9") == EQUIHASH_SUBMIT + b"\n"


def test_an_ntime_that_nobody_gave_is_left_out() -> None:
    share = Share("1f", "a1" * 32, SOLUTION)
    assert b"ntime" not in login.submit(2, SESSION, "1f", share, bytes(32), "equihash/210_9")


hex_of = st.binary(min_size=4, max_size=4).map(bytes.hex)


@st.composite
def blob_submits(draw: st.DrawFn) -> dict[str, Any]:
    """What a submit of blob work may hold, sig, commitment and algo among it or not."""
    params: dict[str, Any] = {
        "id": draw(st.text(max_size=20)),
        "job_id": draw(st.text(max_size=20)),
        "nonce": draw(hex_of),
        "result": draw(st.binary(min_size=32, max_size=32)).hex(),
    }
    for name, size in (("sig", 64), ("commitment", 32)):
        if draw(st.booleans()):
            digits = draw(st.binary(min_size=size, max_size=size)).hex()
            params[name] = draw(st.sampled_from([digits, digits.upper()]))
    if draw(st.booleans()):
        params["algo"] = draw(st.text(max_size=64))
    return params


@patient
@given(blob_submits(), any_text, any_text)
def test_sig_commitment_and_algo_arrive_as_sent(params: dict[str, Any], session: str, job_id: str) -> None:
    event = login.read_request(request("submit", {"stray": 1, **params}))
    assert isinstance(event, events.Submit)
    share = Share(event.job_id, event.nonce, "", result=event.result, members=event.members)
    sent = json.loads(the_line(login.submit(7, session, job_id, share, b"", "")))
    assert sent["id"] == 7
    assert list(sent["params"]) == [
        *("id", "job_id", "nonce", "result"),
        *(name for name in ("sig", "commitment", "algo") if name in params),
    ]
    assert sent["params"] == {
        **params,
        "id": session.encode("utf-8", "replace").decode(),
        "job_id": job_id.encode("utf-8", "replace").decode(),
    }


@patient
@given(st.integers(1, 2**40), any_text, any_text, any_text, st.sampled_from(["", "equihash/210_9"]))
def test_a_login_is_understood_by_a_pool(
    number: int, user: str, password: str, agent: str, algorithm: str
) -> None:
    event = heard_by_pool(login.login(number, user, password, agent, algorithm))
    user = user.encode("utf-8", "replace").decode()
    if user.isprintable():
        assert isinstance(event, events.Login)
        assert (event.id, event.worker) == (b"%d" % number, user or login.UNNAMED)
    else:
        assert isinstance(event, events.BadRequest)


@patient
@given(st.integers(1, 2**40), any_text)
def test_a_ping_is_understood_by_a_pool(number: int, session: str) -> None:
    assert heard_by_pool(login.keepalived(number, session)) == events.KeepAlive(b"%d" % number)


# ---- what a pool says


def test_a_login_is_answered() -> None:
    assert pool_reply(LOGGED_IN).ok
    answer = login.read_logged_in(LOGGED_IN)
    assert (answer.session, answer.extensions) == (
        SESSION,
        ("algo", "nicehash", "connect", "tls", "keepalive"),
    )
    assert answer.job == job_given(FROM_POOLS[2])


def test_the_members_of_a_job_are_kept_as_they_were_written() -> None:
    line = (
        b'{"method":"job","params":{ "blob" : "00", "x":1.50, "y":[1, 2], "a\\u0062":"\\u0041", "x":2E+2 }}'
    )
    assert job_given(line).members == {"blob": b'"00"', "x": b"2E+2", "y": b"[1, 2]", "ab": b'"\\u0041"'}


def test_an_answer_to_login_may_have_no_job_and_no_extensions() -> None:
    answer = login.read_logged_in(b'{"id":1,"result":{"id":"x"}}')
    assert answer == events.LoggedIn("x", None, ())
    assert login.read_logged_in(b'{"id":1,"result":{"id":"x","job":null,"extensions":null}}') == answer
    assert login.read_logged_in(b'{"id":1,"result":{"id":"x","extensions":{"algo":1}}}') == answer
    strange = login.read_logged_in(b'{"id":1,"result":{"id":"x","extensions":[1,"keepalive",null]}}')
    assert strange.extensions == ("keepalive",)


def test_extensions_without_end_are_cut() -> None:
    line = json.dumps({"id": 1, "result": {"id": "x", "extensions": ["a"] * 1000}}).encode()
    assert len(login.read_logged_in(line).extensions) == login.MAX_EXTENSIONS


@pytest.mark.parametrize(
    "result",
    [
        *(b"null", b"true", b'"OK"', b"[]", b"{}", b'{"status":"OK"}', b'{"id":null}', b'{"id":17}'),
        *(b'{"id":"x","job":[]}', b'{"id":"x","job":"j1"}', b'{"id":"x","job":true}'),
    ],
)
def test_an_answer_to_login_without_a_session_or_with_no_job_for_a_job(result: bytes) -> None:
    with pytest.raises(PoolError, match="holds no session id, or a job that is none"):
        login.read_logged_in(b'{"id":1,"error":null,"result":%s}' % result)


@pytest.mark.parametrize("session", ["", "x" * 129])
def test_a_session_id_of_no_use(session: str) -> None:
    with pytest.raises(PoolError, match="session id must have 1 to 128 characters"):
        login.read_logged_in(json.dumps({"id": 1, "result": {"id": session}}).encode())


@pytest.mark.parametrize("frame", [b'{"id":"x","job":{"blob":%s}}', b'{"id":"x","extensions":%s}'])
def test_an_answer_to_login_nested_without_end(frame: bytes) -> None:
    with pytest.raises(PoolError, match="holds no session id"):
        login.read_logged_in(b'{"id":1,"result":%s}' % (frame % nested(1_000_000)))


@pytest.mark.parametrize("params", [b"null", b"[]", b'"j1"', b"17"])
def test_a_job_that_is_no_object_is_the_pools_fault(params: bytes) -> None:
    with pytest.raises(PoolError, match="a job without an object of parameters"):
        login.read_pool(b'{"method":"job","params":%s}' % params)
    with pytest.raises(PoolError, match="a job without an object of parameters"):
        login.read_pool(b'{"method":"job"}')


@pytest.mark.parametrize(
    ("result", "ok"),
    [
        (b'{"status":"OK"}', True),
        (b'{"status":"KEEPALIVED"}', True),
        (b"{}", True),
        (b"true", True),  # the Cuckaroo pools
        (b'"ok"', True),  # the Grin pools
        (b'"OK"', True),
        (b"false", False),
        (b"null", False),
        (b"1", False),
        (b"[]", False),
        (b'"stale"', False),
    ],
)
def test_what_means_yes(result: bytes, ok: bool) -> None:
    reply = pool_reply(b'{"id":2,"jsonrpc":"2.0","error":null,"result":%s}' % result)
    assert (reply.id, reply.ok, reply.code, reply.message) == (2, ok, 0, "")


def test_an_error_wins() -> None:
    reply = pool_reply(b'{"id":2,"error":{"code":-1,"message":"Block expired"},"result":{"status":"OK"}}')
    assert (reply.ok, reply.code, reply.message) == (False, -1, "Block expired")


@pytest.mark.parametrize(
    ("text", "fatal"),
    [
        ("Unauthenticated", True),
        ("unauthenticated: log in first", True),
        ("Your IP is banned", True),
        ("IP Address currently banned for 10 minutes", True),
        ("Invalid job id", False),  # XMRig hangs up on it, but it is a word on one share
        ("Low difficulty share", False),
        ("you are Unauthenticated", False),
        ("", False),
    ],
)
def test_a_refusal_that_ends_the_session(text: str, fatal: bool) -> None:
    assert login.is_fatal(text) == fatal


@pytest.mark.parametrize(
    ("params", "where"),
    [
        (["pool.example", "3333"], "pool.example 3333"),
        (["pool.example", 3333, "more"], "pool.example 3333"),
        ([None, "3333"], "3333"),
        ([["deep"], {}], ""),
        (["a\r\nb\x00"], "a??b?"),
        ({}, ""),
        (None, ""),
    ],
)
def test_a_pool_asks_to_reconnect(params: Any, where: str) -> None:
    assert login.read_pool(request("client.reconnect", params, None)) == events.ReconnectAsked(where)


def test_a_request_of_a_pool_nobody_knows_is_named() -> None:
    assert login.read_pool(request("get\x07job", {}, 9)) == events.UnknownMethod(b"9", "get?job")


@pytest.mark.parametrize("line", [b"", b"[1,2]", b"17", b"null", b"{not json", b'{"method":1}', b"\xff"])
def test_what_is_no_message_is_the_pools_fault(line: bytes) -> None:
    with pytest.raises(PoolError):
        login.read_pool(line)


# ---- any bytes at all

MEMBERS = (
    *(b"id", b"job_id", b"nonce", b"result", b"solution", b"output", b"pow", b"sig", b"commitment", b"algo"),
    *(b"login", b"pass", b"agent", b"rigid", b"job", b"extensions", b"blob", b"target", b"seed_hash"),
    *(b"xn", b"nonceoffset", b"noncebytes", b"clean", b"pers", b"height"),
)
METHODS = (b"login", b"submit", b"keepalived", b"getjob", b"job", b"client.reconnect")
lines = st.binary(max_size=60) | objects(*METHODS, members=MEMBERS)


@patient
@given(lines | damaged(FROM_MINERS) | replaced(FROM_MINERS))
def test_any_bytes_are_a_request_or_the_miners_fault(line: bytes) -> None:
    try:
        event = login.read_request(line)
    except MinerError as fault:
        fit_to_show(fault)
        return
    if isinstance(event, events.BadSubmit | events.BadRequest):
        assert event.detail.isprintable()
    if not isinstance(event, events.Ignored):
        the_line(login.refused(event.id, "no"))
        the_line(login.logged_in(event.id, SESSION, BLOB_JOB, b"[]"))
    if isinstance(event, events.Submit):
        share = Share(event.job_id, "00000000", "", result=RESULT, members=event.members)
        the_line(login.submit(4, SESSION, event.job_id, share, b"", ""))


@patient
@given(lines | damaged(FROM_POOLS) | replaced(FROM_POOLS))
def test_any_bytes_are_a_pools_message_or_its_fault(line: bytes) -> None:
    job = None
    try:
        event = login.read_pool(line)
        if isinstance(event, events.JobGiven):
            job = event
        elif isinstance(event, events.Reply):
            the_line(login.verdict(b"4", Verdict(Reason.REJECTED, event.message, event.code)))
            assert (event.code == 0) == (event.message == "")
            answer = login.read_logged_in(line)
            the_line(login.keepalived(4, answer.session))
            job = answer.job
    except PoolError as fault:
        fit_to_show(fault)
    if job is not None:
        assert json.loads(b"{%s}" % b",".join(b'"":' + raw for raw in job.members.values())) is not None
        for read in (read_blob, lambda given: read_equihash(given, "equihash/210_9", "AION0PoW")):
            with contextlib.suppress(PoolError):
                read(job)


@patient
@given(lines | damaged(FROM_POOLS) | replaced(FROM_POOLS))
def test_any_bytes_hold_a_session_or_are_the_pools_fault(line: bytes) -> None:
    """Even bytes that no other reader has looked at before."""
    try:
        answer = login.read_logged_in(line)
    except PoolError as fault:
        fit_to_show(fault)
        return
    assert answer.session
    if answer.job is not None:
        for read in (read_blob, lambda given: read_equihash(given, "equihash/210_9", "AION0PoW")):
            with contextlib.suppress(PoolError):
                read(answer.job)


@pytest.mark.parametrize(
    "frame",
    [
        b'{"id":4,"error":%s}',
        b'{"id":4,"result":%s}',
        b'{"id":1,"result":{"id":"x","job":%s}}',
        b'{"id":1,"result":{"id":"x","extensions":%s}}',
        b'{"id":1,"result":{"id":"x","job":{"blob":%s,"target":%s}}}',
        b'{"method":"job","params":%s}',
        b'{"method":"job","params":{"blob":%s}}',
        b'{"method":"job","params":{"clean":%s,"blob":""}}',
        b'{"method":"client.reconnect","params":["h",%s]}',
    ],
)
def test_nesting_that_just_decodes_breaks_nothing_behind_it(frame: bytes) -> None:
    """Just below the depth where decoding fails, decoding a part of it further in would fail instead."""

    def read_all(line: bytes) -> None:
        event = login.read_pool(line)
        given = event if isinstance(event, events.JobGiven) else None
        if isinstance(event, events.Reply):
            given = login.read_logged_in(line).job
        if given is not None:
            read_blob(given)

    decoded = 0
    for depth in range(1, sys.getrecursionlimit() + 50):
        try:
            read_all(frame.replace(b"%s", nested(depth)))
        except PoolError as fault:
            decoded += "nested too" not in str(fault)
            continue
        decoded += 1
    assert decoded > 500
