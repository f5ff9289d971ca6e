"""The talk with a pool of the login dialect, as dialogues: Equihash work, blob work, and how it ends."""

import json
from typing import Any

import pytest

from proxy.config.algorithm import BLOB as BLOB_WORK
from proxy.errors import PoolError
from proxy.model.blob import Blob
from proxy.model.job import Job
from proxy.model.share import Reason, Share, Verdict
from proxy.upstream.conversation import BAD_LINES, Forward
from proxy.upstream.login import KEEPALIVE_SECONDS
from tests.kit.pools import (
    ACCEPTED,
    BLOB,
    EASY,
    EXTRANONCE1,
    HARD,
    LOST,
    SEED,
    SESSION,
    Given,
    LoginPlaybook,
    Settled,
    Working,
    blob_work,
    fine,
    job,
    logged_in,
    login_submit,
    work,
    wrong,
)

LOGIN = (
    '{"id":1,"jsonrpc":"2.0","method":"login","params":'
    '{"login":"user","pass":"x","agent":"sluice/test","algo":["equihash/210_9"]}}'
)
BLOB_LOGIN = (
    '{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"user","pass":"x","agent":"sluice/test"}}'
)
OTHER_HEADER = "cd" * 32
MOVED = "b760ca8200000001"
# 10,000 as XMRig widens b88d0600, in the highest 64 bits.
WIDENED = f"{(2**64 - 1) // ((2**32 - 1) // 0x00068DB8):016x}" + "0" * 48
THE_BLOB = Blob(78, "b88d0600", "rx/0", f'"algo":"rx/0","height":101,"seed_hash":"{SEED}"'.encode())


def keepalived(request_id: int) -> str:
    """What we say when there was nothing else to say."""
    return f'{{"id":{request_id},"jsonrpc":"2.0","method":"keepalived","params":{{"id":"{SESSION}"}}}}'


def kept_alive(request_id: int) -> str:
    """What a pool says to that."""
    return f'{{"id":{request_id},"jsonrpc":"2.0","error":null,"result":{{"status":"KEEPALIVED"}}}}'


def blob_given(pool_id: str, **other: Any) -> Given:
    """blob_work() as miners' side gets it."""
    return Given(pool_id, WIDENED, BLOB, blob=THE_BLOB, **other)


# ---- whole sessions


def test_a_session_of_equihash_work() -> None:
    talk = LoginPlaybook()
    talk.we_say(LOGIN)
    talk.time_passes(0.5)
    talk.pool_says(
        f'{{"id":1,"jsonrpc":"2.0","error":null,"result":{{"id":"{SESSION}","job":{{"job_id":"1",'
        f'"algo":"equihash/210_9","pers":"AION0PoW","blob":"{"ab" * 32}b760ca8200000000{"00" * 24}",'
        f'"xn":"b760ca8200000000","nonceoffset":40,"noncebytes":24,"target":"{HARD}","id":"{SESSION}"}},'
        '"extensions":["algo","keepalive"],"status":"OK"}}'
    )
    talk.told(Working("b760ca8200000000"), Given("1", HARD))
    talk.submits("share")
    talk.we_say(
        f'{{"id":2,"jsonrpc":"2.0","method":"submit","params":{{"id":"{SESSION}","job_id":"1",'
        f'"nonce":"b760ca8200000000{"00" * 24}","solution":"{"cd" * 36}","result":"{"07" * 32}",'
        '"ntime":"000000006b00635f","algo":"equihash/210_9"}}'
    )
    talk.pool_says('{"id":2,"jsonrpc":"2.0","error":null,"result":{"status":"OK"}}')
    talk.told(Settled("share", ACCEPTED))
    talk.time_passes(5)
    talk.pool_says(job(work("2", header=OTHER_HEADER, clean=False)))
    talk.told(Given("2", header=OTHER_HEADER, clean=False))
    talk.time_passes(54)
    talk.we_say()
    talk.time_passes(1)
    talk.we_say(keepalived(3))
    talk.pool_says(kept_alive(3))
    talk.submits("next", pool_id="2")
    talk.we_say(login_submit(4, pool_id="2"))
    talk.told()


