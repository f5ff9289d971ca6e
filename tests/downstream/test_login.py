"""Dialogues with one miner of the login dialect: how it gets in, what work it is given, when it has to go.

Each holds a rule that XMRig needs of a server; its shares are in test_login_shares.py.
"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config import Limits
from proxy.model.share import Reason, Verdict
from proxy.model.target import MAX_TARGET, to_hex
from proxy.wire.loginjobs import JobForm
from tests.downstream.farms import blob_door, farm
from tests.kit.miners import (
    EXTRANONCE1,
    LOGIN,
    Dialogue,
    FakeHouse,
    Line,
    LoginDialogue,
    blob_job,
    blob_work,
    door,
    keepalived,
    login,
    login_submit,
    ok,
    refusal,
    written,
)
from tests.wire import xmrig
from tests.wire.hostile import patient

PREFIX = EXTRANONCE1 + "00000000"
SLUICES_LOGIN = {**LOGIN, "params": {**LOGIN["params"], "agent": "sluice/0.1.0"}}
NO_LOGIN = "no login within 10 s (limits.login_seconds)"
IDLE = "no share for 600 s (limits.idle_seconds)"


def job(house: FakeHouse, miner: Dialogue, first: bool = False) -> Line:
    """The object that gives a house's current job of Equihash work to a miner."""
    work = house.works[0]
    prefix, session = miner.prefix, f"{int(miner.alias, 16):016x}"
    clean = {} if work.job.clean else {"clean": False}
    return {
        "job_id": work.id + (miner.alias if first else ""),
        "algo": "equihash/48_5",
        "pers": "AION0PoW",
        "blob": work.job.header + prefix.ljust(64, "0"),
        "xn": prefix,
        "nonceoffset": 32 + len(prefix) // 2,
        "noncebytes": 32 - len(prefix) // 2,
        "target": work.target.hex(),
        "id": session,
        **clean,
    }


def notified(params: Line) -> Line:
    """The line that gives a job."""
    return {"jsonrpc": "2.0", "method": "job", "params": params}


def raw(miner: LoginDialogue) -> list[bytes]:
    """What waits for a miner, line by line as it goes out."""
    return miner.session.take_output().splitlines(keepends=True)


def blob_house() -> FakeHouse:
    """A house with blob work."""
    return FakeHouse("", blob=True)


def cpu(house: Any, target_digits: int = 0) -> LoginDialogue:
    """A miner of blob work."""
    return LoginDialogue(house, at=blob_door(target_digits=target_digits))


# ---- logging in


def test_xmrig_logs_in_and_its_answer_holds_the_first_job() -> None:
    house = FakeHouse()
    miner = LoginDialogue(house)
    assert miner.says(LOGIN) == [
        {
            "id": 1,
            "jsonrpc": "2.0",
            "error": None,
            "result": {
                "id": f"{int(miner.alias, 16):016x}",
                "job": job(house, miner, first=True),
                "extensions": ["algo", "keepalive"],
                "status": "OK",
            },
        }
    ]
    assert miner.job["target"] == "f" * 64
    assert miner.prefix == PREFIX
    assert miner.session.worker == "rig1"
    assert miner.session.agent == LOGIN["params"]["agent"]
    assert house.workers == {"rig1": 1}


def test_xmrig_takes_what_a_login_to_blob_work_is_answered_with() -> None:
    house = blob_house()
    miner = cpu(house)
    miner.session.receive(written(LOGIN), miner.now)
    (line,) = raw(miner)
    session = xmrig.hear_session(line)
    assert session.extensions == {"algo", "nicehash", "keepalive"}
    assert json.loads(line)["result"]["extensions"] == ["algo", "nicehash", "keepalive"]
    assert session.job.top == 1, "never byte 0, which looks like a nonce that is all the miner's"
    given = json.loads(line)["result"]["job"]
    assert given == {
        "blob": f"1010{1:074x}" + "00000001" + "cd" * 33,
        "job_id": house.works[0].id + miner.alias,
        "target": "b88d0600",
        "algo": "rx/0",
        "height": 101,
        "seed_hash": "5e" * 32,
    }


