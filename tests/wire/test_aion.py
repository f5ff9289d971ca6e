"""The Aion dialect as dialogues: what is said on one side is what is understood on the other.

The numbers in comments are those of the list "What shaped Sluice" in docs/protocols/aion.md.
"""

import contextlib
import json
import sys
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.errors import MinerError, PoolError
from proxy.model.job import Job, Work
from proxy.model.share import Reason, Verdict
from proxy.model.target import MAX_TARGET
from proxy.wire import aion, events
from proxy.wire.jsonrpc import decode
from proxy.wire.replies import read_reply, read_yes
from tests.wire.hostile import damaged, fit_to_show, json_values, nested, objects, patient, replaced

HEADER = "5a17c0ffee" + "0" * 52 + "aa"
TARGET = "0020" + "0" * 60
SOLUTION = "ab" * 1408
WORKER = "0xa0" + "1" * 62

REF_SUBSCRIBE = b'{"id":1,"method":"mining.subscribe","params":["nheqminer/0.2.1", null,"127.0.0.1","3333"]}'
REF_AUTHORIZE = b'{"id":2,"method":"mining.authorize","params":["%s","x"]}' % WORKER.encode()
REF_EXTRANONCE = b'{"id":3,"method":"mining.extranonce.subscribe","params":[]}'
SUBMIT = aion.submit(4, WORKER, "1f", "000000006b00635f", "00" * 24, SOLUTION).rstrip()
FROM_MINERS = [REF_SUBSCRIBE, REF_AUTHORIZE, REF_EXTRANONCE, SUBMIT]

FROM_POOLS = [
    b'{"id":1,"result":[null,"a1b2c3d400000001"],"error":null}',
    b'{"result":[["mining.notify","0HLFI5QCBNU77","AionStratum/1.0.0"],"c511"],"error":null,"id":1}',
    b'{"id":2,"result":true,"error":null}',
    b'{"id":null,"method":"mining.notify","params":["4",true,"%s","%s"]}'
    % (TARGET.encode(), HEADER.encode()),
    b'{"jsonrpc":"2.0","method":"mining.set_target","params":["%s"],"id":null}' % TARGET.encode(),
    b'{"jsonrpc":"2.0","method":"mining.set_difficulty","params":[8.5],"id":null}',
    b'{"id":null,"method":"mining.set_extranonce","params":["c511",30]}',
    b'{"id":null,"method":"client.reconnect","params":["pool.example",3333,5]}',
    b'{"id":null,"method":"client.show_message","params":["maintenance at noon"]}',
    b'{"id":4,"result":null,"error":[21,"job not found"]}',
    b'{"error":{"code":23,"message":"low difficulty share (1.5)","data":null},"result":false,"id":4}',
]


def request(method: str, params: Any, request_id: Any = 1) -> bytes:
    return json.dumps({"id": request_id, "method": method, "params": params}).encode()


def submit_of(*params: Any) -> events.MinerEvent:
    return aion.read_request(request("mining.submit", list(params)))


def work_of(serial: int = 0x1F, target: int = 2**245, header: str = HEADER) -> Work:
    return Work.of(serial, Job("main", 1, "5", header, target, clean=False, received=0.0))


def the_line(written: bytes) -> bytes:
    """What all that is written must be: one line, its brace last, no CR; returned without its end."""
    assert written.endswith(b"}\n")
    assert written.count(b"\n") == 1
    assert b"\r" not in written
    assert isinstance(json.loads(written), dict)
    return written[:-1]


def heard_by_miner(written: bytes) -> events.PoolEvent:
    return aion.read_pool(the_line(written))


def heard_by_pool(written: bytes) -> events.MinerEvent:
    return aion.read_request(the_line(written))


def pool_reply(line: bytes) -> events.Reply:
    event = aion.read_pool(line)
    assert isinstance(event, events.Reply)
    return event


def notified(*params: Any) -> events.PoolEvent:
    return aion.read_pool(request("mining.notify", list(params), None))


# ---- a miner's requests


def test_the_reference_miner_introduces_itself() -> None:
    assert aion.read_request(REF_SUBSCRIBE) == events.Subscribe(b"1", "nheqminer/0.2.1")
    assert aion.read_request(REF_AUTHORIZE) == events.Authorize(b"2", WORKER, "x")
    assert aion.read_request(REF_EXTRANONCE) == events.ExtranonceSubscribe(b"3")


@pytest.mark.parametrize(
    ("params", "agent"),
    [
        (["aion_epic_fpgaminer/0.1"], "aion_epic_fpgaminer/0.1"),
        ([], ""),
        (None, ""),
        ({"agent": "x"}, ""),
        ([None], ""),
        ([17, "x"], ""),
        (["a" * 300], "a" * 256),
        (["\x1b[2J\nmine\x00r"], "?[2J?mine?r"),
    ],
)
def test_a_subscribe_may_say_anything_or_nothing(params: Any, agent: str) -> None:
    assert aion.read_request(request("mining.subscribe", params)) == events.Subscribe(b"1", agent)


