"""One of the pools: how it is shown, how it waits, and how often its faults are said."""

from random import Random
from typing import cast

import trio
from trio.testing import MockClock

from proxy.config import Address, Pool
from proxy.core.poolhealth import Record
from proxy.model.job import Job
from proxy.upstream.backoff import Backoff
from proxy.upstream.contender import STILL_SECONDS, Contender, PoolStatus
from proxy.upstream.link import Link
from tests.kit.pools import a_forward
from tests.upstream.sides import Log


class FakeLink:
    """Of a connection what is shown of it."""

    def __init__(self) -> None:
        self.connected_at = 1_800_000_000.0
        self.record = Record()
        self.job: Job | None = None


def contender() -> Contender:
    """A pool that was not tried yet."""
    url = Address("stratum+tcp", "pool.example", 3333)
    return Contender(0, Pool(name="main", url=url), PoolStatus("main", str(url)), Backoff(30, Random(1)))


def shown(made: Contender, is_active: bool = False) -> str:
    """The state that people see."""
    made.show(is_active)
    return made.status.state


def test_states() -> None:
    made, link = contender(), FakeLink()
    seen = [shown(made)]
    made.dialling = trio.CancelScope()
    seen.append(shown(made))
    made.dialling = None
    made.connected(cast("Link", link))
    seen.append(shown(made))
    link.job = a_forward("").job
    seen += [shown(made), shown(made, is_active=True)]
    assert seen == ["down", "connecting", "connecting", "standby", "active"]
    assert made.status.connected_at == link.connected_at
    link.record.bad()
    assert made.status.reject_ratio == 1


def test_leaving_calls_off_what_is_under_way() -> None:
    made, link = contender(), cast("Link", FakeLink())
    made.dialling = dialling = trio.CancelScope()
    assert made.leave() is None
    assert dialling.cancel_called
    made.connected(link)
    assert made.leave() is link
    assert (made.status.last_fault, made.status.connected_at, made.wait) == ("not needed now", 0, 0)


def test_what_was_not_under_way_keeps_its_last_fault() -> None:
    made = contender()
    assert made.leave() is None
    assert made.status.last_fault == "not tried yet"


def test_a_pool_that_works_has_no_fault_but_a_real_one() -> None:
    made = contender()
    made.connected(cast("Link", FakeLink()))
    assert made.status.last_fault == ""

    made.failed("refused", 0.0, worked=False, aloud=False)
    made.connected(cast("Link", FakeLink()))
    assert made.status.last_fault == "refused"


def test_the_same_fault_is_said_now_and_then_where_nobody_waits_for_the_pool(log: Log) -> None:
    made = contender()
    for now in (0.0, 10.0, STILL_SECONDS - 1.0, STILL_SECONDS):
        made.failed("refused", now, worked=False, aloud=False)
    made.failed("silent", STILL_SECONDS + 1, worked=True, aloud=False)
    made.failed("silent", STILL_SECONDS + 2, worked=True, aloud=True)
    levels = [line["log_level"] for line in log]
    assert levels == ["warning", "debug", "debug", "warning", "warning", "warning"]
    assert {line["event"] for line in log} == {"pool not to be had", "pool lost"}


def test_waits_grow_until_it_has_worked_or_has_not_failed_for_long() -> None:
    made, waits = contender(), []
    for now in (0.0, 10.0, 20.0, 30.0, 40.0 + STILL_SECONDS):
        made.failed("refused", now, worked=False, aloud=False)
        waits.append(made.wait)
        made.leave()
    made.failed("refused", 50.0 + STILL_SECONDS, worked=True, aloud=False)
    waits.append(made.wait)
    assert [0.5 * 2**step / 2 <= wait <= 0.5 * 2**step for step, wait in enumerate(waits[:4])] == [True] * 4
    assert waits[4] <= 0.5
    assert waits[5] <= 0.5


async def test_a_pause_ends_in_time_or_when_it_is_hurried_or_not_wanted(autojump_clock: MockClock) -> None:
    made = contender()
    made.wanted = True
    lasted: list[float] = []
    async with trio.open_nursery() as nursery:
        for end in (lambda: None, made.hurry, lambda: setattr(made, "wanted", False)):
            made.wait, made.hurried, began = 10.0, False, trio.current_time()

            async def later(end: object = end) -> None:
                await trio.sleep(3)
                assert callable(end)
                end()
                made.look()

            nursery.start_soon(later)
            await made.pause()
            lasted.append(round(trio.current_time() - began))
    assert lasted == [10, 3, 3]
