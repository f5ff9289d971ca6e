"""Dialogues with one miner: what it says, what it is told, when it has to go."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config import Limits
from proxy.downstream.session import FIRST_JOB_DELAY
from proxy.model.share import Reason, Verdict
from proxy.model.target import MAX_TARGET, to_hex
from tests.kit.miners import (
    AUTHORIZE,
    EXTRANONCE,
    EXTRANONCE1,
    SIZE_PREFIX,
    SOLUTION,
    SOLUTION_DIGITS,
    SUBSCRIBE,
    Dialogue,
    FakeHouse,
    Line,
    authorize,
    no,
    notified,
    submit,
    written,
    yes,
)
from tests.wire.hostile import NASTY, damaged, objects, patient, replaced

PREFIX = EXTRANONCE1 + "00000000"
SUBSCRIBED: Line = {"id": 1, "result": [None, PREFIX], "error": None}
SET_TARGET = notified("mining.set_target", "f" * 64)


def job(house: FakeHouse) -> Line:
    """The line that gives a house's current job."""
    work = house.works[0]
    return notified("mining.notify", work.id, True, work.target.hex(), work.job.header)


# ---- logging in


def test_reference_miner_logs_in_in_its_order() -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    assert miner.says(SUBSCRIBE) == [SUBSCRIBED]
    assert miner.says(AUTHORIZE) == [yes(2)]
    # Its solvers are sure to listen only now.
    assert miner.says(EXTRANONCE) == [yes(3), SET_TARGET, job(house)]
    assert miner.session.agent == "nheqminer/0.2.1"
    assert miner.session.worker == "rig1"
    assert house.workers == {"rig1": 1}


def test_a_job_has_exactly_four_parameters_as_the_reference_miner_reads_them() -> None:
    house = FakeHouse()
    house.new_job(target=0xABCDEF, header="ab" * 32)
    miner = Dialogue(house)
    miner.says(SUBSCRIBE, AUTHORIZE)
    line = miner.says(EXTRANONCE)[-1]
    assert line == notified("mining.notify", house.works[0].id, True, to_hex(0xABCDEF), "ab" * 32)
    assert line["id"] is None


def test_first_job_waits_for_miners_that_do_not_ask_for_extranonce_changes() -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    assert miner.says(SUBSCRIBE, AUTHORIZE) == [SUBSCRIBED, yes(2)]
    assert miner.passes(FIRST_JOB_DELAY / 2) == []
    assert miner.passes(FIRST_JOB_DELAY) == [SET_TARGET, job(house)]
    assert miner.says(EXTRANONCE) == [yes(3)]


@pytest.mark.parametrize(
    "order", [(AUTHORIZE, SUBSCRIBE, EXTRANONCE), (EXTRANONCE, SUBSCRIBE, AUTHORIZE), (EXTRANONCE, AUTHORIZE, SUBSCRIBE)]
)
def test_login_in_another_order_gives_the_job_last(order: tuple[Line, ...]) -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    heard = [line for said in order for line in miner.says(said)]
    assert [line["id"] for line in heard[:3]] == [said["id"] for said in order]
    assert heard[3:] == [SET_TARGET, job(house)]


def test_login_in_one_write() -> None:
    house = FakeHouse()
    heard = Dialogue(house).says(SUBSCRIBE, AUTHORIZE, EXTRANONCE)
    assert heard == [SUBSCRIBED, yes(2), yes(3), SET_TARGET, job(house)]


def test_no_job_before_authorize() -> None:
    miner = Dialogue(FakeHouse())
    assert miner.says(SUBSCRIBE, EXTRANONCE) == [SUBSCRIBED, yes(3)]
    assert miner.passes(FIRST_JOB_DELAY) == []
    assert miner.is_given_work() == []


def test_crlf_and_blank_lines_are_read_but_never_written() -> None:
    miner = Dialogue(FakeHouse())
    data = b"\r\n\n  \n" + written(SUBSCRIBE).replace(b"\n", b"\r\n") + b"\t\n"
    assert miner.says(data) == [SUBSCRIBED]
    # A flood of blank lines is a flood, too.
    assert miner.session.requests == 5


