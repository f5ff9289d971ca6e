"""The nonce space of one pool connection, cut into slices so that no two miners do the same work.

    |  pool's extranonce1  |  our own bytes  |  extranonce2: the miner rolls these  |   32 bytes
    |  owner: the pool     |  owner: Sluice  |  owner: the miner                    |
    '------ what a miner gets as its extranonce1 ------'

Blob work has 4 bytes of nonce and no extranonce: there the space is the one byte on top, 256 slices.

Strategy: slices are handed out in a ring.  One that comes back rests until every job it was used for
is gone; with a ring of 2^32 it would come round again only after as many logins anyway.
The trap: reference miners put their thread number at byte 19, so a prefix of more than 17 bytes makes
threads repeat each other's work.
"""

from collections import OrderedDict

import attrs

from proxy.errors import PoolError

MAX_PREFIX = 17
WARN_PREFIX = 12  # some closed miners take no more
# Slices that rest are remembered up to this many.  The ring of two own bytes is no larger, so there it
# is exact; larger rings come round to a slice that was forgotten only after 2^24 logins on one job.
MAX_RESTING = 65_536


@attrs.define(slots=True, eq=False)
class Slice:
    """One miner's part of the nonce space, lent until given back.

    Args:
        number: its place in the ring.
        prefix: the miner's extranonce1, lower-case hex: the pool's bytes, then ours.
        space: whose it is.
    """

    number: int
    prefix: str
    space: "NonceSpace"

    def give_back(self) -> None:
        """End the loan; a second call does nothing."""
        self.space.take_back(self)


class NonceSpace:
    """Lends slices of one pool connection's nonce space.

    Args:
        extranonce1: the pool's, hex.
        own_bytes: how many bytes of our own to put behind it, at most; fewer where 17 would be passed.
            0 makes one slice of it all.
        start: where in the ring to begin; two proxies that a pool gave the same extranonce1 by
            mistake overlap less when this is random.
        spare_bytes: of the 17, left to those who split their slice once more.
    Raises: PoolError when the pool leaves no room for a single byte of ours.
    """

    def __init__(self, extranonce1: str, own_bytes: int, start: int = 0, spare_bytes: int = 0) -> None:
        taken, most = len(extranonce1) // 2, MAX_PREFIX - spare_bytes
        self.own_bytes = min(own_bytes, most - taken)
        if self.own_bytes < min(own_bytes, 1):
            raise PoolError(
                f"the pool's extranonce1 of {taken} bytes leaves no room to tell miners apart; "
                f"at most {most - 1} bytes work"
            )
        self.extranonce1 = extranonce1
        self.size = 1 << (8 * self.own_bytes)
        self._next = start % self.size
        self._lent: dict[int, Slice] = {}
        self._resting: OrderedDict[int, None] = OrderedDict()

    @property
    def prefix_bytes(self) -> int:
        """Length of a miner's extranonce1 in bytes."""
        return len(self.extranonce1) // 2 + self.own_bytes

    @property
    def lent(self) -> int:
        """Slices in use now."""
        return len(self._lent)

    @property
    def free(self) -> int:
        """Slices that could be lent now."""
        return self.size - len(self._lent) - len(self._resting)

    @property
    def resting(self) -> int:
        """Slices given back that wait for their jobs to be gone."""
        return len(self._resting)

    def lend(self) -> Slice | None:
        """Lend a slice that nobody works in.

        Returns: None when all are lent or resting.
        """
        if self.free <= 0:
            return None
        number = self._next
        while number in self._lent or number in self._resting:
            number = (number + 1) % self.size
        self._next = (number + 1) % self.size
        lent = Slice(number, self.extranonce1 + number.to_bytes(self.own_bytes, "big").hex(), self)
        self._lent[number] = lent
        return lent

    def take_back(self, lent: Slice) -> None:
        """Take a slice back and let it rest; one that is back already changes nothing."""
        # By identity: the number alone may by now be lent to another miner.
        if self._lent.get(lent.number) is lent:
            del self._lent[lent.number]
            self._resting[lent.number] = None
            if len(self._resting) > MAX_RESTING:
                self._resting.popitem(last=False)

    def jobs_gone(self) -> None:
        """Say that no earlier job lives: what rests may be lent again."""
        self._resting.clear()
