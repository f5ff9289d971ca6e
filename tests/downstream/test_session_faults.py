"""Dialogues with miners that are none, or broken: one clear line each, and whatever comes is survived."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config import Limits
from proxy.model.share import Reason, Verdict
from tests.kit.miners import (
    AUTHORIZE,
    EXTRANONCE,
    EXTRANONCE1,
    HINT,
    SUBSCRIBE,
    Dialogue,
    FakeHouse,
    Line,
    door,
    no,
    submit,
    written,
)
from tests.wire.hostile import NASTY, damaged, objects, patient, replaced

SUBSCRIBED: Line = {"id": 1, "result": [None, EXTRANONCE1 + "00000000"], "error": None}


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b"17",
        b"null",
        b"hello",
        b'{"id":1',
        b'{"method":5}',
        b'{"id":1,"method":"x"}}',
        b"\xc3\x28",
    ],
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
    miner = Dialogue(FakeHouse(), at=door(dialects=["aion"]))
    login = {
        "id": 1,
        "jsonrpc": "2.0",
        "method": "login",
        "params": {"login": "w", "pass": "x", "agent": "a"},
    }
    (line,) = miner.says(login, SUBSCRIBE)
    assert line["id"] == 1
    assert line["jsonrpc"] == "2.0"
    assert line["error"]["code"] == -1
    assert line["error"]["message"] == f"this port does not take the login dialect; {HINT}"
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


# ---- whatever happens

GOOD = [
    json.dumps(line).encode()
    for line in (
        SUBSCRIBE,
        AUTHORIZE,
        EXTRANONCE,
        submit("0000000001001", "00" * 20),
        {"id": 1, "method": "login"},
    )
]
methods = (
    b"mining.subscribe",
    b"mining.authorize",
    b"mining.submit",
    b"mining.extranonce.subscribe",
    b"login",
)
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
    miner.session.end(0.0)
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


def test_what_comes_after_it_has_hung_up_is_not_even_looked_at() -> None:
    miner = Dialogue(FakeHouse())
    (why,) = miner.passes(60)
    assert why["error"]
    miner.session.receive(b"\x16\x03\x01\x02\x00", miner.now)
    assert miner.hears() == []
    assert miner.session.closing
