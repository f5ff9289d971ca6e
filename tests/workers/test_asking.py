"""Several worker processes asked as if they were one."""

import itertools

import msgspec
import pytest
import trio
from trio.testing import MockClock

from proxy.ops.crowd import BadRecord, MinerQuery
from proxy.ops.turns import Turns
from proxy.workers.asking import ASK_SECONDS, MOST_QUESTIONS, WorkersCrowd
from proxy.workers.questions import Answer, Ask, BadShares, Bans, Disconnect, Miners, Release
from proxy.workers.roster import Life, Roster
from tests.workers.test_questions import a_ban, a_miner


@pytest.fixture
def clock() -> MockClock:
    """Let time jump."""
    return MockClock(autojump_threshold=0)


class House:
    """Workers that answer as the test has it: `answers` by number of the worker; a missing one is silent."""

    def __init__(self, workers: int = 2) -> None:
        self.roster = Roster()
        self.lives = [self.roster.begin(number) for number in range(1, workers + 1)]
        self.asked: list[Ask] = []
        self.answers: dict[int, list[Answer]] = {}
        self.crowd = WorkersCrowd(lambda: self.roster.lives, self._send, Turns())

    def _send(self, life: Life, ask: Ask) -> None:
        self.asked.append(ask)
        for answer in self.answers.get(life.number, []):
            life.answered(msgspec.structs.replace(answer, number=ask.number))


async def test_a_page_is_made_of_all_in_one_order() -> None:
    house = House()
    house.answers = {
        1: [
            Answer(0, miners=[a_miner(1, 9.0), a_miner(2, 4.0)]),
            Answer(0, miners=[a_miner(3, 1.0)]),
            Answer(0, total=30, last=True),
        ],
        2: [Answer(0, miners=[a_miner(4, 8.0), a_miner(5, 2.0)]), Answer(0, total=2, last=True)],
    }
    page = await house.crowd.miners(MinerQuery(sort="accepted", descending=True, offset=1, limit=3))
    assert [miner.id for miner in page.items] == ["4", "2", "5"]
    assert page.total == 32
    (asked,) = {(ask.question.query.offset, ask.question.query.limit) for ask in house.asked}  # type: ignore[union-attr]
    assert asked == (0, 4), "the first four of all are among the first four of each"
    assert all(isinstance(ask.question, Miners) for ask in house.asked)


async def test_words_are_sorted_as_words() -> None:
    house = House()
    house.answers = {
        1: [Answer(0, miners=[a_miner(1, "ant"), a_miner(3, "cow")]), Answer(0, total=2, last=True)],
        2: [Answer(0, miners=[a_miner(2, "bee")]), Answer(0, total=1, last=True)],
    }
    page = await house.crowd.miners(MinerQuery())
    assert [miner.rank for miner in page.items] == ["ant", "bee", "cow"]


async def test_one_that_is_silent_is_waited_for_just_so_long(clock: MockClock) -> None:
    house = House()
    house.answers = {1: [Answer(0, miners=[a_miner(1)], total=1, last=True)]}
    page = await house.crowd.miners(MinerQuery())
    assert trio.current_time() == pytest.approx(ASK_SECONDS)
    assert [miner.id for miner in page.items] == ["1"]
    assert not any(life.questions for life in house.lives), "nobody waits any more"


async def test_an_answer_that_comes_too_late_is_nobodys(clock: MockClock) -> None:
    house = House(workers=1)
    assert await house.crowd.bans() == []
    house.lives[0].answered(Answer(house.asked[0].number, bans=[a_ban(1)], last=True))
    assert not house.lives[0].questions


async def test_questions_to_a_silent_one_do_not_pile_up(clock: MockClock) -> None:
    house = House(workers=1)
    async with trio.open_nursery() as nursery:
        for _ in range(2 * MOST_QUESTIONS):
            nursery.start_soon(house.crowd.bans)
    assert len(house.asked) == MOST_QUESTIONS


async def test_bad_shares_and_bans_come_latest_first() -> None:
    house = House()
    house.answers = {
        1: [Answer(0, bad_shares=[BadRecord(3, "stale", "", "")], bans=[a_ban(1, 5)], last=True)],
        2: [Answer(0, bad_shares=[BadRecord(9, "stale", "", "")], bans=[a_ban(2, 7)], last=True)],
    }
    assert [one.at for one in await house.crowd.bad_shares("rig1")] == [9, 3]
    assert [one.since for one in await house.crowd.bans()] == [7, 5]
    assert isinstance(house.asked[0].question, BadShares)
    assert isinstance(house.asked[-1].question, Bans)


async def test_a_change_is_made_where_it_can_be() -> None:
    house = House()
    for made in itertools.product((0, 1), repeat=2):
        house.answers = {number: [Answer(0, total=of, last=True)] for number, of in enumerate(made, 1)}
        assert await house.crowd.disconnect("1f") is any(made)
        assert await house.crowd.release("1-2") is any(made)
    assert {type(ask.question) for ask in house.asked} == {Disconnect, Release}


async def test_with_no_worker_there_is_nobody() -> None:
    house = House(workers=0)
    assert (await house.crowd.miners(MinerQuery())).total == 0
    assert not await house.crowd.disconnect("1f")
