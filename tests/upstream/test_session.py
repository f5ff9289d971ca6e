"""The pool side on real sockets of loopback and a clock that jumps: connects, gives up, comes back."""

import json
import socket
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from proxy.config import Address, Config, Limits, Pool
from proxy.config import Upstream as Section
from proxy.errors import PoolError
from proxy.model.share import Reason, Verdict
from proxy.upstream.aion import TARGET_WAIT
from proxy.upstream.backlog import QUEUE_HIGH, QUEUE_LOW
from proxy.upstream.login import KEEPALIVE_SECONDS
from proxy.upstream.session import STABLE_SECONDS, Upstream
from tests.kit.pools import (
    ACCEPTED,
    EASY,
    HARD,
    LET_IN,
    LOST,
    SUBSCRIBED,
    Given,
    Gone,
    Settled,
    SocketPool,
    Working,
    a_forward,
    fine,
    job,
    logged_in,
    notify,
    set_target,
    work,
    wrong,
    yes,
)
from tests.upstream.sides import Log, Side, closed_port, events

# ---- one connection


async def test_what_is_handed_over_goes_out_with_the_batch(
    autojump_clock: MockClock, pool: SocketPool
) -> None:
    side = Side(pool.port)
    async with side.running():
        visit = await pool.accept()
        await visit.lets_in()
        await side.house.told(Working())
        for token in ("a", "b"):
            assert side.upstream.submit(a_forward(token), trio.current_time())
        with trio.move_on_after(10) as waited:
            await visit.hears()
        assert waited.cancelled_caught, "many shares are to be one write"
        side.upstream.push()
        ids = [(await visit.hears())["id"] for _ in range(2)]
        side.upstream.push()
        await visit.says(*map(yes, ids))
        await side.house.told(Settled("a", ACCEPTED), Settled("b", ACCEPTED))


async def test_what_the_socket_does_not_take_at_once_follows_in_order(
    autojump_clock: MockClock, pool: SocketPool
) -> None:
    side = Side(pool.port, limits=Limits(upstream_unanswered=100_000))
    count = 5000  # of 3 kB each: more than two sockets hold
    async with side.running():
        visit = await pool.accept()
        await visit.lets_in()
        await side.house.told(Working())
        for token in range(count):
            forward = a_forward(token)
            forward.share.solution = "ab" * 1408
            assert side.upstream.submit(forward, trio.current_time())
            side.upstream.push()
        ids = [(await visit.hears())["id"] for _ in range(count)]
        assert ids == list(range(ids[0], ids[0] + count))
        assert side.tally.network_bytes["upstream", "out"] > count * 2816
        # And as before from then on.
        assert side.submits("last")
        assert (await visit.hears())["id"] == ids[-1] + 1


async def test_a_share_goes_to_the_pool_and_its_verdict_comes_back(
    autojump_clock: MockClock, pool: SocketPool
) -> None:
    side = Side(pool.port)
    async with side.running():
        visit = await pool.accept()
        await visit.lets_in(notify("1"))
        await side.house.told(Working(), Given("1"))
        assert side.submits("share")
        submit = await visit.hears()
        assert submit["method"] == "mining.submit"
        assert side.upstream.waiting == 1
        await visit.says(yes(submit["id"]))
        await side.house.told(Settled("share", ACCEPTED))
        assert side.upstream.waiting == 0


async def test_subscribe_names_us_and_the_pool_as_configured(
    autojump_clock: MockClock, pool: SocketPool
) -> None:
    side = Side(pool.port)
    async with side.running():
        visit = await pool.accept()
        subscribe = await visit.hears()
        agent, session, host, port = subscribe["params"]
        assert agent.startswith("sluice/")
        assert (session, host, port) == (None, "127.0.0.1", str(pool.port))
        await visit.says(SUBSCRIBED)
        assert (await visit.hears())["params"] == ["user", "x"]


def by_file(path: Path) -> Side:
    """A pool side whose pool is a socket file."""
    side = Side()
    url = Address("unix", "", 0, str(path))
    side.config = Config(upstream=Section(user="user", pools=(Pool(url=url),)))
    side.upstream = Upstream(side.config, side.house, side.tally, Random(1))
    return side