def test_miners_have_slices_of_their_own() -> None:
    house = FakeHouse()
    prefixes = set()
    for _ in range(20):
        miner = Dialogue(house)
        miner.logs_in()
        prefixes.add(miner.prefix)
    assert len(prefixes) == 20
    assert all(prefix.startswith(EXTRANONCE1) and len(prefix) == 24 for prefix in prefixes)


def test_no_slice_free_is_said_and_closes() -> None:
    house = FakeHouse(own_bytes=1)
    miners = [Dialogue(house) for _ in range(257)]
    for miner in miners[:-1]:
        miner.logs_in()
    assert miners[-1].says(SUBSCRIBE) == [no(1, 20, "no nonce slice free")]
    assert miners[-1].session.closing == "no_slice"


def test_second_subscribe_gives_the_same_slice() -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    miner.logs_in()
    assert miner.says({**SUBSCRIBE, "id": 9}) == [{**SUBSCRIBED, "id": 9}]
    assert house.space is not None
    assert house.space.lent == 1


def test_second_authorize_renames_the_worker() -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    miner.logs_in("rig1")
    assert miner.says(authorize("rig2", 7)) == [yes(7)]
    assert miner.session.worker == "rig2"
    assert house.workers == {"rig2": 1}


@pytest.mark.parametrize("params", [[], [None], [""], [17], {}, None, ["a\nb"], ["x" * 257]])
def test_authorize_without_a_usable_name_is_an_error_and_never_false(params: object) -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    miner.says(SUBSCRIBE)
    (line,) = miner.says({"id": 2, "method": "mining.authorize", "params": params})
    assert line["result"] is None
    assert line["error"][0] == 24
    assert "worker name" in line["error"][1]
    assert not house.workers


# ---- without a pool


def test_subscribe_is_held_while_no_pool_is_up() -> None:
    house = FakeHouse(None)
    miner = Dialogue(house)
    assert miner.says(SUBSCRIBE) == []
    assert miner.session.is_held
    assert miner.says(AUTHORIZE) == [yes(2)]
    assert miner.says(EXTRANONCE) == [yes(3)]
    # The wait is ours, so the miner is not dropped for it.
    assert miner.passes(10_000) == []
    assert not miner.session.closing
    house.pool_comes(now=miner.now)
    assert miner.hears() == [SUBSCRIBED, SET_TARGET, job(house)]
    assert not miner.session.is_held


def test_whole_login_in_one_write_while_no_pool_is_up() -> None:
    house = FakeHouse(None)
    miner = Dialogue(house)
    assert miner.says(SUBSCRIBE, AUTHORIZE, EXTRANONCE) == [yes(2), yes(3)]
    house.pool_comes(now=miner.now)
    assert miner.hears() == [SUBSCRIBED, SET_TARGET, job(house)]
    assert miner.is_given_work() == []


def test_held_miners_are_released_in_order() -> None:
    house = FakeHouse(None)
    miners = [Dialogue(house) for _ in range(5)]
    for miner in miners:
        miner.says(SUBSCRIBE)
    house.pool_comes(now=miners[0].now)
    assert [miner.hears()[0]["result"][1] for miner in miners] == [
        f"{EXTRANONCE1}{number:08x}" for number in range(5)
    ]


def test_login_time_begins_anew_after_the_wait() -> None:
    house = FakeHouse(None)
    miner = Dialogue(house)
    miner.says(SUBSCRIBE)
    miner.passes(10_000)
    house.pool_comes(now=miner.now)
    miner.hears()
    assert miner.passes(9.9) == []
    assert "login" in miner.passes(0.1)[0]["error"][1]


def test_first_job_delay_counts_from_the_release() -> None:
    house = FakeHouse(None)
    miner = Dialogue(house)
    miner.says(SUBSCRIBE, AUTHORIZE)
    miner.passes(100)
    house.pool_comes(now=miner.now)
    assert miner.hears() == [SUBSCRIBED]
    assert miner.passes(FIRST_JOB_DELAY) == [SET_TARGET, job(house)]


def test_second_subscribe_supersedes_the_held_one_and_both_are_answered() -> None:
    house = FakeHouse(None)
    miner = Dialogue(house)
    miner.says(SUBSCRIBE)
    heard = miner.says({**SUBSCRIBE, "id": 8})
    assert heard == [no(1, 20, "superseded by a later mining.subscribe")]
    house.pool_comes(now=miner.now)
    assert miner.hears() == [{**SUBSCRIBED, "id": 8}]


