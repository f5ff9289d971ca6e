"""Which paths there are."""

import pytest

from proxy.ops.api.routes import PATHS
from tests.ops.api.rigs import Rig


async def test_every_path_is_there_under_its_method_only() -> None:
    rig = Rig()
    for _, operation in PATHS:
        path = operation.path.replace("{name}", "x").replace("{id}", "1")
        assert (await rig.ask(path, operation.method)).status != 405
        assert (await rig.ask(path, "PATCH")).status == 405


@pytest.mark.parametrize("path", ["", "/", "/nothing", "/summary/", "/bans/1/2", "/Summary"])
async def test_no_other_path_is(path: str) -> None:
    answer = await Rig().ask(path)
    assert answer.status == 404
    assert "/api/v1/openapi.json has all there is" in answer.json["error"]


async def test_events_come_by_websocket_only() -> None:
    answer = await Rig().ask("/events")
    assert answer.status == 426
    assert answer.headers["upgrade"] == "websocket"


async def test_what_is_read_needs_the_read_token_where_there_is_one() -> None:
    rig = Rig(read="reader", admin="admin")
    for _, operation in PATHS:
        path = operation.path.replace("{name}", "x").replace("{id}", "1")
        assert (await rig.ask(path, operation.method)).status == 401
    for token in ("reader", "admin"):
        assert (await rig.ask("/summary", authorization=f"Bearer {token}")).status == 200


async def test_no_answer_shows_a_token() -> None:
    rig = Rig(read="hunter2", admin="hunter3")
    for path in ("/summary", "/upstreams", "/listeners", "/openapi.json", "/nothing"):
        answer = await rig.ask(path, authorization="Bearer hunter3")
        assert b"hunter" not in answer.body
        assert "hunter" not in str(answer.headers)
