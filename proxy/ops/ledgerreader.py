"""What the API needs of a ledger, so that it knows none.

All times are seconds since 1970.  Whatever a ledger cannot answer now raises LedgerDownError, with one line
that says why.
"""

from typing import Protocol

import attrs
import msgspec

from proxy.errors import SluiceError
from proxy.ledger.reading import Share
from proxy.model.ended import Ended
from proxy.ops.times import since_1970


class LedgerDownError(SluiceError):
    """The ledger cannot answer; the text says why."""


class LedgerState(msgspec.Struct):
    """How the ledger does.

    Args:
        state: off, ok, behind or down.
        pending: shares not written yet.
        lost: shares that will never be.
        reason: why it is behind or down, "" if it is not.
    """

    state: str = "off"
    pending: int = 0
    written: int = 0
    lost: int = 0
    reason: str = ""


OFF = LedgerState()


@attrs.frozen
class ShareQuery:
    """Which shares, the latest first; "" and 0 for any."""

    worker: str = ""
    reason: str = ""
    since: float = 0.0
    limit: int = 100


class LedgerPoint(msgspec.Struct):
    """What came in within a step of a history.

    Args:
        at: when it began.
    """

    at: float
    sols_per_second: float
    shares: dict[str, int]


class PoolSum(msgspec.Struct):
    """What became of the shares that were sent to a pool."""

    pool: str
    forwarded: int
    accepted: int
    rejected: int
    lost: int


class Reconciliation(msgspec.Struct):
    """Whether the ledger has every share.

    Args:
        missing: shares that were counted and are not written.
        gaps: where, a line each.
    """

    since: float
    until: float
    holds: bool
    received: int
    filtered: dict[str, int]
    kept: int
    forwarded: int
    accepted: int
    rejected: int
    lost: int
    missing: int
    gaps: list[str]
    pools: list[PoolSum]


class LedgerBlock(msgspec.Struct):
    """A share that was a block."""

    at: float
    worker: str
    pool: str
    job: str
    reached: float

    @classmethod
    def of(cls, share: Ended) -> "LedgerBlock":
        """Make one of a share that has just ended in this process."""
        reached = 2.0**256 / max(1, int.from_bytes(share.value, "big"))
        return cls(since_1970(share.at), share.worker, share.pool, share.job, reached)


class LedgerReader(Protocol):
    """Reads a ledger, beside the loop or in small steps; nothing here holds up the miners."""

    @property
    def state(self) -> LedgerState:
        """How it does; at once."""

    async def shares(self, query: ShareQuery) -> list[Share]:
        """Give shares, the latest first.

        Raises: LedgerDownError.
        """

    async def history(self, seconds: float, step: float, worker: str | None = None) -> list[LedgerPoint]:
        """Give what came in, oldest first.

        Args:
            seconds: how far back.
            step: seconds of each point; a multiple of 60.
            worker: of whom, None for the farm.
        Raises: LedgerDownError.
        """

    async def reconcile(self, since: float) -> Reconciliation:
        """Sum up what is written since then, 0 for all.

        Raises: LedgerDownError.
        """

    async def blocks(self, limit: int) -> list[LedgerBlock]:
        """Give found blocks, the latest first.

        Raises: LedgerDownError.
        """