def test_keepalive_is_always_among_the_extensions_and_nicehash_only_where_the_nonce_is_split() -> None:
    """Without the one XMRig is silent and so idle; with the other it leaves a byte alone that is its own."""
    for miner in (LoginDialogue(FakeHouse()), cpu(blob_house())):
        miner.session.receive(written(LOGIN), miner.now)
        extensions = json.loads(raw(miner)[0])["result"]["extensions"]
        assert "keepalive" in extensions
        assert ("nicehash" in extensions) is (miner.session.door.proof is None)


def test_the_answer_is_one_compact_line() -> None:
    miner = LoginDialogue(FakeHouse())
    miner.session.receive(written(LOGIN), miner.now)
    (line,) = raw(miner)
    assert line.startswith(b'{"id":1,"jsonrpc":"2.0","error":null,"result":{"id":"')
    assert b" " not in line
    assert len(line) < xmrig.MOST_LINE


@pytest.mark.parametrize(
    ("params", "worker", "agent"),
    [
        ({}, "unnamed", ""),
        ({"login": "w"}, "w", ""),
        ({"pass": "x"}, "unnamed", ""),
        ({"agent": "XMRig/6"}, "unnamed", "XMRig/6"),
        ({"rigid": "rig7"}, "rig7", ""),
        ({"login": "w", "rigid": "rig7"}, "rig7", ""),
        ({"login": "w", "rigid": ""}, "w", ""),
        ({"login": None, "pass": None, "agent": None, "rigid": None, "algo": None}, "unnamed", ""),
        ({"login": 17, "pass": [], "agent": {}, "rigid": True}, "unnamed", ""),
        ({"login": "w", "algo": []}, "w", ""),
        ({"login": "w", "algo": ["rx/0"]}, "w", ""),
        ({"login": "w", "algo": "x", "algo-perf": {"rx/0": 1}, "nicehash": [1, {"a": 2}]}, "w", ""),
    ],
)
def test_every_parameter_may_be_missing_and_the_rig_names_the_worker(
    params: Line, worker: str, agent: str
) -> None:
    house = FakeHouse()
    miner = LoginDialogue(house)
    (line,) = miner.says(login(**params))
    assert line["result"]["job"]["job_id"]
    assert (miner.session.worker, miner.session.agent) == (worker, agent)
    assert house.workers == {worker: 1}


def test_unknown_fields_do_no_harm() -> None:
    miner = LoginDialogue(FakeHouse())
    (line,) = miner.says({**LOGIN, "x": {"y": []}, "result": None, "error": None, "worker": 17})
    assert line["result"]["status"] == "OK"


@pytest.mark.parametrize("params", [None, [], "w", 5, {"rigid": "a\x1b[2J"}, {"login": "x" * 257}])
def test_a_login_that_makes_no_sense_is_answered_and_may_be_put_right(params: object) -> None:
    house = FakeHouse()
    miner = LoginDialogue(house)
    (line,) = miner.says({"id": 1, "method": "login", "params": params})
    assert line["id"] == 1
    assert line["error"]["code"] == -1
    assert not miner.session.closing
    assert not house.workers
    assert miner.logs_in()


def test_a_second_login_is_refused_and_nothing_else_changes() -> None:
    house = FakeHouse()
    miner = LoginDialogue(house)
    miner.logs_in("rig1")
    session, job_id, prefix = miner.session_id, miner.job_id, miner.prefix
    assert miner.says(login(9, rigid="rig2", agent="other")) == [refusal(9, "logged in already")]
    assert (miner.session.worker, miner.session.agent, miner.prefix) == ("rig1", "", prefix)
    assert house.workers == {"rig1": 1}
    assert house.space is not None
    assert house.space.lent == 1
    assert not miner.session.closing
    assert miner.says(login_submit(session, job_id, "00" * 32, 3, result="00" * 36)) == [ok(3)]


@pytest.mark.parametrize(
    "request_id", [0, -1, 1, 1.5, "x", '"\\', "", None, True, [1, {"a": None}], {"a": [2]}, 2**70]
)
def test_ids_of_any_type_are_echoed(request_id: Any) -> None:
    miner = LoginDialogue(FakeHouse())
    said = [
        login(request_id),
        login(request_id),
        keepalived("", request_id),
        login_submit("", "1", "00", request_id),
        {"id": request_id, "method": "getjob"},
        {"id": request_id, "method": "submit"},
    ]
    assert [line["id"] for line in miner.says(*said)] == [request_id] * 6