def test_a_subscribe_without_parameters_at_all() -> None:
    assert aion.read_request(b'{"id":1,"method":"mining.subscribe"}') == events.Subscribe(b"1", "")


@pytest.mark.parametrize(
    ("params", "worker", "password"),
    [
        (["rig"], "rig", ""),
        (["address.rig 1", "d=8"], "address.rig 1", "d=8"),
        (["rig", None], "rig", ""),
        (["rig", 17], "rig", ""),
        (["rig", "x", "more"], "rig", "x"),
        (["шахта-é漢"], "шахта-é漢", ""),
        (['a"b\\'], 'a"b\\', ""),
        (["a" * 256, "p" * 300], "a" * 256, "p" * 256),
    ],
)
def test_an_authorize_names_a_worker(params: Any, worker: str, password: str) -> None:
    assert aion.read_request(request("mining.authorize", params)) == events.Authorize(b"1", worker, password)


@pytest.mark.parametrize("params", [None, [], {}, "rig", [""], [None], [17], [["rig"]]])
def test_an_authorize_without_a_name_is_answered(params: Any) -> None:
    assert aion.read_request(request("mining.authorize", params)) == events.BadRequest(
        b"1", "mining.authorize needs a worker name as its first parameter"
    )


@pytest.mark.parametrize("name", ["a" * 257, "a\nb", "a\x00b", "\x1b[31m", "a\u202eb", "\r"])
def test_a_name_nobody_can_read_is_answered(name: str) -> None:
    assert aion.read_request(request("mining.authorize", [name])) == events.BadRequest(
        b"1", "a worker name has at most 256 characters, all printable"
    )


def test_a_submit_of_the_reference_miner() -> None:
    assert len(SUBMIT) > 3000
    assert aion.read_request(SUBMIT) == events.Submit(
        b"4", WORKER, "1f", "000000006b00635f", "00" * 24, "fd8005" + SOLUTION
    )


def test_the_fifth_and_last_things_looked_at() -> None:
    """A sixth parameter, a jsonrpc key and a CR change nothing."""
    plain = submit_of("rig", "1f", "0" * 16, "00", "ff")
    assert submit_of("rig", "1f", "0" * 16, "00", "ff", {"more": 1}) == plain
    line = b'{"jsonrpc":"2.0","method":"mining.submit","params":["rig","1f","%s","00","ff"],"id":1}\r' % (
        b"0" * 16
    )
    assert aion.read_request(line) == plain


@pytest.mark.parametrize(
    ("job_id", "text"),
    [(5, "5"), (-5, "-5"), (2**70, str(2**70)), ("", ""), ('a"b\\c', 'a"b\\c'), ("é/漢:. 😀", "é/漢:. 😀")],
)
def test_a_job_id_may_be_a_number_and_any_text(job_id: Any, text: str) -> None:
    event = submit_of("rig", job_id, "", "00", "ff")
    assert isinstance(event, events.Submit)
    assert event.job_id == text


@pytest.mark.parametrize(
    ("ntime", "kept"),
    [
        ("000000006b00635f", "000000006b00635f"),
        ("000000006B00635F", "000000006B00635F"),
        ("6b00635f", ""),
        ("0x0000006b00635f", ""),
        ("0x000000006b00635f", ""),
        ("+00000006b00635f", ""),
        ("0000_0006b00635f", ""),
        ("٠" * 16, ""),
        ("", ""),
        (None, ""),
        (1795257183, ""),
    ],
)
def test_an_ntime_is_kept_when_it_has_16_digits(ntime: Any, kept: str) -> None:  # 11
    event = submit_of("rig", "1f", ntime, "00", "ff")
    assert isinstance(event, events.Submit)
    assert event.ntime == kept


@pytest.mark.parametrize("worker", [None, 17, True, ["rig"], {}])
def test_a_submit_by_no_name_is_one_by_the_empty_name(worker: Any) -> None:
    event = submit_of(worker, "1f", "", "00", "ff")
    assert isinstance(event, events.Submit)
    assert event.worker == ""


def test_what_the_validator_judges_is_passed_on_unjudged() -> None:
    for nonce, solution in (("", ""), ("zz", "\x00"), ("AB", "FD8005" + SOLUTION.upper()), ("0" * 5000, "é")):
        assert submit_of("rig", "1f", "", nonce, solution) == events.Submit(
            b"1", "rig", "1f", "", nonce, solution
        )


FIVE = "five parameters: worker, job, ntime, extranonce2, solution"


