"""What is remembered of one connection and its shares; the rest belongs to worker, miner and address.

The trap: a verdict may come when the connection has gone, and must not put its miner at work again.
"""

from proxy.core.penalties import Miner
from proxy.core.workerbook import Record
from proxy.model.share import Reason


class Standing:
    """One connection, as downstream.warden.Warden knows it.

    Args:
        now: seconds of the monotonic clock.

    Attributes:
        miner: who answers for its shares, None before the login.
        record: of the worker that they count for, None before the login.
        shares: by what became of them.
        since: when it came.
        last_share: when its last share came to its end; 0 for none.
        changed: when it came, or last got a first job, another difficulty or another slice.
        is_proven: it has had a good share.
        is_slowed: it is to be read slowly.
        is_over: it has ended.
    """

    __slots__ = (
        "address",
        "changed",
        "is_over",
        "is_proven",
        "is_slowed",
        "last_share",
        "listener",
        "miner",
        "record",
        "shares",
        "since",
    )

    def __init__(self, listener: str, address: str, now: float) -> None:
        self.listener = listener
        self.address = address
        self.miner: Miner | None = None
        self.record: Record | None = None
        self.shares: dict[Reason, int] = {}
        self.last_share = 0.0
        self.since = now
        self.changed = now
        self.is_proven = False
        self.is_slowed = False
        self.is_over = False
