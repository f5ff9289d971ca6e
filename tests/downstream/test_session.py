"""One miner whatever its dialect: how that is told, what a port does not take, and that nothing breaks it."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config import Limits
from proxy.downstream.house import Guest
from proxy.downstream.session import UNKNOWN, Door
from proxy.model.share import Reason, Verdict
from tests.downstream.farms import blob_door
from tests.kit.miners import (
    AUTHORIZE,
    EXTRANONCE,
    EXTRANONCE1,
    HINT,
    LOGIN,
    SUBSCRIBE,
    Dialogue,
    FakeHouse,
    Line,
    LoginDialogue,
    door,
    keepalived,
    login_submit,
    no,
    ok,
    refusal,
    submit,
    written,
    yes,
)
from tests.wire.hostile import NASTY, damaged, objects, patient, replaced

SUBSCRIBED: Line = {"id": 1, "result": [None, EXTRANONCE1 + "00000000"], "error": None}


def is_logged_in(heard: list[Line]) -> bool:
    """Whether a login was answered, in the login dialect's form."""
    return len(heard) == 1 and heard[0]["jsonrpc"] == "2.0" and heard[0]["result"]["status"] == "OK"


# ---- telling the dialect


@pytest.mark.parametrize(
    ("line", "dialect"),
    [
        (SUBSCRIBE, "aion"),
        (AUTHORIZE, "aion"),
        (EXTRANONCE, "aion"),
        (submit("1", "00" * 20), "aion"),
        ({"id": 1, "method": "mining.suggest_difficulty", "params": [1]}, "aion"),
        (LOGIN, "login"),
        (login_submit("", "1", "00" * 32), "login"),
        (keepalived(""), "login"),
        ({"id": 1, "method": "getjob", "params": {}}, "login"),
    ],
)
def test_the_first_request_tells(line: Line, dialect: str) -> None:
    miner = Dialogue(FakeHouse())
    assert miner.session.dialect == UNKNOWN
    (answer,) = miner.says(line)
    assert miner.session.dialect == dialect
    assert ("jsonrpc" in answer) is (dialect == "login")


UNDECIDED = [
    b"{\n",
    b"hello\n",
    b"\r\n \n",
    b'{"id":1,"result":true,"error":null}\n',
    b'{"id":1,"jsonrpc":"2.0","error":null,"result":{"status":"OK"}}\n',
    b'{"id":1,"method":"eth_submitLogin","params":[]}\n',
    b'{"id":1,"method":null,"params":[]}\n',
    b'{"id":1,"method":"Login"}\n',
]


@pytest.mark.parametrize("first", UNDECIDED)
@pytest.mark.parametrize("together", [False, True])
def test_what_is_of_neither_dialect_leaves_both_open(first: bytes, together: bool) -> None:
    aion, login = Dialogue(FakeHouse()), Dialogue(FakeHouse())
    for miner, line in ((aion, SUBSCRIBE), (login, LOGIN)):
        if together:
            heard = miner.says(first, line)
        else:
            heard = miner.says(first)
            assert miner.session.dialect == UNKNOWN
            heard += miner.says(line)
        # Until it is told a miner is answered as an Aion miner is.
        assert heard[:-1] == [answer for answer in heard[:-1] if answer["error"][0] == 20]
        if miner is aion:
            assert heard[-1] == SUBSCRIBED
        else:
            assert is_logged_in(heard[-1:])
    assert (aion.session.dialect, login.session.dialect) == ("aion", "login")


def test_bad_lines_before_the_dialect_is_told_count_on() -> None:
    miner = Dialogue(FakeHouse())
    miner.says(b"junk\n", b"junk\n", LOGIN)
    (heard,) = miner.says(b"junk\n")
    assert "limits.bad_lines" in heard["error"]["message"]
    assert miner.session.closing == "bad_lines"


@pytest.mark.parametrize("dialect", ["aion", "login"])
def test_a_port_of_one_dialect_needs_no_telling(dialect: str) -> None:
    miner = Dialogue(FakeHouse(), at=door(dialects=[dialect]))
    assert miner.session.dialect == dialect
    (heard,) = miner.says(b"junk\n")
    assert heard["id"] is None
    assert ("jsonrpc" in heard) is (dialect == "login")