@pytest.mark.parametrize(
    ("params", "detail"),
    [
        (None, FIVE),
        ({}, FIVE),
        ("rig", FIVE),
        ([], FIVE),
        (["rig", "1f", "", "00"], FIVE),
        (["rig", None, "", "00", "ff"], "the job id must be a string"),
        (["rig", True, "", "00", "ff"], "the job id must be a string"),
        (["rig", 1.0, "", "00", "ff"], "the job id must be a string"),
        (["rig", ["1f"], "", "00", "ff"], "the job id must be a string"),
        (["rig", "1f", "", 0, "ff"], "extranonce2 must be a string"),
        (["rig", "1f", "", None, "ff"], "extranonce2 must be a string"),
        (["rig", "1f", "", "00", None], "the solution must be a string"),
        (["rig", "1f", "", "00", ["ff"]], "the solution must be a string"),
    ],
)
def test_a_submit_of_wrong_types_can_be_answered(params: Any, detail: str) -> None:
    assert aion.read_request(request("mining.submit", params)) == events.BadSubmit(b"1", detail)


def test_a_submit_without_parameters_at_all() -> None:
    assert aion.read_request(b'{"id":9,"method":"mining.submit"}') == events.BadSubmit(b"9", FIVE)


@pytest.mark.parametrize(
    "method",
    ["mining.get_transactions", "mining.configure", "mining.ping", "login", "", "é", "MINING.SUBMIT"],
)
def test_other_requests_are_named(method: str) -> None:  # 15
    assert aion.read_request(request(method, [])) == events.UnknownMethod(b"1", method)


def test_the_name_of_a_request_is_fit_to_be_shown() -> None:
    assert aion.read_request(request("a\x00b" * 100, [])) == events.UnknownMethod(b"1", ("a?b" * 100)[:256])


@pytest.mark.parametrize("line", [b"{}", b'{"id":9,"result":true,"error":null}', b'{"id":1,"method":null}'])
def test_an_answer_to_nothing_is_ignored(line: bytes) -> None:
    assert aion.read_request(line) == events.Ignored()


@pytest.mark.parametrize("line", [b"", b"[1,2]", b"17", b"null", b"{not json", b'{"method":1}', b"\xff"])
def test_what_is_no_request_is_the_miners_fault(line: bytes) -> None:
    with pytest.raises(MinerError):
        aion.read_request(line)


