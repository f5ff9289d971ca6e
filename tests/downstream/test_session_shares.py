"""Dialogues with one miner about its shares: every submit has one answer, in fixed words."""

from typing import Any

import pytest

from proxy.model.share import Reason, Verdict
from tests.kit.miners import (
    AUTHORIZE,
    EXTRANONCE,
    EXTRANONCE1,
    PROOF,
    SIZE_PREFIX,
    SOLUTION,
    SUBSCRIBE,
    Dialogue,
    FakeHouse,
    Line,
    no,
    submit,
    yes,
)

PREFIX = EXTRANONCE1 + "00000000"

REPLIES = [
    (Verdict(Reason.ACCEPTED), yes(4)),
    (Verdict(Reason.KEPT), yes(4)),
    (Verdict(Reason.MALFORMED, "so"), no(4, 20, "malformed share: so")),
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
    job_id = miner.logs_in()
    house.verdict = verdict
    assert miner.says(submit(job_id, miner.nonce)) == [reply]
    assert miner.session.unanswered == 0


@pytest.mark.parametrize(("verdict", "reply"), REPLIES, ids=lambda value: getattr(value, "reason", ""))
def test_a_verdict_of_the_pool_has_the_same_words(verdict: Verdict, reply: Line) -> None:
    house = FakeHouse()
    house.verdict = None
    miner = Dialogue(house)
    job_id = miner.logs_in()
    assert miner.says(submit(job_id, miner.nonce)) == []
    assert miner.session.unanswered == 1
    house.pool_says(verdict)
    assert miner.hears() == [reply]
    assert miner.session.unanswered == 0


def test_all_reasons_are_in_the_table_above() -> None:
    assert {verdict.reason for verdict, _ in REPLIES} == set(Reason)


def test_share_reaches_the_house_whole() -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    job_id = miner.logs_in()
    nonce = "ab" * 20
    miner.says(submit(job_id, nonce, SIZE_PREFIX + "cd" * (PROOF.digits // 2)))
    (share,) = house.judged
    assert share.work_id == job_id
    assert share.nonce == PREFIX + nonce
    assert share.solution == "cd" * (PROOF.digits // 2)
    assert share.ntime == "000000006b00635f"


def test_bare_solution_and_whole_nonce_say_the_same() -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    job_id = miner.logs_in()
    miner.says(submit(job_id, "AB" * 20, SOLUTION[len(SIZE_PREFIX) :]))
    miner.says(submit(job_id, PREFIX.upper() + "AB" * 20))
    assert house.judged[0].solution == house.judged[1].solution == SOLUTION[len(SIZE_PREFIX) :]
    assert house.judged[0].nonce.lower() == house.judged[1].nonce


@pytest.mark.parametrize(
    "request_id", [0, -1, 4, 1.5, "x", '"\\', "", None, True, [1, {"a": None}], {"a": [2]}, 2**70]
)
def test_ids_of_any_type_are_echoed(request_id: Any) -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    job_id = miner.logs_in()
    assert miner.says(submit(job_id, miner.nonce, request_id=request_id)) == [yes(request_id)]
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
    job_id = miner.logs_in("rig1")
    line = submit(job_id, miner.nonce)
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
    job_id = miner.logs_in()
    assert miner.says(*(submit(job_id, miner.nonce, request_id=n) for n in range(10, 30))) == []
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
