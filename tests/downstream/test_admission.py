"""One count of all miners, whatever they come by."""

import gc
import socket

from proxy.config import Ban, Limits
from proxy.core.tally import Tally
from proxy.downstream.admission import Admission
from proxy.downstream.arrival import arrived
from proxy.downstream.connection import Connection
from proxy.downstream.entrance import Entrance
from proxy.downstream.listeners import UNIX
from proxy.downstream.session import MinerSession
from proxy.downstream.warden import Warden
from proxy.model.share import Reason, Verdict
from tests.kit.miners import FakeHouse, door


class Desk:
    """An admission, and what it has told."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.tally = Tally()
        self.house = FakeHouse()
        self.ended: list[MinerSession] = []
        self.admission = Admission(
            self.house, limits or Limits(), self.tally, lambda session, _now: self.ended.append(session)
        )

    def comes(self, address: str) -> MinerSession | None:
        """A connection; its session if it is let in."""
        if not self.admission.enter(door(), address, 0.0):
            return None
        return MinerSession(self.house, door(), address, 0.0, lambda: None)


def test_who_comes_and_goes_is_counted_once() -> None:
    desk = Desk()
    session = desk.comes("192.0.2.1")
    assert session is not None
    assert (desk.admission.here, desk.admission.by_address) == (1, {"192.0.2.1": 1})
    desk.admission.leave(session, "closed", 1.0)
    assert (desk.admission.here, desk.admission.by_address) == (0, {})
    assert desk.tally.connections == {"farm": 1}
    assert desk.tally.disconnects == {("farm", "closed"): 1}
    assert desk.ended == [session]


def test_those_who_are_here_are_counted_by_listener_and_dialect() -> None:
    desk = Desk()
    first, second = door(listener="farm"), door(listener="barn", dialects=["aion"])
    for one in (first, first, second):
        assert desk.admission.enter(one, "192.0.2.1", 0.0)
    sessions = [
        MinerSession(desk.house, one, "192.0.2.1", 0.0, lambda: None) for one in (first, first, second)
    ]
    assert desk.admission.count() == {("farm", "unknown"): 2, ("barn", "aion"): 1}
    for session in sessions[1:]:
        desk.admission.leave(session, "closed", 1.0)
    assert desk.admission.count() == {("farm", "unknown"): 1}
    desk.admission.leave(sessions[0], "closed", 1.0)
    assert desk.admission.count() == {}


def test_a_reason_of_the_session_goes_before_that_of_the_carrier() -> None:
    desk = Desk()
    session = desk.comes("192.0.2.1")
    assert session is not None
    session.close("idle", "no share")
    desk.admission.leave(session, "reset", 1.0)
    assert desk.tally.disconnects == {("farm", "idle"): 1}


def test_full_is_full() -> None:
    desk = Desk(Limits(max_miners=2))
    assert desk.comes("192.0.2.1")
    assert desk.comes("192.0.2.2")
    assert desk.comes("192.0.2.3") is None
    assert desk.tally.disconnects == {("farm", "full"): 1}


def test_an_address_has_a_limit_of_its_own_and_a_socket_file_none() -> None:
    desk = Desk(Limits(max_miners_per_address=1))
    assert desk.comes("192.0.2.1")
    assert desk.comes("192.0.2.1") is None
    assert desk.comes("192.0.2.2")
    assert desk.comes(UNIX)
    assert desk.comes(UNIX)


def test_who_is_turned_away_was_never_here() -> None:
    desk = Desk()
    desk.admission.turn_away(door(), "192.0.2.9", "proxy_header", "no header", 1.0)
    assert (desk.admission.here, desk.admission.by_address) == (0, {})
    assert desk.tally.connections == {"farm": 1}
    assert desk.tally.disconnects == {("farm", "proxy_header"): 1}
    assert [(session.address, session.close_detail) for session in desk.ended] == [("192.0.2.9", "no header")]


def test_bytes_are_counted() -> None:
    desk = Desk()
    desk.admission.count_bytes(3, 4)
    assert desk.tally.network_bytes == {("downstream", "in"): 3, ("downstream", "out"): 4}


def test_who_is_refused_for_its_address_is_counted_and_no_miner() -> None:
    desk = Desk()
    desk.house.warden = Warden(Ban(), Tally())
    for _ in range(60):
        session = desk.comes("192.0.2.1")
        if session is not None:
            session.close("not_stratum", "junk")
            desk.admission.leave(session, "closed", 0.0)
    assert desk.comes("192.0.2.1") is None
    assert desk.comes("192.0.2.2") is not None
    counts = {reason: count for (_, reason), count in desk.tally.disconnects.items()}
    assert counts["not_stratum"] == 60 - counts.get("throttled", 0) - counts.get("banned", 0) + 1
    assert desk.tally.connections["farm"] == 62


def test_who_has_gone_leaves_nothing_to_the_garbage_collector() -> None:
    desk = Desk()
    door_ = door()

    def comes_and_goes() -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            assert desk.admission.enter(door_, "192.0.2.1", 0.0)
            made = arrived(desk.admission, woken, woken, ours, "192.0.2.1", Entrance(ours, door_), b"", 0.0)
            made.session.receive(b"junk\n", 0.0)
            desk.admission.leave(made.session, "closed", 1.0)

    def woken(_: Connection) -> None:
        pass

    gc.collect()
    gc.disable()
    try:
        for _ in range(100):
            comes_and_goes()
            desk.admission.turn_away(door_, "192.0.2.1", "full", "", 0.0)
        desk.ended.clear()
        assert gc.collect() < 100
    finally:
        gc.enable()


def test_a_verdict_that_comes_too_late_finds_its_session() -> None:
    desk = Desk()
    session = desk.comes("192.0.2.1")
    assert session is not None
    session.unanswered = 1
    desk.admission.leave(session, "closed", 1.0)
    session.answer(b"4", Verdict(Reason.ACCEPTED))
    assert not session.unanswered
