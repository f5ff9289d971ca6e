"""Who is shut out, and why."""

import trio

from proxy.config import Ban
from proxy.core.penalties import Miner, Penalties
from proxy.model.share import Reason
from tests.ops.api.rigs import Rig

STRICT = Ban(check_after=1, bad_ratio=0.01)


def shut_out(penalties: Penalties, worker: str) -> None:
    """Have a miner banned."""
    penalties.configure(STRICT)
    miner = Miner("farm", worker, "10.0.0.1")
    penalties.share(miner, Reason.INVALID_SOLUTION, trio.current_time(), "1f", "it is wrong")


async def test_a_miner_with_its_evidence() -> None:
    rig = Rig()
    assert await rig.get("/bans") == {"items": [], "total": 0}
    shut_out(rig.penalties, "rig1")
    (shown,) = (await rig.get("/bans"))["items"]
    assert (shown["kind"], shown["subject"]) == ("miner", "rig1@10.0.0.1")
    assert (shown["worker"], shown["address"], shown["listener"]) == ("rig1", "10.0.0.1", "farm")
    assert (shown["reason"], shown["times"]) == ("invalid_solution", 1)
    assert shown["until"] > shown["since"]
    (evidence,) = shown["evidence"]
    assert (evidence["reason"], evidence["job"], evidence["detail"]) == (
        "invalid_solution",
        "1f",
        "it is wrong",
    )


async def test_an_address() -> None:
    rig = Rig()
    rig.penalties.configure(STRICT)
    rig.penalties.junk("10.0.0.2", trio.current_time(), "GET / HTTP/1.1")
    (shown,) = (await rig.get("/bans"))["items"]
    assert (shown["kind"], shown["subject"], shown["worker"]) == ("address", "10.0.0.2", "")


async def test_the_latest_come_first_in_pages() -> None:
    rig = Rig()
    for number in range(3):
        shut_out(rig.penalties, f"rig{number}")
    shown = await rig.get("/bans?limit=2&offset=1")
    assert ([one["worker"] for one in shown["items"]], shown["total"]) == (["rig1", "rig0"], 3)