ID_FORMS = [
    b"4",
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
@pytest.mark.parametrize("method", ["submit", "subscribe", "authorize", "extranonce.subscribe", "other"])
def test_an_id_of_any_type_comes_back_as_it_was(raw: bytes, method: str) -> None:
    event = aion.read_request(b'{"id":%s,"method":"mining.%s","params":[]}' % (raw, method.encode()))
    assert not isinstance(event, events.Ignored)
    assert event.id == raw
    for written in (aion.yes(event.id), aion.refused(event.id, 20, "no"), aion.subscribed(event.id, "c511")):
        assert the_line(written).startswith(b'{"id":%s,' % raw)


def test_without_an_id_the_answer_has_null() -> None:
    event = aion.read_request(b'{"method":"mining.submit","params":[]}')
    assert isinstance(event, events.BadSubmit)
    assert aion.refused(event.id, 20, "no") == b'{"id":null,"result":null,"error":[20,"no",null]}\n'


# ---- what miners are told


def test_the_answer_to_subscribe_has_the_form_miners_know() -> None:
    assert aion.subscribed(b"1", "a1b2c3d400000001") == FROM_POOLS[0] + b"\n"


def test_true_has_the_form_miners_know() -> None:
    assert aion.yes(b"2") == FROM_POOLS[2] + b"\n"


@pytest.mark.parametrize(
    ("verdict", "error"),
    [
        (
            Verdict(Reason.MALFORMED, "solution of 2 hex digits"),
            [20, "malformed share: solution of 2 hex digits", None],
        ),
        (Verdict(Reason.UNAUTHORIZED), [24, "unauthorized worker", None]),
        (Verdict(Reason.NOT_SUBSCRIBED), [25, "not subscribed", None]),
        (Verdict(Reason.UNKNOWN_JOB), [21, "job not found", None]),
        (Verdict(Reason.STALE), [21, "stale share", None]),
        (Verdict(Reason.BAD_NONCE), [20, "nonce outside extranonce1", None]),
        (Verdict(Reason.DUPLICATE), [22, "duplicate share", None]),
        (Verdict(Reason.LOW_DIFFICULTY), [23, "low difficulty share", None]),
        (Verdict(Reason.INVALID_SOLUTION), [20, "invalid solution", None]),
        (Verdict(Reason.REJECTED, "stale share", -1), [-1, "stale share", None]),
        (Verdict(Reason.REJECTED, 'the "pool\'s" own\n', 77), [77, 'the "pool\'s" own\n', None]),
        (Verdict(Reason.REJECTED), [20, "refused without a reason", None]),
        (Verdict(Reason.LOST), [20, "pool connection lost", None]),
    ],
)
def test_a_refusal_says_why(verdict: Verdict, error: list[Any]) -> None:
    line = the_line(aion.verdict(b'"x"', verdict))
    assert json.loads(line) == {"id": "x", "result": None, "error": error}


@pytest.mark.parametrize("reason", [Reason.ACCEPTED, Reason.KEPT])
def test_a_share_that_counts_gets_true(reason: Reason) -> None:
    assert aion.verdict(b"4", Verdict(reason)) == b'{"id":4,"result":true,"error":null}\n'


@pytest.mark.parametrize("reason", Reason)
def test_every_verdict_has_its_answer_and_only_two_bring_their_own_words(reason: Reason) -> None:
    bare, wordy = Verdict(reason), Verdict(reason, "own words", 77)
    reply = pool_reply(the_line(aion.verdict(b"4", bare)))
    assert (reply.id, reply.ok) == (4, reason in (Reason.ACCEPTED, Reason.KEPT))
    own = reason in (Reason.MALFORMED, Reason.REJECTED)
    assert (aion.verdict(b"4", bare) != aion.verdict(b"4", wordy)) == own


def test_a_job_has_four_parameters_and_is_always_clean() -> None:  # 3
    assert aion.notify(work_of()) == (
        b'{"id":null,"method":"mining.notify","params":["00000000001f",true,"%s","%s"]}\n'
        % (TARGET.encode(), HEADER.encode())
    )


def test_a_job_under_an_alias_has_the_same_content_and_is_not_kept() -> None:  # 1
    work = work_of()
    plain = aion.notify(work)
    assert aion.notify(work, "2f") == plain.replace(b'"00000000001f"', b'"00000000001f2f"')
    assert aion.notify(work) is plain


def test_a_job_is_written_once_and_each_work_has_its_own() -> None:
    work = work_of(1)
    assert aion.notify(work) is aion.notify(work)
    assert aion.notify(work_of(2)) != aion.notify(work)


def test_a_job_under_a_moved_pool_target_reads_as_before() -> None:
    work = work_of()
    before = aion.notify(work)
    work.retarget(Job("main", 1, "5", HEADER, 2**200, clean=True, received=1.0))
    assert aion.notify(work) == before


def test_a_target_and_an_extranonce_are_told() -> None:  # 4, 5
    assert aion.set_target((2**245).to_bytes(32, "big")) == (
        b'{"id":null,"method":"mining.set_target","params":["%s"]}\n' % TARGET.encode()
    )
    assert aion.set_extranonce("a1b2c3d4000000010000002a") == (
        b'{"id":null,"method":"mining.set_extranonce","params":["a1b2c3d4000000010000002a",20]}\n'
    )


def test_a_method_nobody_knows_is_refused_by_name() -> None:  # 15
    line = the_line(aion.method_unknown(b"8", 'min"ing\ud800' + "x" * 300))
    error = json.loads(line)["error"]
    assert error[0] == 20
    assert error[1].startswith('unknown method min"ing?xx')
    assert len(error[1]) == len("unknown method ") + 256


# ---- what pools are told


def test_the_pool_is_asked_as_the_reference_miner_asks() -> None:
    assert aion.subscribe(1, "sluice/1", "pool.example", 3333) == (
        b'{"id":1,"method":"mining.subscribe","params":["sluice/1",null,"pool.example","3333"]}\n'
    )
    assert aion.authorize(2, WORKER, "x") == REF_AUTHORIZE + b"\n"
    assert aion.extranonce_subscribe(3) == REF_EXTRANONCE + b"\n"


def test_a_share_goes_up_in_lower_case_with_its_length_before_it() -> None:  # 5, 11
    written = aion.submit(4, WORKER, "5", "000000006b00635f", "AB" * 24, SOLUTION.upper())
    assert written == (
        b'{"id":4,"method":"mining.submit","params":["%s","5","000000006b00635f","%s","fd8005%s"]}\n'
        % (WORKER.encode(), b"ab" * 24, SOLUTION.encode())
    )


hex_of_bytes = st.binary(max_size=32).map(bytes.hex)
any_text = st.text(st.characters())  # lone surrogates, NUL, line ends, quotes and all


def sendable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


@patient
@given(st.integers(1, 2**40), any_text, any_text, st.integers(1, 65535))
def test_subscribe_is_understood_by_a_pool(number: int, agent: str, host: str, port: int) -> None:
    event = heard_by_pool(aion.subscribe(number, agent, host, port))
    assert isinstance(event, events.Subscribe)
    assert event.id == b"%d" % number
    assert len(event.agent) == min(256, len(agent))
    assert json.loads(aion.subscribe(number, agent, host, port))["params"][0] == sendable(agent)


@patient
@given(st.integers(1, 2**40), any_text, any_text)
@example(1, "from-the-environment\udcff", "\ud800")
def test_authorize_is_understood_by_a_pool(number: int, user: str, password: str) -> None:
    event = heard_by_pool(aion.authorize(number, user, password))
    user = sendable(user)
    if user and user.isprintable():
        assert event == events.Authorize(b"%d" % number, user, sendable(password))
    else:
        assert isinstance(event, events.BadRequest)


@patient
@given(st.integers(1, 2**40), any_text, any_text, hex_of_bytes)
@example(4, "rig", 'a"b\\', "00")
def test_a_submit_is_understood_by_a_pool(number: int, user: str, job_id: str, nonce: str) -> None:
    written = aion.submit(number, user, job_id, "000000006b00635f", nonce, "ff" * 36)
    assert heard_by_pool(written) == events.Submit(
        b"%d" % number, sendable(user), sendable(job_id), "000000006b00635f", nonce, "24" + "ff" * 36
    )


@patient
@given(st.integers(0, 2**64), st.integers(1, MAX_TARGET), st.binary(min_size=32, max_size=32))
def test_a_job_is_understood_by_a_miner(serial: int, target: int, header: bytes) -> None:
    event = heard_by_miner(aion.notify(work_of(serial, target, header.hex())))
    assert event == events.Notify(f"{serial:012x}", clean=True, target=target, header=header.hex())
    assert heard_by_miner(aion.set_target(target.to_bytes(32, "big"))) == events.SetTarget(target)


@patient
@given(hex_of_bytes)
def test_an_extranonce1_is_understood_by_a_miner(extranonce1: str) -> None:
    assert heard_by_miner(aion.set_extranonce(extranonce1)) == events.SetExtranonce(extranonce1)
    reply = heard_by_miner(aion.subscribed(b"1", extranonce1))
    assert isinstance(reply, events.Reply)
    assert aion.read_subscribed(reply.result) == extranonce1


@patient
@given(st.integers(-(2**31), 2**31 - 1).filter(bool), any_text)
def test_a_refusal_is_understood_by_a_miner(code: int, text: str) -> None:
    reply = heard_by_miner(aion.refused(b"7", code, text))
    assert isinstance(reply, events.Reply)
    assert (reply.id, reply.ok, reply.code) == (7, False, code)
    assert reply.message
    if text and len(text) <= 256 and sendable(text).isprintable():
        assert reply.message == sendable(text)


# ---- what pools say


def test_the_extranonce1_of_every_known_pool() -> None:
    assert aion.read_subscribed(pool_reply(FROM_POOLS[0]).result) == "a1b2c3d400000001"
    assert aion.read_subscribed(pool_reply(FROM_POOLS[1]).result) == "c511"


@pytest.mark.parametrize(
    ("result", "extranonce1"),
    [
        (["session", "C511"], "c511"),
        ([None, "0xC511", 30], "c511"),
        ([17, ""], ""),
        ([None, "0x"], ""),
        ([[], "ab" * 32], "ab" * 32),
    ],
)
def test_the_first_element_does_not_matter_nor_does_the_case(result: Any, extranonce1: str) -> None:
    assert aion.read_subscribed(result) == extranonce1


@pytest.mark.parametrize("result", [None, True, [], ["c511"], "c511", {"1": "c511"}])
def test_an_answer_without_extranonce1_is_the_pools_fault(result: Any) -> None:
    with pytest.raises(PoolError, match="holds no extranonce1"):
        aion.read_subscribed(result)


@pytest.mark.parametrize(
    "value", [None, 17, "c51", "zz", "0x0x", "ab" * 33, " c511", "c5_11", "+c51", ["c511"], "٠٠"]
)
def test_an_extranonce1_is_hex_of_whole_bytes(value: Any) -> None:
    with pytest.raises(PoolError, match="not hex of whole bytes"):
        aion.read_extranonce1(value)


def test_a_job_of_a_solo_pool() -> None:
    assert aion.read_pool(FROM_POOLS[3]) == events.Notify("4", clean=True, target=2**245, header=HEADER)


@pytest.mark.parametrize(
    ("params", "event"),
    [
        ((4, True, TARGET, HEADER), events.Notify("4", True, 2**245, HEADER)),
        (("4", "true", TARGET, HEADER), events.Notify("4", True, 2**245, HEADER)),
        (("4", "false", TARGET, HEADER), events.Notify("4", False, 2**245, HEADER)),
        (("4", False, TARGET, HEADER), events.Notify("4", False, 2**245, HEADER)),
        (("4", True, "0x" + TARGET, "0X" + HEADER.upper()), events.Notify("4", True, 2**245, HEADER)),
        (("4", True, TARGET.upper(), "0x" + HEADER), events.Notify("4", True, 2**245, HEADER)),
        (("4", True, "ff", HEADER, "a fifth"), events.Notify("4", True, 255, HEADER)),
        (("4", True, "", HEADER), events.Notify("4", True, MAX_TARGET, HEADER)),
        (
            ('a"b\\/é\x00' + "x" * 300, True, TARGET, HEADER),
            events.Notify('a"b\\/é\x00' + "x" * 300, True, 2**245, HEADER),
        ),
    ],
)
def test_jobs_are_taken_in_every_form(params: tuple[Any, ...], event: events.Notify) -> None:  # 3
    assert notified(*params) == event


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ((), "with 0 parameters"),
        (("4", True, TARGET), "with 3 parameters"),
        ((None, True, TARGET, HEADER), "the job id must be a string"),
        ((True, True, TARGET, HEADER), "the job id must be a string"),
        (("x" * 513, True, TARGET, HEADER), "at most 512 characters"),
        (("4", 1, TARGET, HEADER), "clean must be true or false"),
        (("4", None, TARGET, HEADER), "clean must be true or false"),
        (("4", ["true"], TARGET, HEADER), "clean must be true or false"),
        (("4", True, 17, HEADER), "the target must be a string"),
        (("4", True, "0", HEADER), "target 0"),
        (("4", True, "f" * 65, HEADER), "not up to 64 hex digits"),
        (("4", True, TARGET, HEADER[1:]), "the header hash must be 64 hex digits"),
        (("4", True, TARGET, "0x" + HEADER[2:]), "the header hash must be 64 hex digits"),
        (("4", True, TARGET, "z" * 64), "the header hash must be 64 hex digits"),
        (("4", True, TARGET, None), "the header hash must be 64 hex digits"),
    ],
)
def test_a_job_that_makes_no_sense_is_the_pools_fault(params: tuple[Any, ...], says: str) -> None:
    with pytest.raises(PoolError, match=says):
        notified(*params)