def test_a_miner_that_never_says_is_told_so_and_closed() -> None:
    miner = Dialogue(FakeHouse())
    assert miner.passes(10) == [no(None, 20, "no login within 10 s (limits.login_seconds)")]
    assert miner.session.dialect == UNKNOWN


def test_a_dialect_once_told_stays() -> None:
    miner = Dialogue(FakeHouse())
    miner.logs_in()
    for line in (LOGIN, keepalived("", 1)):
        assert miner.says(line) == [no(1, 20, f"unknown method {line['method']}")]
    assert miner.says(login_submit("", "1", "00", 1)) == [no(1, 20, "unknown method submit")]
    assert miner.session.dialect == "aion"
    other = LoginDialogue(FakeHouse())
    other.logs_in()
    for line in (SUBSCRIBE, AUTHORIZE, EXTRANONCE, submit("1", "00")):
        assert other.says(line) == [refusal(line["id"], "Invalid method")]
    assert other.session.dialect == "login"
    assert not miner.session.closing
    assert not other.session.closing


# ---- what a port does not take


def test_a_login_miner_at_an_aion_port_is_told_in_its_own_form_where_to_go() -> None:
    house = FakeHouse()
    miner = Dialogue(house, at=door(dialects=["aion"]))
    text = f"this port does not take the login dialect; {HINT}"
    assert miner.says(LOGIN, LOGIN, SUBSCRIBE) == [refusal(1, text)]
    assert (miner.session.closing, miner.session.close_detail) == ("wrong_dialect", text)
    assert not house.workers


def test_an_aion_miner_at_a_login_port_is_told_in_its_own_form_where_to_go() -> None:
    house = FakeHouse()
    miner = Dialogue(house, at=door(dialects=["login"]))
    text = f"this port does not take the aion dialect; {HINT}"
    assert miner.says(SUBSCRIBE, AUTHORIZE, LOGIN) == [no(1, 20, text)]
    assert (miner.session.closing, miner.session.close_detail) == ("wrong_dialect", text)
    assert not house.workers
    assert house.space is not None
    assert house.space.lent == 0


def test_so_it_is_after_lines_that_told_nothing() -> None:
    miner = Dialogue(FakeHouse(), at=door(dialects=["aion"]))
    miner.says(b"junk\n", {"id": 1, "method": "x"})
    assert miner.says(LOGIN)[0]["error"]["message"].endswith(HINT)
    assert miner.session.closing == "wrong_dialect"


def test_the_refusal_goes_to_the_request_whatever_its_id() -> None:
    for request_id in ("x", None, 2**70, [1], {"a": None}):
        miner = Dialogue(FakeHouse(), at=door(dialects=["aion"]))
        assert miner.says({**LOGIN, "id": request_id})[0]["id"] == request_id


# ---- lines


def test_an_aion_miner_has_the_shorter_line_also_on_a_port_for_both() -> None:
    """A line that long is none of its dialect."""
    limits = Limits()
    miner = Dialogue(FakeHouse(), at=door())
    assert miner.session.door.line_bytes == 65_536
    miner.logs_in()
    assert miner.says(b" " * limits.line_bytes + b"\n") == []
    text = f"a line of more than {limits.line_bytes} bytes (limits.line_bytes)"
    assert miner.says(b" " * (limits.line_bytes + 1) + b"\n") == [no(None, 20, text)]
    assert miner.session.closing == "line_too_long"


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_before_the_login_a_line_is_short_whether_it_ends_or_not(end: bytes) -> None:
    """Twenty thousand strangers with half a line each cost 80 MB, and not more than a gigabyte."""
    text = "a line of more than 4096 bytes (limits.login_line_bytes)"
    miner = Dialogue(FakeHouse(), at=door())
    assert miner.says(SUBSCRIBE, b" " * 4096 + b"\n") == [SUBSCRIBED]
    assert miner.says(b" " * 4097 + end) == [no(None, 20, text)]
    assert miner.session.closing == "line_too_long"