async def test_a_pool_behind_a_socket_file(autojump_clock: MockClock, tmp_path: Path) -> None:
    """It is told a host and a port all the same, since its subscribe has places for them."""
    sock = trio.socket.socket(trio.socket.AF_UNIX)
    await sock.bind(str(tmp_path / "s"))
    sock.listen()
    pool = SocketPool(trio.SocketListener(sock))
    side = by_file(tmp_path / "s")
    async with side.running():
        visit = await pool.accept()
        assert (await visit.hears())["params"][2:] == ["localhost", "0"]
        await visit.says(SUBSCRIBED)
        await visit.hears()
        await visit.says('{"id":2,"result":true}', notify("1"))
        await side.house.told(Working(), Given("1"))
        assert side.submits("share")
    await pool.closes()


async def test_a_socket_file_that_is_not_to_be_had_is_said(
    autojump_clock: MockClock, tmp_path: Path, log: Log
) -> None:
    side = by_file(tmp_path / "s")
    async with side.running():
        await wait_all_tasks_blocked()
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(tmp_path / "s"))
        await trio.sleep(1000)
    assert [why for _, why in events(log)][:2] == ["No such file or directory", "Connection refused"]
    assert {line["address"] for line in log} == {f"unix://{tmp_path}/s"}


async def test_a_pool_may_have_an_account_of_its_own(autojump_clock: MockClock, pool: SocketPool) -> None:
    side = Side()
    url = Address("stratum+tcp", "127.0.0.1", pool.port)
    config = Config(upstream=Section(user="user", pools=(Pool(url=url, user="other", password="secret"),)))
    side.upstream = Upstream(config, side.house, side.tally, Random(1))
    assert side.upstream.account_user == "user"
    async with side.running():
        visit = await pool.accept()
        await visit.hears()
        await visit.says(SUBSCRIBED)
        assert (await visit.hears())["params"] == ["other", "secret"]
        await visit.says(LET_IN)
        await side.house.told(Working())
        assert side.upstream.account_user == "other"


async def test_what_is_known_of_a_pool_is_there_for_people(
    autojump_clock: MockClock, pool: SocketPool, log: Log
) -> None:
    side = Side(pool.port)
    [status] = side.upstream.pools
    assert (status.name, status.url) == ("pool0", f"stratum+tcp://127.0.0.1:{pool.port}")
    assert (status.state, status.last_fault, status.last_job_at) == ("down", "not tried yet", 0.0)
    async with side.running():
        visit = await pool.accept()
        await visit.hears()
        states = [status.state]
        await visit.says(SUBSCRIBED)
        await visit.hears()
        await visit.says('{"id":2,"result":true}', notify("1"), set_target(HARD))
        await side.house.told(Working(), Given("1", HARD))
        states.append(status.state)
        assert status.difficulty == 2048
        assert status.last_job_at > 0
        await visit.closes()
        await side.house.told(Gone())
        await (await pool.accept()).closes()
        assert states == ["connecting", "active"]
        assert status.sends_target_after is True


async def test_bytes_are_counted(autojump_clock: MockClock, pool: SocketPool) -> None:
    side = Side(pool.port)
    async with side.running():
        visit = await pool.accept()
        subscribe = await visit.hears()
        await visit.says(SUBSCRIBED)
        authorize = await visit.hears()
        await wait_all_tasks_blocked()
        sent = sum(len(json.dumps(line, separators=(",", ":"))) + 1 for line in (subscribe, authorize))
        assert side.tally.network_bytes["upstream", "out"] == sent
        assert side.tally.network_bytes["upstream", "in"] == len(SUBSCRIBED) + 1


async def test_the_wait_for_a_target_ends_by_itself(autojump_clock: MockClock, pool: SocketPool) -> None:
    side = Side(pool.port)
    async with side.running():
        visit = await pool.accept()
        await visit.lets_in()
        await side.house.told(Working())
        await visit.says(notify("1"))
        read_at = trio.current_time()
        await side.house.told(Given("1"))
        assert trio.current_time() == pytest.approx(read_at + TARGET_WAIT)


