"""The two simulated ends as programs: their lines, their end, their errors."""

import json
import os
import signal
from functools import partial
from io import StringIO
from pathlib import Path

import pytest
import trio
from rich.console import Console

from proxy.errors import ConfigError, PoolError, SluiceError
from proxy.sim import commands
from proxy.sim.commands import FAULTS, raise_file_limit, read_faults, run_miners, run_pool
from proxy.sim.farm import FarmOptions
from proxy.sim.miner import MinerOptions
from proxy.sim.places import read_address
from proxy.sim.pool import PoolOptions, SimPool
from tests.sim.talker import Talker, living

QUICK = FarmOptions(miners=3, miner=MinerOptions(against="solo", shares_per_second=200.0, max_shares=5))


class Lines(list[str]):
    """Takes lines, and lets wait for the first."""

    def __init__(self) -> None:
        self.first = trio.Event()

    def say(self, line: str) -> None:
        self.append(line)
        self.first.set()


async def test_the_pool_says_where_it_listens_and_ends_with_its_books() -> None:
    lines = Lines()

    async def run() -> None:
        await run_pool(PoolOptions(), as_json=True, say=lines.say)

    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run)
            await lines.first.wait()
            assert lines[0].startswith("listening url=stratum+tcp://127.0.0.1:")
            host, port = read_address(lines[0].partition("url=")[2])
            async with await trio.open_tcp_stream(host, port) as stream:
                assert b"result" in await Talker(stream).ask(b'{"id":1,"method":"mining.subscribe"}\n')
            os.kill(os.getpid(), signal.SIGTERM)
    assert json.loads(lines[1])["connections"] == 1
    assert len(lines) == 2


async def test_a_pool_ends_by_itself_with_a_table() -> None:
    lines = Lines()
    with trio.fail_after(5):
        await run_pool(PoolOptions(), seconds=0.01, say=lines.say)
    assert "Simulated pool" in lines[1]
    assert "jobs" in lines[1]
    assert "bans" not in lines[1]  # zeros tell nothing


async def test_a_port_in_use_is_said() -> None:
    async with living() as pool:
        with pytest.raises(BaseExceptionGroup) as caught:
            await run_pool(PoolOptions(), port=pool.port, say=print)
        assert caught.group_contains(SluiceError, match=f"127.0.0.1:{pool.port} cannot be listened on")


async def test_both_ends_on_a_socket_file(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    lines = Lines()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(run_pool, PoolOptions(), host=path, say=lines.say))
        await lines.first.wait()
        assert lines == [f"listening url=unix://{path}"]
        report = await run_miners(f"unix://{path}", QUICK, say=lines.say)
        assert report.accepted == 15
        with pytest.raises(BaseExceptionGroup) as caught:
            await run_pool(PoolOptions(), host=path, say=print)
        assert caught.group_contains(SluiceError, match=f"{path} cannot be listened on: .*in use")
        nursery.cancel_scope.cancel()
    with pytest.raises(PoolError, match=f"^{path} took no connection"):
        await run_miners(f"unix://{path}", QUICK, seconds=0.01, say=print)


async def test_miners_end_when_all_are_done_with_json_last() -> None:
    lines = Lines()
    async with living() as pool:
        report = await run_miners(pool.url, QUICK, as_json=True, say=lines.say)
    assert report.accepted == 15
    told = json.loads(lines[-1])
    assert told["shares"] == {"accepted": 15}
    assert told["conserved"] is True
    assert len(lines) == 1


async def test_miners_end_with_a_table_and_progress_only_on_a_terminal() -> None:
    for terminal in (True, False):
        lines, shown = Lines(), StringIO()
        console = Console(file=shown, force_terminal=terminal)
        async with living() as pool:
            await run_miners(pool.url, QUICK, say=lines.say, console=console)
        assert "accepted 15" in lines[0]
        assert bool(shown.getvalue()) is terminal


async def test_nobody_listening_is_an_error() -> None:
    async with living() as pool:
        await pool.go_down()
        with pytest.raises(PoolError, match="took no connection"):
            await run_miners(pool.url, QUICK, seconds=0.05, say=Lines().say)


@pytest.mark.parametrize("name", list(FAULTS))
async def test_every_fault_on_the_command_line_can_be_ordered(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "LOSE_SECONDS", 0.0)
    async with living(style="p2") as pool:
        talker = await Talker.to(pool)
        await talker.log_in()
        await FAULTS[name](pool)
        if name not in ("lose", "restart", "drop"):
            pool.new_job()
            assert await talker.until(b"mining.notify")
        assert not pool.silent


async def test_a_fault_comes_again_and_again() -> None:
    pool = await run_pool(PoolOptions(), seconds=0.2, every={"retarget": 0.01}, say=Lines().say)
    assert pool.tally.jobs > 2
    assert pool.target in (2**256 - 1, 2**255)


def test_faults_are_read() -> None:
    assert read_faults(["lose=30", "drop=0.5"]) == {"lose": 30, "drop": 0.5}


@pytest.mark.parametrize("text", ["lose", "lose=", "lose=0", "lose=-1", "lose=inf", "lose=nan", "burn=3"])
def test_faults_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="FAULT=SECONDS"):
        read_faults([text])


def test_the_file_limit_is_raised_as_far_as_it_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: given.append(limits))
    raise_file_limit(10)
    assert given == []
    raise_file_limit(1000)
    assert given == [(1200, 4096)]
    with pytest.raises(ConfigError, match="ulimit -Hn"):
        raise_file_limit(5000)


def test_no_fault_is_forgotten() -> None:
    methods = ("lose", "restart", "drop", "rebroadcast")
    assert all(hasattr(SimPool, name) and name in FAULTS for name in methods)
