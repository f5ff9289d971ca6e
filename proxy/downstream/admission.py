"""Who may be here: one count of all miners, by whatever transport they come.

Strategy: a carrier asks before it makes a session, and tells when one has ended; the counts of the tally
and the word to the log are made here, so that no transport counts otherwise than another.
The trap: an address is not always what the socket says.  Behind a load balancer it is known only once the
PROXY header is read, so a carrier asks then, and keeps whom it has not asked for bounded itself.
"""

from collections import Counter
from collections.abc import Callable

from proxy.config import Limits
from proxy.core.tally import Tally
from proxy.downstream.door import Label
from proxy.downstream.house import House
from proxy.downstream.listeners import UNIX
from proxy.downstream.session import Door, MinerSession

Farewell = Callable[[MinerSession, float], None]


class Admission:
    """Counts miners in and out.

    Args:
        house: where sessions belong.
        farewell: told of every session that ended, for the log.

    `here` is how many there are, `by_address` how many of each address.
    """

    def __init__(self, house: House, limits: Limits, tally: Tally, farewell: Farewell) -> None:
        self.house = house
        self.limits = limits
        self.here = 0
        self.by_address: Counter[str] = Counter()
        self._tally = tally
        self._farewell = farewell
        self._doors: set[Door] = set()  # with somebody in them

    def enter(self, door: Door, address: str, now: float) -> bool:
        """Count a connection, and a miner in; false if it may not be here, and is to be closed."""
        self._tally.connections[door.listener] += 1
        limits = self.limits
        refusal = self.house.warden.refuses(address, now)
        if refusal:
            self._tally.disconnects[door.listener, refusal] += 1
            return False
        if self.here >= limits.max_miners or (
            self.by_address[address] >= limits.max_miners_per_address and address != UNIX
        ):
            self._tally.disconnects[door.listener, "full"] += 1
            return False
        self.here += 1
        self.by_address[address] += 1
        self._doors.add(door)
        return True

    def count(self) -> Counter[Label]:
        """Count the miners that are here, by listener and dialect; costs the same however many they are."""
        # Of a listener that is shut the door goes with its last miner.
        self._doors = {door for door in self._doors if door.here}
        total: Counter[Label] = Counter()
        for door in self._doors:
            total.update(door.here)
        return total

    def leave(self, session: MinerSession, reason: str, now: float) -> None:
        """End a session that was let in.

        Args:
            reason: of the end, where the session has none of its own.
        """
        self.here -= 1
        address = session.address
        self.by_address[address] -= 1
        if not self.by_address[address]:
            del self.by_address[address]
        self._end(session, reason, now)

    def turn_away(self, door: Door, address: str, reason: str, detail: str, now: float) -> None:
        """Count and log a connection that ends before it can be a miner's."""
        self._tally.connections[door.listener] += 1
        session = MinerSession(self.house, door, address, now, _nobody)
        session.close(reason, detail)
        self._end(session, reason, now)

    def held_up(self, limit: str) -> None:
        """Count a miner that is not read for now, by the limit that says so."""
        self._tally.limits[limit] += 1

    def count_bytes(self, received: int, sent: int) -> None:
        """Count what has come from miners and gone to them."""
        network_bytes = self._tally.network_bytes
        network_bytes["downstream", "in"] += received
        network_bytes["downstream", "out"] += sent

    def _end(self, session: MinerSession, reason: str, now: float) -> None:
        session.closing = session.closing or reason
        session.end(now)
        session.door.count_out(session.label)
        self.house.warden.ended(session.standing, session.closing, session.close_detail, now)
        self._tally.disconnects[session.listener, session.closing] += 1
        self._farewell(session, now)
        _cut_circles(session)


def _cut_circles(session: MinerSession) -> None:
    """Have a session freed with the last reference to it.

    The garbage collector would find it, too, but all at once: thousands of strangers that have gone cost it
    60 ms, in which no miner is served.
    """
    session.wake = _nobody
    if not session.unanswered:  # else a verdict is still to be said, if to nobody
        del session.flow


def _nobody() -> None:
    """Nobody waits for the output of a session that is at its end."""