@pytest.mark.parametrize(
    ("method", "params", "target"),
    [
        ("set_target", [TARGET], 2**245),
        ("set_target", ["0x" + TARGET, 1], 2**245),
        ("set_difficulty", [2048], 2**245),
        ("set_difficulty", [2048.0, None], 2**245),
        ("set_difficulty", ["2048"], 2**245),
        ("set_difficulty", [0.001], MAX_TARGET),
        ("set_difficulty", [TARGET], 2**245),  # the dormant code of one pool would send this
        ("set_difficulty", ["0x" + TARGET], 2**245),
    ],
)
def test_a_pool_moves_its_target(method: str, params: list[Any], target: int) -> None:  # 4
    assert aion.read_pool(request(f"mining.{method}", params, None)) == events.SetTarget(target)


@pytest.mark.parametrize(
    ("method", "params", "says"),
    [
        ("set_target", [], "without a target"),
        ("set_target", [17], "without a target"),
        ("set_target", ["0" * 64], "target 0"),
        ("set_difficulty", [], "without a number above 0"),
        ("set_difficulty", [0], "without a number above 0"),
        ("set_difficulty", [-8], "without a number above 0"),
        ("set_difficulty", [True], "without a number above 0"),
        ("set_difficulty", [None], "without a number above 0"),
        ("set_difficulty", [[8]], "without a number above 0"),
        ("set_difficulty", ["eight"], "without a number above 0"),
        ("set_difficulty", ["nan"], "without a number above 0"),
        ("set_difficulty", ["inf"], "without a number above 0"),
        ("set_difficulty", [10**400], "without a number above 0"),
        ("set_difficulty", ["z" * 64], "not up to 64 hex digits"),
        ("set_extranonce", [], "without parameters"),
        ("set_extranonce", [None, 4], "not hex of whole bytes"),
        ("notify", None, "mining.notify without a list of parameters"),
        ("set_target", {"target": TARGET}, "mining.set_target without a list of parameters"),
        ("set_target", TARGET, "mining.set_target without a list of parameters"),
    ],
)
def test_a_notification_that_makes_no_sense_is_the_pools_fault(method: str, params: Any, says: str) -> None:
    with pytest.raises(PoolError, match=says):
        aion.read_pool(request(f"mining.{method}", params, None))


