"""The connections that are here, as they are shown."""

from typing import get_args

import pytest

from proxy.ops.api.miners import SORTS, miner
from proxy.ops.crowd import MinerRecord, MinerSort
from tests.ops.api.rigs import Rig


async def test_a_miner() -> None:
    rig = Rig()
    rig.farm.pool.comes()
    session = rig.miner("rig1")
    (shown,) = (await rig.get("/miners"))["items"]
    assert shown["id"] == session.assignment.alias
    assert (shown["worker"], shown["address"], shown["listener"]) == ("rig1", "192.0.2.1", "farm")
    assert (shown["dialect"], shown["unanswered"], shown["standing"]) == ("aion", 0, "ok")
    assert shown["last_share_at"] is None
    assert set(shown["shares"].values()) == {0}


async def test_a_page_of_them() -> None:
    rig = Rig()
    rig.farm.pool.comes()
    for number in (2, 1, 3):
        rig.miner(f"rig{number}")
    shown = await rig.get("/miners?order=desc&limit=2&offset=1")
    assert ([one["worker"] for one in shown["items"]], shown["total"]) == (["rig2", "rig1"], 3)
    shown = await rig.get("/miners?worker=rig3")
    assert ([one["worker"] for one in shown["items"]], shown["total"]) == (["rig3"], 1)


@pytest.mark.parametrize("sort", SORTS)
async def test_they_can_be_sorted_by_everything(sort: str) -> None:
    rig = Rig()
    rig.farm.pool.comes()
    rig.miner("rig1")
    rig.miner("rig2")
    assert (await rig.get(f"/miners?sort={sort}"))["total"] == 2


async def test_by_nothing_else() -> None:
    assert get_args(MinerSort) == SORTS
    assert (await Rig().ask("/miners?sort=colour")).status == 400


def test_one_that_is_slowed() -> None:
    record = MinerRecord("1f", "rig1", "a", "farm", "aion", "", 4.0, 1e9, 1e9, {"stale": 2}, 1, True)
    shown = miner(record)
    assert shown.standing == "slowed"
    assert shown.shares["stale"] == 2
    assert shown.last_share_at == shown.connected_at
