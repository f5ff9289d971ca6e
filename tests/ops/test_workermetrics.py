"""Metrics of the busiest workers."""

import pytest
import trio
from prometheus_client import CollectorRegistry, generate_latest
from trio.testing import MockClock

from proxy.core.workerbook import WorkerBook
from proxy.model.share import Reason
from proxy.ops.turns import Turns
from proxy.ops.workermetrics import LOOK_SECONDS, MOST_NAME, WorkerCollector


@pytest.fixture
def clock() -> MockClock:
    """Let time jump."""
    return MockClock(autojump_threshold=0)


def farm(**works: float) -> WorkerBook:
    """A book of workers with a share each."""
    book = WorkerBook()
    for name, work in works.items():
        book.join(name, trio.current_time()).good(Reason.ACCEPTED, work, trio.current_time())
    return book


def text(collector: WorkerCollector) -> str:
    """What a scrape says."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return generate_latest(registry).decode()


async def test_only_the_busiest_are_shown(clock: MockClock) -> None:
    book = farm(weak=1.0, strong=10.0, middling=5.0)
    book.join("idle", trio.current_time())
    collector = WorkerCollector(lambda: book, lambda: 2, Turns())
    assert "strong" not in text(collector)
    await collector.look()
    shown = text(collector)
    assert 'sluice_worker_sols_per_second{worker="strong"} 2.0' in shown
    assert 'sluice_worker_shares_total{reason="accepted",worker="middling"} 1.0' in shown
    assert 'sluice_worker_work_total{worker="strong"} 10.0' in shown
    assert 'sluice_worker_miners{worker="strong"} 1.0' in shown
    assert "weak" not in shown
    assert "idle" not in shown


async def test_none_unless_asked_for(clock: MockClock) -> None:
    book = farm(rig1=1.0)
    most = 1
    collector = WorkerCollector(lambda: book, lambda: most, Turns())
    await collector.look()
    assert "rig1" in text(collector)
    most = 0
    assert text(collector) == ""
    await collector.look()
    most = 1
    assert "rig1" not in text(collector)


async def test_the_busiest_are_found_again_and_again(clock: MockClock) -> None:
    book = farm(rig1=1.0)
    collector = WorkerCollector(lambda: book, lambda: 1, Turns())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(collector.run)
        await trio.sleep(1)
        assert "rig1" in text(collector)
        book.join("rig2", trio.current_time()).good(Reason.ACCEPTED, 100.0, trio.current_time())
        await trio.sleep(2 * LOOK_SECONDS)
        assert "rig2" in text(collector)
        nursery.cancel_scope.cancel()


async def test_a_name_that_means_harm(clock: MockClock) -> None:
    long = "x" * (2 * MOST_NAME)
    book = farm(**{'a"} 1\nevil{': 1.0, long: 2.0, long + "y": 3.0})
    collector = WorkerCollector(lambda: book, lambda: 9, Turns())
    await collector.look()
    lines = text(collector).splitlines()
    assert not any(line.startswith("evil") for line in lines)
    rates = [line for line in lines if line.startswith("sluice_worker_sols_per_second{")]
    assert len(rates) == len(set(rates)) == 2, "of two that begin alike one is shown"
    assert max(map(len, rates)) < 2 * MOST_NAME