def test_second_authorize_does_not_end_the_wait_for_a_pool() -> None:
    house = FakeHouse(None)
    miner = Dialogue(house)
    miner.says(SUBSCRIBE, authorize("rig1"), authorize("rig2"))
    house.pool_comes(now=miner.now)
    assert miner.hears() == [SUBSCRIBED]
    assert house.workers == {"rig2": 1}


def test_second_subscribe_without_a_pool_does_not_cost_the_place() -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    miner.logs_in()
    house.pool_goes()
    assert miner.says({**SUBSCRIBE, "id": 9}) == []
    house.pool_comes("beef", now=miner.now)
    assert miner.hears() == [{"id": 9, "result": [None, "beef00000000"], "error": None}]
    assert miner.is_given_work() == [job(house)]
    # It has logged in long ago: the time for that does not run again.
    assert miner.passes(Limits().login_seconds) == []
    assert not miner.session.closing


def test_a_session_that_ends_waits_no_longer() -> None:
    house = FakeHouse(None)
    miner = Dialogue(house)
    miner.says(SUBSCRIBE, AUTHORIZE)
    miner.session.end()
    assert not house.held
    assert not house.workers


def test_pool_goes_before_the_first_job() -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    miner.says(SUBSCRIBE, AUTHORIZE)
    house.pool_goes()
    assert miner.passes(FIRST_JOB_DELAY) == []
    house.pool_comes("beef")
    assert miner.is_given_work() == [
        notified("mining.set_extranonce", "beef00000000", 26),
        SET_TARGET,
        job(house),
    ]


# ---- work


def test_job_ids_never_repeat_whatever_the_pool_does() -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    ids = [miner.logs_in().id]
    for step in range(30):
        if step % 7 == 6:
            house.pool_comes(EXTRANONCE1 if step % 2 else "beef")
        elif step % 3:
            house.new_job(header="77" * 32, target=MAX_TARGET - step)
        else:
            house.new_job()
        ids += [line["params"][0] for line in miner.is_given_work() if line["method"] == "mining.notify"]
    assert len(ids) == 31
    assert len(set(ids)) == 31


def test_the_same_work_is_not_given_twice() -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    miner.logs_in()
    assert miner.is_given_work() == []


def test_set_target_comes_before_the_job_when_it_changes_and_only_then() -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    miner.logs_in()
    house.new_job(target=5)
    assert miner.is_given_work() == [notified("mining.set_target", to_hex(5)), job(house)]
    house.new_job(target=5)
    assert miner.is_given_work() == [job(house)]


def test_pool_change_moves_the_miner_with_its_next_job() -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    miner.logs_in()
    old = house.space
    house.pool_goes()
    assert miner.is_given_work() == []
    house.pool_comes("beef")
    assert miner.is_given_work() == [notified("mining.set_extranonce", "beef00000000", 26), job(house)]
    assert old is not None
    assert old.lent == 0
    assert miner.session.assignment.former_prefix == PREFIX


def test_no_slice_in_the_new_space_closes() -> None:
    house = FakeHouse(own_bytes=1)
    miners = [Dialogue(house), Dialogue(house)]
    for miner in miners:
        miner.logs_in()
    house.pool_comes()
    assert house.space is not None
    while house.space.lend():
        pass
    assert miners[0].is_given_work() == []
    assert miners[0].session.closing == "no_slice"
    assert miners[0].is_given_work() == []


def test_miner_that_kept_the_old_prefix_is_told_and_closed() -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    miner.logs_in()
    house.pool_comes("beef")
    miner.is_given_work()
    house.verdict = Verdict(Reason.BAD_NONCE)
    assert miner.says(submit(house.works[0].id, miner.nonce)) == [no(4, 20, "nonce outside extranonce1")]
    assert miner.session.closing == "old_extranonce"


def test_bad_nonce_without_a_pool_change_does_not_close() -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    work = miner.logs_in()
    house.verdict = Verdict(Reason.BAD_NONCE)
    miner.says(submit(work.id, miner.nonce))
    assert not miner.session.closing


