"""What the parent may ask a worker, and what comes back: about its miners, their bad shares, its bans.

Strategy: one question has one number, and an answer as many lines as it takes, for a line is bounded; a
question that makes a change is answered by how often it did.
"""

from collections.abc import AsyncGenerator, Sequence
from typing import TypeVar

import msgspec

from proxy.ops.crowd import BadRecord, BanRecord, Crowd, MinerQuery, MinerRecord

MINERS_A_LINE = 200  # of 2 kB at most, and a millisecond to read
BANS_A_LINE = 100  # of 4 kB with all their evidence

Item = TypeVar("Item")


class Miners(msgspec.Struct, tag="miners"):
    """A page of its miners."""

    query: MinerQuery


class BadShares(msgspec.Struct, tag="bad_shares"):
    """A worker's latest shares that came to nothing."""

    worker: str


class Bans(msgspec.Struct, tag="bans"):
    """All who are shut out."""


class Disconnect(msgspec.Struct, tag="disconnect"):
    """Close a miner's connection."""

    miner: str


class Release(msgspec.Struct, tag="release"):
    """End a ban."""

    ban: str


Question = Miners | BadShares | Bans | Disconnect | Release


class Ask(msgspec.Struct, tag="ask"):
    """A question to a worker."""

    number: int
    question: Question


class Answer(msgspec.Struct, tag="answer", omit_defaults=True):
    """A part of an answer.

    Args:
        number: of the question.
        total: miners that were meant; of a change, how many were made.
        last: nothing follows.
    """

    number: int
    miners: list[MinerRecord] = []
    bad_shares: list[BadRecord] = []
    bans: list[BanRecord] = []
    total: int = 0
    last: bool = False


async def answers(ask: Ask, crowd: Crowd) -> AsyncGenerator[Answer, None]:
    """Answer a question, a line at a time."""
    number, question = ask.number, ask.question
    if isinstance(question, Miners):
        page = await crowd.miners(question.query)
        for some in _parts(page.items, MINERS_A_LINE):
            yield Answer(number, miners=list(some))
        yield Answer(number, total=page.total, last=True)
    elif isinstance(question, BadShares):
        yield Answer(number, bad_shares=await crowd.bad_shares(question.worker), last=True)
    elif isinstance(question, Bans):
        for bans in _parts(await crowd.bans(), BANS_A_LINE):
            yield Answer(number, bans=list(bans))
        yield Answer(number, last=True)
    elif isinstance(question, Disconnect):
        yield Answer(number, total=int(await crowd.disconnect(question.miner)), last=True)
    else:
        yield Answer(number, total=int(await crowd.release(question.ban)), last=True)


def _parts(items: Sequence[Item], most: int) -> list[Sequence[Item]]:
    return [items[start : start + most] for start in range(0, len(items), most)]
