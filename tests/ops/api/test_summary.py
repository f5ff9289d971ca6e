"""The whole proxy at a glance."""

import trio

from proxy.model.share import Reason
from proxy.ops.api.summary import history_of
from proxy.ops.ledgerreader import LedgerState
from proxy.version import __version__
from tests.ops.api.ledgers import FakeLedger
from tests.ops.api.rigs import Rig


async def test_before_there_is_a_pool() -> None:
    shown = await Rig().get("/summary")
    assert shown["version"] == __version__
    assert (shown["ready"], shown["pool"]) == (False, None)
    assert shown["reason"].startswith("no work from any pool")
    assert (shown["miners"], shown["workers"], shown["received"]) == (0, 0, 0)
    assert shown["started_at"] == "2027-01-15T08:00:00Z"
    assert shown["last_job_at"] is None
    assert shown["conserved"]
    assert shown["roundtrip_ms"] == {"p50": None, "p99": None}
    assert shown["ledger"] == {"state": "off", "pending": 0, "written": 0, "lost": 0, "reason": ""}
    assert not shown["admin"]


async def test_a_farm_at_work() -> None:
    rig = Rig(admin="a")
    rig.farm.pool.comes()
    rig.farm.pool.pools[0].state = "active"
    rig.farm.pool.pools[0].last_job_at = 1_800_000_100.25
    miner = rig.farm.miner("rig1")
    miner.says(rig.farm.share(miner).submit(miner.job_id))
    rig.farm.pool.answers()
    miner.says(rig.farm.share(miner).submit(miner.job_id))
    rig.tally.disconnects["farm", "idle"] += 2
    rig.tally.disconnects["barn", "idle"] += 1
    rig.tally.switches["a", "b", "lost"] += 2
    rig.total.add(40.0, trio.current_time())
    shown = await rig.get("/summary")
    assert shown["ready"]
    assert (shown["pool"], shown["reason"]) == ("main", "")
    assert (shown["received"], shown["filtered"], shown["kept"], shown["forwarded"]) == (2, 1, 0, 1)
    assert (shown["shares"]["accepted"], shown["shares"]["duplicate"]) == (1, 1)
    assert set(shown["shares"]) == set(shown["work"]) == {reason.value for reason in Reason}
    assert shown["disconnects"] == {"idle": 3}
    assert shown["switches"] == 2
    assert shown["jobs"] == 1
    assert (shown["workers"], shown["offline_workers"]) == (1, 0)
    assert shown["sols_per_second"]["1m"] == 8.0
    assert shown["last_job_at"] == "2027-01-15T08:01:40.250000Z"
    assert shown["roundtrip_ms"]["p50"] is not None
    assert shown["admin"]


async def test_the_sums_hold_in_what_is_shown() -> None:
    rig = Rig()
    rig.farm.pool.comes()
    miner = rig.farm.miner("rig1")
    for number in range(3):
        miner.says(rig.farm.share(miner, number).submit(miner.job_id, number))
    rig.farm.pool.answers()
    shown = await rig.get("/summary")
    assert shown["received"] == shown["filtered"] + shown["kept"] + shown["forwarded"]
    ended = sum(shown["shares"][reason] for reason in ("accepted", "rejected", "lost"))
    assert shown["forwarded"] == ended + shown["in_flight"]


async def test_how_the_ledger_does() -> None:
    rig = Rig(ledger=FakeLedger(LedgerState("behind", 7, 100, 1, "the disk is slow")))
    shown = await rig.get("/summary")
    assert shown["ledger"] == {
        "state": "behind",
        "pending": 7,
        "written": 100,
        "lost": 1,
        "reason": "the disk is slow",
    }


async def test_history_of_the_farm() -> None:
    rig = Rig()
    rig.total.add(40.0, trio.current_time())
    shown = await rig.get("/history?span=1m")
    assert (shown["span"], shown["step_seconds"]) == ("1m", 5.0)
    assert sum(point["sols_per_second"] for point in shown["points"]) > 0
    assert all(point["at"].endswith("Z") for point in shown["points"])
    assert history_of(None, "1h").points == []


async def test_what_memory_does_not_reach_comes_from_the_ledger() -> None:
    answer = await Rig().ask("/history?span=7d")
    assert answer.status == 409
    assert "ledger.url" in answer.json["error"]
    shown = await Rig(ledger=FakeLedger()).get("/history?span=7d")
    assert shown == {
        "span": "7d",
        "step_seconds": 3600.0,
        "points": [{"at": "2027-01-15T08:00:00Z", "sols_per_second": 12.5, "shares": {"accepted": 3}}],
    }