@pytest.mark.parametrize(
    ("params", "where"),
    [
        (["pool.example", 3333, 5], "pool.example 3333"),
        (["pool.example", "3333"], "pool.example 3333"),
        (["pool.example"], "pool.example"),
        ([], ""),
        ([None, 3333], "3333"),
        (["a\r\nb\x00", {"port": 1}], "a??b? ?"),
    ],
)
def test_a_pool_asks_to_reconnect(params: list[Any], where: str) -> None:  # 14
    assert aion.read_pool(request("client.reconnect", params, None)) == events.ReconnectAsked(where)


@pytest.mark.parametrize(
    ("params", "text"),
    [
        (["at noon"], "at noon"),
        ([], ""),
        ([17], "17"),
        ([[]], "?"),
        (["\x1b[2J" + "x" * 300], "?[2J" + "x" * 252),
    ],
)
def test_a_pool_has_a_message_for_people(params: list[Any], text: str) -> None:
    assert aion.read_pool(request("client.show_message", params, None)) == events.Shown(text)


def test_a_pool_gives_a_new_extranonce1() -> None:  # 5
    assert aion.read_pool(FROM_POOLS[6]) == events.SetExtranonce("c511")


def test_a_request_of_a_pool_nobody_knows_is_named() -> None:
    assert aion.read_pool(request("client.get_version\x07", [], 9)) == events.UnknownMethod(
        b"9", "client.get_version?"
    )


