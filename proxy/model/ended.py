"""A share at its end, with all that is to be written down about it.

Strategy: one flat row, made once a share at the moment its verdict stands and never changed; whoever keeps
it turns its times into those of the wall clock.
"""

from typing import Protocol

import msgspec

from proxy.model.share import Reason


class Ended(msgspec.Struct, array_like=True, eq=False, gc=False):
    """What became of one share.

    Args:
        at: when its verdict stood, seconds of the monotonic clock.
        received: when it was handed to the pool, likewise; `at` for one that was not.
        worker: "" for one that came before any login.
        address: of its miner.
        listener, dialect: by which it came.
        pool: whose job it was for and to whom it was sent; "" for one that was not sent, "none" for one
            that found no pool.
        job: the id that its miner gave, as it gave it but clipped.
        reason: its verdict.
        message: for a rejected one the pool's own text, for a malformed one what is wrong.
        difficulty: that its work asked; 0 if the work is not known.
        value: 32 bytes big-endian, b"" if it was not looked at; 2^256 / value is the difficulty it reached.
        roundtrip: seconds until the pool's verdict; None if there was none.
        block: its value is below the network's target, too, where that is known.
    """

    at: float
    received: float
    worker: str
    address: str
    listener: str
    dialect: str
    pool: str
    job: str
    reason: Reason
    message: str
    difficulty: float
    value: bytes
    roundtrip: float | None
    block: bool = False


class Recorder(Protocol):
    """Who writes shares down."""

    def record(self, share: Ended) -> None:
        """Take a share; must not wait and never fails."""
