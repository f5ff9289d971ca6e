"""The listeners of a running proxy on its board: opened, and changed under the miners that are there.

Strategy: a listener that stays has its door for as long as it stays, and another configuration is put into
it; all sessions that came in by it see it at once.
The trap: a listener that moves is another listener of the same name, so miners are told apart by their
door.
"""

import copy
from collections.abc import Iterator

import attrs
import structlog
import trio

from proxy.config import Config, Listen
from proxy.doors import make_door, make_entrance
from proxy.downstream.board import Board
from proxy.downstream.certificates import Certificates
from proxy.downstream.door import Door
from proxy.downstream.entrance import Entrance
from proxy.downstream.grading import regrade
from proxy.downstream.session import MinerSession
from proxy.lifecycle.ports import Ports
from proxy.openfiles import raise_limit
from proxy.relay import Relay

SPARE_FILES = 64  # beside miners: listeners, the pool, HTTP, the log, the ledger

log = structlog.get_logger()


@attrs.define(eq=False)
class Frontage:
    """Opens and changes what miners come to.

    Args:
        relay: numbers the difficulties.
    """

    board: Board
    relay: Relay
    certificates: Certificates
    _open: dict[str, tuple[Listen, Entrance]] = attrs.field(factory=dict)

    def open(self, config: Config, ports: Ports) -> None:
        """Open all listeners."""
        for listen, entrance in self._entrances(config, ports):
            self._open[listen.name] = listen, entrance
            self.board.admit_by(entrance)

    def change(self, config: Config, ports: Ports) -> list[Door]:
        """Go by another configuration.

        Args:
            ports: as they are to be.
        Returns: the doors of listeners that are shut, whose miners are to be sent away.
        """
        now = trio.current_time()
        found = {listen.name: (listen, entrance) for listen, entrance in self._entrances(config, ports)}
        shut = []
        for name, (listen, entrance) in list(self._open.items()):
            new = found.get(name)
            if new is None or new[0].url != listen.url:
                self.board.shut(name)
                shut.append(entrance.door)
                del self._open[name]
        for name, (listen, entrance) in found.items():
            if name in self._open:
                self._renew(self._open[name][1], entrance, now)
                self._open[name] = listen, self._open[name][1]
            else:
                self._open[name] = listen, entrance
                self.board.admit_by(entrance)
        return shut

    def _entrances(self, config: Config, ports: Ports) -> Iterator[tuple[Listen, Entrance]]:
        for listen, sock in ports.sockets:
            lane = self.relay.lane_of(listen.difficulty)
            door = make_door(config, listen, ports.standing, lane)
            yield listen, make_entrance(listen, sock, door, self.certificates)

    def _renew(self, entrance: Entrance, new: Entrance, now: float) -> None:
        door, former = entrance.door, copy.copy(entrance.door)
        for field in attrs.fields(Door):
            if field.init:
                setattr(door, field.name, getattr(new.door, field.name))
        entrance.tls, entrance.balancers = new.tls, new.balancers
        if (door.lane, door.vardiff) != (former.lane, former.vardiff):
            regrade([session for session in self._sessions() if session.door is door], former, now)
            self.board.flush()

    def _sessions(self) -> Iterator[MinerSession]:
        yield from (connection.session for connection in self.board.connections.values())
        yield from (miner.session for miner in self.board.websockets.miners)


def make_room(miners: int) -> None:
    """Let the process have open files for so many miners, or say that it cannot."""
    allowed = raise_limit(miners + SPARE_FILES) - SPARE_FILES
    # The default of max_miners is more than most farms have; a little less is no news.
    if allowed < miners // 2:
        log.warning(
            "few open files",
            miners=allowed,
            max_miners=miners,
            note="raise the hard limit (ulimit -Hn, LimitNOFILE=), or lower limits.max_miners",
        )
