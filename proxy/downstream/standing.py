"""What is remembered of one connection for judging its shares; the rest belongs to miner and address.

The trap: a verdict may come when the connection has gone, and must not put its miner at work again.
"""

from proxy.core.penalties import Miner


class Standing:
    """One connection, as downstream.warden.Warden knows it.

    Args:
        now: seconds of the monotonic clock.

    Attributes:
        miner: who answers for its shares, None before the login.
        changed: when it came, or last got a first job, another difficulty or another slice.
        is_proven: it has had a good share.
        is_slowed: it is to be read slowly.
        is_over: it has ended.
    """

    __slots__ = ("address", "changed", "is_over", "is_proven", "is_slowed", "listener", "miner")

    def __init__(self, listener: str, address: str, now: float) -> None:
        self.listener = listener
        self.address = address
        self.miner: Miner | None = None
        self.changed = now
        self.is_proven = False
        self.is_slowed = False
        self.is_over = False