def test_a_shorter_limit_that_was_asked_for_holds_before_the_login_too() -> None:
    miner = Dialogue(FakeHouse(), Limits(line_bytes=2048))
    text = "a line of more than 2048 bytes (limits.line_bytes)"
    assert miner.says(b" " * 2049) == [no(None, 20, text)]


def test_a_connection_that_says_nothing_goes_sooner_than_one_that_is_slow() -> None:
    silent, slow = Dialogue(FakeHouse()), Dialogue(FakeHouse())
    slow.says(SUBSCRIBE)
    for miner in (silent, slow):
        miner.says(b'{"id":1,')  # half a line is none
        miner.passes(5)
    assert silent.session.closing == "first_line_timeout"
    assert not slow.hears()
    slow.passes(5)
    assert slow.session.closing == "login_timeout"


def test_a_login_time_shorter_than_that_for_a_line_holds() -> None:
    miner = Dialogue(FakeHouse(), Limits(login_seconds=2))
    miner.passes(2)
    assert miner.session.closing == "login_timeout"


# ---- houses


class FullHouse(FakeHouse):
    """A house that sends everybody to another; they count workers together, as all houses do."""

    def __init__(self, other: FakeHouse) -> None:
        super().__init__()
        self.other = other
        self.workers = other.workers

    def admit(self, session: Guest) -> FakeHouse:
        """Go there."""
        return self.other


@pytest.mark.parametrize("dialect", ["aion", "login"])
def test_a_session_belongs_to_the_house_that_takes_it_in(dialect: str) -> None:
    other = FakeHouse(None)
    full = FullHouse(other)
    miner = Dialogue(full) if dialect == "aion" else LoginDialogue(full)
    said = [SUBSCRIBE, AUTHORIZE, EXTRANONCE] if dialect == "aion" else [LOGIN]
    miner.says(*said)
    assert list(other.held) == [miner.session]
    assert not full.held
    other.pool_comes("beef")
    miner.hears()
    assert miner.prefix == "beef00000000"
    assert other.space is not None
    assert full.space is not None
    assert (other.space.lent, full.space.lent) == (1, 0)
    line = submit("1", miner.nonce) if dialect == "aion" else login_submit("", "1", "00" * 32)
    miner.says(line)
    assert (len(other.judged), len(full.judged)) == (1, 0)
    miner.session.end(0.0)
    assert other.space.lent == 0
    assert not other.workers


# ---- whatever happens

GOOD = [
    json.dumps(line).encode()
    for line in (
        SUBSCRIBE,
        AUTHORIZE,
        EXTRANONCE,
        submit("0000000001001", "00" * 20),
        LOGIN,
        keepalived("0000000000000001"),
        login_submit("0000000000000001", "0000000001001", "00" * 32, result="00" * 32, sig="ab" * 64),
        {"id": 1, "method": "getjob"},
    )
]
METHODS = (
    *(b"mining.subscribe", b"mining.authorize", b"mining.submit", b"mining.extranonce.subscribe"),
    *(b"login", b"submit", b"keepalived", b"getjob"),
)
MEMBERS = (
    *(b"login", b"pass", b"agent", b"rigid", b"algo", b"id", b"job_id", b"nonce", b"result"),
    *(b"solution", b"output", b"pow", b"ntime", b"sig", b"commitment"),
)
hostile_lines = (
    st.sampled_from(GOOD)
    | objects(*METHODS, members=MEMBERS)
    | damaged(GOOD)
    | replaced(GOOD)
    | st.sampled_from(NASTY)
).map(lambda line: line + b"\n")
events = ["pool comes", "pool goes", "new job", "hard job", "passes", "given", "verdict", "end"]
acts = st.one_of(hostile_lines, hostile_lines, st.binary(max_size=40), st.sampled_from(events))
some_limits = Limits(line_bytes=2048, bad_lines=1000)
doors = [
    door(some_limits),
    door(some_limits, dialects=["aion"]),
    door(some_limits, dialects=["login"]),
    blob_door(target_digits=8),
]


