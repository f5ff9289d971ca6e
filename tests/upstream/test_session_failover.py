"""Several pools on real sockets of loopback and a clock that jumps: who works, who waits, who takes over."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from proxy.config import Address, Config, Limits, Pool
from proxy.config import Upstream as Section
from proxy.core.poolhealth import WINDOW
from proxy.core.tally import Tally
from proxy.errors import PoolError
from proxy.model.job import Job
from proxy.model.share import Reason, Verdict
from proxy.upstream.conversation import Conversation, Forward
from proxy.upstream.failover import HEAD_START
from proxy.upstream.session import STABLE_SECONDS, Upstream
from tests.kit.pools import (
    ACCEPTED,
    LOST,
    SUBSCRIBED,
    Given,
    Gone,
    House,
    Settled,
    SocketPool,
    Visit,
    Working,
    a_forward,
    no,
    notify,
    work,
    yes,
)
from tests.upstream.sides import Log, Side, closed_port

BACK = Limits().failback_seconds
REPLY = Limits().upstream_reply_seconds


def states(side: Side) -> list[str]:
    """How the pools stand."""
    return [status.state for status in side.upstream.pools]


async def until(side: Side, place: int, state: str) -> None:
    """Wait until a pool stands so."""
    while states(side)[place] != state:  # noqa: ASYNC110  # nothing tells of it
        await trio.sleep(0.1)


async def on_the_backup(side: Side, pool: SocketPool, backup: SocketPool) -> Visit:
    """Have the preferred pool lost and the backup at work, on connection 2."""
    await (await pool.accept()).closes()
    await side.house.told(Gone())
    visit = await backup.accept()
    await visit.lets_in(notify("b1"))
    await side.house.told(Working(connection=2), Given("b1", connection=2))
    return visit


# ---- lost, and another at once


async def test_a_lost_pool_costs_no_wait_where_there_is_another(
    autojump_clock: MockClock, pool: SocketPool, backup: SocketPool, log: Log
) -> None:
    side = Side(pool.port, backup.port)
    async with side.running():
        first = await pool.accept()
        await first.lets_in(notify("1"))
        await side.house.told(Working(), Given("1"))
        assert side.submits("share")
        await first.closes()
        await side.house.told(Settled("share", LOST), Gone())
        lost_at = trio.current_time()
        second = await backup.accept()
        await second.lets_in(notify("b1"))
        await side.house.told(Working(connection=2), Given("b1", connection=2))
        assert trio.current_time() - lost_at < 0.2
        assert not side.submits("late", connection=1)
        assert side.submits("next", connection=2)
    assert side.tally.switches == {("pool0", "pool1", "lost"): 1}
    (changed,) = (line for line in log if line["event"] == "pool changed")
    assert (changed["from"], changed["to"], changed["reason"]) == ("pool0", "pool1", "lost")


async def test_a_silent_pool_is_left_for_another(
    autojump_clock: MockClock, pool: SocketPool, backup: SocketPool
) -> None:
    side = Side(pool.port, backup.port)
    async with side.running():
        await (await pool.accept()).lets_in(notify("1"))
        await side.house.told(Working(), Given("1"), Gone())
        await (await backup.accept()).lets_in(notify("b1"))
        await side.house.told(Working(connection=2), Given("b1", connection=2))
    assert side.tally.switches == {("pool0", "pool1", "silent"): 1}


async def refuse(visit: Visit, side: Side, count: int, code: int, text: str) -> None:
    """Let the pool refuse so many shares."""
    for number in range(count):
        assert side.submits(number)
        while (line := await visit.hears())["method"] != "mining.submit":
            pass
        await visit.says(no(line["id"], code, text))
        await side.house.told(Settled(number, Verdict(Reason.REJECTED, text, code)))


async def test_a_pool_that_refuses_nearly_everything_is_left_for_another(
    autojump_clock: MockClock, pool: SocketPool, backup: SocketPool, log: Log
) -> None:
    side = Side(pool.port, backup.port)
    async with side.running():
        visit = await pool.accept()
        await visit.lets_in(notify("1"))
        await side.house.told(Working(), Given("1"))
        await refuse(visit, side, WINDOW, 20, "invalid share")
        await side.house.told(Gone())
        await (await backup.accept()).lets_in(notify("b1"))
        await side.house.told(Working(connection=2), Given("b1", connection=2))
        assert side.upstream.pools[0].reject_ratio == 1
        assert side.upstream.pools[0].last_fault == "30 of the last 30 shares refused or not answered"
    assert side.tally.switches == {("pool0", "pool1", "rejecting"): 1}


async def test_a_pool_that_never_answers_a_share_is_left_for_another(
    autojump_clock: MockClock, pool: SocketPool, backup: SocketPool
) -> None:
    side = Side(pool.port, backup.port, limits=Limits(upstream_unanswered=1000))
    async with side.running():
        visit = await pool.accept()
        await visit.lets_in(notify("1"))
        await side.house.told(Working(), Given("1"))
        assert side.submits(*range(WINDOW))
        await side.house.told(*[Settled(token, LOST) for token in range(WINDOW)], Gone())
        await backup.accept()


async def test_the_only_pool_is_kept_whatever_it_refuses(autojump_clock: MockClock, pool: SocketPool) -> None:
    side = Side(pool.port)
    async with side.running():
        visit = await pool.accept()
        await visit.lets_in(notify("1"))
        await side.house.told(Working(), Given("1"))
        await refuse(visit, side, 2 * WINDOW, 20, "invalid share")
        assert states(side) == ["active"]


async def test_shares_that_cross_a_new_job_do_not_tell_against_a_pool(
    autojump_clock: MockClock, pool: SocketPool, backup: SocketPool
) -> None:
    side = Side(pool.port, backup.port)
    async with side.running():
        visit = await pool.accept()
        await visit.lets_in(notify("1"))
        await side.house.told(Working(), Given("1"))
        await visit.says(notify("2", header="cd" * 32))
        await side.house.told(Given("2", header="cd" * 32))
        await refuse(visit, side, 2 * WINDOW, 21, "Job not found")
        assert states(side)[0] == "active"
        assert side.upstream.pools[0].reject_ratio == 0


class Eager:
    """A farm that has a share for every job at all times; all are refused."""

    def __init__(self) -> None:
        self.connection = 0
        self.moves = 0

    def pool_working(self, link: Conversation) -> None:
        self.connection = link.connection
        self.moves += 1

    def pool_job(self, job: Job) -> None:
        """It has work all the same."""

    def settle(self, forward: Forward, verdict: Verdict, now: float) -> None:
        assert verdict.reason in (Reason.REJECTED, Reason.LOST)

    def pool_lost(self) -> None:
        self.connection = 0


async def test_pools_that_all_refuse_everything_do_not_take_turns_without_a_pause(
    autojump_clock: MockClock, pool: SocketPool, backup: SocketPool
) -> None:
    side, farm = Side(pool.port, backup.port), Eager()
    side.upstream = Upstream(side.config, farm, side.tally, Random(1))

    async def refuses(visit: Visit) -> None:
        with suppress(trio.BrokenResourceError):
            await visit.lets_in(notify("1"))
            while (line := await visit.hears()) is not None:
                await visit.says(no(line["id"], 20, "invalid share"))

    async def serves(socket: SocketPool, nursery: trio.Nursery) -> None:
        while True:
            nursery.start_soon(refuses, await socket.accept())

    async with side.running() as nursery:
        nursery.start_soon(serves, pool, nursery)
        nursery.start_soon(serves, backup, nursery)
        for _ in range(6000):
            side.submits(*range(10), connection=farm.connection)
            await trio.sleep(0.1)
    assert side.tally.switches.total() > 0
    assert farm.moves < 120, "600 s at 30 s and less each, and each of the two"


# ---- pools that are of no use, each in its way


async def never_answers(visit: Visit) -> None:
    await visit.hears()


async def never_gives_a_job(visit: Visit) -> None:
    await visit.lets_in()


async def talks_garbage(visit: Visit) -> None:
    await visit.hears()
    await visit.says("<html>", "<body>", "</html>")


async def knows_no_such_user(visit: Visit) -> None:
    await visit.hears()
    await visit.says(SUBSCRIBED)
    await visit.hears()
    await visit.says('{"id":2,"result":false,"error":[24,"unauthorized"]}')


async def gives_no_extranonce1(visit: Visit) -> None:
    await visit.hears()
    await visit.says('{"id":1,"result":[null,""],"error":null}')


@pytest.mark.parametrize(
    "does", [never_answers, never_gives_a_job, talks_garbage, knows_no_such_user, gives_no_extranonce1]
)
async def test_a_pool_of_no_use_is_passed_over(
    autojump_clock: MockClock, pool: SocketPool, backup: SocketPool, does: Callable[[Visit], Any]
) -> None:
    side = Side(pool.port, backup.port)
    async with side.running() as nursery:

        async def visits() -> None:
            while True:
                await does(await pool.accept())

        nursery.start_soon(visits)
        began = trio.current_time()
        visit = await backup.accept()
        assert trio.current_time() - began <= HEAD_START + 0.5
        await visit.lets_in(notify("b1"))
        await until(side, 1, "active")
        await trio.sleep(3 * REPLY)
        await visit.says(notify("b2"))
        assert states(side)[1] == "active"
        assert states(side)[0] in ("down", "connecting")
        assert side.tally.switches == {}


async def test_a_name_that_is_not_found_is_passed_over(autojump_clock: MockClock, backup: SocketPool) -> None:
    side = Side(3333, backup.port)
    nowhere = Pool(name="pool0", url=Address("stratum+tcp", "nowhere..invalid", 3333))
    pools = (nowhere, side.config.upstream.pools[1])
    config = Config(upstream=Section(user="user", pools=pools))
    side.upstream = Upstream(config, side.house, side.tally, Random(1))
    async with side.running():
        await (await backup.accept()).lets_in(notify("b1"))
        while states(side)[1] != "active":  # the look-up is a thread's, which no clock here knows
            await trio.lowlevel.checkpoint()


async def test_an_address_that_swallows_everything_is_passed_over(
    autojump_clock: MockClock, backup: SocketPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = trio.open_tcp_stream

    async def a_black_hole(host: Any, port: int, **more: Any) -> trio.SocketStream:
        if port == 1:
            await trio.sleep_forever()
        return await connect(host, port, **more)

    monkeypatch.setattr(trio, "open_tcp_stream", a_black_hole)
    side = Side(1, backup.port)
    async with side.running():
        await (await backup.accept()).lets_in(notify("b1"))
        await side.house.told(Working(), Given("b1"))
        assert trio.current_time() == pytest.approx(HEAD_START, abs=0.5)


async def test_a_pool_that_was_called_off_while_it_was_dialled_is_no_trouble(
    autojump_clock: MockClock, pool: SocketPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = trio.open_tcp_stream
    tried: list[int] = []

    async def a_black_hole(host: Any, port: int, **more: Any) -> trio.SocketStream:
        tried.append(port)
        if port == 1:
            await trio.sleep_forever()
        return await connect(host, port, **more)

    monkeypatch.setattr(trio, "open_tcp_stream", a_black_hole)
    side = Side(pool.port, 1)
    async with side.running():
        visit = await pool.accept()
        await trio.sleep(HEAD_START + 1)
        assert states(side) == ["connecting", "connecting"]
        await visit.lets_in(notify("1"))
        await side.house.told(Working(), Given("1"))
        await trio.sleep(1)
        assert states(side) == ["active", "down"]
        assert side.upstream.pools[1].last_fault == "not needed now"
        await visit.closes()
        await side.house.told(Gone())
        await wait_all_tasks_blocked()
    assert tried == [pool.port, 1, 1]


async def test_a_house_without_room_for_a_pool_goes_on_with_the_next(
    autojump_clock: MockClock, pool: SocketPool, backup: SocketPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    side = Side(pool.port, backup.port)
    begin: Callable[[Any], None] = side.house.pool_working

    def no_room(link: Any) -> None:
        if link.connection == 1:
            raise PoolError("no room for our bytes")
        begin(link)

    monkeypatch.setattr(side.house, "pool_working", no_room)
    async with side.running():
        await (await pool.accept()).lets_in(notify("1"))
        await side.house.told(Gone())
        await (await backup.accept()).lets_in(notify("b1"))
        await side.house.told(Working(connection=2), Given("b1", connection=2))


async def test_a_pool_that_begins_its_ids_anew_gets_no_share_of_before(
    autojump_clock: MockClock, pool: SocketPool
) -> None:
    side = Side(pool.port)
    async with side.running():
        visit = await pool.accept()
        await visit.lets_in(notify("1"))
        await side.house.told(Working(), Given("1"))
        await visit.closes()
        await side.house.told(Gone())
        visit = await pool.accept()
        await visit.lets_in(notify("1", header="cd" * 32))
        await side.house.told(Working(connection=2), Given("1", header="cd" * 32, connection=2))
        assert not side.submits("before", connection=1)


async def test_waits_grow_only_for_the_pool_that_fails_and_stay_bounded(
    autojump_clock: MockClock, backup: SocketPool, log: Log
) -> None:
    side = Side(await closed_port(), backup.port, limits=Limits(reconnect_seconds_max=8))
    async with side.running():
        visit = await backup.accept()
        await visit.lets_in(notify("b1"))
        await side.house.told(Working(), Given("b1"))
        await trio.sleep(200)
        visits = [line["retry_in"] for line in log if line["event"] == "pool not to be had"]
        assert len(visits) > 20
        assert max(visits) <= 8
        said = [line for line in log if line["log_level"] == "warning"]
        assert len(said) == 1, "nobody waits for it, so that it is still down is no news"


async def test_when_all_are_down_whoever_comes_first_is_taken(autojump_clock: MockClock, log: Log) -> None:
    ports = [await closed_port(), await closed_port(), await closed_port()]
    side = Side(*ports, limits=Limits(reconnect_seconds_max=30))
    async with side.running():
        await trio.sleep(600)
        assert states(side) == ["down"] * 3
        assert {line["why"] for line in log} == {"Connection refused"}
        [listener] = await trio.open_tcp_listeners(ports[2], host="127.0.0.1")
        third = SocketPool(listener)
        began = trio.current_time()
        await (await third.accept()).lets_in(notify("1"))
        await side.house.told(Working(), Given("1"))
        assert trio.current_time() - began <= 30.2
    await third.closes()


# ---- back to the preferred one


async def test_the_farm_goes_back_to_the_very_connection_that_has_proved_itself(
    autojump_clock: MockClock, pool: SocketPool, backup: SocketPool
) -> None:
    side = Side(pool.port, backup.port)
    async with side.running():
        second = await on_the_backup(side, pool, backup)
        first = await pool.accept()
        await first.lets_in(notify("1"))
        up_at = trio.current_time()
        await trio.sleep(1)
        assert states(side) == ["standby", "active"]
        assert side.upstream.pools[0].connected_at > 0
        await trio.sleep(10)
        await first.says(notify("2"))
        assert side.submits("share", connection=2)
        await second.says(yes((await second.hears())["id"]))
        await side.house.told(Settled("share", ACCEPTED))
        await side.house.told(Working(connection=3), Given("2", connection=3))  # and no Gone before it
        assert trio.current_time() == pytest.approx(up_at + BACK, abs=0.5)
        assert side.submits("next", connection=3)
        assert (await first.hears())["params"][1] == "1"
        assert await second.hears() is None, "nothing is open there, so it is closed at once"
        assert states(side) == ["active", "down"]
    assert side.tally.switches == {("pool1", "pool0", "failback"): 1}


async def test_what_the_backup_still_answers_counts(
    autojump_clock: MockClock, pool: SocketPool, backup: SocketPool
) -> None:
    side = Side(pool.port, backup.port)
    async with side.running():
        second = await on_the_backup(side, pool, backup)
        await (await pool.accept()).lets_in(notify("1"))
        await trio.sleep(BACK - 2)
        assert side.submits(*"abcd", connection=2), "one more than may be unanswered"
        await side.house.told(Working(connection=3), Given("1", connection=3))
        assert side.upstream.waiting == 4
        ids = [(await second.hears())["id"] for _ in range(3)]
        await second.says(*map(yes, ids))
        await side.house.told(*[Settled(token, ACCEPTED) for token in "abc"])
        await second.says(yes((await second.hears())["id"]), notify("b2"))
        await side.house.told(Settled("d", ACCEPTED))
        assert await second.hears() is None
        assert side.upstream.waiting == 0
        side.house.nothing_more()


async def test_what_the_backup_never_answers_is_lost_in_time(
    autojump_clock: MockClock, pool: SocketPool, backup: SocketPool
) -> None:
    side = Side(pool.port, backup.port)
    async with side.running():
        second = await on_the_backup(side, pool, backup)
        await (await pool.accept()).lets_in(notify("1"))
        await trio.sleep(BACK - 2)
        assert side.submits(*range(10), connection=2)
        await side.house.told(Working(connection=3), Given("1", connection=3))
        moved_at = trio.current_time()
        await side.house.told(*[Settled(token, LOST) for token in range(10)])
        assert trio.current_time() <= moved_at + REPLY + 0.1
        await side.upstream.settled()
        while await second.hears() is not None:
            pass
        side.house.nothing_more()


async def test_a_backup_that_is_lost_while_the_preferred_one_waits_leaves_no_gap(
    autojump_clock: MockClock, pool: SocketPool, backup: SocketPool
) -> None:
    side = Side(pool.port, backup.port)
    async with side.running():
        second = await on_the_backup(side, pool, backup)
        await (await pool.accept()).lets_in(notify("1"))
        await trio.sleep(1)
        assert states(side)[0] == "standby"
        assert side.submits("share", connection=2)
        await second.closes()
        await side.house.told(Settled("share", LOST), Working(connection=3), Given("1", connection=3))
    assert side.tally.switches == {("pool1", "pool0", "lost"): 1}


async def test_work_must_be_without_a_break(
    autojump_clock: MockClock, pool: SocketPool, backup: SocketPool
) -> None:
    side = Side(pool.port, backup.port)
    async with side.running():
        await on_the_backup(side, pool, backup)
        for _ in range(3):
            first = await pool.accept()
            await first.lets_in(notify("1"))
            await trio.sleep(BACK - 10)
            await first.closes()
        first = await pool.accept()
        await first.lets_in(notify("1"))
        began = trio.current_time()
        await side.house.told(Working(connection=6), Given("1", connection=6))
        assert trio.current_time() == pytest.approx(began + BACK, abs=0.5)


async def test_a_quiet_pool_in_reserve_has_not_failed(
    autojump_clock: MockClock, pool: SocketPool, backup: SocketPool
) -> None:
    """A solo pool says nothing between blocks, so its silence tells nothing where nobody asks it anything."""
    side = Side(pool.port, backup.port, limits=Limits(failback_seconds=100, upstream_silence_seconds=60))
    async with side.running() as nursery:
        second = await on_the_backup(side, pool, backup)

        async def keep_talking() -> None:
            while True:
                await trio.sleep(30)
                await second.says(notify("b1"))

        began = trio.current_time()
        await (await pool.accept()).lets_in(notify("1"))
        nursery.start_soon(keep_talking)
        again = await pool.accept()
        assert trio.current_time() == pytest.approx(began + 60, abs=2)
        await again.lets_in(notify("1"))
        await until(side, 0, "active")
        assert trio.current_time() == pytest.approx(began + 100, abs=2)


async def test_a_pool_that_fails_again_after_a_move_back_has_to_wait_twice_as_long(
    autojump_clock: MockClock, pool: SocketPool, backup: SocketPool
) -> None:
    side = Side(pool.port, backup.port)
    waited: list[float] = []
    async with side.running() as nursery:

        async def is_a_good_backup() -> None:
            while True:
                visit = await backup.accept()
                await visit.lets_in(notify("b1"))
                nursery.start_soon(keep_talking, visit)

        async def keep_talking(visit: Visit) -> None:
            with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                while True:
                    await trio.sleep(30)
                    await visit.says(notify("b1"))

        nursery.start_soon(is_a_good_backup)
        visit = await pool.accept()
        await visit.lets_in(notify("1"))
        for _ in range(4):
            await until(side, 0, "active")
            await trio.sleep(STABLE_SECONDS)
            await visit.closes()
            visit = await pool.accept()
            await visit.lets_in(notify("1"))
            began = trio.current_time()
            nursery.start_soon(keep_talking, visit)
            await until(side, 0, "active")
            waited.append(trio.current_time() - began)
    assert waited == pytest.approx([BACK, 2 * BACK, 4 * BACK, 8 * BACK], abs=2)


# ---- by hand


@asynccontextmanager
async def at_work(side: Side, pool: SocketPool) -> AsyncIterator[Visit]:
    """The preferred pool at work, on connection 1."""
    async with side.running():
        visit = await pool.accept()
        await visit.lets_in(notify("1"))
        await side.house.told(Working(), Given("1"))
        yield visit


async def test_a_pool_chosen_by_hand_takes_over_when_it_gives_work_and_keeps_the_farm(
    autojump_clock: MockClock, pool: SocketPool, backup: SocketPool
) -> None:
    side = Side(pool.port, backup.port)
    async with at_work(side, pool) as first:
        assert side.upstream.activate("pool1")
        second = await backup.accept()
        assert states(side) == ["active", "connecting"]
        await second.lets_in(notify("b1"))
        await side.house.told(Working(connection=2), Given("b1", connection=2))
        assert await first.hears() is None
        for _ in range(10):
            await trio.sleep(BACK)
            await second.says(notify("b1"))
            await side.house.told(Given("b1", connection=2))
        assert states(side) == ["down", "active"], "the other is not even asked"
        await second.closes()
        await side.house.told(Gone())
        await (await pool.accept()).lets_in(notify("1"))
        await side.house.told(Working(connection=3), Given("1", connection=3))
    assert side.tally.switches == {("pool0", "pool1", "operator"): 1, ("pool1", "pool0", "lost"): 1}


async def test_a_pool_chosen_by_hand_that_fails_leaves_the_farm_where_it_is(
    autojump_clock: MockClock, pool: SocketPool, backup: SocketPool
) -> None:
    side = Side(pool.port, backup.port)
    async with at_work(side, pool):
        assert side.upstream.activate("pool1")
        await (await backup.accept()).closes()
        await trio.sleep(100)
        assert states(side) == ["active", "down"]
        side.house.nothing_more()


async def test_a_pool_in_reserve_can_be_chosen_at_once(
    autojump_clock: MockClock, pool: SocketPool, backup: SocketPool
) -> None:
    side = Side(pool.port, backup.port)
    async with side.running():
        await on_the_backup(side, pool, backup)
        await (await pool.accept()).lets_in(notify("1"))
        await trio.sleep(1)
        assert side.upstream.activate("pool0")
        await side.house.told(Working(connection=3), Given("1", connection=3))


async def test_the_pool_at_work_can_be_chosen_so_that_it_stays(
    autojump_clock: MockClock, pool: SocketPool, backup: SocketPool
) -> None:
    side = Side(pool.port, backup.port)
    async with side.running():
        await on_the_backup(side, pool, backup)
        first = await pool.accept()
        await first.lets_in(notify("1"))
        assert side.upstream.activate("pool1")
        assert await first.hears() is None, "it is not needed now"


async def test_a_pool_that_is_not_configured_cannot_be_chosen() -> None:
    side = Side(1, 2)
    assert not side.upstream.activate("pool2")


# ---- a pool side that follows another


async def test_a_follower_goes_where_it_is_led_as_soon_as_there_is_work(
    autojump_clock: MockClock, pool: SocketPool, backup: SocketPool
) -> None:
    side, led_to = Side(pool.port, backup.port), [1]
    side.tally, side.house = Tally(), House()
    side.upstream = Upstream(side.config, side.house, side.tally, Random(1), lambda: led_to[0])
    side.upstream.is_counted = False
    async with side.running():
        second = await backup.accept()
        await second.lets_in(notify("b1"))
        await side.house.told(Working(), Given("b1"))
        await trio.sleep(2 * BACK)
        assert states(side) == ["down", "active"], "it has no probes of its own"
        led_to[0] = 0
        side.upstream.follow("failback")
        await (await pool.accept()).lets_in(notify("1"))
        await side.house.told(Working(connection=2), Given("1", connection=2))
        assert await second.hears() is None
    assert side.tally.switches == {}


# ---- the login dialect


async def test_a_login_pool_waits_in_reserve_and_is_kept_awake(
    autojump_clock: MockClock, pool: SocketPool, backup: SocketPool
) -> None:
    side = Side(pool.port, backup.port, dialect="login", limits=Limits(failback_seconds=100))
    async with side.running():
        await (await pool.accept()).closes()
        await side.house.told(Gone())
        second = await backup.accept()
        await second.logs_in(work("b1"))
        await side.house.told(Working(connection=2), Given("b1", connection=2))
        first = await pool.accept()
        await first.logs_in(work("1"))
        assert (await first.hears())["method"] == "keepalived"
        assert states(side) == ["standby", "active"]
        await side.house.told(Working(connection=3), Given("1", connection=3))


def test_nothing_is_known_of_pools_that_were_not_tried() -> None:
    side = Side(1, 2)
    assert states(side) == ["down", "down"]
    assert not side.upstream.submit(a_forward("early"), 0.0)
    side.upstream.push()
    assert side.upstream.waiting == 0