def test_an_absent_id_is_answered_with_null() -> None:
    assert LoginDialogue(FakeHouse()).says({"method": "login", "params": {}})[0]["id"] is None


def test_miners_have_slices_and_sessions_of_their_own() -> None:
    house = FakeHouse()
    miners = [LoginDialogue(house) for _ in range(20)]
    for miner in miners:
        miner.logs_in()
    assert len({miner.job["xn"] for miner in miners}) == 20
    assert len({miner.session_id for miner in miners}) == 20
    assert all(len(miner.session_id) == 16 for miner in miners)


def test_no_slice_free_is_said_to_the_login_and_closes() -> None:
    house = FakeHouse(own_bytes=1)
    assert house.space is not None
    while house.space.lend():
        pass
    miner = LoginDialogue(house)
    assert miner.says(LOGIN) == [refusal(1, "no nonce slice free")]
    assert miner.session.closing == "no_slice"


# ---- without work


def test_a_login_is_held_while_no_pool_is_up_and_answered_with_the_first_job() -> None:
    house = FakeHouse(None)
    miner = LoginDialogue(house)
    assert miner.says(LOGIN) == []
    house.pool_comes()
    (line,) = miner.hears()
    assert line["id"] == 1
    assert line["result"]["job"] == job(house, miner, first=True)
    assert miner.is_given_work() == [], "the answer was its first job"


def test_a_login_that_waits_for_work_is_not_closed_for_it() -> None:
    house = FakeHouse(None)
    miner = LoginDialogue(house)
    miner.passes(4)
    miner.says(LOGIN)
    assert miner.passes(10_000) == []
    assert not miner.session.closing
    house.pool_comes(now=miner.now)
    assert miner.hears()[0]["result"]["status"] == "OK"
    # Then its time to find a share begins.
    assert miner.passes(599) == []
    assert miner.passes(1) == [refusal(None, IDLE)]


def test_whatever_is_said_while_a_login_waits_is_answered_and_costs_no_place() -> None:
    house = FakeHouse(None)
    miner = LoginDialogue(house)
    miner.says(LOGIN)
    assert miner.says(login(2), keepalived("", 3), login_submit("", "1", "00", 4)) == [
        refusal(2, "logged in already"),
        refusal(3, "log in first"),
        refusal(4, "Unauthenticated"),
    ]
    house.pool_comes()
    assert [line["id"] for line in miner.hears()] == [1]


def test_held_miners_are_let_in_in_order_and_those_gone_are_not() -> None:
    house = FakeHouse(None)
    miners = [LoginDialogue(house) for _ in range(3)]
    for miner in miners:
        miner.says(LOGIN)
    gone = miners.pop(1)
    gone.session.end(0.0)
    house.pool_comes()
    assert [miner.hears()[0]["result"]["job"]["xn"] for miner in miners] == [
        f"{EXTRANONCE1}00000000",
        f"{EXTRANONCE1}00000001",
    ]
    assert gone.hears() == []


def test_a_pool_that_goes_costs_no_connection() -> None:
    house = FakeHouse()
    miner = LoginDialogue(house)
    miner.logs_in()
    house.pool_goes()
    assert miner.passes(10_000) == []
    assert miner.says(keepalived("")) == [ok(7, "KEEPALIVED")]
    assert not miner.session.closing


# ---- no job twice: XMRig would hang up, and on a login even try for ever


def test_the_first_job_has_another_id_on_every_connection() -> None:
    for house, connect in ((FakeHouse(), LoginDialogue), (blob_house(), cpu)):
        ids = set()
        for _ in range(20):
            miner = connect(house)
            ids.add(miner.logs_in())
            miner.session.end(0.0)
        assert len(ids) == 20
        assert house.works[0].id not in ids, "nor the one that it may have had as a later job"


def test_the_same_work_is_not_announced_twice() -> None:
    house = FakeHouse()
    miner = LoginDialogue(house)
    miner.logs_in()
    assert miner.is_given_work() == []
    house.new_job()
    assert len(miner.is_given_work()) == 1
    assert miner.is_given_work() == []


