"""The talk with an Aion pool, as dialogues: what each kind of pool does, and what miners get of it."""

import attrs
import pytest

from proxy.errors import PoolError
from proxy.model.job import Job
from proxy.model.share import Reason, Verdict
from proxy.upstream.aion import TARGET_WAIT
from tests.kit.pools import (
    ACCEPTED,
    EASY,
    EXTRANONCE1,
    HARD,
    HEADER,
    LET_IN,
    SUBSCRIBED,
    Given,
    Playbook,
    Settled,
    Working,
    notify,
    set_extranonce,
    set_target,
    submit,
)

SUBSCRIBE = '{"id":1,"method":"mining.subscribe","params":["sluice/test",null,"pool.example","3333"]}'
AUTHORIZE = '{"id":2,"method":"mining.authorize","params":["user","x"]}'
EXTRANONCE = '{"id":3,"method":"mining.extranonce.subscribe","params":[]}'
OTHER_HEADER = "cd" * 32
MOVED = "b760ca8200000001"


# ---- whole sessions, as each kind of pool plays them


def test_a_session_with_the_solo_pool() -> None:
    """Its job comes before authorize is answered; no set_target ever; ids of its own."""
    talk = Playbook()
    talk.we_say(SUBSCRIBE)
    talk.pool_says(
        '{"id":1,"result":[null,"b760ca8200000000"],"error":null}',
        f'{{"id":null,"method":"mining.notify","params":["4",true,"{EASY}","{HEADER}"]}}',
    )
    talk.we_say(AUTHORIZE)
    talk.told()
    talk.time_passes(0.5)
    talk.pool_says('{"id":2,"result":true,"error":null}')
    talk.we_say(EXTRANONCE)
    talk.told(Working("b760ca8200000000"), Given("4"))
    talk.pool_says('{"id":3,"result":false,"error":[20,"Not supported.",null]}')
    talk.submits("share", pool_id="4")
    talk.we_say(submit(4, pool_id="4"))
    talk.pool_says('{"id":4,"result":true,"error":null}')
    talk.told(Settled("share", ACCEPTED))
    talk.time_passes(200)
    talk.pool_says(notify("5", header=OTHER_HEADER))
    talk.told(Given("5", header=OTHER_HEADER))
    talk.we_say()


def test_a_session_with_a_pool_that_sends_its_target_behind_each_job() -> None:
    talk = Playbook()
    talk.we_say(SUBSCRIBE)
    talk.pool_says(
        '{"result":[["mining.notify","0HLFI5QCBNU77","AionStratum/1.0.0"],"c511"],"error":null,"id":1}'
    )
    talk.we_say(AUTHORIZE)
    talk.pool_says('{"result":true,"error":null,"id":2}')
    talk.we_say(EXTRANONCE)
    talk.told(Working("c511"))
    talk.pool_says(
        f'{{"jsonrpc":"2.0","method":"mining.notify","params":["000120c9",true,"{EASY}","{HEADER}"],"id":null}}'
    )
    talk.told()
    talk.time_passes(TARGET_WAIT / 2)
    talk.pool_says(f'{{"jsonrpc":"2.0","method":"mining.set_target","params":["{HARD}"],"id":null}}')
    talk.told(Given("000120c9", HARD))
    talk.pool_says(
        '{"error":{"code":20,"message":"Unsupported request mining.extranonce.subscribe","data":null},"id":3}'
    )
    talk.time_passes(5)
    talk.pool_says(notify("000120ca", header=OTHER_HEADER))
    talk.time_passes(TARGET_WAIT / 2)
    talk.told()
    talk.pool_says(set_target(HARD))
    talk.told(Given("000120ca", HARD, OTHER_HEADER))
    assert talk.link.sends_target_after is True


def test_subscribe_and_authorize_are_not_pipelined() -> None:
    talk = Playbook()
    talk.we_say(SUBSCRIBE)
    talk.time_passes(1)
    talk.we_say()
    talk.pool_says(SUBSCRIBED)
    talk.we_say(AUTHORIZE)
    talk.told()
    talk.pool_says(LET_IN)
    talk.we_say(EXTRANONCE)
    assert talk.link.working
    talk.told(Working())


