"""What is answered from the record of all shares."""

import pytest

from proxy.model.ended import Ended
from proxy.model.share import Reason
from proxy.ops.ledgerreader import ShareQuery
from tests.ops.api.ledgers import FakeLedger
from tests.ops.api.rigs import Rig


@pytest.mark.parametrize("path", ["/shares", "/reconcile", "/workers/rig1?span=30d"])
async def test_without_a_ledger_it_is_said_what_would_make_one(path: str) -> None:
    rig = Rig()
    rig.worker("rig1", 4.0)
    answer = await rig.ask(path)
    assert answer.status == 409
    assert "ledger.url" in answer.json["error"]


@pytest.mark.parametrize("path", ["/shares", "/reconcile", "/blocks", "/history?span=7d"])
async def test_one_that_cannot_answer_says_why(path: str) -> None:
    answer = await Rig(ledger=FakeLedger(down="the disk is full")).ask(path)
    assert answer.status == 503
    assert answer.json["error"] == "the ledger cannot answer now: the disk is full"
    assert answer.headers["retry-after"] == "10"


async def test_shares() -> None:
    ledger = FakeLedger()
    rig = Rig(ledger=ledger)
    shown = await rig.get("/shares?worker=rig1&reason=accepted&since=2027-01-15T08:00:00Z&limit=5")
    assert ledger.asked == [ShareQuery("rig1", "accepted", 1_800_000_000.0, 5)]
    assert shown["total"] == 1
    assert shown["items"][0] == {
        "id": "7",
        "at": "2027-01-15T08:00:00Z",
        "worker": "rig1",
        "address": "10.0.0.1",
        "listener": "farm",
        "dialect": "aion",
        "pool": "main",
        "job": "1f",
        "reason": "accepted",
        "message": "",
        "difficulty": 4.0,
        "reached": 9.5,
        "roundtrip_ms": 12.5,
        "block": False,
    }
    assert (await rig.ask("/shares?reason=weather")).status == 400


async def test_reconciliation() -> None:
    ledger = FakeLedger()
    shown = await Rig(ledger=ledger).get("/reconcile")
    assert ledger.asked == [0.0]
    assert (shown["since"], shown["holds"], shown["filtered"]) == (None, True, {"stale": 1})
    assert shown["pools"] == [{"pool": "main", "forwarded": 1, "accepted": 1, "rejected": 0, "lost": 0}]
    shown = await Rig(ledger=ledger).get("/reconcile?since=2027-01-15T08:00:00Z")
    assert shown["since"] == "2027-01-15T08:00:00Z"


async def test_a_workers_long_history() -> None:
    ledger = FakeLedger()
    rig = Rig(ledger=ledger)
    rig.worker("rig1", 4.0)
    shown = await rig.get("/workers/rig1?span=30d")
    assert shown["history"]["points"][0]["shares"] == {"accepted": 3}
    assert ledger.asked == [(30 * 86_400.0, 14_400.0, "rig1")]


async def test_blocks_are_remembered_without_a_ledger_too() -> None:
    rig = Rig()
    value = (2**240).to_bytes(32, "big")
    for job in ("1", "2"):
        rig.desk.events.found(
            Ended(0, 0, "rig1", "a", "farm", "aion", "main", job, Reason.ACCEPTED, "", 4.0, value, 0.1)
        )
    shown = await rig.get("/blocks?limit=1")
    assert [(one["worker"], one["job"], one["reached"]) for one in shown["items"]] == [
        ("rig1", "2", 65_536.0)
    ]
    assert (await Rig(ledger=FakeLedger()).get("/blocks"))["items"][0]["reached"] == 1e9
