"""What a worker answers to a question, line by line."""

import trio

from proxy.ops.crowd import BadRecord, BanRecord, MinerPage, MinerQuery, MinerRecord, Nobody
from proxy.workers.questions import (
    BANS_A_LINE,
    MINERS_A_LINE,
    Answer,
    Ask,
    BadShares,
    Bans,
    Disconnect,
    Miners,
    Question,
    Release,
    answers,
)


def a_miner(number: int, rank: float | str = 0.0) -> MinerRecord:
    """A miner of that number."""
    return MinerRecord(
        f"{number:x}", f"rig{number}", "10.0.0.1", "farm", "aion", "", 4.0, 1e9, 0.0, {}, 0, False, rank
    )


def a_ban(number: int, since: float = 1e9) -> BanRecord:
    """A ban of that number."""
    return BanRecord(
        f"1-{number}", "address", "10.0.0.1", "", "10.0.0.1", "", "junk", since, since + 60, 1, []
    )


class Crowd(Nobody):
    """A crowd of so many, in which everything can be done."""

    def __init__(self, miners: int = 0, bans: int = 0) -> None:
        self._miners, self._bans = miners, bans
        self.asked: list[object] = []

    async def miners(self, query: MinerQuery) -> MinerPage:
        await trio.lowlevel.checkpoint()
        self.asked.append(query)
        return MinerPage([a_miner(number) for number in range(self._miners)], 10 * self._miners)

    async def bad_shares(self, worker: str) -> list[BadRecord]:
        await trio.lowlevel.checkpoint()
        return [BadRecord(1e9, "stale", "", worker)]

    async def bans(self) -> list[BanRecord]:
        await trio.lowlevel.checkpoint()
        return [a_ban(number) for number in range(self._bans)]

    async def disconnect(self, miner_id: str) -> bool:
        await trio.lowlevel.checkpoint()
        return miner_id == "1f"

    async def release(self, ban_id: str) -> bool:
        await trio.lowlevel.checkpoint()
        return ban_id == "1-2"


async def lines(question: Question, crowd: Crowd) -> list[Answer]:
    """All lines of an answer."""
    return [answer async for answer in answers(Ask(7, question), crowd)]


async def test_many_miners_come_in_several_lines() -> None:
    crowd = Crowd(miners=2 * MINERS_A_LINE + 1)
    query = MinerQuery(worker="rig1")
    found = await lines(Miners(query), crowd)
    assert crowd.asked == [query]
    assert [len(line.miners) for line in found] == [MINERS_A_LINE, MINERS_A_LINE, 1, 0]
    assert [line.last for line in found] == [False, False, False, True]
    assert found[-1].total == 10 * (2 * MINERS_A_LINE + 1)
    assert {line.number for line in found} == {7}


async def test_so_do_many_bans() -> None:
    found = await lines(Bans(), Crowd(bans=BANS_A_LINE + 1))
    assert [(len(line.bans), line.last) for line in found] == [(BANS_A_LINE, False), (1, False), (0, True)]


async def test_all_else_is_one_line() -> None:
    crowd = Crowd()
    (line,) = await lines(BadShares("rig1"), crowd)
    assert (line.bad_shares, line.last) == ([BadRecord(1e9, "stale", "", "rig1")], True)
    for question, made in (
        (Disconnect("1f"), 1),
        (Disconnect("2f"), 0),
        (Release("1-2"), 1),
        (Release("2-2"), 0),
    ):
        assert await lines(question, crowd) == [Answer(7, total=made, last=True)]
        assert type(made) is int
