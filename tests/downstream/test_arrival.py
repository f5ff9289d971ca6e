"""A connection made of an accepted socket; the wire itself is in test_board.py and test_tls.py."""

import socket

from proxy.config import Limits
from proxy.core.tally import Tally
from proxy.downstream.admission import Admission
from proxy.downstream.arrival import arrived
from proxy.downstream.connection import Connection
from proxy.downstream.entrance import Entrance
from tests.kit.miners import SUBSCRIBE, FakeHouse, door, written


def test_a_plain_one_has_a_session_that_wakes_it() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        limits = Limits(requests_per_second=3, outgoing_bytes=5000)
        admission = Admission(FakeHouse(), limits, Tally(), lambda _session, _now: None)
        woken: list[Connection] = []
        entrance = Entrance(ours, door(limits))
        made = arrived(admission, woken.append, woken.append, ours, "192.0.2.1", entrance, b"", 100.0)
        assert (made.limit, made.budget) == (5000, 30)
        assert not ours.getblocking()
        assert made.session.deadline == 100.0 + limits.first_line_seconds
        made.session.receive(written(SUBSCRIBE), 101.0)
        assert woken == [made]