def test_a_session_of_blob_work() -> None:
    """The miner's own words go on to the pool: its nonce, its result, and what else it said of it."""
    talk = LoginPlaybook(algorithm=BLOB_WORK)
    talk.we_say(BLOB_LOGIN)
    talk.pool_says(logged_in(blob_work("j1"), "keepalive"))
    talk.told(Working(""), blob_given("j1"))
    share = Share("0000000000a1", "d0030040", "", result="5c" * 32, members=b'"algo":"rx/0"')
    on = Job("main", 1, "j1", BLOB, 1 << 255, clean=True, received=0.0, blob=THE_BLOB)
    talk.link.submit(Forward(on, "user", share, b"\x5c" * 32, "share"), talk.now)
    talk.we_say(
        f'{{"id":2,"jsonrpc":"2.0","method":"submit","params":{{"id":"{SESSION}","job_id":"j1",'
        f'"nonce":"d0030040","result":"{"5c" * 32}","algo":"rx/0"}}}}'
    )
    talk.pool_says(fine(2))
    talk.told(Settled("share", ACCEPTED))
    talk.pool_says(job(blob_work("j2")))
    talk.told(blob_given("j2"))


# ---- logging in


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (wrong(1, -1, "no such account"), r"user user refused \(no such account\): check upstream\.user and"),
        (wrong(1, -1, "Unauthenticated"), r"user user refused \(Unauthenticated\): check"),
        ('{"id":1,"result":null,"error":"go away"}', r"refused \(go away\): check upstream\.user and passw"),
    ],
)
def test_a_refused_user_is_the_operators_to_mend(line: str, why: str) -> None:
    talk = LoginPlaybook()
    with pytest.raises(PoolError, match=why):
        talk.pool_says(line)
    talk.told()


@pytest.mark.parametrize(
    "line",
    [
        '{"id":1,"result":true}',
        '{"id":1}',
        '{"id":1,"result":{"status":"OK"}}',
        '{"id":1,"result":{"id":7}}',
        '{"id":1,"result":{"id":""}}',
        '{"id":1,"result":{"id":"s","job":"none"}}',
        f'{{"id":1,"result":{{"id":"{"s" * 129}"}}}}',
    ],
)
def test_without_a_session_id_there_is_nothing_to_do(line: str) -> None:
    talk = LoginPlaybook()
    with pytest.raises(PoolError, match="session id"):
        talk.pool_says(line)
    talk.told()


def test_a_pool_that_may_keep_the_top_byte_is_worth_a_word() -> None:
    """Some list `nicehash` and split nothing, so it is no fault."""
    talk = LoginPlaybook(algorithm=BLOB_WORK)
    talk.pool_says(logged_in(blob_work("j1"), "nicehash", "keepalive"))
    talk.told(Working(""), blob_given("j1"))
    assert ["nicehash" in note for note in talk.link.notes] == [True]


def test_of_equihash_work_nobody_keeps_a_byte() -> None:
    talk = LoginPlaybook()
    talk.pool_says(logged_in(work("1"), "nicehash"))
    talk.told(Working(), Given("1"))


