"""How the ledger does, of one process or of several."""

from collections.abc import Iterable

import msgspec

OFF, OK, BEHIND, DOWN = "off", "ok", "behind", "down"
_WORSE = (OFF, OK, BEHIND, DOWN)


class Standing(msgspec.Struct, frozen=True):
    """How the ledger does.

    Args:
        state: off (none is kept), ok, behind (shares wait on disk) or down (the database takes none).
        pending: shares that are not in the database yet.
        written: shares that were put there, those of earlier runs included.
        lost: shares of this run that will never be there.
        spooled_bytes: that wait on disk.
        reason: why it is behind or down, one line; "" if it is neither.
    """

    state: str = OFF
    pending: int = 0
    written: int = 0
    lost: int = 0
    spooled_bytes: int = 0
    reason: str = ""

    @property
    def past(self) -> "Standing":
        """What counts of it still when its process is gone."""
        return Standing(written=self.written, lost=self.lost)


def together(standings: Iterable[Standing]) -> Standing:
    """Make one of several: all counts, and the worst state with its reason."""
    every = list(standings)
    worst = max(every, key=lambda one: _WORSE.index(one.state), default=Standing())
    return Standing(
        worst.state,
        sum(one.pending for one in every),
        sum(one.written for one in every),
        sum(one.lost for one in every),
        sum(one.spooled_bytes for one in every),
        worst.reason,
    )