@patient
@given(
    st.lists(acts, max_size=25),
    st.integers(1, 400),
    st.booleans(),
    st.booleans(),
    st.sampled_from(doors),
)
def test_whatever_comes_nothing_raises_and_all_that_was_lent_comes_back(
    acts: list[bytes | str], piece: int, forward: bool, begins_up: bool, at: Door
) -> None:
    blob = at.proof is None
    house = FakeHouse(EXTRANONCE1 if begins_up else None, blob=blob)
    house.verdict = None if forward else Verdict(Reason.STALE)
    spaces = {house.space} if house.space else set()
    miner = Dialogue(house, at=at)
    answers = 0
    for act in acts:
        match act:
            case bytes():
                for start in range(0, len(act), piece):
                    miner.session.receive(act[start : start + piece], miner.now)
            case "pool comes":
                house.pool_comes("beef", miner.now)
                assert house.space
                spaces.add(house.space)
            case "pool goes":
                house.pool_goes()
            case "new job" | "hard job" if house.space:
                house.new_job(target=2**200 if act == "hard job" else 2**255, now=miner.now)
            case "passes":
                miner.passes(5)
            case "given":
                miner.is_given_work()
            case "verdict" if house.unanswered:
                house.pool_says(Verdict(Reason.ACCEPTED))
                answers += 1
            case "end":
                break
        # Every line of it is one of JSON, or this fails.
        miner.hears()
        assert miner.session.dialect in (UNKNOWN, "aion", "login")
    assert miner.session.unanswered == (len(house.judged) - answers if forward else 0)
    miner.session.end(0.0)
    while house.unanswered:
        house.pool_says(Verdict(Reason.LOST))
    miner.hears()
    assert all(space.lent == 0 for space in spaces)
    assert not house.held
    assert not house.workers


@patient
@given(st.lists(st.sampled_from([*GOOD, b"", b" ", b"junk"]), max_size=20), st.data())
def test_how_the_bytes_are_cut_does_not_matter(lines: list[bytes], data: st.DataObject) -> None:
    text = b"".join(line + b"\n" for line in lines)
    whole, cut = Dialogue(FakeHouse()), Dialogue(FakeHouse())
    expected = whole.says(text)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    heard: list[Line] = []
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        heard += cut.says(text[start:end])
    assert heard == expected
    assert cut.session.dialect == whole.session.dialect


def conversation(miner: Dialogue, house: FakeHouse, between: Iterable[Any]) -> list[Line]:
    """A good miner's day, with something else between its lines."""
    others = iter(between)
    heard: list[Line] = []
    for line in (LOGIN, keepalived("", 2), login_submit("", "1", "00" * 32, 3), LOGIN):
        next(others, None)
        heard += miner.says(line)
    house.new_job(header="ab" * 32)
    next(others, None)
    return heard + miner.is_given_work()


@patient
@given(st.lists(hostile_lines | st.binary(max_size=40), min_size=5, max_size=5))
def test_the_junk_of_one_miner_leaves_anothers_dialogue_untouched(junk: list[bytes]) -> None:
    quiet = FakeHouse()
    # The second session of its house, there as here.
    Dialogue(quiet)
    expected = conversation(LoginDialogue(quiet), quiet, [])
    house = FakeHouse(own_bytes=4)
    nuisance = Dialogue(house, some_limits)
    miner = LoginDialogue(house)
    heard = conversation(miner, house, (nuisance.says(line) for line in junk))
    assert [_without_slice(line) for line in heard] == [_without_slice(line) for line in expected]
    assert heard[1:4] == [ok(2, "KEEPALIVED"), ok(3), refusal(1, "logged in already")]
    assert yes(1) not in heard


def _without_slice(line: Line) -> str:
    """All but which part of the nonces it has: a nuisance may have been lent one first."""
    text = json.dumps(line)
    for number in ("00000000", "00000001"):
        text = text.replace(EXTRANONCE1 + number, "slice")
    return text


def test_output_is_what_was_said_and_written_once() -> None:
    miner = Dialogue(FakeHouse())
    miner.session.receive(written(SUBSCRIBE), 1000.0)
    assert miner.session.take_output().endswith(b"\n")
    assert miner.session.take_output() == b""