def test_a_job_that_the_pool_only_renamed_is_not_sent_again() -> None:
    made = farm(blob=True)
    made.pool.comes_with_blobs()
    miner = made.login_miner()
    renamed = blob_work()
    renamed.job_id = "other"
    made.pool.gives_blob(renamed)
    assert miner.is_given_work() == []
    assert miner.submits("00000001", result="00" * 32) == []
    assert made.pool.got[0].job.pool_id == "other"


ACTS = ["new job", "same job", "other target", "rename", "pool comes", "pool goes", "fan out", "reconnect"]


@patient
@given(st.lists(st.tuples(st.sampled_from(ACTS), st.integers(1, 3)), max_size=30))
def test_no_job_is_ever_equal_to_an_earlier_one_whatever_pool_and_miner_do(
    acts: list[tuple[str, int]],
) -> None:
    made = farm(blob=True)
    pool, relay = made.pool, made.relay
    pool.comes_with_blobs()
    seen: list[xmrig.Job] = []
    miner = cpu(relay)
    miner.session.receive(written(LOGIN), miner.now)
    held = True
    for act, number in [*acts, ("pool comes", 1), ("fan out", 1)]:
        match act:
            case "new job" | "same job" | "rename" if pool.is_up:
                pool.gives_blob(blob_work(number))
            case "other target" if pool.is_up:
                pool.gives_blob(blob_work(1, f"{number:02x}8d0600"))
            case "pool comes":
                pool.comes_with_blobs(blob_work(number))
            case "pool goes":
                pool.goes()
            case "fan out" if relay.works and miner.session.at_work:
                miner.session.say(miner.session.offer(relay.works, miner.now))
            case "reconnect":
                miner.session.end(0.0)
                miner, held = cpu(relay), True
                miner.session.receive(written(LOGIN), miner.now)
        for line in raw(miner):
            seen.append(xmrig.hear_session(line).job if held else xmrig.hear_job(line))
            held = False
    assert seen
    assert len({(job.id, job.blob, job.target) for job in seen}) == len(seen)
    # By its id alone, too, which is what shares name.
    assert len({job.id for job in seen}) == len(seen)


# ---- work


def test_every_job_is_one_compact_line_of_just_this_form() -> None:
    house = FakeHouse()
    miner = LoginDialogue(house)
    miner.logs_in()
    work = house.new_job(target=0xABCDEF, header="ab" * 32)
    miner.session.say(miner.session.offer(house.works, miner.now))
    text = (
        f'{{"jsonrpc":"2.0","method":"job","params":{{"job_id":"{work.id}","algo":"equihash/48_5",'
        f'"pers":"AION0PoW","blob":"{"ab" * 32}{PREFIX}{"00" * 20}","xn":"{PREFIX}","nonceoffset":44,'
        f'"noncebytes":20,"target":"{to_hex(0xABCDEF)}","id":"{miner.session_id}"}}}}\n'
    )
    assert miner.session.take_output() == text.encode()


def test_xmrig_takes_every_job_of_blob_work() -> None:
    house = blob_house()
    miner = cpu(house)
    miner.logs_in()
    work = house.new_job()
    miner.session.say(miner.session.offer(house.works, miner.now))
    (line,) = raw(miner)
    heard = xmrig.hear_job(line)
    assert (heard.id, heard.top) == (work.id, 1)
    assert heard.target << 192 == int.from_bytes(work.target, "big")


def test_a_new_extranonce_is_a_new_job_and_nothing_else() -> None:
    house = FakeHouse()
    miner = LoginDialogue(house)
    miner.logs_in()
    old = house.space
    house.pool_goes()
    assert miner.is_given_work() == []
    house.pool_comes("beef")
    assert miner.is_given_work() == [notified(job(house, miner))]
    assert (miner.job["xn"], miner.job["nonceoffset"], miner.job["noncebytes"]) == ("beef00000000", 38, 26)
    assert old is not None
    assert old.lent == 0