@pytest.mark.parametrize(
    ("algorithm", "body", "why"),
    [
        ("equihash/210_9", work("1", algo="equihash/144_5"), "gives equihash/144_5 work"),
        ("equihash/210_9", work("1", pers="BgoldPoW"), 'personalization is "BgoldPoW"'),
        ("equihash/210_9", blob_work("1"), 'upstream.algorithm = "blob" is for other work'),
        ("equihash/210_9", work("1", target="0" * 64), "target"),
        ("equihash/210_9", {}, "blob"),
        ("blob", work("1"), "gives Equihash work"),
        ("blob", blob_work("1", blob=BLOB.replace("00000000", "000000f5")), "split the nonce already"),
        ("blob", blob_work("1", seed_hash="5e"), "seed_hash"),
    ],
)
def test_a_first_job_that_is_of_no_use_is_the_end(algorithm: str, body: dict[str, object], why: str) -> None:
    """The operator has configured another work than this pool gives; waiting would not mend it."""
    talk = LoginPlaybook(algorithm=algorithm)
    with pytest.raises(PoolError, match=why):
        talk.pool_says(logged_in(body))
    talk.told()


def test_the_first_job_may_follow_the_login() -> None:
    talk = LoginPlaybook()
    talk.pool_says(logged_in(None))
    talk.told()
    talk.time_passes(1)
    talk.pool_says(job(work("1")))
    talk.told(Working(), Given("1"))


def test_the_first_job_may_come_before_the_answer_to_login() -> None:
    talk = LoginPlaybook()
    talk.pool_says(job(work("1")))
    talk.told()
    talk.pool_says(logged_in(None))
    talk.told(Working(), Given("1"))


def test_a_job_before_the_login_is_older_than_the_one_in_it() -> None:
    talk = LoginPlaybook()
    talk.pool_says(job(work("1", extranonce1=MOVED)))
    talk.pool_says(logged_in(work("2", clean=False)))
    talk.told(Working(), Given("2", clean=True))


def test_a_login_without_a_job_is_not_waited_on_for_ever() -> None:
    talk = LoginPlaybook(reply_seconds=20)
    talk.time_passes(15)
    talk.pool_says(logged_in(None, "keepalive"))
    talk.time_passes(19.9)
    with pytest.raises(PoolError, match="no job for 20 s"):
        talk.time_passes(0.2)


def test_second_answers_to_login_change_nothing() -> None:
    talk = LoginPlaybook()
    talk.pool_says(logged_in(work("1")), logged_in(work("2")).replace(SESSION, "other"), wrong(1, -1, "no"))
    talk.told(Working(), Given("1"))
    talk.submits("share")
    talk.we_say(LOGIN, login_submit(2))


def test_the_newest_job_of_the_first_breath_is_the_first() -> None:
    talk = LoginPlaybook()
    talk.pool_says(logged_in(work("1")), job(work("2", extranonce1=MOVED)))
    talk.told(Working(MOVED), Given("2"))


# ---- jobs


@pytest.mark.parametrize(
    ("text", "target"),
    [
        (HARD, HARD),
        ("ffff000000000020", "200000000000ffff" + "0" * 48),
        ("b88d0600", "00068db8" + "0" * 56),
    ],
)
def test_a_target_of_any_length_is_taken(text: str, target: str) -> None:
    talk = LoginPlaybook()
    talk.pool_says(logged_in(work("1", target=text)))
    talk.told(Working(), Given("1", target))


def test_a_new_target_is_a_new_job() -> None:
    talk = LoginPlaybook().login()
    talk.pool_says(job(work("1", target=EASY)))
    talk.pool_says(job(work("2", target=HARD)))
    talk.told(Given("1", EASY), Given("2", HARD))


def test_a_job_of_another_extranonce1_moves_us() -> None:
    talk = LoginPlaybook().login()
    talk.pool_says(job(work("1", extranonce1=MOVED)))
    talk.told(Working(MOVED, connection=2), Given("1", connection=2))
    talk.pool_says(job(work("2", extranonce1=MOVED)))
    talk.told(Given("2", connection=2))
    talk.pool_says(job(work("3", extranonce1=EXTRANONCE1)))
    talk.told(Working(connection=3), Given("3", connection=3))


def test_an_extranonce1_passed_over_moves_nothing() -> None:
    talk = LoginPlaybook().login()
    talk.pool_says(job(work("1", extranonce1=MOVED)), job(work("2")))
    talk.told(Given("2"))