# ---- shares

REPLIES = [
    (Verdict(Reason.ACCEPTED), yes(4)),
    (Verdict(Reason.KEPT), yes(4)),
    (Verdict(Reason.MALFORMED, "malformed share: so"), no(4, 20, "malformed share: so")),
    (Verdict(Reason.UNAUTHORIZED), no(4, 24, "unauthorized worker")),
    (Verdict(Reason.NOT_SUBSCRIBED), no(4, 25, "not subscribed")),
    (Verdict(Reason.UNKNOWN_JOB), no(4, 21, "job not found")),
    (Verdict(Reason.STALE), no(4, 21, "stale share")),
    (Verdict(Reason.BAD_NONCE), no(4, 20, "nonce outside extranonce1")),
    (Verdict(Reason.DUPLICATE), no(4, 22, "duplicate share")),
    (Verdict(Reason.LOW_DIFFICULTY), no(4, 23, "low difficulty share")),
    (Verdict(Reason.INVALID_SOLUTION), no(4, 20, "invalid solution")),
    (Verdict(Reason.REJECTED, "low difficulty share (3)", 23), no(4, 23, "low difficulty share (3)")),
    (Verdict(Reason.REJECTED, 'a "quoted" text', -1), no(4, -1, 'a "quoted" text')),
    (Verdict(Reason.LOST), no(4, 20, "pool connection lost")),
]


@pytest.mark.parametrize(("verdict", "reply"), REPLIES, ids=lambda value: getattr(value, "reason", ""))
def test_every_verdict_has_its_words(verdict: Verdict, reply: Line) -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    work = miner.logs_in()
    house.verdict = verdict
    assert miner.says(submit(work.id, miner.nonce)) == [reply]
    assert miner.session.unanswered == 0


@pytest.mark.parametrize(("verdict", "reply"), REPLIES, ids=lambda value: getattr(value, "reason", ""))
def test_a_verdict_of_the_pool_has_the_same_words(verdict: Verdict, reply: Line) -> None:
    house = FakeHouse()
    house.verdict = None
    miner = Dialogue(house)
    work = miner.logs_in()
    assert miner.says(submit(work.id, miner.nonce)) == []
    assert miner.session.unanswered == 1
    house.pool_says(verdict)
    assert miner.hears() == [reply]
    assert miner.session.unanswered == 0


def test_all_reasons_are_in_the_table_above() -> None:
    assert {verdict.reason for verdict, _ in REPLIES} == set(Reason)


