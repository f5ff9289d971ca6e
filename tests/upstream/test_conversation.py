"""What a talk with a pool of either dialect has in common: shares, their verdicts, faults and time."""

import pytest

from proxy.errors import PoolError
from proxy.model.share import Reason, Verdict
from proxy.upstream.conversation import BAD_LINES, LINE_BYTES, MAX_UNSENT
from tests.kit.pools import (
    ACCEPTED,
    LOST,
    Given,
    LoginPlaybook,
    Playbook,
    Settled,
    Working,
)

OTHER_HEADER = "cd" * 32
MOVED = "b760ca8200000001"


@pytest.fixture(params=[Playbook, LoginPlaybook], ids=["aion", "login"])
def playbook(request: pytest.FixtureRequest) -> type[Playbook]:
    """Each test that wants it is played in both dialects."""
    chosen: type[Playbook] = request.param
    return chosen


def test_bytes_may_come_in_any_pieces(playbook: type[Playbook]) -> None:
    talk = playbook(knows=False).login()
    for byte in f"\r\n{talk.job('1')}\r\n  \n{talk.job('2')}\n".encode():
        talk.link.receive(bytes([byte]), talk.now)
    talk.told(Given("1"), Given("2"))


# ---- being let in


def test_a_pool_that_never_says_anything_is_left(playbook: type[Playbook]) -> None:
    talk = playbook(reply_seconds=20)
    talk.time_passes(19.9)
    with pytest.raises(PoolError, match="no answer for 20 s"):
        talk.time_passes(0.2)


def test_once_let_in_no_more_answers_are_due(playbook: type[Playbook]) -> None:
    talk = playbook(reply_seconds=20).login()
    talk.time_passes(100)
    talk.told()


