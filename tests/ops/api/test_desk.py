"""What a request is answered from, where nothing else is given."""

import trio

from proxy.ops.api.desk import Desk
from proxy.ops.tokens import Tokens
from proxy.ops.view import RelayView
from tests.downstream.farms import farm


async def test_a_desk_alone_changes_nothing_and_shows_no_ports() -> None:
    async def reload() -> dict[str, object]:
        await trio.lowlevel.checkpoint()
        return {}

    desk = Desk(RelayView(farm().relay), Tokens(), 0.0, reload)
    assert not desk.activate("main")
    assert list(desk.listening()) == []
    assert desk.certificate_ends() == {}
    assert desk.ledger is None
    assert not desk.events.is_heard
