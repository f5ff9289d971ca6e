"""A worker in this process: on sockets it was given, with the channel in the test's hand."""

import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path

import attrs
import pytest
import structlog
import structlog.testing
import trio
from trio.testing import MemoryReceiveStream, memory_stream_one_way_pair, memory_stream_pair

from proxy.config import Address, Config, Listen, Pool, Tls, Upstream
from proxy.downstream.listeners import bind
from proxy.ops import logs
from proxy.workers import child
from proxy.workers.child import MOST_WORKERS, WorkerProxy, orders
from proxy.workers.messages import Change, Charge, Report, Stop, line, read_told
from tests.kit.miners import SocketMiner, within


def a_charge(path: str, listening: list[int], number: int = 1) -> Charge:
    """What a parent would say."""
    config = Config(
        upstream=Upstream(
            user="1.1", algorithm="equihash/48_5", pools=(Pool(url=Address("unix", "", 0, path)),)
        ),
        listen=tuple(Listen(name=f"farm{place}") for place in range(len(listening))),
    )
    return Charge(number, "1.1", config, ["main"], listening)


@attrs.define
class Running:
    """A worker, its port, and its reports."""

    proxy: WorkerProxy
    port: int
    reports: MemoryReceiveStream
    ended: trio.Event = attrs.Factory(trio.Event)
    _rest: bytes = b""

    async def report(self) -> Report:
        """Hear the next report."""
        while b"\n" not in self._rest:
            self._rest += await self.reports.receive_some()
        text, _, self._rest = self._rest.partition(b"\n")
        told = read_told(text)
        assert isinstance(told, Report)
        return told


@asynccontextmanager
async def running(path: Path) -> AsyncIterator[Running]:
    """Run a worker whose parent's socket is not there."""
    sock = bind(Listen(url=Address("stratum+tcp", "127.0.0.1", 0)))
    port = sock.getsockname()[1]
    theirs, ours = memory_stream_one_way_pair()
    with within():
        proxy = WorkerProxy(a_charge(str(path / "pool.sock"), [sock.detach()]), theirs)
        async with trio.open_nursery() as nursery:
            at = Running(proxy, port, ours)

            async def run() -> None:
                await proxy.run()
                at.ended.set()

            nursery.start_soon(run)
            yield at
            proxy.stop()


async def test_it_serves_on_the_sockets_it_was_given_and_reports(tmp_path: Path) -> None:
    async with running(tmp_path) as at:
        assert not (await at.report()).has_work
        async with await SocketMiner.connect(("127.0.0.1", at.port)) as miner:
            await miner.say({"id": 1, "method": "mining.authorize", "params": ["rig1", "x"]})
            await miner.hear_reply(1)
            told = await at.report()
            while not told.names:
                told = await at.report()
            assert told.names == {"rig1": 1}
            assert told.miners == [("farm0", "aion", 1)]
            assert told.connections == {"farm0": 1}
            assert (await at.report()).names == {}, "what has not changed is not told again"


async def test_its_last_report_is_marked(tmp_path: Path) -> None:
    async with running(tmp_path) as at:
        await at.report()
        at.proxy.stop()
        await at.ended.wait()
        await at.proxy.say_last()
        told = await at.report()
        while not told.last:
            told = await at.report()


async def test_a_parent_that_is_gone_is_no_fault_of_the_reports(tmp_path: Path) -> None:
    async with running(tmp_path) as at:
        at.reports.close()
        at.proxy.stop()
        await at.ended.wait()
        await at.proxy.say_last()


def test_no_two_workers_give_a_job_or_a_session_the_same_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1_800_000_000.0)
    serials: list[int] = []
    numbers: list[int] = []
    for number in (1, 2, MOST_WORKERS):
        theirs, _ = memory_stream_one_way_pair()
        shared = WorkerProxy(a_charge("/x", [], number), theirs)._shared
        serials += islice(shared.serials, 100)
        numbers += islice(shared.numbers, 100)
    assert len(set(serials)) == len(set(numbers)) == 300
    assert max(serials) < 1 << 48, "an id has twelve digits"


# ---- what the parent says


async def test_orders_come_one_by_one_however_they_arrive() -> None:
    ours, theirs = memory_stream_pair()
    charge = a_charge("/x", [])
    said = line(charge) + line(Stop())
    heard = orders(theirs)
    await ours.send_all(said[:10])
    await ours.send_all(said[10:])
    first = await anext(heard)
    assert isinstance(first, Charge)
    assert first.config == charge.config
    assert isinstance(await anext(heard), Stop), "though it came in the same read"
    await ours.aclose()
    assert [order async for order in heard] == []


async def test_without_a_charge_there_is_nothing_to_do() -> None:
    for said in (b"", line(Stop())):
        ours, theirs = socket.socketpair()
        with within(), ours:
            theirs.setblocking(False)
            ours.sendall(said)
            ours.shutdown(socket.SHUT_WR)
            await child.run(theirs)


# ---- the log, the process


def test_lines_say_which_process_and_leave_the_pool_to_the_parent(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        logs.configure("debug", "json", before=[child._marked(3)])
        log = structlog.get_logger()
        log.info("pool working", pool="parent")
        log.info("work", pool="parent")
        log.debug("work")
        log.warning("miner dropped")
    finally:
        structlog.reset_defaults()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all('"worker_process": 3' in text for text in lines)


def test_ctrl_c_is_not_for_it_and_it_dies_with_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    class Library:
        def __init__(self, _name: None) -> None: ...

        def prctl(self, option: int, *_more: object) -> None:
            asked.append(option)

    monkeypatch.setattr("ctypes.CDLL", Library)
    child._die_with_parent(os.getppid())
    assert child.PR_SET_PDEATHSIG in asked
    with pytest.raises(SystemExit):
        child._die_with_parent(-1)
    assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN, "that is main's, in a process of its own"


async def test_it_goes_by_another_configuration_and_says_so(tmp_path: Path) -> None:
    async with running(tmp_path) as at, await SocketMiner.connect(("127.0.0.1", at.port)) as miner:
        config = attrs.evolve(at.proxy.config, limits=attrs.evolve(at.proxy.config.limits, bad_lines=1))
        await at.proxy.change(Change(config, ["main", "spare"], serial=7))
        told = await at.report()
        while told.serial != 7:
            told = await at.report()
        assert at.proxy._pool_names == ["main", "spare"]
        await miner.say("hello")
        assert await miner.hear_rest(), "the new limit is that of a miner that was here before"


async def test_what_it_cannot_go_by_changes_nothing_and_is_said(tmp_path: Path) -> None:
    async with running(tmp_path) as at:
        before = at.proxy.config
        tls = Tls(certificate="/nowhere.pem", key="/nowhere.key")
        listen = attrs.evolve(before.listen[0], url=Address("stratum+tls", "127.0.0.1", 0), tls=tls)
        with structlog.testing.capture_logs() as said:
            await at.proxy.change(Change(attrs.evolve(before, listen=(listen,)), ["main"], serial=2))
        assert "/nowhere.pem" in said[0]["fault"]
        assert at.proxy.config == before
