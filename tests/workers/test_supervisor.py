"""Workers that die, hang and talk nonsense, without a process."""

import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random

import attrs
import msgspec
import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock, memory_stream_pair

from proxy.workers.messages import LINE_BYTES, Change, Charge, Order, Stop, line, read_order
from proxy.workers.roster import Roster
from proxy.workers.supervisor import (
    CHANGE_SECONDS,
    MOST_WAIT,
    SILENT_SECONDS,
    STABLE_SECONDS,
    START_SECONDS,
    Supervisor,
)
from tests.workers.reports import a_report
from tests.workers.test_messages import CONFIG


@pytest.fixture
def clock() -> MockClock:
    """Let time jump once nothing happens."""
    return MockClock(autojump_threshold=0)


class FakeWorker:
    """A process that does what the test says; `theirs` is its end of the channel."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.pid = 1000 + number
        ours, self.theirs = memory_stream_pair()
        self.channel: trio.abc.Stream = ours
        self.killed = False
        self.stuck = False
        self.status = 0
        self._ended = trio.Event()

    def kill(self) -> None:
        """End it."""
        if not self._ended.is_set():
            self.killed = True
            self.status = -9
            self._ended.set()
            self.theirs.send_stream.close()
            self.theirs.receive_stream.close()

    async def wait(self) -> int:
        """Wait for its end."""
        await self._ended.wait()
        return self.status

    # ---- what the test does

    async def says(self, *parts: bytes) -> None:
        """Send bytes to the supervisor."""
        await self.theirs.send_all(b"".join(parts))

    async def hears(self) -> Order:
        """Take the next message from the supervisor."""
        data = bytearray()
        while not data.endswith(b"\n"):
            part = await self.theirs.receive_some(1)
            assert part, "a message was expected"
            data += part
        return read_order(data)

    async def dies(self, status: int = -11) -> None:
        """End as a process does: its end of the channel closes."""
        self.status = status
        self._ended.set()
        await self.theirs.aclose()

    async def reports_for(self, seconds: float) -> None:
        """Live for so long, or until it is killed."""
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            for _ in range(int(seconds)):
                await self.says(line(a_report()))
                await trio.sleep(1)


@attrs.define
class House:
    """A supervisor and the workers it has started so far."""

    supervisor: Supervisor
    roster: Roster
    started: list[FakeWorker]
    refuse: bool = False
    on_start: Callable[[], None] = lambda: None

    async def worker(self, count: int) -> FakeWorker:
        """Wait until so many have been started in all, and return the last."""
        while len(self.started) < count:  # noqa: ASYNC110  # the supervisor tells nobody
            await trio.sleep(0.01)
        return self.started[count - 1]


@asynccontextmanager
async def supervised(count: int = 1) -> AsyncIterator[House]:
    """Run a supervisor of fake workers."""
    started: list[FakeWorker] = []

    def start(number: int) -> FakeWorker:
        if house.refuse:
            raise OSError(11, "Resource temporarily unavailable")
        started.append(FakeWorker(number))
        return started[-1]

    roster = Roster()
    supervisor = Supervisor(
        count, roster, start, lambda number, name: Charge(number, name, CONFIG, ["main"], []), Random(1)
    )
    house = House(supervisor, roster, started)
    with trio.fail_after(100_000):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(supervisor.run)
            yield house
            nursery.cancel_scope.cancel()
    assert all(worker._ended.is_set() for worker in started), "none is left running"


async def test_a_worker_is_told_what_to_do_and_heard(clock: MockClock) -> None:
    async with supervised(2) as house:
        for number in (1, 2):
            worker = next(w for w in [await house.worker(1), await house.worker(2)] if w.number == number)
            charge = await worker.hears()
            assert isinstance(charge, Charge)
            assert charge.number == number
            assert charge.config == CONFIG
            await worker.says(line(a_report(rig1=1)))
        await trio.testing.wait_all_tasks_blocked()
        assert house.roster.gathered.book.connections == {"rig1": 2}


async def test_one_that_dies_is_replaced_at_once_and_the_other_is_left_alone(clock: MockClock) -> None:
    with capture_logs() as logs:
        async with supervised(2) as house:
            second = await house.worker(2)
            first = house.started[0]
            began = trio.current_time()
            await first.dies(-11)
            third = await house.worker(3)
            assert trio.current_time() - began < 0.1
            assert third.number == first.number
            assert not second.killed
            assert house.supervisor.replaced == 1
            await third.dies(1)
            await house.worker(4)
    lines = [line for line in logs if line["event"] == "worker process lost"]
    assert [(line["why"], line["worker_process"]) for line in lines] == [
        ("ended by SIGSEGV", first.number),
        ("exit status 1", first.number),
    ]


async def test_one_that_dies_again_and_again_is_waited_for_longer_but_never_given_up(
    clock: MockClock,
) -> None:
    async with supervised() as house:
        times = []
        for number in range(1, 15):
            worker = await house.worker(number)
            times.append(trio.current_time())
            await worker.dies()
        waits = [later - sooner for sooner, later in itertools.pairwise(times)]
        assert waits[0] < 0.1
        assert waits[1] < 1 < waits[4]
        assert MOST_WAIT / 2 <= waits[-1] <= MOST_WAIT + 1
        # One that lives makes up for it.
        worker = await house.worker(15)
        await worker.reports_for(STABLE_SECONDS + 1)
        began = trio.current_time()
        await worker.dies()
        await house.worker(16)
        assert trio.current_time() - began < 0.1


async def test_one_that_hangs_is_killed_and_replaced(clock: MockClock) -> None:
    with capture_logs() as logs:
        async with supervised() as house:
            worker = await house.worker(1)
            await trio.sleep(START_SECONDS - 1)  # it may take its time to start
            assert not worker.killed
            await worker.reports_for(2 * SILENT_SECONDS)
            assert not worker.killed
            await house.worker(2)
            assert house.started[0].killed
    (said,) = [line for line in logs if line["event"] == "worker process lost"]
    assert said["why"] == f"no report for {SILENT_SECONDS} s; killed"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"%%%\n", "a report without sense"),
        (line(Stop()), "a report without sense"),
        (b"x" * (LINE_BYTES + 1), f"a report of more than {LINE_BYTES} bytes"),
    ],
)
async def test_one_that_talks_nonsense_is_killed_and_replaced(
    clock: MockClock, said: bytes, why: str
) -> None:
    with capture_logs() as logs:
        async with supervised() as house:
            worker = await house.worker(1)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(worker.says, said)
                await house.worker(2)
                nursery.cancel_scope.cancel()
            assert worker.killed
    (lost,) = [line for line in logs if line["event"] == "worker process lost"]
    assert lost["why"].startswith(why)
    assert lost["why"].endswith("; killed")


async def test_one_that_hangs_up_and_goes_on_is_killed(clock: MockClock) -> None:
    async with supervised() as house:
        worker = await house.worker(1)
        await worker.theirs.aclose()
        await house.worker(2)
        assert worker.killed


async def test_what_cannot_be_started_is_tried_again(clock: MockClock) -> None:
    with capture_logs() as logs:
        async with supervised() as house:
            worker = await house.worker(1)
            house.refuse = True
            await worker.dies()
            await trio.sleep(60)
            house.refuse = False
            await house.worker(2)
    assert "cannot be started: Resource temporarily unavailable" in {line.get("why") for line in logs}


# ---- the end


async def test_workers_are_told_to_stop_and_waited_for(clock: MockClock) -> None:
    async with supervised(2) as house:
        await house.worker(2)

        async def ends(worker: FakeWorker) -> None:
            assert isinstance(await worker.hears(), Charge)
            assert isinstance(await worker.hears(), Stop)
            await trio.sleep(3)
            last = a_report()
            last.last = True
            await worker.says(line(last))
            await worker.dies(0)

        async with trio.open_nursery() as nursery:
            for worker in house.started:
                nursery.start_soon(ends, worker)
            await house.supervisor.stop(10)
        assert not any(worker.killed for worker in house.started)
        assert len(house.started) == 2, "none is replaced"
        assert house.roster.lives == []
        assert house.supervisor.replaced == 0


async def test_one_that_does_not_stop_is_killed_in_time(clock: MockClock) -> None:
    async with supervised() as house:
        worker = await house.worker(1)
        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(worker.reports_for, 30)
            await house.supervisor.stop(5)
            nursery.cancel_scope.cancel()
        assert trio.current_time() - began < 6
        assert worker.killed


async def test_a_stop_does_not_wait_for_one_that_is_to_be_started(clock: MockClock) -> None:
    async with supervised() as house:
        for number in range(1, 8):
            await (await house.worker(number)).dies()
        await trio.testing.wait_all_tasks_blocked()
        began = trio.current_time()
        await house.supervisor.stop(10)
        assert trio.current_time() == began


async def test_a_stop_before_anything_was_started(clock: MockClock) -> None:
    supervisor = Supervisor(
        1, Roster(), FakeWorker, lambda n, name: Charge(n, name, CONFIG, [], []), Random(1)
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(supervisor.stop, 5)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(supervisor.run)


# ---- another configuration


async def test_all_are_told_of_another_configuration_and_waited_for(clock: MockClock) -> None:
    async with supervised(2) as house:
        workers = [await house.worker(1), await house.worker(2)]
        for worker in workers:
            assert isinstance(await worker.hears(), Charge)
            await worker.says(line(a_report()))
        done = trio.Event()

        async def change() -> None:
            await house.supervisor.change()
            done.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(change)
            for worker in workers:
                order = await worker.hears()
                assert isinstance(order, Change)
                assert (order.config, order.pools, order.serial) == (CONFIG, ["main"], 1)
                assert not done.is_set()
                await worker.says(line(msgspec.structs.replace(a_report(), serial=1)))
            await done.wait()


async def test_one_that_does_not_answer_holds_nobody_up_for_long(clock: MockClock) -> None:
    async with supervised() as house:
        worker = await house.worker(1)
        await worker.says(line(a_report()))
        before = trio.current_time()
        await house.supervisor.change()
        assert trio.current_time() - before == pytest.approx(CHANGE_SECONDS, abs=0.1)


async def test_at_a_takeover_workers_are_told_to_send_their_miners_away(clock: MockClock) -> None:
    async with supervised() as house:
        worker = await house.worker(1)
        assert isinstance(await worker.hears(), Charge)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(house.supervisor.stop, 8, True)
            assert await worker.hears() == Stop(leaves=True)
            await worker.dies(0)