# ---- logging in


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('{"id":1,"result":null,"error":[20,"go away",null]}', "subscribe refused: go away"),
        ('{"id":1,"result":null,"error":null}', "holds no extranonce1"),
        ('{"id":1,"result":[null],"error":null}', "holds no extranonce1"),
        ('{"id":1,"result":[null,"xyz"],"error":null}', "not hex"),
        ('{"id":1,"result":[null,""],"error":null}', "empty extranonce1"),
    ],
)
def test_without_an_extranonce1_there_is_nothing_to_do(line: str, fault: str) -> None:
    talk = Playbook()
    with pytest.raises(PoolError, match=fault):
        talk.pool_says(line)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"id":2,"result":false,"error":null}', "user user refused: check upstream.user and password"),
        ('{"id":2,"result":null,"error":[24,"no such account"]}', r"refused \(no such account\): check"),
        ('{"id":2,"result":false,"error":{"code":24,"message":"bad"}}', r"refused \(bad\): check"),
    ],
)
def test_a_refused_user_is_the_operators_to_mend(line: str, why: str) -> None:
    talk = Playbook()
    talk.pool_says(SUBSCRIBED)
    with pytest.raises(PoolError, match=why):
        talk.pool_says(line)
    talk.told()


def test_an_answer_to_authorize_before_it_was_asked_is_no_answer() -> None:
    talk = Playbook()
    talk.pool_says(LET_IN)
    assert not talk.link.working
    talk.pool_says(SUBSCRIBED)
    talk.we_say(SUBSCRIBE, AUTHORIZE)
    talk.told()


def test_second_answers_to_the_opening_change_nothing() -> None:
    talk = Playbook()
    talk.pool_says(SUBSCRIBED, SUBSCRIBED, LET_IN, LET_IN, '{"id":2,"result":false,"error":null}', SUBSCRIBED)
    talk.we_say(SUBSCRIBE, AUTHORIZE, EXTRANONCE)
    talk.told(Working())


@pytest.mark.parametrize("line", [None, SUBSCRIBED])
def test_a_pool_that_does_not_answer_the_opening_is_left(line: str | None) -> None:
    talk = Playbook(reply_seconds=20)
    if line is not None:
        talk.time_passes(5)
        talk.pool_says(line)
    # Other lines are no answer.
    talk.pool_says(notify("1"))
    talk.time_passes(19.9)
    with pytest.raises(PoolError, match="no answer for 20 s"):
        talk.time_passes(0.2)


# ---- jobs and targets


def test_the_first_job_of_an_unknown_pool_waits_once() -> None:
    talk = Playbook().login()
    talk.pool_says(notify("1"))
    talk.time_passes(TARGET_WAIT * 0.9)
    talk.told()
    talk.time_passes(TARGET_WAIT * 0.2)
    talk.told(Given("1"))
    assert talk.link.sends_target_after is False
    talk.pool_says(notify("2"))
    talk.told(Given("2"))


def test_what_is_known_of_a_pool_holds_on_its_next_connection() -> None:
    talk = Playbook(knows=False).login(notify("1"))
    assert talk.link.gave_job
    waiting = Playbook(knows=True).login(notify("1"))
    assert not waiting.link.gave_job


def test_a_wait_that_ends_before_we_are_let_in_is_not_waited_again() -> None:
    talk = Playbook()
    talk.pool_says(SUBSCRIBED, notify("1"))
    talk.time_passes(TARGET_WAIT * 2)
    talk.told()
    assert not talk.link.gave_job
    talk.pool_says(LET_IN)
    talk.told(Working(), Given("1"))


def test_a_job_that_comes_just_before_we_are_let_in_waits_for_its_target() -> None:
    talk = Playbook()
    talk.pool_says(SUBSCRIBED, notify("1"))
    talk.time_passes(TARGET_WAIT / 2)
    talk.pool_says(LET_IN)
    talk.told(Working())
    talk.pool_says(set_target(HARD))
    talk.told(Given("1", HARD))


def test_job_and_target_may_both_come_before_we_are_let_in() -> None:
    talk = Playbook()
    talk.pool_says(SUBSCRIBED, notify("1"), set_target(HARD))
    talk.told()
    talk.pool_says(LET_IN)
    talk.told(Working(), Given("1", HARD))


def test_a_target_sent_once_and_first_holds_for_every_job() -> None:
    talk = Playbook().login(set_target(HARD))
    talk.told()
    talk.pool_says(notify("1"))
    talk.time_passes(1)
    talk.told(Given("1", HARD))
    talk.pool_says(notify("2"))
    talk.told(Given("2", HARD))
    assert talk.link.sends_target_after is False


def test_a_target_that_moves_later_gives_the_same_header_again() -> None:
    talk = Playbook().login(notify("1"), set_target(EASY))
    talk.time_passes(60)
    talk.pool_says(set_target(HARD))
    talk.told(Given("1", HARD))
    talk.time_passes(60)
    talk.pool_says(set_target(EASY))
    talk.told(Given("1", EASY))


def test_a_target_in_time_for_a_job_given_at_once_tells_what_kind_of_pool_it_is() -> None:
    talk = Playbook(knows=False).login(notify("1"))
    talk.time_passes(TARGET_WAIT / 2)
    talk.pool_says(set_target(HARD))
    talk.told(Given("1", HARD))
    assert talk.link.sends_target_after is True


