"""Gives miners that are here another difficulty when that of their listener changes.

The trap: a miner that asked for a difficulty keeps it, and where no difficulty follows the miners nothing
but its lane tells that it did.
"""

from collections.abc import Iterable

import attrs

from proxy.downstream.door import Door
from proxy.downstream.pace import Pace
from proxy.downstream.session import MinerSession


def regrade(sessions: Iterable[MinerSession], former: Door, now: float) -> None:
    """Have the miners of a listener work at its difficulty, those that came before it changed.

    Args:
        sessions: all that came in by it.
        former: the door as it was; the sessions' own is as it is now.
    """
    for session in sessions:
        if not _has_asked(session, former):
            _regrade(session, now)


def _has_asked(session: MinerSession, former: Door) -> bool:
    if former.vardiff is not None:
        return session.vardiff is None
    return session.assignment.lane != former.lane


def _regrade(session: MinerSession, now: float) -> None:
    door, pace = session.door, session.pace
    session.vardiff = settings = door.vardiff
    if settings is None:
        session.pace, session.next_look = None, float("inf")
        session.work_at(door.lane, now)
        return
    lane = door.lane
    if session.at_work:
        if pace is not None:
            # It has found its place; only the bounds are others.
            start = min(max(pace.difficulty, settings.min), settings.max)
            settings = attrs.evolve(settings, start=start)
        session.pace = pace = Pace(settings, now, session.house.works.ceiling)
        session.next_look = now + pace.every
        lane = session.house.lane_of(pace.difficulty)
    session.work_at(lane, now)
