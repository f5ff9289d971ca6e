"""The workers, sorted, searched, paged; and one of them."""

import pytest
import trio
from trio.testing import MockClock

from proxy.model.share import Reason
from proxy.ops.api.workers import SORTS
from tests.ops.api.rigs import Rig


@pytest.fixture
def clock() -> MockClock:
    """Let time jump."""
    return MockClock(autojump_threshold=0)


async def names(rig: Rig, query: str = "") -> list[str]:
    """Who is shown, in order."""
    return [one["name"] for one in (await rig.get(f"/workers{query}"))["items"]]


async def test_a_worker() -> None:
    rig = Rig()
    record = rig.worker("rig1", 4.0, 4.0)
    record.came_to_nothing(Reason.STALE, "", "1f", "10.0.0.1", trio.current_time())
    shown = await rig.get("/workers")
    assert shown["total"] == 1
    (one,) = shown["items"]
    assert (one["name"], one["online"], one["miners"]) == ("rig1", True, 1)
    assert (one["accepted"], one["bad"], one["work"]) == (2, 1, 8.0)
    assert one["reject_ratio"] == pytest.approx(1 / 3, abs=1e-6)
    assert one["shares"]["stale"] == 1
    assert one["sols_per_second"] == {"1m": 1.6, "10m": 1.6, "1h": 1.6, "24h": 1.6}
    assert one["last_share_at"] == one["last_seen_at"]


async def test_one_that_has_never_had_a_share() -> None:
    rig = Rig()
    rig.worker("rig1")
    (one,) = (await rig.get("/workers"))["items"]
    assert one["last_share_at"] is None
    assert one["reject_ratio"] == 0
    assert set(one["sols_per_second"].values()) == {0}


async def test_those_who_have_gone_are_shown_as_such() -> None:
    rig = Rig()
    rig.worker("here", 4.0)
    rig.worker("gone", 4.0, is_here=False)
    assert await names(rig) == ["gone", "here"]
    assert await names(rig, "?state=online") == ["here"]
    assert await names(rig, "?state=offline") == ["gone"]
    assert await names(rig, "?sort=online&order=desc") == ["here", "gone"]


async def test_they_are_found_by_a_part_of_their_name() -> None:
    rig = Rig()
    for name in ("Rig1", "rig2", "Öl/rig3", "other"):
        rig.worker(name, 4.0)
    assert await names(rig, "?search=RIG") == ["Rig1", "rig2", "Öl/rig3"]
    assert await names(rig, "?search=%C3%B6l") == ["Öl/rig3"]


@pytest.mark.parametrize("sort", SORTS)
async def test_they_can_be_sorted_by_everything(sort: str) -> None:
    rig = Rig()
    rig.worker("rig1", 4.0)
    rig.worker("rig2")
    assert len(await names(rig, f"?sort={sort}&order=desc")) == 2


async def test_the_strongest_come_first(clock: MockClock) -> None:
    rig = Rig()
    rig.worker("weak", 1.0)
    rig.worker("strong", 9.0)
    rig.worker("idle")
    assert await names(rig, "?sort=sols&order=desc") == ["strong", "weak", "idle"]
    assert await names(rig, "?sort=sols_1m&order=asc") == ["idle", "weak", "strong"]


async def test_pages_of_thousands_do_not_overlap(clock: MockClock) -> None:
    rig = Rig()
    for number in range(2500):
        rig.worker(f"rig{number:04d}", float(number % 7 + 1))
    seen: list[str] = []
    for offset in range(0, 3000, 1000):
        page = await rig.get(f"/workers?sort=work&order=desc&limit=1000&offset={offset}")
        assert page["total"] == 2500
        seen += [one["name"] for one in page["items"]]
    assert len(seen) == len(set(seen)) == 2500


async def test_many_who_ask_for_the_same_cost_one_sort(clock: MockClock) -> None:
    rig = Rig()
    rig.worker("rig1", 4.0)
    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(names, rig, "?sort=sols")
    assert rig.desk.workers.made == 1
    await trio.sleep(2)
    await names(rig, "?sort=sols")
    assert rig.desk.workers.made == 2


# ---- one of them


async def test_all_that_is_known_of_one() -> None:
    rig = Rig()
    rig.farm.pool.comes()
    rig.miner("a/b c")
    record = rig.book.online["a/b c"]
    record.good(Reason.ACCEPTED, 4.0, trio.current_time())
    for number in range(3):
        record.came_to_nothing(Reason.REJECTED, f"no {number}", "1f", "10.0.0.1", trio.current_time())
    shown = await rig.get("/workers/a%2Fb%20c")
    assert (shown["name"], shown["accepted"]) == ("a/b c", 1)
    assert [one["detail"] for one in shown["bad_shares"]] == ["no 2", "no 1", "no 0"]
    assert shown["bad_shares"][0]["reason"] == "rejected"
    assert [one["worker"] for one in shown["connections"]] == ["a/b c"]
    assert (shown["history"]["span"], shown["history"]["step_seconds"]) == ("1h", 180.0)
    assert (await rig.get("/workers/a%2Fb%20c?span=24h"))["history"]["step_seconds"] == 1800.0


async def test_one_that_nobody_knows() -> None:
    answer = await Rig().ask("/workers/ghost")
    assert answer.status == 404
    assert "http.worker_days" in answer.json["error"]
    assert (await Rig().ask("/workers/")).status == 404
