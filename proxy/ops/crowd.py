"""Who is here, and what can be done about it, whether one process has the miners or several.

Strategy: a crowd is asked for a page, never for everybody: whoever has the miners filters, sorts and cuts,
and only the page is written out.  Records go between processes as they are, so their times are seconds
since 1970: monotonic clocks of two processes have nothing in common.
"""

from typing import Literal, Protocol

import msgspec

MOST_CONNECTIONS = 100  # of one worker, on its page

MinerSort = Literal[
    "id",
    "worker",
    "address",
    "listener",
    "dialect",
    "difficulty",
    "connected_at",
    "last_share_at",
    "unanswered",
    "accepted",
    "bad",
]


class MinerQuery(msgspec.Struct, frozen=True):
    """Which miners, in which order.

    Args:
        worker, listener: exactly so; "" for any.
        search: part of worker, address, or agent, in any case; "" for any.
    """

    worker: str = ""
    listener: str = ""
    search: str = ""
    sort: MinerSort = "worker"
    descending: bool = False
    limit: int = 100
    offset: int = 0


class MinerRecord(msgspec.Struct):
    """One connection; times in seconds since 1970, 0 for never."""

    id: str
    worker: str
    address: str
    listener: str
    dialect: str
    agent: str
    difficulty: float
    connected_at: float
    last_share_at: float
    shares: dict[str, int]
    unanswered: int
    slowed: bool
    rank: float | str = 0.0  # what it is sorted by


class MinerPage(msgspec.Struct):
    """Some of the miners that were asked for, and how many there are of them."""

    items: list[MinerRecord]
    total: int


class BadRecord(msgspec.Struct):
    """A share that came to nothing; `at` in seconds since 1970."""

    at: float
    reason: str
    detail: str
    job: str
    address: str = ""


class BanRecord(msgspec.Struct):
    """Somebody who is shut out; times in seconds since 1970.

    Args:
        subject: an address, or a miner as worker@address.
        worker, listener: of a miner, else "".
        times: bans that are not made up for, this one included.
    """

    id: str
    kind: Literal["miner", "address"]
    subject: str
    worker: str
    address: str
    listener: str
    reason: str
    since: float
    until: float
    times: int
    evidence: list[BadRecord]


class Crowd(Protocol):
    """Those who have the miners."""

    async def miners(self, query: MinerQuery) -> MinerPage:
        """Give a page of the miners that are here."""

    async def bad_shares(self, worker: str) -> list[BadRecord]:
        """Give a worker's latest shares that came to nothing, the latest first."""

    async def bans(self) -> list[BanRecord]:
        """Give all who are shut out, the latest first."""

    async def disconnect(self, miner_id: str) -> bool:
        """Close a miner's connection; false if there is no such miner."""

    async def release(self, ban_id: str) -> bool:
        """End a ban; false if there is none of that id."""


class Nobody:
    """The crowd of a proxy that does not take miners yet."""

    async def miners(self, query: MinerQuery) -> MinerPage:  # noqa: ARG002  # of nobody every page is alike
        """Give an empty page."""
        return MinerPage([], 0)

    async def bad_shares(self, worker: str) -> list[BadRecord]:  # noqa: ARG002
        """Give none."""
        return []

    async def bans(self) -> list[BanRecord]:
        """Give none."""
        return []

    async def disconnect(self, miner_id: str) -> bool:  # noqa: ARG002
        """There is no such miner."""
        return False

    async def release(self, ban_id: str) -> bool:  # noqa: ARG002
        """There is no such ban."""
        return False