def test_another_byte_of_a_blob_is_a_new_job_and_nothing_else() -> None:
    house = blob_house()
    others = [cpu(house), cpu(house)]
    for other in others:
        other.logs_in()
    miner = cpu(house)
    miner.logs_in()
    assert miner.job["blob"][78:86] == "00000003"
    house.pool_comes()
    (line,) = miner.is_given_work()
    assert line["method"] == "job"
    assert line["params"]["blob"][78:86] == "00000001", "a new connection has all its bytes free"


def test_a_new_target_is_a_new_job_with_the_same_blob() -> None:
    house = FakeHouse()
    miner = LoginDialogue(house)
    miner.logs_in()
    before = miner.job
    house.new_job(target=5, header=house.works[0].job.header)
    assert miner.is_given_work() == [notified(job(house, miner))]
    assert {key for key in miner.job if miner.job[key] != before[key]} == {"job_id", "target"}
    assert miner.job["target"] == to_hex(5)


def test_only_a_job_that_is_not_clean_says_so() -> None:
    for house, connect in ((FakeHouse(), LoginDialogue), (blob_house(), cpu)):
        miner = connect(house)
        miner.logs_in()
        assert "clean" not in miner.job
        unclean = blob_work(7)
        unclean.clean = False
        if miner.session.door.proof is None:
            house.take(blob_job(unclean))
        else:
            house.new_job(clean=False)
        miner.is_given_work()
        assert miner.job["clean"] is False
        house.new_job()
        miner.is_given_work()
        assert "clean" not in miner.job


def test_no_slice_in_the_new_space_closes() -> None:
    house = FakeHouse(own_bytes=1)
    miner = LoginDialogue(house)
    miner.logs_in()
    house.pool_comes()
    assert house.space is not None
    while house.space.lend():
        pass
    assert miner.is_given_work() == []
    assert miner.session.closing == "no_slice"


# ---- targets for who cannot read 64 digits


def short(digits: int) -> Any:
    """A door whose jobs have targets of so many digits."""
    return door(job_form=JobForm("equihash/48_5", "AION0PoW", target_digits=digits))


@pytest.mark.parametrize(
    ("digits", "target", "text"),
    [
        (16, MAX_TARGET, "ff" * 8),
        (16, 0x0123456789ABCDEF << 192, "efcdab8967452301"),
        (16, (0x0123456789ABCDEF << 192) + 2**192 - 1, "efcdab8967452301"),
        (16, 1 << 192, "0100000000000000"),
        (8, 0x01234567 << 224, "67452301"),
        (8, (0x01234567 << 224) + 2**224 - 1, "67452301"),
        (8, 1 << 224, "01000000"),
    ],
)
def test_a_short_target_is_rounded_down(digits: int, target: int, text: str) -> None:
    house = FakeHouse()
    house.new_job(target)
    miner = LoginDialogue(house, at=short(digits))
    miner.logs_in()
    assert miner.job["target"] == text
    # What the miner takes for good is below the whole target.
    assert int.from_bytes(bytes.fromhex(text), "little") << (256 - 4 * digits) <= target


@pytest.mark.parametrize(("digits", "target"), [(16, 2**192 - 1), (8, 2**224 - 1), (8, 1)])
def test_a_target_of_which_nothing_is_left_closes_with_one_clear_line(digits: int, target: int) -> None:
    """XMRig divides by it."""
    house = FakeHouse()
    house.new_job(target)
    miner = LoginDialogue(house, at=short(digits))
    (line,) = miner.says(LOGIN)
    text = f"the difficulty of {2**256 / target:.6g} is too high for a target of {digits} digits"
    assert line == refusal(1, f"{text} (listen.target_digits)")
    assert miner.session.closing == "target_too_hard"
    assert miner.session.close_detail
    assert miner.is_given_work() == []


def test_so_does_one_that_comes_later() -> None:
    house = FakeHouse()
    miner = LoginDialogue(house, at=short(8))
    miner.logs_in()
    house.new_job(1)
    (line,) = miner.is_given_work()
    assert line["id"] is None
    assert "too high for a target of 8 digits" in line["error"]["message"]
    assert miner.session.closing == "target_too_hard"
    house.new_job()
    assert miner.is_given_work() == []