def test_a_pool_may_leave_the_whole_nonce_to_us() -> None:
    talk = LoginPlaybook()
    talk.pool_says(logged_in(work("1", extranonce1="")))
    talk.told(Working(""), Given("1"))


def test_blob_work_never_moves() -> None:
    talk = LoginPlaybook(algorithm=BLOB_WORK)
    talk.pool_says(logged_in(blob_work("j1")))
    talk.pool_says(job(blob_work("j2")), job(blob_work("j3", clean=False)))
    talk.told(Working(""), blob_given("j1"), blob_given("j3"))


def test_a_later_job_of_no_use_is_a_senseless_line() -> None:
    talk = LoginPlaybook().login()
    talk.pool_says(job(work("1", pers="BgoldPoW")), '{"method":"job","params":[]}')
    talk.told()
    pers, params = talk.link.notes
    assert pers.startswith('line ignored: the pool\'s personalization is "BgoldPoW"')
    assert params == "line ignored: a job without an object of parameters"
    talk.pool_says(job(work("2")))
    talk.told(Given("2"))
    with pytest.raises(PoolError, match="without xn or nonceoffset"):
        talk.pool_says(*[job({"job_id": "3", "blob": "ab" * 64, "target": EASY})] * BAD_LINES)
    talk.told()


# ---- shares


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        (fine(2), ACCEPTED),
        ('{"result":{},"id":"2"}', ACCEPTED),
        ('{"id":2,"result":true}', ACCEPTED),
        ('{"id":2,"result":"ok"}', ACCEPTED),
        (wrong(2, -1, "Low difficulty share"), Verdict(Reason.REJECTED, "Low difficulty share", -1)),
        (wrong(2, 21, "job not found"), Verdict(Reason.REJECTED, "job not found", 21)),
        (wrong(2, -1, "Invalid job id"), Verdict(Reason.REJECTED, "Invalid job id", -1)),
        (
            '{"id":2,"error":{"code":-1,"message":"stale"},"result":{"status":"OK"}}',
            Verdict(Reason.REJECTED, "stale", -1),
        ),
        ('{"id":2,"result":null}', Verdict(Reason.REJECTED, "refused without a reason")),
        ('{"id":2,"result":"rejected"}', Verdict(Reason.REJECTED, "refused without a reason")),
    ],
)
def test_the_pools_own_words_are_kept(line: str, verdict: Verdict) -> None:
    talk = LoginPlaybook().login()
    talk.submits("share")
    talk.pool_says(line)
    talk.told(Settled("share", verdict))


@pytest.mark.parametrize(
    "text",
    ["Unauthenticated", "your IP is banned", "IP Address currently banned until noon"],
)
def test_a_refusal_that_ends_the_session_settles_its_share_first(text: str) -> None:
    talk = LoginPlaybook(unanswered=2).login()
    talk.submits("a", "b", "c")
    with pytest.raises(PoolError, match=f"the pool has ended the session: {text}"):
        talk.pool_says(wrong(2, -1, text))
    talk.told(Settled("a", Verdict(Reason.REJECTED, text, -1)))
    talk.link.abandon(talk.now)
    talk.told(Settled("b", LOST), Settled("c", LOST))


def test_the_session_may_be_ended_by_an_answer_to_anything() -> None:
    """A share that was given up, a keepalived, or none of ours at all: nothing more will be taken."""
    for line in (wrong(2, -1, "Unauthenticated"), wrong(3, -1, "Unauthenticated").replace("3", "null", 1)):
        talk = LoginPlaybook().login()
        with pytest.raises(PoolError, match="ended the session"):
            talk.pool_says(line)


# ---- a quiet connection


def test_a_quiet_connection_is_kept_alive() -> None:
    talk = LoginPlaybook().login()
    talk.time_passes(KEEPALIVE_SECONDS - 0.1)
    talk.we_say()
    talk.time_passes(0.2)
    talk.we_say(keepalived(2))
    talk.time_passes(KEEPALIVE_SECONDS)
    talk.we_say(keepalived(3))


