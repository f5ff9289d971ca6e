"""What is due on a board once a second: deadlines, budgets, last words that were not taken.

Strategy: everybody is looked at, and mostly nothing is due; whatever there is to do is done in slices, with a
turn for all others between two.
The traps: strangers come by thousands in one second, and so do their deadlines, each with a line to say, a
socket to close and a line to log; and between two slices connections go, so the list is of the round's
beginning.
"""

from collections.abc import Callable, Iterable

import trio

from proxy.downstream.admission import Admission
from proxy.downstream.connection import Connection
from proxy.downstream.pacing import BURST_SECONDS, refill

SWEEP_SECONDS = 1.0
LOOKS = 1024  # connections looked at between two checkpoints: a millisecond
DEEDS = 32  # of them those for which there was something to do: some 5 ms, closing them included


class Sweep:
    """Looks after a board's connections.

    Args:
        connections: all that are there.
        ask: called for one that is to be read again.
        close: closes one, for a reason.
        flush: sends what sessions have to say, and closes those that are to be.
    """

    def __init__(
        self,
        admission: Admission,
        connections: Callable[[], Iterable[Connection]],
        ask: Callable[[Connection], None],
        close: Callable[[Connection, str], None],
        flush: Callable[[], None],
    ) -> None:
        self._admission = admission
        self._connections = connections
        self._ask = ask
        self._close = close
        self._flush = flush

    async def round(self) -> None:
        """Do what is due."""
        now = trio.current_time()
        limits = self._admission.limits
        burst = limits.requests_per_second * BURST_SECONDS
        looks = deeds = 0
        for connection in list(self._connections()):
            if looks >= LOOKS or deeds >= DEEDS:
                looks = deeds = 0
                self._flush()
                await trio.lowlevel.checkpoint()
            looks += 1
            if connection.sock is None:
                continue
            session = connection.session
            if (connection.budget < burst or session.standing.is_slowed) and refill(
                connection, limits, SWEEP_SECONDS, now
            ):
                self._ask(connection)
            if session.closing or now >= session.deadline or now >= session.next_look:
                deeds += 1
                self._see_to(connection, now)
        self._flush()

    def _see_to(self, connection: Connection, now: float) -> None:
        session = connection.session
        if connection.last_call:
            self._close(connection, session.closing)
        elif session.closing:
            connection.last_call = True
        else:
            session.expire(now)
