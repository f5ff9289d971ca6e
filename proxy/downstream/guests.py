"""All miners of a process, by whatever transport they are here, for whoever looks at them from outside."""

import attrs

from proxy.downstream.board import Board
from proxy.downstream.session import MinerSession

DISCONNECTED = "disconnected"  # why a connection ended: somebody has said so


@attrs.frozen(eq=False)
class Guests:
    """The sessions of a board and of the WebSockets beside it."""

    board: Board

    def sessions(self) -> list[MinerSession]:
        """All that are here."""
        here = [connection.session for connection in self.board.connections.values()]
        here += [miner.session for miner in self.board.websockets.miners]
        return here

    def disconnect(self, number: str) -> bool:
        """End one, by its alias; false if it is not here."""
        for session in self.sessions():
            if session.assignment.alias == number:
                session.close(DISCONNECTED, "by the operator")
                self.board.flush()
                return True
        return False