def test_a_sink_without_room_ends_the_connection(
    playbook: type[Playbook], monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = playbook()

    def no_room(link: object) -> None:
        raise PoolError("no room")

    monkeypatch.setattr(talk, "pool_working", no_room)
    with pytest.raises(PoolError, match="no room"):
        talk.login()


# ---- jobs


def test_of_jobs_in_one_breath_the_newest_is_given(playbook: type[Playbook]) -> None:
    talk = playbook(knows=False).login()
    talk.pool_says(talk.job("1"), talk.job("2"), talk.job("3", header=OTHER_HEADER))
    talk.told(Given("3", header=OTHER_HEADER))


def test_a_job_passed_over_still_ends_what_it_would_have_ended(playbook: type[Playbook]) -> None:
    talk = playbook(knows=False).login()
    talk.pool_says(talk.job("1", clean=True), talk.job("2", clean=False, header=OTHER_HEADER))
    talk.told(Given("2", header=OTHER_HEADER, clean=True))
    talk.pool_says(talk.job("3", clean=False))
    talk.told(Given("3", clean=False))
    talk.pool_says(talk.job("4", clean=False), talk.job("5", clean=False))
    talk.told(Given("5", clean=False))


def test_a_pool_may_move_us_to_another_extranonce1(playbook: type[Playbook]) -> None:
    talk = playbook(knows=False).login(*playbook().moved(MOVED, "1"))
    assert talk.link.extranonce1 == MOVED
    talk.pool_says(*talk.moved("b760ca82000002", "2"))
    number = talk.link.connection
    talk.told(Working("b760ca82000002", connection=number), Given("2", connection=number))
    talk.pool_says(talk.job("3"), *talk.moved("b760ca82000002", "4"))
    talk.told(Given("4", connection=number))


def test_moved_shares_that_were_not_sent_are_lost_and_sent_ones_are_the_pools(
    playbook: type[Playbook],
) -> None:
    talk = playbook(knows=False, unanswered=2).login(playbook().job("1"))
    talk.submits("a", "b", "c", "d")
    talk.we_say(talk.share(1), talk.share(2))
    talk.pool_says(*talk.moved(MOVED, "2"))
    talk.told(Settled("c", LOST), Settled("d", LOST), Working(MOVED, connection=2), Given("2", connection=2))
    talk.submits("e", pool_id="2")
    talk.we_say()
    talk.pool_says(talk.yes(2), talk.no(1, 21, "job not found"))
    talk.told(Settled("b", ACCEPTED), Settled("a", Verdict(Reason.REJECTED, "job not found", 21)))
    talk.we_say(talk.share(3, pool_id="2"))


# ---- shares


def test_so_many_shares_at_once_and_no_more(playbook: type[Playbook]) -> None:
    talk = playbook(unanswered=3).login()
    talk.submits("a", "b", "c", "d", "e")
    talk.we_say(talk.share(1), talk.share(2), talk.share(3))
    assert talk.link.waiting == 5
    talk.pool_says(talk.yes(1))
    talk.we_say(talk.share(4))
    talk.pool_says(talk.yes(2), talk.yes(3), talk.yes(4))
    talk.we_say(talk.share(5))
    talk.told(*[Settled(token, ACCEPTED) for token in "abcd"])
    assert talk.link.waiting == 1


def test_replies_in_any_order_find_their_shares(playbook: type[Playbook]) -> None:
    talk = playbook().login()
    talk.submits("a", "b", "c")
    talk.pool_says(talk.yes(3), talk.no(1, 23, "low"), talk.yes(2))
    low = Verdict(Reason.REJECTED, "low", 23)
    talk.told(Settled("c", ACCEPTED), Settled("a", low), Settled("b", ACCEPTED))


def test_a_second_answer_to_one_share_is_ignored(playbook: type[Playbook]) -> None:
    talk = playbook().login()
    talk.submits("a", "b")
    talk.pool_says(talk.no(1, 21, "stale"), talk.no(1, 21, "stale"), talk.yes(2), talk.yes(2))
    talk.told(Settled("a", Verdict(Reason.REJECTED, "stale", 21)), Settled("b", ACCEPTED))


def test_an_answer_to_nothing_is_ignored(playbook: type[Playbook]) -> None:
    talk = playbook().login()
    talk.submits("share")
    talk.pool_says('{"result":true,"id":null}', talk.yes(99), talk.yes(0), '{"result":true,"id":"x"}')
    talk.told()


def test_a_share_without_an_answer_is_lost_and_a_late_answer_ignored(playbook: type[Playbook]) -> None:
    talk = playbook(unanswered=2, reply_seconds=20).login()
    talk.submits("a")
    start = talk.now
    talk.time_passes(5)
    talk.submits("b", "c")
    talk.time_passes(14.9)
    talk.told()
    talk.time_passes(0.2)
    talk.told(Settled("a", LOST))
    assert talk.settled_at["a"] == start + 20
    talk.we_say(talk.share(1), talk.share(2), talk.share(3))
    talk.pool_says(talk.yes(1))
    talk.told()
    talk.time_passes(10)
    talk.told(Settled("b", LOST))
    talk.pool_says(talk.yes(3))
    talk.told(Settled("c", ACCEPTED))


def test_a_share_that_waited_here_has_its_full_time_at_the_pool(playbook: type[Playbook]) -> None:
    talk = playbook(unanswered=1, reply_seconds=20).login()
    talk.submits("a", "b")
    talk.time_passes(15)
    talk.pool_says(talk.yes(1))
    talk.time_passes(15)
    talk.told(Settled("a", ACCEPTED))
    talk.time_passes(6)
    talk.told(Settled("b", LOST))


def test_a_share_that_cannot_be_sent_in_time_is_lost(playbook: type[Playbook]) -> None:
    """A pool that never answers must not keep a thousand shares waiting for hours."""
    talk = playbook(unanswered=1, reply_seconds=20).login()
    talk.submits("first", "second")
    talk.we_say(talk.share(1))
    talk.time_passes(15)
    talk.submits("third")
    talk.time_passes(5)
    talk.told(Settled("first", LOST), Settled("second", LOST))
    talk.we_say(talk.share(2))
    assert talk.link.waiting == 1


def test_the_end_settles_everything_once(playbook: type[Playbook]) -> None:
    talk = playbook(unanswered=2).login()
    talk.submits("a", "b", "c")
    talk.pool_says(talk.yes(2))
    talk.submits("d")
    talk.link.abandon(talk.now)
    talk.link.abandon(talk.now)
    talk.told(Settled("b", ACCEPTED), Settled("a", LOST), Settled("c", LOST), Settled("d", LOST))
    assert not talk.link.working
    assert talk.link.waiting == 0


# ---- a pool that is broken, or wants something


def test_a_senseless_line_is_noted_and_a_good_one_forgives_it(playbook: type[Playbook]) -> None:
    talk = playbook(knows=False).login()
    for job_id in ("1", "2", "3"):
        talk.pool_says(*["<html>"] * (BAD_LINES - 1), talk.job(job_id))
    talk.told(Given("1"), Given("2"), Given("3"))
    assert talk.link.notes == ["line ignored: not a JSON object: '<html>'"] * 3 * (BAD_LINES - 1)


def test_too_many_senseless_lines_in_a_row_are_the_end(playbook: type[Playbook]) -> None:
    talk = playbook().login()
    for _ in range(BAD_LINES - 1):
        talk.pool_says("<html>", "")
    with pytest.raises(PoolError, match="not a JSON object: '17'"):
        talk.pool_says("17")


def test_a_line_without_end_is_not_collected(playbook: type[Playbook]) -> None:
    talk = playbook(knows=False).login()
    talk.link.receive(b"x" * LINE_BYTES, talk.now)
    with pytest.raises(PoolError, match="a line of more than 65536 bytes"):
        talk.link.receive(b"x", talk.now)


def test_what_came_before_a_line_too_long_still_counts(playbook: type[Playbook]) -> None:
    talk = playbook().login()
    talk.submits("share")
    with pytest.raises(PoolError, match="a line of more than"):
        talk.pool_says(talk.yes(1), "x" * (LINE_BYTES + 1), talk.job("1"))
    talk.told(Settled("share", ACCEPTED))


def test_a_silent_pool_counts_as_dead(playbook: type[Playbook]) -> None:
    talk = playbook(silence_seconds=300).login()
    talk.time_passes(299)
    talk.pool_says("")
    talk.time_passes(299)
    with pytest.raises(PoolError, match="silent for 300 s"):
        talk.time_passes(2)


@pytest.mark.parametrize(
    ("params", "note"),
    [
        ('["evil.example",4444,0]', "evil.example 4444"),
        ('["evil.example","4444"]', "evil.example 4444"),
        ("[]", "the same address"),
    ],
)
def test_a_pool_may_ask_to_reconnect_but_not_where_to(
    playbook: type[Playbook], params: str, note: str
) -> None:
    talk = playbook().login()
    talk.pool_says(f'{{"id":null,"method":"client.reconnect","params":{params}}}')
    assert talk.link.reconnect_asked
    assert talk.link.notes == [f"asked to reconnect to {note}; reconnecting as configured"]


def test_a_pool_that_asks_without_reading_does_not_fill_the_memory(playbook: type[Playbook]) -> None:
    talk = playbook().login()
    for _ in range(10):
        talk.pool_says(*['{"id":7,"method":"client.get_version","params":[]}'] * 100)
    assert talk.link.take_output().count(b"\n") == MAX_UNSENT
    talk.submits("share")
    talk.we_say(talk.share(1))