@pytest.mark.parametrize("line", [b"", b"[1,2]", b"17", b"null", b"{not json", b'{"method":1}', b"\xff"])
def test_what_is_no_message_is_the_pools_fault(line: bytes) -> None:
    with pytest.raises(PoolError):
        aion.read_pool(line)


# ---- a pool's answers


@pytest.mark.parametrize(
    ("line", "ok"),
    [
        (b'{"id":4,"result":true,"error":null}', True),
        (b'{"result":true,"error":null,"id":4}', True),
        (b'{"jsonrpc":"2.0","id":4,"result":true}', True),
        (b'{"id":4,"result":"true","error":null}', True),
        (b'{"id":4,"result":true,"error":false}', True),
        (b'{"id":4,"result":true,"error":[]}', True),
        (b'{"id":4,"result":false,"error":null}', False),
        (b'{"id":4,"result":null,"error":null}', False),
        (b'{"id":4,"result":1}', False),
        (b'{"id":4,"result":{"status":"OK"}}', False),
        (b'{"id":4}', False),
    ],
)
def test_only_true_is_yes(line: bytes, ok: bool) -> None:
    reply = pool_reply(line)
    assert (reply.id, reply.ok, reply.code, reply.message) == (4, ok, 0, "")


NO_REASON = "refused without a reason"


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        ([21, "job not found"], 21, "job not found"),
        ([24, "unauthorized worker", None], 24, "unauthorized worker"),
        ([20, "Not supported.", None, "more"], 20, "Not supported."),
        ({"code": -1, "message": "stale share", "data": None}, -1, "stale share"),
        ({"code": 23, "message": "low difficulty share (1.5)"}, 23, "low difficulty share (1.5)"),
        ({"message": "banned"}, 20, "banned"),
        ({"code": 25}, 25, NO_REASON),
        (True, 20, NO_REASON),
        ("no such luck", 20, "no such luck"),
        (["no such luck"], 20, "no such luck"),
        ([22], 22, NO_REASON),
        (22, 22, NO_REASON),
        (1.5, 20, NO_REASON),
        ({"reason": "x"}, 20, NO_REASON),
        ([[]], 20, NO_REASON),
        ([None, None], 20, NO_REASON),
        (["21", "text code"], 20, "text code"),
        ([21.0, "float code"], 20, "float code"),
        ([True, "true code"], 20, "true code"),
        ([0, "zero code"], 20, "zero code"),
        ([2**31, "huge code"], 20, "huge code"),
        ([-(2**31), "least code"], -(2**31), "least code"),
        ([20, ["a", "list"]], 20, NO_REASON),
        ([20, ""], 20, NO_REASON),
        ([20, "x" * 300], 20, "x" * 256),
        ([20, "a\r\n\x00\x1b[2J"], 20, "a????[2J"),
    ],
)
def test_a_refusal_is_read_in_every_form(error: Any, code: int, message: str) -> None:  # 3
    for result in (None, False, True):
        reply = pool_reply(json.dumps({"id": 4, "result": result, "error": error}).encode())
        assert reply == events.Reply(4, False, result, code, message)


def test_get_transactions_as_a_solo_pool_answers_it() -> None:
    assert pool_reply(b'{"id":null,"result":[],"error":true}') == events.Reply(None, False, [], 20, NO_REASON)


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        (b"4", 4),
        (b"0", 0),
        (b"-4", -4),
        (b'"4"', 4),
        (b"9" * 19, 10**19 - 1),
        (b"9" * 20, None),
        (b"9" * 128, None),
        (b"4.0", None),
        (b"null", None),
        (b"true", None),
        (b'"four"', None),
        (b'""', None),
        (b'"-"', None),
        (b"[4]", None),
    ],
)
def test_a_reply_is_to_a_number_of_ours_or_nobodys(raw: bytes, number: int | None) -> None:
    assert pool_reply(b'{"id":%s,"result":true}' % raw).id == number


def test_a_reply_without_id_is_nobodys() -> None:
    assert pool_reply(b'{"result":null,"error":[21,"job not found"]}') == events.Reply(
        None, False, None, 21, "job not found"
    )


# ---- any bytes at all

METHODS = [
    b"mining.subscribe",
    b"mining.authorize",
    b"mining.submit",
    b"mining.extranonce.subscribe",
    b"mining.notify",
    b"mining.set_target",
    b"mining.set_difficulty",
    b"mining.set_extranonce",
    b"client.reconnect",
    b"client.show_message",
]
lines = st.binary(max_size=60) | objects(*METHODS)


