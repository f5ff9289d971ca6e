"""Sends miners away so that nothing of theirs is lost: one by one, each when it owes and is owed nothing.

    waits → parted (told to reconnect, and nothing more; what it still sends counts) → gone

Strategy: right after a verdict is the moment in which a share is least likely to be under way; who has
none while half of the time goes by is sent away as it is.  Our side of the connection is closed first, and
the miner's is read to its end, so a share that was under way all the same reaches the pool, though its miner
never hears of it.
The traps: XMRig knows no client.reconnect, and needs none, for the closed connection says the same; and
a miner that does not hang up must not hold us up, so it has but a moment.
"""

from collections.abc import Callable

import trio

from proxy.downstream.board import Board
from proxy.downstream.connection import Connection
from proxy.downstream.session import MinerSession
from proxy.wire.aion import RECONNECT

LOOK_SECONDS = 0.1  # between two looks: ten thousand miners take some milliseconds each
LAST_SECONDS = 2.0  # from our end of a connection to its own
MOST_A_LOOK = 500  # miners sent away at once, 5,000 a second: as fast as they are let in elsewhere


class Parting:
    """The end of some of a board's miners.

    Args:
        whose: tells which.
        reason: for the counts of disconnects.
    """

    def __init__(self, board: Board, whose: Callable[[MinerSession], bool], reason: str) -> None:
        self._board = board
        self._whose = whose
        self._reason = reason
        self._requests: dict[MinerSession, int] = {}  # read before this began
        self._parted: dict[Connection, float] = {}  # and when they are closed

    async def run(self, seconds: float) -> None:
        """Send them away, and return when all are gone.

        Args:
            seconds: after which none is waited for any more.
        """
        now = trio.current_time()
        patient_until, ends = now + seconds / 2, now + seconds
        while self._look(now, now >= patient_until, now >= ends):
            await trio.sleep(LOOK_SECONDS)
            now = trio.current_time()

    def _look(self, now: float, is_late: bool, is_over: bool) -> bool:
        """Send away those that can be; false if nobody is left."""
        board = self._board
        waiting = [c for c in board.connections.values() if not c.parting and self._whose(c.session)]
        left = MOST_A_LOOK
        for connection in waiting:
            if left and (is_over or self._is_quiet(connection, is_late)):
                left -= 1
                self._part(connection, now)
        board.flush()
        for connection, closes in list(self._parted.items()):
            if connection.sock is None:
                del self._parted[connection]
            elif now >= closes:
                board.close(connection, self._reason)
        for miner in list(board.websockets.miners):
            session = miner.session
            if self._whose(session) and (is_over or self._may_go(session, is_late)):
                session.close(self._reason)
        return bool(waiting or self._parted or any(self._whose(m.session) for m in board.websockets.miners))

    def _is_quiet(self, connection: Connection, is_late: bool) -> bool:
        return not connection.leftover and self._may_go(connection.session, is_late)

    def _may_go(self, session: MinerSession, is_late: bool) -> bool:
        before = self._requests.setdefault(session, session.requests)
        has_spoken = session.requests > before or not session.at_work
        return not session.unanswered and not session.out and (has_spoken or is_late)

    def _part(self, connection: Connection, now: float) -> None:
        session = connection.session
        if session.dialect == "aion":
            session.say(RECONNECT)
        if session.out:
            connection.send(session.take_output())
        connection.part(self._reason)
        self._parted[connection] = now + LAST_SECONDS