@pytest.mark.parametrize("digits", [0, 8, 16])
def test_blob_targets_of_either_length_are_the_pools_as_xmrig_reads_them(digits: int) -> None:
    house = blob_house()
    miner = cpu(house, digits)
    miner.session.receive(written(LOGIN), miner.now)
    (line,) = raw(miner)
    assert len(json.loads(line)["result"]["job"]["target"]) == (digits or 8)
    assert xmrig.hear_session(line).job.target << 192 == int.from_bytes(house.works[0].target, "big")


# ---- being there


@pytest.mark.parametrize("session", ["", "ffffffffffffffff", None, 5, ["x"]])
def test_keepalived_is_answered_whatever_session_it_names(session: object) -> None:
    miner = LoginDialogue(FakeHouse())
    miner.logs_in()
    assert miner.says(keepalived(session)) == [ok(7, "KEEPALIVED")]
    assert miner.says({"id": 8, "method": "keepalived"}) == [ok(8, "KEEPALIVED")]


def test_keepalived_and_shares_count_as_presence_and_nothing_else_does() -> None:
    house = FakeHouse()
    miner = LoginDialogue(house)
    miner.logs_in()
    miner.passes(599)
    miner.says(keepalived(miner.session_id))
    assert miner.passes(599) == []
    miner.submits("junk")
    assert miner.passes(599) == []
    house.new_job()
    miner.is_given_work()
    miner.says(login(), {"id": 5, "method": "getjob", "params": {}})
    assert miner.passes(1) == [refusal(None, IDLE)]
    assert miner.session.closing == "idle"


def test_keepalived_before_login_does_not_buy_time() -> None:
    miner = LoginDialogue(FakeHouse())
    miner.passes(4)
    assert miner.says(keepalived("")) == [refusal(7, "log in first")]
    miner.passes(5)
    assert miner.says(keepalived("")) == [refusal(7, "log in first")]
    assert miner.passes(1) == [refusal(None, NO_LOGIN)]


def test_login_has_to_come_within_10_seconds() -> None:
    miner = LoginDialogue(FakeHouse(), at=door(dialects=["login"]))
    miner.says(keepalived(""))
    assert miner.passes(9.9) == []
    assert miner.passes(0.1) == [refusal(None, NO_LOGIN)]
    assert miner.session.closing == "login_timeout"
    assert miner.says(LOGIN) == []


# ---- lines


@pytest.mark.parametrize("method", ["getjob", "job", "mining.subscribe", "mining.submit", "x", ""])
def test_an_unknown_method_is_invalid_and_costs_nothing(method: str) -> None:
    miner = LoginDialogue(FakeHouse())
    miner.logs_in()
    for number in range(5):
        assert miner.says({"id": number, "method": method, "params": {}}) == [
            refusal(number, "Invalid method")
        ]
    assert not miner.session.closing


def padded(size: int) -> bytes:
    """A login in a line of so many bytes without its end."""
    line = json.dumps(login(login="w", algo=[""]), separators=(",", ":")).encode()
    return line.replace(b'""', b'"%s"' % (b"x" * (size - len(line))))


@pytest.mark.parametrize("size", [16_385, 60_000, 65_536])
@pytest.mark.parametrize("dialects", [["login"], ["aion", "login"]])
def test_lines_of_up_to_64_kib_are_taken(size: int, dialects: list[str]) -> None:
    miner = LoginDialogue(FakeHouse(), at=door(dialects=dialects))
    line = padded(size)
    assert len(line) == size
    miner.logs_in()
    assert miner.says(line[:10_000]) == []
    assert miner.says(line[10_000:] + b"\n") == [refusal(1, "logged in already")]


def test_the_login_itself_has_room_for_many_times_what_miners_send() -> None:
    miner = LoginDialogue(FakeHouse(), at=door(dialects=["login"]))
    assert miner.says(padded(4096) + b"\n")[0]["result"]["status"] == "OK"
    stranger = LoginDialogue(FakeHouse(), at=door(dialects=["login"]))
    text = "a line of more than 4096 bytes (limits.login_line_bytes)"
    assert stranger.says(padded(4097) + b"\n") == [refusal(None, text)]


def test_a_longer_line_closes() -> None:
    miner = LoginDialogue(FakeHouse(), at=door(dialects=["login"]))
    miner.logs_in()
    text = "a line of more than 65536 bytes (limits.line_bytes)"
    assert miner.says(padded(65_537) + b"\n", LOGIN) == [refusal(None, text)]
    assert miner.session.closing == "line_too_long"


