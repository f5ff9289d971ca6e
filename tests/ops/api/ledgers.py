"""A ledger that has what the test says."""

import trio

from proxy.ledger.reading import Share
from proxy.ops.ledgerreader import (
    LedgerBlock,
    LedgerDownError,
    LedgerPoint,
    LedgerState,
    PoolSum,
    Reconciliation,
    ShareQuery,
)

NOW = 1_800_000_000.0


class FakeLedger:
    """Reads from nowhere; `asked` is what it was asked.

    Args:
        down: why it cannot answer.
    """

    def __init__(self, state: LedgerState | None = None, down: str = "") -> None:
        self.state = state or LedgerState("ok")
        self.asked: list[object] = []
        self._down = down

    async def _answer(self, asked: object) -> None:
        await trio.lowlevel.checkpoint()
        if self._down:
            raise LedgerDownError(self._down)
        self.asked.append(asked)

    async def shares(self, query: ShareQuery) -> list[Share]:
        """One share."""
        await self._answer(query)
        return [
            Share(
                "7",
                NOW,
                NOW,
                "rig1",
                "10.0.0.1",
                "farm",
                "aion",
                "main",
                "1f",
                "accepted",
                "",
                4.0,
                9.5,
                12.5,
                False,
            )
        ]

    async def history(self, seconds: float, step: float, worker: str | None = None) -> list[LedgerPoint]:
        """One point."""
        await self._answer((seconds, step, worker))
        return [LedgerPoint(NOW, 12.5, {"accepted": 3})]

    async def reconcile(self, since: float) -> Reconciliation:
        """One share that a pool accepted."""
        await self._answer(since)
        pools = [PoolSum("main", 1, 1, 0, 0)]
        return Reconciliation(since, NOW, True, 2, {"stale": 1}, 0, 1, 1, 0, 0, 0, [], pools)

    async def blocks(self, limit: int) -> list[LedgerBlock]:
        """One block."""
        await self._answer(limit)
        return [LedgerBlock(NOW, "rig1", "main", "1f", 1e9)]