def test_a_target_long_after_its_job_tells_nothing() -> None:
    talk = Playbook(knows=False).login(notify("1"))
    talk.time_passes(TARGET_WAIT * 2)
    talk.pool_says(set_target(HARD))
    talk.told(Given("1", HARD))
    assert talk.link.sends_target_after is False


def test_a_pool_that_sends_no_more_targets_is_waited_for_once_more() -> None:
    talk = Playbook(knows=True).login(notify("1"))
    talk.time_passes(TARGET_WAIT)
    talk.told(Given("1"))
    talk.pool_says(notify("2"))
    talk.told(Given("2"))


@pytest.mark.parametrize(
    "lines",
    [
        (set_target(HARD), notify("2")),
        (notify("2"), set_target(HARD)),
        (set_target(EASY), notify("2"), set_target(HARD)),
        ('{"id":null,"method":"mining.set_difficulty","params":[8]}', notify("2"), set_target(HARD)),
    ],
)
@pytest.mark.parametrize("knows", [False, True])
def test_target_and_job_in_one_breath_make_one_job(lines: tuple[str, ...], knows: bool) -> None:
    talk = Playbook(knows=knows).login(notify("1"))
    talk.time_passes(60)
    talk.link.sends_target_after = knows
    talk.told(*[Given("1")] * knows)
    talk.pool_says(*lines)
    talk.time_passes(1)
    talk.told(Given("2", HARD))


def test_a_difficulty_is_a_target() -> None:
    talk = Playbook(knows=False).login(notify("1"))
    talk.time_passes(1)
    talk.pool_says('{"id":null,"method":"mining.set_difficulty","params":[2048]}')
    talk.told(Given("1", HARD))


def test_a_hurried_pool_does_not_prolong_the_wait() -> None:
    talk = Playbook().login()
    for job in range(10):
        talk.pool_says(notify(f"{job}"))
        talk.time_passes(TARGET_WAIT * 0.3)
    assert talk.link.gave_job


def test_a_job_passed_over_still_ends_what_it_would_have_ended() -> None:
    talk = Playbook().login()
    talk.pool_says(notify("1", clean=True))
    talk.pool_says(notify("2", clean=False, header=OTHER_HEADER))
    talk.time_passes(1)
    talk.told(Given("2", header=OTHER_HEADER, clean=True))
    talk.pool_says(notify("3", clean=False))
    talk.told(Given("3", clean=False))
    talk.pool_says(notify("4", clean=False), notify("5", clean=False))
    talk.told(Given("5", clean=False))


def test_a_target_does_not_make_the_next_job_clean() -> None:
    talk = Playbook(knows=False).login(notify("1", clean=True))
    talk.time_passes(1)
    talk.pool_says(set_target(HARD), notify("2", clean=False))
    talk.told(Given("2", HARD, clean=False))


# ---- a pool that moves us


def test_a_new_extranonce1_holds_from_the_next_job_on() -> None:
    talk = Playbook(knows=False).login(notify("1"))
    talk.pool_says(set_extranonce(MOVED))
    talk.told()
    assert talk.link.extranonce1 == EXTRANONCE1
    talk.pool_says(notify("2"))
    talk.told(Working(MOVED, connection=2), Given("2", connection=2))


def test_a_new_target_between_it_and_the_job_is_still_for_the_old_one() -> None:
    talk = Playbook(knows=False).login(notify("1"))
    talk.time_passes(1)
    talk.pool_says(set_extranonce(MOVED))
    talk.pool_says(set_target(HARD))
    talk.told(Given("1", HARD))
    talk.pool_says(notify("2"))
    talk.told(Working(MOVED, connection=2), Given("2", HARD, connection=2))


def test_a_sluice_above_us_moves_us_in_one_breath() -> None:
    """It says extranonce1, target, job; miners get one job of it, and nothing of the old one."""
    talk = Playbook(knows=False).login(notify("1"))
    talk.time_passes(1)
    talk.pool_says(set_extranonce(MOVED), set_target(HARD), notify("2"))
    talk.told(Working(MOVED, connection=2), Given("2", HARD, connection=2))


def test_a_job_that_waits_for_its_target_keeps_its_extranonce1() -> None:
    talk = Playbook().login(notify("1"))
    talk.pool_says(set_extranonce(MOVED))
    talk.time_passes(1)
    talk.told(Given("1"))
    talk.pool_says(notify("2"))
    talk.told(Working(MOVED, connection=2), Given("2", connection=2))


def test_the_same_extranonce1_again_moves_nothing() -> None:
    talk = Playbook(knows=False).login(notify("1"))
    talk.pool_says(set_extranonce(MOVED), set_extranonce(EXTRANONCE1), notify("2"))
    talk.told(Given("2"))