def test_a_limit_that_was_asked_for_holds_here_too() -> None:
    miner = LoginDialogue(FakeHouse(), at=door(Limits(line_bytes=2048), dialects=["login"]))
    assert "more than 2048 bytes" in miner.says(padded(2049) + b"\n")[0]["error"]["message"]


def test_crlf_and_blank_lines_are_read_but_never_written() -> None:
    miner = LoginDialogue(FakeHouse())
    data = b"\r\n\n  \n" + written(LOGIN).replace(b"\n", b"\r\n") + b"\t\n"
    assert [line["id"] for line in miner.says(data)] == [1]


@pytest.mark.parametrize("line", [b"{", b"[]", b"hello", b'{"id":1', b'{"method":5}', b"\xc3\x28"])
def test_bad_lines_have_one_error_each_and_the_third_closes(line: bytes) -> None:
    miner = LoginDialogue(FakeHouse())
    miner.logs_in()
    for _ in range(2):
        (heard,) = miner.says(line + b"\n")
        assert heard["id"] is None
        assert heard["error"]["code"] == -1
        assert not miner.session.closing
    (heard,) = miner.says(line + b"\n", LOGIN)
    assert "limits.bad_lines" in heard["error"]["message"]
    assert miner.session.closing == "bad_lines"


def test_a_reply_to_nothing_is_passed_over() -> None:
    miner = LoginDialogue(FakeHouse())
    miner.logs_in()
    assert miner.says({"id": 1, "result": {"status": "OK"}, "error": None}) == []


def test_nothing_we_say_but_unauthenticated_is_fatal_to_xmrig() -> None:
    """It hangs up on some texts; so everything that can be refused is, and none of it reads so."""
    house = FakeHouse(own_bytes=1)
    miner = LoginDialogue(house, at=short(8))
    heard = miner.says(keepalived(""), {"id": 1, "method": "login"}, login(rigid="\x00"), LOGIN, LOGIN)
    heard += miner.says(b"{\n", {"id": 1, "method": "getjob"}, {"id": 1, "method": "submit", "params": []})
    for reason in Reason:
        house.verdict = Verdict(reason, "so")
        heard += miner.submits()
    heard += miner.submits(sig="x") + miner.submits(pow=[1])
    house.new_job(1)
    heard += miner.is_given_work()
    late, idle = LoginDialogue(house, at=door(dialects=["login"])), LoginDialogue(house)
    heard += late.passes(10)
    house.new_job()
    idle.logs_in()
    heard += idle.passes(600)
    assert house.space is not None
    while house.space.lend():
        pass
    heard += LoginDialogue(house).says(LOGIN)
    heard += LoginDialogue(house, at=door(dialects=["aion"])).says(LOGIN)
    heard += LoginDialogue(house, at=door(dialects=["login"])).says(b"GET / HTTP/1.1\n")
    heard += LoginDialogue(house, at=door(dialects=["login"])).says(padded(70_000))
    texts = [line["error"]["message"] for line in heard if line.get("error")]
    assert len(set(texts)) > 20
    assert {text for text in texts if text.lower().startswith(xmrig.FATAL)} == {"Unauthenticated"}


def test_output_waits_for_its_carrier_which_is_woken_once() -> None:
    miner = LoginDialogue(FakeHouse())
    miner.says(LOGIN)
    assert miner.woken == 1
    miner.says(keepalived(""), keepalived(""))
    assert miner.woken == 2


def test_another_sluice_is_told_that_blob_work_is_not_split_twice() -> None:
    house = FakeHouse(blob=True)
    miner = LoginDialogue(house, at=blob_door())
    (line,) = miner.says(SLUICES_LOGIN)
    assert "connect this Sluice to the pool itself" in line["error"]["message"]
    assert miner.session.closing == "proxy_in_between"
    assert house.space is not None
    assert house.space.lent == 0


def test_of_equihash_work_another_sluice_is_a_miner_as_any_other() -> None:
    miner = LoginDialogue(FakeHouse())
    (line,) = miner.says(SLUICES_LOGIN)
    assert line["result"]["status"] == "OK"
