"""Dialogues with one miner: how it gets in, what work it is given, when it has to go."""

import pytest

from proxy.config import Limits
from proxy.downstream.aion import FIRST_JOB_DELAY
from proxy.model.share import Reason, Verdict
from proxy.model.target import MAX_TARGET, to_hex
from tests.kit.miners import (
    AUTHORIZE,
    EXTRANONCE,
    EXTRANONCE1,
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

PREFIX = EXTRANONCE1 + "00000000"
SUBSCRIBED: Line = {"id": 1, "result": [None, PREFIX], "error": None}
SET_TARGET = notified("mining.set_target", "f" * 64)


def job(house: FakeHouse, first_of: Dialogue | None = None) -> Line:
    """The line that gives a house's current job, to one miner if it is that one's first."""
    work = house.works[0]
    job_id = work.id + (first_of.alias if first_of else "")
    return notified("mining.notify", job_id, True, work.target.hex(), work.job.header)


# ---- logging in


def test_reference_miner_logs_in_in_its_order() -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    assert miner.says(SUBSCRIBE) == [SUBSCRIBED]
    assert miner.says(AUTHORIZE) == [yes(2)]
    # Its solvers are sure to listen only now.
    assert miner.says(EXTRANONCE) == [yes(3), SET_TARGET, job(house, miner)]
    assert miner.session.agent == "nheqminer/0.2.1"
    assert miner.session.worker == "rig1"
    assert house.workers == {"rig1": 1}


def test_a_job_has_exactly_four_parameters_as_the_reference_miner_reads_them() -> None:
    house = FakeHouse()
    house.new_job(target=0xABCDEF, header="ab" * 32)
    miner = Dialogue(house)
    miner.says(SUBSCRIBE, AUTHORIZE)
    line = miner.says(EXTRANONCE)[-1]
    assert line == notified(
        "mining.notify", house.works[0].id + miner.alias, True, to_hex(0xABCDEF), "ab" * 32
    )
    assert line["id"] is None


def test_first_job_waits_for_miners_that_do_not_ask_for_extranonce_changes() -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    assert miner.says(SUBSCRIBE, AUTHORIZE) == [SUBSCRIBED, yes(2)]
    assert miner.passes(FIRST_JOB_DELAY / 2) == []
    assert miner.passes(FIRST_JOB_DELAY) == [SET_TARGET, job(house, miner)]
    assert miner.says(EXTRANONCE) == [yes(3)]


@pytest.mark.parametrize(
    "order",
    [
        (AUTHORIZE, SUBSCRIBE, EXTRANONCE),
        (EXTRANONCE, SUBSCRIBE, AUTHORIZE),
        (EXTRANONCE, AUTHORIZE, SUBSCRIBE),
    ],
)
def test_login_in_another_order_gives_the_job_last(order: tuple[Line, ...]) -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    heard = [line for said in order for line in miner.says(said)]
    assert [line["id"] for line in heard[:3]] == [said["id"] for said in order]
    assert heard[3:] == [SET_TARGET, job(house, miner)]


def test_login_in_one_write() -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    heard = miner.says(SUBSCRIBE, AUTHORIZE, EXTRANONCE)
    assert heard == [SUBSCRIBED, yes(2), yes(3), SET_TARGET, job(house, miner)]


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
    assert miner.says(AUTHORIZE) == [yes(2)]
    assert miner.says(EXTRANONCE) == [yes(3)]
    # The wait is ours, so the miner is not dropped for it.
    assert miner.passes(10_000) == []
    assert not miner.session.closing
    house.pool_comes(now=miner.now)
    assert miner.hears() == [SUBSCRIBED, SET_TARGET, job(house, miner)]


def test_whole_login_in_one_write_while_no_pool_is_up() -> None:
    house = FakeHouse(None)
    miner = Dialogue(house)
    assert miner.says(SUBSCRIBE, AUTHORIZE, EXTRANONCE) == [yes(2), yes(3)]
    house.pool_comes(now=miner.now)
    assert miner.hears() == [SUBSCRIBED, SET_TARGET, job(house, miner)]
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
    assert miner.passes(FIRST_JOB_DELAY) == [SET_TARGET, job(house, miner)]


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
    miner.session.end(0.0)
    assert not house.held
    assert not house.workers


def test_pool_goes_before_the_first_job() -> None:
    """It has been told an extranonce1 that is gone, and has not said that it takes another."""
    house = FakeHouse()
    miner = Dialogue(house)
    miner.says(SUBSCRIBE, AUTHORIZE)
    house.pool_goes()
    assert miner.passes(FIRST_JOB_DELAY) == []
    house.pool_comes("beef")
    assert miner.is_given_work() == []
    assert miner.session.closing == "old_extranonce"


# ---- work


def test_job_ids_never_repeat_whatever_the_pool_does() -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    ids = [miner.logs_in()]
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


def test_pool_change_ends_the_connection_of_a_miner_that_would_not_hear_of_it() -> None:
    """It never sent mining.extranonce.subscribe: it reconnects, and is told its extranonce1 by subscribe."""
    house = FakeHouse()
    miner = Dialogue(house)
    miner.says(SUBSCRIBE, AUTHORIZE)
    assert miner.passes(FIRST_JOB_DELAY)[-1] == job(house, miner)
    house.pool_comes("beef")
    assert miner.is_given_work() == []
    assert miner.session.closing == "old_extranonce"
    back = Dialogue(house)
    back.says(SUBSCRIBE, AUTHORIZE)
    assert back.passes(FIRST_JOB_DELAY)[-1] == job(house, back)
    assert back.prefix.startswith("beef")


def test_pool_change_that_changes_nothing_for_a_miner_is_none_for_it() -> None:
    """The pool gave the same extranonce1 again, and it has the same slice of it."""
    house = FakeHouse()
    miner = Dialogue(house)
    miner.says(SUBSCRIBE, AUTHORIZE)
    miner.passes(FIRST_JOB_DELAY)
    house.pool_comes()
    assert miner.is_given_work() == [job(house)]
    assert not miner.session.closing
    assert miner.prefix == PREFIX


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
    assert miner.says(submit(miner.job_id, miner.nonce)) == [no(4, 20, "nonce outside extranonce1")]
    assert miner.session.closing == "old_extranonce"


def test_bad_nonce_without_a_pool_change_does_not_close() -> None:
    house = FakeHouse()
    miner = Dialogue(house)
    job_id = miner.logs_in()
    house.verdict = Verdict(Reason.BAD_NONCE)
    miner.says(submit(job_id, miner.nonce))
    assert not miner.session.closing


# ---- time


@pytest.mark.parametrize("said", [(SUBSCRIBE,), (AUTHORIZE,), (SUBSCRIBE, EXTRANONCE)])
def test_login_has_to_come_in_time(said: tuple[Line, ...]) -> None:
    miner = Dialogue(FakeHouse())
    miner.says(*said)
    assert miner.passes(9.9) == []
    assert miner.passes(0.1) == [no(None, 20, "no login within 10 s (limits.login_seconds)")]
    assert miner.session.closing == "login_timeout"
    assert miner.passes(100) == []


def test_idle_miner_has_to_go() -> None:
    miner = Dialogue(FakeHouse())
    job_id = miner.logs_in()
    miner.passes(599)
    # Any share counts as a sign of life, other requests do not.
    miner.says(submit(job_id, "junk"))
    assert miner.passes(599) == []
    miner.says(EXTRANONCE)
    assert miner.passes(1) == [no(None, 20, "no share for 600 s (limits.idle_seconds)")]
    assert miner.session.closing == "idle"


def test_nobody_is_idle_while_no_pool_is_up() -> None:
    """Miners stay connected through any outage; there is nothing to send shares for."""
    house = FakeHouse()
    miner = Dialogue(house)
    house.new_job()
    miner.logs_in()
    house.pool_goes()
    assert miner.passes(10_000) == []
    assert miner.session.closing == ""
    house.pool_comes()
    house.new_job()
    miner.is_given_work()
    assert miner.passes(601) == [no(None, 20, "no share for 600 s (limits.idle_seconds)")]


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
    job_id = miner.logs_in()
    miner.says(submit(job_id, miner.nonce))
    miner.session.close("shutdown")
    house.pool_says(Verdict(Reason.ACCEPTED))
    assert miner.hears() == [yes(4)]
    house.new_job()
    assert miner.is_given_work() == []


def test_a_miner_that_comes_back_to_the_same_work_gets_another_id() -> None:
    """The reference miner ignores an id it had, even on an earlier connection, and idles until the next."""
    house = FakeHouse()
    house.new_job()
    first, second = Dialogue(house).logs_in(), Dialogue(house).logs_in()
    plain = house.works[0].id
    assert len({first, second, plain}) == 3
    assert first.startswith(plain)
    assert second.startswith(plain)