@patient
@given(lines | damaged(FROM_MINERS) | replaced(FROM_MINERS))
def test_any_bytes_are_a_request_or_the_miners_fault(line: bytes) -> None:
    try:
        event = aion.read_request(line)
    except MinerError as fault:
        fit_to_show(fault)
        return
    if not isinstance(event, events.Ignored):
        the_line(aion.refused(event.id, 20, "no"))
    if isinstance(event, events.UnknownMethod):
        the_line(aion.method_unknown(event.id, event.method))
    if isinstance(event, events.Submit):
        the_line(aion.submit(4, event.worker, event.job_id, "0" * 16, "00", "ff"))


@patient
@given(lines | damaged(FROM_POOLS) | replaced(FROM_POOLS))
def test_any_bytes_are_a_pools_message_or_its_fault(line: bytes) -> None:
    try:
        event = aion.read_pool(line)
    except PoolError as fault:
        fit_to_show(fault)
        return
    if isinstance(event, events.Reply):
        assert (event.code == 0) == (event.message == "")
        the_line(aion.verdict(b"4", Verdict(Reason.REJECTED, event.message, event.code)))
        with contextlib.suppress(PoolError):
            aion.read_subscribed(event.result)
    if isinstance(event, events.Notify):
        assert 1 <= event.target <= MAX_TARGET
        the_line(aion.notify(work_of(1, event.target, event.header)))
        the_line(aion.submit(4, "rig", event.job_id, "0" * 16, "00", "ff"))


@pytest.mark.parametrize(
    "frame",
    [
        b'{"id":4,"error":%s}',
        b'{"id":4,"error":[20,%s]}',
        b'{"id":4,"error":{"code":20,"message":%s}}',
        b'{"id":4,"result":%s}',
        b'{"id":null,"method":"mining.notify","params":[%s,true,"",""]}',
        b'{"id":null,"method":"mining.notify","params":["4",%s,"",""]}',
        b'{"id":null,"method":"mining.set_difficulty","params":[%s]}',
        b'{"id":null,"method":"client.reconnect","params":["h",%s]}',
        b'{"id":null,"method":"client.show_message","params":[%s]}',
    ],
)
def test_nesting_that_just_decodes_breaks_nothing_behind_it(frame: bytes) -> None:
    """Just below the depth where decoding fails, str() or == on the value would fail instead."""
    decoded = 0
    for depth in range(1, sys.getrecursionlimit() + 50):
        try:
            aion.read_pool(frame % nested(depth))
        except PoolError as fault:
            decoded += "nested" not in str(fault)
            continue
        decoded += 1
    assert decoded > 500


# ---- the short ways of reading


@patient
@given(st.lists(json_values | st.text(max_size=20), max_size=7), st.integers(-5, 10**20) | json_values)
def test_a_submit_is_read_the_same_the_short_way_and_the_long(params: list[Any], request_id: Any) -> None:
    line = json.dumps({"id": request_id, "method": "mining.submit", "params": params}).encode()
    usual = aion._read_usual_submit(line)
    try:
        slow = aion._read_submit(decode(line, MinerError))
    except MinerError:
        slow = None
    assert usual is None or usual == slow
    texts = len(params) == 5 and all(isinstance(param, str) for param in params)
    assert (usual is not None) == (texts and type(request_id) is int and request_id >= 0)


@pytest.mark.parametrize(
    "frame", [b'["r","1","","",""%s],"id":4', b'["r","1","","",""],"id":4,"error":[0%s]']
)
def test_what_the_short_way_would_pass_over_is_not_passed_over(frame: bytes) -> None:
    line = b'{"method":"mining.submit","params":%s}' % frame
    assert isinstance(aion.read_request(line % b',"x"'), events.Submit)
    with pytest.raises(MinerError, match="not valid JSON"):
        aion.read_request(line % b',"\xff"')


@patient
@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(["id", "result", "error", "method", "x"], json_values))
)
def test_a_yes_is_read_the_same_the_short_way_and_the_long(reply: dict[str, Any]) -> None:
    reply.setdefault("id", 4)
    line = json.dumps(reply).encode()
    usual = read_yes(line, aion._decode_yes)
    if usual is not None:
        message = decode(line, PoolError)
        assert message.method is None
        assert usual == read_reply(message, message.result is True)


def test_the_pools_usual_yes_goes_the_short_way() -> None:
    assert read_yes(b'{"id":4,"result":true,"error":null}', aion._decode_yes) is not None
    assert read_yes(b'{"id":4,"jsonrpc":"2.0","result":true}', aion._decode_yes) is not None
    assert read_yes(b'{"id":4,"result":true,"params":"\xff"}', aion._decode_yes) is None
