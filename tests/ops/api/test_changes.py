"""What can be changed, and by whom."""

import pytest

from tests.ops.api.rigs import Rig
from tests.ops.api.test_bans import shut_out

ADMIN = {"authorization": "Bearer secret"}
CHANGES = [
    ("/reload", "POST"),
    ("/upstreams/main/activate", "POST"),
    ("/miners/1/disconnect", "POST"),
    ("/bans/1", "DELETE"),
]


@pytest.mark.parametrize(("path", "method"), CHANGES)
async def test_only_who_shows_the_admin_token_may(path: str, method: str) -> None:
    rig = Rig(read="reader", admin="secret")
    for shown in ({}, {"authorization": "Bearer reader"}, {"authorization": "Bearer secre"}):
        answer = await rig.ask(path, method, **shown)
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert rig.activated == []
    assert (await rig.ask(path, method, **ADMIN)).status in (200, 204, 404)


@pytest.mark.parametrize(("path", "method"), CHANGES)
async def test_without_an_admin_token_nobody_may(path: str, method: str) -> None:
    rig = Rig()
    assert (await rig.ask(path, method)).status == 401
    for shown in ("Bearer ", "Bearer x"):
        answer = await rig.ask(path, method, authorization=shown)
        assert answer.status == 403
        assert "http.admin_token" in answer.json["error"]


@pytest.mark.parametrize(("path", "method"), CHANGES)
async def test_looking_is_not_changing(path: str, method: str) -> None:
    answer = await Rig(admin="secret").ask(path, "GET", **ADMIN)
    assert (answer.status, answer.headers["allow"]) == (405, method)


async def test_a_reload_tells_what_came_of_it() -> None:
    rig = Rig(admin="secret")
    answer = await rig.ask("/reload", "POST", **ADMIN)
    assert (answer.status, answer.json) == (200, {"result": "ok", "changes": []})
    rig.reloaded = {"result": "refused", "faults": ["sluice.toml: x: unknown key"]}
    answer = await rig.ask("/reload", "POST", **ADMIN)
    assert (answer.status, answer.json) == (422, rig.reloaded)


async def test_a_pool_is_preferred_by_hand() -> None:
    rig = Rig(admin="secret")
    answer = await rig.ask("/upstreams/main/activate", "POST", **ADMIN)
    assert (answer.status, answer.json) == (200, {"name": "main", "state": "down"})
    answer = await rig.ask("/upstreams/other/activate", "POST", **ADMIN)
    assert (answer.status, answer.json) == (404, {"error": "no such pool; there is main"})
    assert rig.activated == ["main", "other"]


async def test_a_miner_is_sent_away() -> None:
    rig = Rig(admin="secret")
    rig.farm.pool.comes()
    session = rig.miner("rig1")
    path = f"/miners/{session.assignment.alias}/disconnect"
    answer = await rig.ask(path, "POST", **ADMIN)
    assert (answer.status, answer.body) == (204, b"")
    assert session.closing == "disconnected"
    assert (await rig.ask(path, "POST", **ADMIN)).status == 404


async def test_a_ban_is_lifted() -> None:
    rig = Rig(admin="secret")
    shut_out(rig.penalties, "rig1")
    (ban,) = (await rig.get("/bans"))["items"]
    assert (await rig.ask(f"/bans/{ban['id']}", "DELETE", **ADMIN)).status == 204
    assert await rig.get("/bans") == {"items": [], "total": 0}
    for number in (ban["id"], "x", "-1", "9" * 100, "%C2%B2"):
        assert (await rig.ask(f"/bans/{number}", "DELETE", **ADMIN)).status == 404