async def test_a_system_without_the_option_of_a_dead_route_does_too(
    autojump_clock: MockClock, pool: SocketPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("socket.TCP_USER_TIMEOUT", raising=False)
    side = Side(pool.port)
    async with side.running():
        await (await pool.accept()).lets_in()
        await side.house.told(Working())


async def test_what_came_of_a_batch_is_announced_once(autojump_clock: MockClock, pool: SocketPool) -> None:
    side = Side(pool.port)
    batches: list[int] = []
    side.upstream.on_batch = lambda: batches.append(1)
    async with side.running():
        visit = await pool.accept()
        await visit.lets_in()
        await side.house.told(Working())
        before = len(batches)
        await visit.says(set_target(EASY), notify("1"), set_target(HARD), notify("2"), set_target(HARD))
        await side.house.told(Given("2", HARD))
        assert len(batches) == before + 1


# ---- shares that find no pool, or no answer


async def test_no_share_is_taken_before_the_pool_has_let_us_in(
    autojump_clock: MockClock, pool: SocketPool
) -> None:
    side = Side(pool.port)
    assert not side.submits("early")
    async with side.running():
        visit = await pool.accept()
        await visit.hears()
        assert not side.submits("early")
        await visit.says(SUBSCRIBED)
        await visit.hears()
        assert not side.submits("early")
        side.house.nothing_more()


async def test_no_share_of_another_connection_is_taken(autojump_clock: MockClock, pool: SocketPool) -> None:
    side = Side(pool.port)
    async with side.running():
        visit = await pool.accept()
        await visit.lets_in()
        await side.house.told(Working())
        assert not side.submits("other", connection=2)
        await visit.closes()
        await side.house.told(Gone())
        visit = await pool.accept()
        await visit.lets_in()
        await side.house.told(Working(connection=2))
        assert not side.submits("other", connection=1)
        assert side.submits("this", connection=2)


async def test_a_share_without_an_answer_is_lost_in_time_though_the_pool_is_silent(
    autojump_clock: MockClock, pool: SocketPool
) -> None:
    side = Side(pool.port, limits=Limits(upstream_reply_seconds=20, upstream_silence_seconds=300))
    async with side.running():
        visit = await pool.accept()
        await visit.lets_in()
        await side.house.told(Working())
        await trio.sleep(50)
        assert side.submits("share")
        sent_at = trio.current_time()
        await side.house.told(Settled("share", LOST))
        assert trio.current_time() == pytest.approx(sent_at + 20)
        await visit.hears()


async def test_the_end_of_a_connection_settles_its_shares_before_it_is_told(
    autojump_clock: MockClock, pool: SocketPool
) -> None:
    side = Side(pool.port)
    async with side.running():
        visit = await pool.accept()
        await visit.lets_in(notify("1"))
        await side.house.told(Working(), Given("1"))
        assert side.submits(*range(5))
        await visit.closes()
        await side.house.told(*[Settled(token, LOST) for token in range(5)], Gone())
        assert side.upstream.waiting == 0
        assert not side.submits("late")


async def test_shutdown_settles_what_is_open(autojump_clock: MockClock, pool: SocketPool) -> None:
    side = Side(pool.port)
    async with side.running():
        visit = await pool.accept()
        await visit.lets_in()
        await side.house.told(Working())
        assert side.submits("share")
    await side.house.told(Settled("share", LOST), Gone())


# ---- backpressure


async def test_miners_are_not_read_while_too_many_shares_wait(
    autojump_clock: MockClock, pool: SocketPool
) -> None:
    side = Side(pool.port, limits=Limits(upstream_unanswered=1000))
    passed: list[str] = []

    async def one_who_waits(name: str) -> None:
        await side.upstream.room()
        passed.append(name)

    async with side.running() as nursery:
        await side.upstream.room()
        visit = await pool.accept()
        await visit.lets_in()
        await side.house.told(Working())
        assert side.submits(*range(QUEUE_HIGH - 1))
        full = [side.upstream.is_full]
        assert side.submits("last")
        full.append(side.upstream.is_full)
        for name in ("first", "second"):
            nursery.start_soon(one_who_waits, name)
            await wait_all_tasks_blocked()
        ids = [(await visit.hears())["id"] for _ in range(1000)]
        await visit.says(*map(yes, ids[: QUEUE_HIGH - QUEUE_LOW - 1]))
        await side.house.told(*[Settled(token, ACCEPTED) for token in range(QUEUE_HIGH - QUEUE_LOW - 1)])
        await wait_all_tasks_blocked()
        full.append(side.upstream.is_full)
        assert full == [False, True, False]
        assert not passed, "who waits waits until it is well below"
        await visit.says(yes(ids[QUEUE_HIGH - QUEUE_LOW - 1]))
        await side.house.told(Settled(QUEUE_HIGH - QUEUE_LOW - 1, ACCEPTED))
        await wait_all_tasks_blocked()
        assert sorted(passed) == ["first", "second"]


async def test_a_lost_pool_makes_room(autojump_clock: MockClock, pool: SocketPool) -> None:
    side = Side(pool.port)
    async with side.running():
        visit = await pool.accept()
        await visit.lets_in()
        await side.house.told(Working())
        assert side.submits(*range(QUEUE_HIGH))
        assert side.upstream.is_full
        await visit.closes()
        await side.upstream.room()
        assert not side.upstream.is_full


async def test_shares_held_back_are_said_once_a_minute(
    autojump_clock: MockClock, pool: SocketPool, log: Log
) -> None:
    """Else a farm that has outgrown limits.upstream_unanswered only sees stale shares."""
    side = Side(pool.port)
    async with side.running():
        visit = await pool.accept()
        await visit.lets_in()
        await side.house.told(Working())
        assert side.submits(*range(QUEUE_HIGH))
        for _ in range(2):
            with trio.move_on_after(1):
                await side.upstream.room()
    said = [line for line in log if line["event"] == "shares wait for the pool"]
    assert [line["waiting"] for line in said] == [QUEUE_HIGH]


async def test_all_verdicts_can_be_waited_for(autojump_clock: MockClock, pool: SocketPool) -> None:
    side = Side(pool.port)
    done: list[str] = []

    async def one_who_waits(name: str) -> None:
        await side.upstream.settled()
        done.append(name)

    async with side.running() as nursery:
        await side.upstream.settled()
        visit = await pool.accept()
        await visit.lets_in()
        await side.house.told(Working())
        assert side.submits("a", "b")
        for name in ("first", "second"):
            nursery.start_soon(one_who_waits, name)
            await wait_all_tasks_blocked()
        await visit.says(yes(4))
        await side.house.told(Settled("a", ACCEPTED))
        await wait_all_tasks_blocked()
        assert not done
        await visit.says(yes(5))
        await side.house.told(Settled("b", ACCEPTED))
        await wait_all_tasks_blocked()
        assert sorted(done) == ["first", "second"]


# ---- faults, and what follows


async def test_it_comes_back_after_the_pool_has_closed(
    autojump_clock: MockClock, pool: SocketPool, log: Log
) -> None:
    side = Side(pool.port)
    async with side.running():
        for connection in (1, 2, 3):
            visit = await pool.accept()
            await visit.lets_in(notify("1"))
            await side.house.told(Working(connection=connection))
            await side.house.told(Given("1", connection=connection))
            await trio.sleep(STABLE_SECONDS)
            await visit.closes()
            await side.house.told(Gone())
        await pool.accept()
    lost = [line for line in log if line["event"] == "pool lost"]
    assert [line["why"] for line in lost] == ["closed by the pool"] * 3
    assert all(line["retry_in"] <= 0.5 for line in lost), "each had worked"
    assert lost[0]["pool"] == "pool0"
    assert lost[0]["address"] == f"stratum+tcp://127.0.0.1:{pool.port}"


async def test_a_refused_connection_is_tried_again_with_growing_waits(
    autojump_clock: MockClock, log: Log
) -> None:
    side = Side(await closed_port(), limits=Limits(reconnect_seconds_max=30))
    async with side.running():
        await trio.sleep(300)
    assert {event for event, _ in events(log)} == {"pool not to be had"}
    assert {why for _, why in events(log)} == {"Connection refused"}
    waits = [line["retry_in"] for line in log]
    assert len(waits) > 10
    for failure, wait in enumerate(waits):
        step = min(0.5 * 2**failure, 30)
        assert step / 2 - 0.1 <= wait <= step + 0.1
    assert side.upstream.pools[0].last_fault == "Connection refused"
    assert side.upstream.pools[0].state == "down"


async def test_a_refused_user_is_tried_again_with_growing_waits(
    autojump_clock: MockClock, pool: SocketPool, log: Log
) -> None:
    side = Side(pool.port, limits=Limits(reconnect_seconds_max=30))
    came: list[float] = []
    async with side.running():
        for _ in range(8):
            visit = await pool.accept()
            came.append(trio.current_time())
            await visit.hears()
            await visit.says(SUBSCRIBED)
            await visit.hears()
            await visit.says('{"id":2,"result":false,"error":null}')
            await side.house.told(Gone())
            assert await visit.hears() is None, "it hangs up"
    between = [after - before for before, after in pairwise(came)]
    assert between[:6] == sorted(between[:6])
    assert between[-1] >= 15
    refused = "user user refused: check upstream.user and password"
    assert events(log) == [("pool not to be had", refused)] * 8


async def test_a_silent_pool_is_left(autojump_clock: MockClock, pool: SocketPool, log: Log) -> None:
    side = Side(pool.port, limits=Limits(upstream_silence_seconds=300))
    async with side.running():
        visit = await pool.accept()
        await visit.lets_in(notify("1"))
        await side.house.told(Working(), Given("1"), Gone())
        assert await visit.hears() is None
        await pool.accept()
    assert ("pool lost", "silent for 300 s") in events(log)


async def test_a_pool_that_does_not_answer_the_opening_is_left(
    autojump_clock: MockClock, pool: SocketPool, log: Log
) -> None:
    side = Side(pool.port, limits=Limits(upstream_reply_seconds=20))
    async with side.running():
        visit = await pool.accept()
        await side.house.told(Gone())
        await visit.hears()
        assert await visit.hears() is None
    assert events(log) == [("pool not to be had", "no answer for 20 s")]


async def test_a_pool_that_resets_is_one_line(autojump_clock: MockClock, pool: SocketPool, log: Log) -> None:
    side = Side(pool.port)
    async with side.running():
        visit = await pool.accept()
        # Closing with bytes unread sends a reset.
        await wait_all_tasks_blocked()
        await visit.closes()
        await side.house.told(Gone())
        await pool.accept()
    [(event, why)] = events(log)
    assert event == "pool not to be had"
    assert "reset" in why
    assert "\n" not in why


async def test_an_address_that_does_not_answer_is_given_up_in_time(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    tried: list[float] = []

    async def a_black_hole(*_: object, **__: object) -> None:
        tried.append(trio.current_time())
        await trio.sleep_forever()

    monkeypatch.setattr(trio, "open_tcp_stream", a_black_hole)
    side = Side(3333, limits=Limits(connect_seconds=10))
    async with side.running():
        await trio.sleep(25)
    assert len(tried) == 3
    assert tried[1] - tried[0] == pytest.approx(10, abs=0.5)
    assert events(log)[0] == ("pool not to be had", "no connection in time (limits.connect_seconds)")


@pytest.mark.parametrize("host", ["nowhere..invalid", "x" * 64 + ".invalid", "ü" * 70])
async def test_a_name_that_cannot_be_is_one_line(autojump_clock: MockClock, host: str, log: Log) -> None:
    side = Side(3333, host=host)
    async with side.running():
        while not log:  # the look-up is a thread's, which no clock here knows
            await trio.lowlevel.checkpoint()
    event, why = events(log)[0]
    assert event == "pool not to be had"
    assert why
    assert "\n" not in why


async def test_a_fault_of_the_house_is_the_pools_fault_only_if_it_says_so(
    autojump_clock: MockClock, pool: SocketPool, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    side = Side(pool.port)

    def no_room(_: object) -> None:
        raise PoolError("no room for our bytes")

    monkeypatch.setattr(side.house, "pool_working", no_room)
    async with side.running():
        visit = await pool.accept()
        await visit.hears()
        await visit.says(SUBSCRIBED)
        await visit.hears()
        await visit.says('{"id":2,"result":true}')
        await side.house.told(Gone())
        await pool.accept()
    assert events(log)[-1] == ("pool not to be had", "no room for our bytes")


async def test_any_other_fault_is_a_bug_and_is_not_hidden(
    autojump_clock: MockClock, pool: SocketPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    side = Side(pool.port)

    def broken(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(side.house, "pool_job", broken)
    with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True, allow_unwrapped=True):
        async with side.running():
            visit = await pool.accept()
            await visit.lets_in(notify("1"))
            await trio.sleep_forever()


async def test_a_pool_that_asks_to_be_asked_again_is(
    autojump_clock: MockClock, pool: SocketPool, log: Log
) -> None:
    side = Side(pool.port)
    async with side.running():
        visit = await pool.accept()
        await visit.lets_in(notify("1"))
        await side.house.told(Working(), Given("1"))
        await visit.says('{"id":null,"method":"client.reconnect","params":["evil.example","1"]}')
        await side.house.told(Gone())
        assert await visit.hears() is None
        await (await pool.accept()).lets_in(notify("1"))
        await side.house.told(Working(connection=2), Given("1", connection=2))
    assert ("pool", "asked to reconnect to evil.example 1; reconnecting as configured") in events(log)


async def test_notes_of_the_last_batch_are_not_forgotten(
    autojump_clock: MockClock, pool: SocketPool, log: Log
) -> None:
    side = Side(pool.port)
    async with side.running():
        visit = await pool.accept()
        await visit.hears()
        await visit.says("<html>", "<body>", "</html>")
        await side.house.told(Gone())
        await pool.accept()
    assert events(log) == [
        ("pool", "line ignored: not a JSON object: '<html>'"),
        ("pool", "line ignored: not a JSON object: '<body>'"),
        ("pool not to be had", "not a JSON object: '</html>'"),
    ]


# ---- pools of the login dialect


async def test_a_share_goes_to_a_login_pool_and_its_verdict_comes_back(
    autojump_clock: MockClock, pool: SocketPool
) -> None:
    side = Side(pool.port, dialect="login")
    async with side.running():
        visit = await pool.accept()
        await visit.logs_in(work("1"))
        await side.house.told(Working(), Given("1"))
        assert side.submits("share")
        submit = await visit.hears()
        assert (submit["method"], submit["params"]["algo"]) == ("submit", "equihash/210_9")
        await visit.says(fine(submit["id"]), job(work("2")))
        await side.house.told(Settled("share", ACCEPTED), Given("2"))


@pytest.mark.parametrize(
    ("algorithm", "named"), [("equihash/144_5", {"algo": ["equihash/144_5"]}), ("blob", {})]
)
async def test_login_says_who_we_are_and_what_work_we_want(
    autojump_clock: MockClock, pool: SocketPool, algorithm: str, named: dict[str, list[str]]
) -> None:
    side = Side(pool.port, dialect="login", algorithm=algorithm, password="secret")
    async with side.running():
        params = (await (await pool.accept()).hears())["params"]
        assert params.pop("agent").startswith("sluice/")
        assert params == {"login": "user", "pass": "secret", **named}


async def test_the_personalization_of_a_job_must_be_the_configured_one(
    autojump_clock: MockClock, pool: SocketPool, log: Log
) -> None:
    side = Side(pool.port, dialect="login", personalization="BgoldPoW")
    async with side.running():
        visit = await pool.accept()
        await visit.logs_in(work("1"))
        await side.house.told(Gone())
        await (await pool.accept()).logs_in(work("1", pers="BgoldPoW"))
        await side.house.told(Working(connection=2), Given("1", connection=2))
    why = 'the pool\'s personalization is "AION0PoW"; upstream.personalization is "BgoldPoW"'
    assert events(log)[0] == ("pool not to be had", why)


async def test_a_refused_login_names_what_to_mend(
    autojump_clock: MockClock, pool: SocketPool, log: Log
) -> None:
    side = Side(pool.port, dialect="login")
    async with side.running():
        visit = await pool.accept()
        await visit.hears()
        await visit.says(wrong(1, -1, "no such account"))
        await side.house.told(Gone())
        assert await visit.hears() is None, "it hangs up"
    refused = "user user refused (no such account): check upstream.user and password"
    assert events(log)[0] == ("pool not to be had", refused)


async def test_a_session_that_the_pool_ends_is_begun_anew(
    autojump_clock: MockClock, pool: SocketPool, log: Log
) -> None:
    side = Side(pool.port, dialect="login")
    async with side.running():
        visit = await pool.accept()
        await visit.logs_in(work("1"))
        await side.house.told(Working(), Given("1"))
        assert side.submits("a", "b")
        await visit.says(wrong((await visit.hears())["id"], -1, "Unauthenticated"))
        ended = Verdict(Reason.REJECTED, "Unauthenticated", -1)
        await side.house.told(Settled("a", ended), Settled("b", LOST), Gone())
        await (await pool.accept()).logs_in(work("1"))
        await side.house.told(Working(connection=2), Given("1", connection=2))
    assert events(log)[1] == ("pool not to be had", "the pool has ended the session: Unauthenticated")


async def test_a_quiet_login_pool_is_kept_and_a_dead_one_left(
    autojump_clock: MockClock, pool: SocketPool, log: Log
) -> None:
    side = Side(pool.port, dialect="login", limits=Limits(upstream_reply_seconds=20))
    async with side.running():
        visit = await pool.accept()
        await visit.hears()
        began = trio.current_time()
        await visit.says(logged_in(work("1"), "keepalive"))
        await side.house.told(Working(), Given("1"))
        for nth in (1, 2):
            keepalived = await visit.hears()
            assert keepalived["method"] == "keepalived"
            assert trio.current_time() == pytest.approx(began + nth * KEEPALIVE_SECONDS)
            if nth == 1:
                await visit.says(fine(keepalived["id"]))
        await side.house.told(Gone())
        assert trio.current_time() == pytest.approx(began + 2 * KEEPALIVE_SECONDS + 20)
        await pool.accept()
    assert ("pool lost", "no answer to keepalived for 20 s") in events(log)


# ---- several pools


async def test_the_next_pool_is_tried_when_the_first_is_not_to_be_had(
    autojump_clock: MockClock, backup: SocketPool, log: Log
) -> None:
    side = Side(await closed_port(), backup.port)
    async with side.running():
        visit = await backup.accept()
        await visit.lets_in(notify("1"))
        await side.house.told(Working(), Given("1"))
        assert [status.state for status in side.upstream.pools] == ["down", "active"]
    assert [(line["event"], line["pool"]) for line in log] == [
        ("pool not to be had", "pool0"),
        ("pool working", "pool1"),
    ]


async def test_after_the_second_pool_has_worked_the_first_is_asked_again(
    autojump_clock: MockClock, pool: SocketPool, backup: SocketPool
) -> None:
    side = Side(pool.port, backup.port)
    async with side.running():
        await (await pool.accept()).closes()
        await side.house.told(Gone())
        second = await backup.accept()
        await second.lets_in(notify("1"))
        await side.house.told(Working(connection=2), Given("1", connection=2))
        await second.closes()
        await side.house.told(Gone())
        assert side.tally.switches == {}, "the first work is no change"
        await (await pool.accept()).lets_in(notify("1"))
        await side.house.told(Working(connection=3), Given("1", connection=3))
    assert side.tally.switches == {("pool1", "pool0", "lost"): 1}


async def test_pools_that_all_fail_are_asked_in_turn_with_growing_waits(
    autojump_clock: MockClock, pool: SocketPool, backup: SocketPool, log: Log
) -> None:
    side = Side(pool.port, backup.port)
    async with side.running():
        for visited in (pool, backup, pool, backup, pool):
            await (await visited.accept()).closes()
            await side.house.told(Gone())
        await backup.accept()
    assert [line["pool"] for line in log] == ["pool0", "pool1", "pool0", "pool1", "pool0"]
    for name in ("pool0", "pool1"):
        waits = [line["retry_in"] for line in log if line["pool"] == name]
        assert waits == sorted(waits), "each has waits of its own"


async def test_which_pool_works_now_can_be_told(
    autojump_clock: MockClock, pool: SocketPool, backup: SocketPool
) -> None:
    side = Side(pool.port, backup.port)
    now = [side.upstream.current]
    async with side.running():
        await (await pool.accept()).closes()
        await side.house.told(Gone())
        second = await backup.accept()
        now.append(side.upstream.current)
        await second.lets_in(notify("1"))
        await side.house.told(Working(connection=2), Given("1", connection=2))
        now.append(side.upstream.current)
        await second.closes()
        await side.house.told(Gone())
        now.append(side.upstream.current)
        await (await pool.accept()).lets_in(notify("1"))
        await side.house.told(Working(connection=3), Given("1", connection=3))
        now.append(side.upstream.current)
    assert now == [None, None, 1, None, 0], "not before it has let us in"


async def test_the_first_attempt_may_go_to_another_pool_than_the_first(
    autojump_clock: MockClock, pool: SocketPool, backup: SocketPool
) -> None:
    """A connection that helps another is of use at that one's pool only."""
    side = Side(pool.port, backup.port, first_choice=1)
    async with side.running():
        await (await backup.accept()).closes()
        await side.house.told(Gone())
        await (await pool.accept()).lets_in(notify("1"))
        await side.house.told(Working(connection=2), Given("1", connection=2))
        assert side.upstream.current == 0