def test_share_reaches_the_house_whole() -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    work = miner.logs_in()
    nonce = "ab" * 20
    miner.says(submit(work.id, nonce, SIZE_PREFIX + "cd" * (SOLUTION_DIGITS // 2)))
    (share,) = house.judged
    assert share.work_id == work.id
    assert share.nonce == PREFIX + nonce
    assert share.solution == "cd" * (SOLUTION_DIGITS // 2)
    assert share.ntime == "000000006b00635f"


def test_bare_solution_and_whole_nonce_say_the_same() -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    work = miner.logs_in()
    miner.says(submit(work.id, "AB" * 20, SOLUTION[len(SIZE_PREFIX) :]))
    miner.says(submit(work.id, PREFIX.upper() + "AB" * 20))
    assert house.judged[0].solution == house.judged[1].solution == SOLUTION[len(SIZE_PREFIX) :]
    assert house.judged[0].nonce.lower() == house.judged[1].nonce


@pytest.mark.parametrize("request_id", [0, -1, 4, 1.5, "x", '"\\', "", None, True, [1, {"a": None}], {"a": [2]}, 2**70])
def test_ids_of_any_type_are_echoed(request_id: Any) -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    work = miner.logs_in()
    assert miner.says(submit(work.id, miner.nonce, request_id=request_id)) == [yes(request_id)]
    assert miner.says({**SUBSCRIBE, "id": request_id})[0]["id"] == request_id
    assert miner.says({"id": request_id, "method": "mining.submit"})[0]["id"] == request_id


def test_absent_id_is_answered_with_null() -> None:
    miner = Dialogue(FakeHouse())
    assert miner.says({"method": "mining.extranonce.subscribe"}) == [yes(None)]


def test_submit_before_subscribe() -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    assert miner.says(AUTHORIZE, submit("1", "00" * 20)) == [yes(2), no(4, 25, "not subscribed")]
    assert house.refused == [Verdict(Reason.NOT_SUBSCRIBED)]


def test_submit_before_authorize() -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    miner.says(SUBSCRIBE)
    assert miner.says(submit(house.works[0].id, miner.nonce)) == [no(4, 24, "unauthorized worker")]
    assert house.refused == [Verdict(Reason.UNAUTHORIZED)]


def test_submit_while_the_subscribe_is_held() -> None:
    miner = Dialogue(FakeHouse(None))
    assert miner.says(SUBSCRIBE, submit("1", "00" * 20)) == [no(4, 25, "not subscribed")]


@pytest.mark.parametrize(
    ("params", "what"),
    [
        (None, "five parameters"),
        ({}, "five parameters"),
        ([], "five parameters"),
        (["w", "1", "0" * 16, "00"], "five parameters"),
        (["w", None, "0" * 16, "00", "00"], "job id"),
        (["w", 1.5, "0" * 16, "00", "00"], "job id"),
        (["w", ["1"], "0" * 16, "00", "00"], "job id"),
        (["w", "1", "0" * 16, 7, "00"], "extranonce2"),
        (["w", "1", "0" * 16, "00", None], "solution"),
        (["w", "1", "0" * 16, "00" * 20, "25" + SOLUTION[2:]], "starts with 24"),
    ],
)
def test_malformed_submit_is_answered_with_what_is_wrong(params: object, what: str) -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    miner.logs_in()
    (line,) = miner.says({"id": 4, "method": "mining.submit", "params": params})
    assert line["error"][0] == 20
    assert line["error"][1].startswith("malformed share: ")
    assert what in line["error"][1]
    assert [verdict.reason for verdict in house.refused] == [Reason.MALFORMED]
    assert not miner.session.closing


@pytest.mark.parametrize("worker", [None, 17, "", "someone else", ["x"]])
def test_worker_of_a_submit_falls_back_to_the_one_logged_in(worker: object) -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    work = miner.logs_in("rig1")
    line = submit(work.id, miner.nonce)
    line["params"][0] = worker
    assert miner.says(line) == [yes(4)]
    assert miner.session.worker == "rig1"


def test_job_id_as_a_number_and_a_sixth_parameter_are_taken() -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    miner.logs_in()
    line = submit("x", miner.nonce)
    line["params"][1] = 100
    line["params"].append("more")
    assert miner.says(line) == [yes(4)]
    assert house.judged[0].work_id == "100"


def test_every_submit_in_one_write_is_answered_once_and_in_order() -> None:
    house = FakeHouse()
    house.verdict = None
    miner = Dialogue(house)
    work = miner.logs_in()
    assert miner.says(*(submit(work.id, miner.nonce, request_id=n) for n in range(10, 30))) == []
    assert miner.session.unanswered == 20
    for _ in range(20):
        house.pool_says(Verdict(Reason.ACCEPTED))
    assert miner.hears() == [yes(n) for n in range(10, 30)]


def test_the_carrier_is_woken_once_for_what_it_takes_at_once() -> None:
    miner = Dialogue(FakeHouse())
    miner.says(SUBSCRIBE, AUTHORIZE)
    assert miner.woken == 1
    miner.says(EXTRANONCE)
    assert miner.woken == 2


# ---- lines that make no sense


@pytest.mark.parametrize(
    "line",
    [b"{", b"[]", b"17", b"null", b"hello", b'{"id":1', b'{"method":5}', b'{"id":1,"method":"x"}}', b"\xc3\x28"],
)
def test_bad_lines_have_one_error_each_and_the_third_closes(line: bytes) -> None:
    miner = Dialogue(FakeHouse())
    miner.says(SUBSCRIBE)
    for _ in range(2):
        (heard,) = miner.says(line + b"\n")
        assert heard["id"] is None
        assert heard["error"][0] == 20
        assert not miner.session.closing
    (heard,) = miner.says(line + b"\n" + written(AUTHORIZE))
    assert "limits.bad_lines" in heard["error"][1]
    assert miner.session.closing == "bad_lines"
    assert miner.session.close_detail
    assert miner.says(AUTHORIZE) == []


def test_good_lines_between_do_not_make_bad_ones_good() -> None:
    miner = Dialogue(FakeHouse())
    miner.logs_in()
    for _ in range(2):
        miner.says(b"junk\n")
        miner.says(EXTRANONCE)
    assert "limits.bad_lines" in miner.says(b"junk\n")[0]["error"][1]


def test_over_long_line_closes_after_the_good_ones_before_it() -> None:
    miner = Dialogue(FakeHouse(), Limits(line_bytes=1024))
    heard = miner.says(SUBSCRIBE, b"x" * 1025 + b"\n", AUTHORIZE)
    assert heard == [SUBSCRIBED, no(None, 20, "a line of more than 1024 bytes (limits.line_bytes)")]
    assert miner.session.closing == "line_too_long"
    assert miner.says(b"x" * 100_000) == []


def test_over_long_line_without_an_end_closes_too() -> None:
    miner = Dialogue(FakeHouse(), Limits(line_bytes=1024))
    for _ in range(10):
        assert miner.says(b"{" * 100) == []
    assert len(miner.says(b"{" * 100)) == 1
    assert miner.session.closing == "line_too_long"


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00", "a TLS hello"),
        (b"\x16", "not stratum"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "an HTTP request"),
        (b"POST / HTTP/1.1\r\n\r\n", "an HTTP request"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "an HTTP request"),
        (b"\x00\x01\x02", "not stratum: '\\x00\\x01\\x02'"),
        (b"\xff\xfe{\n", "not stratum"),
    ],
)
def test_other_protocols_are_told_apart_at_once(data: bytes, what: str) -> None:
    miner = Dialogue(FakeHouse())
    (line,) = miner.says(data)
    assert what in line["error"][1]
    assert miner.session.closing == "not_stratum"
    assert miner.says(SUBSCRIBE) == []


def test_only_the_start_of_a_connection_is_looked_at() -> None:
    miner = Dialogue(FakeHouse())
    miner.says(SUBSCRIBE)
    assert "not a JSON object" in miner.says(b"GET / HTTP/1.1\n")[0]["error"][1]
    assert not miner.session.closing


def test_no_bytes_say_nothing() -> None:
    miner = Dialogue(FakeHouse())
    assert miner.says(b"") == []
    assert "a TLS hello" in miner.says(b"\x16\x03\x01")[0]["error"][1]


def test_login_dialect_is_told_in_its_own_form_and_closed() -> None:
    miner = Dialogue(FakeHouse())
    login = {"id": 1, "jsonrpc": "2.0", "method": "login", "params": {"login": "w", "pass": "x", "agent": "a"}}
    (line,) = miner.says(login, SUBSCRIBE)
    assert line["id"] == 1
    assert line["jsonrpc"] == "2.0"
    assert line["error"]["code"] == -1
    assert "Aion dialect" in line["error"]["message"]
    assert miner.session.closing == "wrong_dialect"


def test_unknown_method_has_an_answer_and_costs_nothing() -> None:
    miner = Dialogue(FakeHouse())
    for number in range(5):
        heard = miner.says({"id": number, "method": "mining.get_transactions", "params": []})
        assert heard == [no(number, 20, "unknown method mining.get_transactions")]
    assert not miner.session.closing


def test_a_reply_to_nothing_is_passed_over() -> None:
    miner = Dialogue(FakeHouse())
    assert miner.says({"id": 1, "result": True, "error": None}) == []


# ---- time


@pytest.mark.parametrize("said", [(), (SUBSCRIBE,), (AUTHORIZE,), (SUBSCRIBE, EXTRANONCE)])
def test_login_has_to_come_in_time(said: tuple[Line, ...]) -> None:
    miner = Dialogue(FakeHouse())
    miner.says(*said)
    assert miner.passes(9.9) == []
    assert miner.passes(0.1) == [no(None, 20, "no login within 10 s (limits.login_seconds)")]
    assert miner.session.closing == "login_timeout"
    assert miner.passes(100) == []


def test_idle_miner_has_to_go() -> None:
    miner = Dialogue(FakeHouse())
    work = miner.logs_in()
    miner.passes(599)
    # Any share counts as a sign of life, other requests do not.
    miner.says(submit(work.id, "junk"))
    assert miner.passes(599) == []
    miner.says(EXTRANONCE)
    assert miner.passes(1) == [no(None, 20, "no share for 600 s (limits.idle_seconds)")]
    assert miner.session.closing == "idle"


def test_time_without_a_pool_is_not_idle_time_once_it_is_back() -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    miner.logs_in()
    house.pool_goes()
    miner.passes(500)
    house.pool_comes("beef")
    miner.is_given_work()
    assert miner.passes(599) == []
    assert miner.passes(1) != []


def test_only_the_first_reason_to_close_stands() -> None:
    miner = Dialogue(FakeHouse())
    miner.session.close("shutdown")
    miner.session.close("idle", "other")
    assert (miner.session.closing, miner.session.close_detail) == ("shutdown", "")
    assert miner.passes(10_000) == []


def test_what_is_in_flight_is_answered_after_closing_began() -> None:
    house = FakeHouse()
    house.verdict = None
    miner = Dialogue(house)
    work = miner.logs_in()
    miner.says(submit(work.id, miner.nonce))
    miner.session.close("shutdown")
    house.pool_says(Verdict(Reason.ACCEPTED))
    assert miner.hears() == [yes(4)]
    house.new_job()
    assert miner.is_given_work() == []


# ---- whatever happens

GOOD = [
    json.dumps(line).encode()
    for line in (SUBSCRIBE, AUTHORIZE, EXTRANONCE, submit("100", "00" * 20), {"id": 1, "method": "login"})
]
methods = (b"mining.subscribe", b"mining.authorize", b"mining.submit", b"mining.extranonce.subscribe", b"login")
hostile_lines = (
    st.sampled_from(GOOD) | objects(*methods) | damaged(GOOD) | replaced(GOOD) | st.sampled_from(NASTY)
).map(lambda line: line + b"\n")
acts = st.one_of(
    hostile_lines,
    st.binary(max_size=40),
    st.sampled_from(["pool_comes", "pool_goes", "new_job", "passes", "given", "verdict", "end"]),
)


@patient
@given(st.lists(acts, max_size=25), st.integers(1, 400), st.booleans(), st.sampled_from([None, EXTRANONCE1]))
def test_whatever_happens_nothing_raises_and_the_slice_comes_back(
    acts: list[bytes | str], piece: int, forward: bool, extranonce1: str | None
) -> None:
    house = FakeHouse(extranonce1)
    house.verdict = None if forward else Verdict(Reason.STALE)
    spaces = {house.space} if house.space else set()
    miner = Dialogue(house, Limits(line_bytes=2048, bad_lines=1000))
    submits = answers = 0
    for act in acts:
        match act:
            case bytes():
                for start in range(0, len(act), piece):
                    miner.session.receive(act[start : start + piece], miner.now)
            case "pool_comes":
                house.pool_comes("beef", miner.now)
                assert house.space
                spaces.add(house.space)
            case "pool_goes":
                house.pool_goes()
            case "new_job" if house.space:
                house.new_job(now=miner.now)
            case "passes":
                miner.passes(5)
            case "given":
                miner.is_given_work()
            case "verdict" if house.unanswered:
                house.pool_says(Verdict(Reason.ACCEPTED))
            case "end":
                break
        miner.hears()
    submits = len(house.judged)
    answers = submits - len(house.unanswered) if forward else submits
    assert miner.session.unanswered == submits - answers
    miner.session.end()
    # A verdict that comes later finds nobody, and that is all.
    while house.unanswered:
        house.pool_says(Verdict(Reason.LOST))
    assert all(space.lent == 0 for space in spaces)
    assert not house.held
    assert not house.workers


@patient
@given(st.lists(st.sampled_from([*GOOD, b"", b" "]), max_size=20), st.data())
def test_how_the_bytes_are_cut_does_not_matter(lines: list[bytes], data: st.DataObject) -> None:
    text = b"".join(line + b"\n" for line in lines)
    whole = Dialogue(FakeHouse())
    expected = whole.says(text)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    cut = Dialogue(FakeHouse())
    heard: list[Line] = []
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        heard += cut.says(text[start:end])
    assert heard == expected
