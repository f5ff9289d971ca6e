"""One connection on a pair of streams in memory, as it is where bytes take another way than a bare socket."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock, memory_stream_pair, wait_all_tasks_blocked

from proxy.config import Address, Config, Pool, Upstream
from proxy.core.tally import Tally
from proxy.errors import PoolError
from proxy.model.job import Job
from proxy.upstream.link import FAULTS, Link, account_at, renewed, said
from tests.kit.pools import (
    ACCEPTED,
    LOST,
    Given,
    House,
    Settled,
    SocketPool,
    Visit,
    Working,
    a_forward,
    given,
    no,
    notify,
    yes,
)

POOL = Pool(url=Address("stratum+tcp", "pool.example", 3333))
CONFIG = Config(upstream=Upstream(user="user", pools=(POOL,)))


class Owner:
    """Tells a house what it is told, as if the farm worked for this connection."""

    def __init__(self) -> None:
        self.house = House()
        self.batches = 0

    def link_let_in(self, link: Link) -> None:
        self.house.pool_working(link.conversation)

    def link_job(self, link: Link, job: Job) -> None:
        assert link.job is job
        self.house.pool_job(job)

    def link_batch(self, link: Link) -> None:
        self.batches += 1


class Line:
    """A link, and the pool at its other end."""

    def __init__(self, leaves_refusers: bool = False) -> None:
        self.owner = Owner()
        self.house = self.owner.house
        ours, theirs = memory_stream_pair()
        self.visit = Visit(theirs)  # type: ignore[arg-type]  # it sends, receives and closes, like any other
        self.fault = ""
        self.link = Link(
            ours,
            0,
            account_at(POOL, CONFIG),
            "aion",
            self.owner,
            self.house.settle,
            Tally(),
            itertools.count(1),
            None,
            leaves_refusers,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run it to its end."""
        with trio.fail_after(1000):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._run)
                yield

    async def _run(self) -> None:
        try:
            await self.link.run()
            self.fault = self.link.fault
        except* FAULTS as group:
            self.fault = said(group)

    async def opens(self) -> None:
        """Play the opening, and give a job."""
        await self.visit.lets_in(notify("1"))
        await self.house.told(Working(), Given("1"))

    async def hears_shares(self, *tokens: str) -> list[int]:
        """Hand shares over; the ids they have at the pool."""
        for token in tokens:
            self.link.conversation.submit(a_forward(token), trio.current_time())
        self.link.push()
        return [(await self.visit.hears())["id"] for _ in tokens]


async def test_bytes_that_no_socket_takes_go_by_the_stream(autojump_clock: MockClock) -> None:
    line = Line()
    async with line.running():
        await line.opens()
        ids = await line.hears_shares("a", "b")
        await line.visit.says(*map(yes, ids))
        await line.house.told(Settled("a", ACCEPTED), Settled("b", ACCEPTED))
        await line.visit.closes()
    assert line.fault == "closed by the pool"
    assert (line.link.record.decided, line.link.record.ratio) == (2, 0)


async def test_one_that_is_left_ends_with_the_last_answer(autojump_clock: MockClock) -> None:
    line = Line()
    async with line.running():
        await line.opens()
        first, second = await line.hears_shares("a", "b")
        line.link.drain(20)
        assert line.link.over.is_set()
        await line.visit.says(yes(first))
        await line.house.told(Settled("a", ACCEPTED))
        await wait_all_tasks_blocked()
        await line.visit.says(yes(second))
        await line.house.told(Settled("b", ACCEPTED))
    assert trio.current_time() < 1


async def test_one_that_is_left_and_owes_nothing_ends_at_once(autojump_clock: MockClock) -> None:
    line = Line()
    async with line.running():
        await line.opens()
        line.link.drain(20)
    assert trio.current_time() < 1


async def test_one_that_is_left_ends_in_time(autojump_clock: MockClock) -> None:
    line = Line()
    async with line.running():
        await line.opens()
        await line.hears_shares("a")
        line.link.drain(5)
    assert trio.current_time() == pytest.approx(5, abs=0.2)
    line.link.conversation.abandon(trio.current_time())
    await line.house.told(Settled("a", LOST))
    assert line.link.record.decided == 0, "that was not the pool's doing"


async def test_one_that_has_failed_tells_nothing_more(autojump_clock: MockClock) -> None:
    line = Line()
    async with line.running():
        await line.opens()
        line.link.fail("no room")
        line.link.conversation.receive(notify("2").encode() + b"\n", trio.current_time())
    assert line.fault == "no room"
    line.house.nothing_more()


@pytest.mark.parametrize(("leaves", "fault"), [(True, "30 of the last 30 shares"), (False, "closed by")])
async def test_whether_refusals_end_it_is_the_owners_choice(
    autojump_clock: MockClock, leaves: bool, fault: str
) -> None:
    line = Line(leaves_refusers=leaves)
    async with line.running():
        await line.opens()
        for _ in range(30):
            (number,) = await line.hears_shares("a")
            await line.visit.says(no(number, 20, "bad"))
        await wait_all_tasks_blocked()
        await line.visit.closes()
    assert line.fault.startswith(fault)


def test_a_job_that_waited_comes_as_new() -> None:
    job = a_forward("").job
    assert renewed(job, 7.0).received == 7.0
    assert given(renewed(job, 7.0)) == given(job)


def test_a_fault_is_said_in_one_line() -> None:
    assert said(ExceptionGroup("two", [PoolError("first\nsecond"), OSError()])) == "first"
    assert said(OSError(111, "whatever")) == "Connection refused"
    assert said(trio.TooSlowError()) == "no connection in time (limits.connect_seconds)"
    assert said(trio.BrokenResourceError()) == "BrokenResourceError"


async def test_a_bare_socket_is_written_to_at_once(pool: SocketPool) -> None:
    line = Line()
    stream = await trio.open_tcp_stream("127.0.0.1", pool.port)
    link = Link(
        stream,
        0,
        account_at(POOL, CONFIG),
        "aion",
        line.owner,
        line.house.settle,
        Tally(),
        itertools.count(1),
        None,
        leaves_refusers=False,
    )
    link.push()
    assert (await (await pool.accept()).hears())["method"] == "mining.subscribe"
    await stream.aclose()
