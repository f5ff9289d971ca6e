"""The two sides."""

from proxy.config import Address, Listen, Tls, Vardiff
from proxy.core.tally import ROUNDTRIP_BOUNDS, Histogram
from proxy.upstream.contender import PoolStatus
from tests.ops.api.rigs import Rig


async def test_pools_stand_in_order_of_preference() -> None:
    rig = Rig()
    pools = rig.farm.pool.pools
    pools[0].state, pools[0].last_fault = "down", "cannot reach ws://me:secret@h: refused"
    pools.append(PoolStatus("spare", "wss://spare.example/x?key=secret", "active", 8.0, 1_800_000_000.0))
    rig.tally.forwarded["spare"] += 3
    rig.tally.roundtrip["spare"] = histogram = Histogram(ROUNDTRIP_BOUNDS)
    histogram.observe(0.1)
    answer = await rig.ask("/upstreams")
    assert b"secret" not in answer.body
    first, second = answer.json["items"]
    assert (first["name"], first["state"], first["current"], first["position"]) == ("main", "down", False, 1)
    assert first["connected_at"] is first["last_job_at"] is None
    assert first["roundtrip_ms"] == {"p50": None, "p99": None}
    assert (second["current"], second["position"], second["forwarded"]) == (True, 2, 3)
    assert second["connected_at"] == "2027-01-15T08:00:00Z"
    assert 50 <= second["roundtrip_ms"]["p50"] <= 100
    assert second["url"] == "wss://spare.example/x?***"


async def test_listeners_with_all_kinds_of_difficulty() -> None:
    rig = Rig()
    at = Address("stratum+tls", "127.0.0.1", 3443)
    rig.listening = [
        (Listen(name="farm"), Address("stratum+tcp", "127.0.0.1", 3333)),
        (Listen(name="barn", difficulty=8.5, tls=Tls(certificate="c", key="k")), at),
        (Listen(name="shed", difficulty=Vardiff(start=9)), at),
    ]
    rig.ends = {"barn": 1_800_000_000.0}
    rig.tally.received["farm", "aion"] += 2
    rig.tally.received["farm", "login"] += 3
    rig.tally.connections["farm"] += 4
    farm, barn, shed = (await rig.get("/listeners"))["items"]
    assert (farm["received"], farm["connections"], farm["difficulty"], farm["tls"]) == (
        5,
        4,
        "upstream",
        False,
    )
    assert farm["url"] == "stratum+tcp://127.0.0.1:3333"
    assert (barn["difficulty"], barn["tls"]) == (8.5, True)
    assert barn["certificate_expires_at"] == "2027-01-15T08:00:00Z"
    assert shed["difficulty"] == {"start": 9, "min": 1, "max": 1e6, "target_seconds": 15}