def test_an_empty_extranonce1_is_refused() -> None:
    talk = Playbook().login()
    with pytest.raises(PoolError, match=r"empty extranonce1 in mining\.set_extranonce"):
        talk.pool_says(set_extranonce(""))


# ---- shares


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        ('{"id":4,"result":true,"error":null}', ACCEPTED),
        ('{"result":true,"error":null,"id":4}', ACCEPTED),
        ('{"id":"4","result":true,"error":null}', ACCEPTED),
        ('{"id":4,"result":true}', ACCEPTED),
        ('{"id":4,"result":null,"error":[21,"gone"]}', Verdict(Reason.REJECTED, "gone", 21)),
        ('{"id":4,"result":null,"error":[22,"twice",null]}', Verdict(Reason.REJECTED, "twice", 22)),
        (
            '{"id":4,"result":false,"error":{"code":-1,"message":"stale share","data":null}}',
            Verdict(Reason.REJECTED, "stale share", -1),
        ),
        ('{"id":4,"result":false,"error":null}', Verdict(Reason.REJECTED, "refused without a reason")),
        ('{"id":4,"result":null}', Verdict(Reason.REJECTED, "refused without a reason")),
    ],
)
def test_the_pools_own_words_are_kept(line: str, verdict: Verdict) -> None:
    talk = Playbook().login()
    talk.submits("share")
    talk.pool_says(line)
    talk.told(Settled("share", verdict))


# ---- a pool that is broken, or wants something


def test_a_senseless_line_now_and_then_is_noted() -> None:
    talk = Playbook(knows=False).login()
    talk.pool_says("<html>", '{"method":"mining.notify","params":[]}', notify("1"), "17")
    talk.told(Given("1"))
    html, short, number = talk.link.notes
    assert html == "line ignored: not a JSON object: '<html>'"
    assert short.startswith("line ignored: mining.notify with 0 parameters")
    assert number == "line ignored: not a JSON object: '17'"


def test_a_message_for_people_is_noted() -> None:
    talk = Playbook().login()
    talk.pool_says('{"id":null,"method":"client.show_message","params":["closing at noon"]}')
    assert talk.link.notes == ["message: closing at noon"]


def test_a_request_is_answered_and_a_notification_is_not() -> None:
    talk = Playbook().login()
    talk.pool_says('{"id":7,"method":"client.get_version","params":[]}')
    talk.pool_says('{"id":null,"method":"mining.ping","params":[]}', '{"method":"mining.ping"}')
    talk.we_say('{"id":7,"result":null,"error":[20,"unknown method client.get_version",null]}')
    talk.told()


# ---- what the network asks


NETWORK = "0000ff" + "00" * 29  # harder than what any pool asks of a share here


def networks(talk: Playbook) -> list[str]:
    """Keep what is told of the network's target with each job, from now on."""
    seen: list[str] = []
    give = talk.pool_job

    def pool_job(job: Job) -> None:
        seen.append(job.network_target.hex())
        give(job)

    talk.pool_job = pool_job  # type: ignore[method-assign]
    return seen


def of_network(network: float | str) -> tuple[Playbook, list[str]]:
    """A talk that has come to where jobs are given, for this setting."""
    talk = Playbook(knows=False).login()
    talk.link.account = attrs.evolve(talk.account, network=network)
    return talk, networks(talk)


def test_the_networks_target_is_the_jobs_own_where_the_pool_asks_less_of_a_share() -> None:
    talk, seen = of_network("auto")
    talk.pool_says(set_target(HARD), notify("1", target=NETWORK))
    talk.pool_says(notify("2", target=HARD), notify("3", target=EASY, header=OTHER_HEADER))
    assert seen == [NETWORK, ""], "an equal one may be another Sluice's, an easier one is no network's"


def test_it_is_known_as_soon_as_the_target_that_comes_behind_the_job() -> None:
    talk, seen = of_network("auto")
    talk.pool_says(notify("1", target=NETWORK))
    talk.pool_says(set_target(HARD))
    assert seen == ["", NETWORK]


def test_a_pool_that_states_no_target_of_a_share_may_be_anything() -> None:
    talk, seen = of_network("auto")
    talk.pool_says(notify("1", target=NETWORK))
    assert seen == [""]


def test_at_a_solo_pool_every_share_that_counts_is_a_block() -> None:
    talk, seen = of_network("notify")
    talk.pool_says(notify("1", target=NETWORK))
    assert seen == [NETWORK]


@pytest.mark.parametrize(("difficulty", "target"), [(0, ""), (256, "01" + "00" * 31), (0.5, "ff" * 32)])
def test_a_difficulty_given_by_the_operator_holds_whatever_the_pool_says(
    difficulty: float, target: str
) -> None:
    talk, seen = of_network(difficulty)
    talk.pool_says(set_target(HARD), notify("1", target=NETWORK))
    assert seen == [target]