def test_a_share_is_sign_of_life_enough() -> None:
    talk = LoginPlaybook().login()
    talk.time_passes(KEEPALIVE_SECONDS - 1)
    talk.submits("share")
    talk.pool_says(fine(2))
    talk.we_say(login_submit(2))
    talk.time_passes(KEEPALIVE_SECONDS - 1)
    talk.we_say()
    talk.time_passes(1)
    talk.we_say(keepalived(3))


def test_nothing_is_kept_alive_before_the_login() -> None:
    talk = LoginPlaybook(reply_seconds=300, silence_seconds=600)
    talk.we_say(LOGIN)
    talk.time_passes(2 * KEEPALIVE_SECONDS)
    talk.we_say()


def test_a_socket_that_takes_nothing_is_not_told_again_and_again() -> None:
    talk = LoginPlaybook(silence_seconds=100 * KEEPALIVE_SECONDS).login()
    talk.time_passes(50 * KEEPALIVE_SECONDS)
    talk.we_say(keepalived(2))


def test_a_dead_connection_is_found_by_a_keepalived_without_an_answer() -> None:
    talk = LoginPlaybook(reply_seconds=20)
    talk.pool_says(logged_in(work("1"), "keepalive"))
    talk.time_passes(KEEPALIVE_SECONDS + 19.9)
    with pytest.raises(PoolError, match="no answer to keepalived for 20 s"):
        talk.time_passes(0.2)


def test_a_long_patience_with_answers_is_no_longer_for_a_second_keepalived() -> None:
    talk = LoginPlaybook(reply_seconds=90)
    talk.pool_says(logged_in(work("1"), "keepalive"))
    talk.time_passes(KEEPALIVE_SECONDS + 89)
    with pytest.raises(PoolError, match="no answer to keepalived for 90 s"):
        talk.time_passes(2)


@pytest.mark.parametrize(
    "line", [kept_alive(2), wrong(2, -1, "Invalid method"), job(work("2")), "", '{"id":null,"result":true}']
)
def test_any_line_answers_a_keepalived(line: str) -> None:
    talk = LoginPlaybook(reply_seconds=20)
    talk.pool_says(logged_in(work("1"), "keepalive"))
    talk.time_passes(KEEPALIVE_SECONDS + 10)
    talk.pool_says(line)
    talk.time_passes(KEEPALIVE_SECONDS - 10 + 19)
    with pytest.raises(PoolError, match="no answer to keepalived"):
        talk.time_passes(2)


def test_a_pool_that_answers_no_keepalived_may_be_quiet_until_it_counts_as_silent() -> None:
    talk = LoginPlaybook(reply_seconds=20, silence_seconds=300)
    talk.pool_says(logged_in(work("1")))
    talk.time_passes(299)
    with pytest.raises(PoolError, match="silent for 300 s"):
        talk.time_passes(2)


# ---- a pool that wants something


def test_a_request_is_answered_and_a_notification_is_not() -> None:
    talk = LoginPlaybook().login()
    talk.pool_says('{"id":7,"jsonrpc":"2.0","method":"getversion","params":{}}')
    talk.pool_says('{"id":null,"method":"ping"}', '{"method":"mining.notify","params":[]}')
    talk.we_say('{"id":7,"jsonrpc":"2.0","error":{"code":-1,"message":"Invalid method"}}')
    talk.told()


def test_what_a_pool_names_its_session_comes_back_as_it_was() -> None:
    talk = LoginPlaybook()
    session = 'a"b\\c\u2028é'
    talk.pool_says(json.dumps({"id": 1, "result": {"id": session, "job": work("1")}}))
    talk.link.take_output()
    talk.submits("share")
    assert json.loads(talk.link.take_output())["params"]["id"] == session
