"""Several processes on one port, as a farm and a pool see them: one proxy, whatever dies in the middle."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from prometheus_client.exposition import generate_latest

from proxy.config import Address, Ban, Config, Http, Limits, Listen, Pool, Upstream
from proxy.core.tally import Tally
from proxy.model.share import Reason
from proxy.native import Equihash
from proxy.ops.metrics import registry
from proxy.sim.farm import Farm, FarmOptions
from proxy.sim.faults import Mix
from proxy.sim.miner import MinerOptions
from proxy.sim.pool import SimPool
from proxy.sim.pool_options import PoolOptions
from proxy.sim.verdicts import Kind
from proxy.workers.parent import Parent
from tests.downstream.boards import open_files
from tests.e2e.rigs import FORGIVING

SMALL = Equihash(48, 5)
AION, LOGIN = "aion", "login"
ACCOUNT = "0xa0" + "11" * 31
WORKERS = 2
LONGEST = 60  # seconds; a run that hangs fails


@attrs.define
class Rig:
    """A pool, a proxy of several processes before it, and where miners come in."""

    pool: SimPool
    proxy: Parent
    address: Address
    counts: list[Tally] = attrs.Factory(list)

    def farm(self, miners: int, **options: Any) -> Farm:
        """Make a farm of miners."""
        defaults: dict[str, Any] = {"user": "rig{n}", "shares_per_second": 20.0}
        if self.pool.options.blob:
            defaults |= {"dialect": LOGIN, "blob": True}
        miner = MinerOptions(equihash=SMALL, **{**defaults, **options})
        return Farm(self.address.host, self.address.port, FarmOptions(miners=miners, miner=miner, seed=7))

    async def watch(self) -> None:
        """Look at the figures all the time, as a scraper would: they hold, and never go back."""
        while True:
            tally = self.proxy.view.tally
            assert tally.conserved
            if self.counts:
                never_back(self.counts[-1], tally)
            self.counts[:] = [tally]
            await trio.sleep(0.05)

    def pids(self) -> list[int]:
        """The processes of the workers, in their order."""
        running = self.proxy._supervisor._workers
        return [running[number].pid for number in sorted(running)]


def never_back(before: Tally, after: Tally) -> None:
    """No counter is smaller than it was."""
    for name in ("received", "shares", "work", "forwarded", "connections", "disconnects", "network_bytes"):
        old, new = getattr(before, name), getattr(after, name)
        assert all(new.get(key, 0) >= count - 1e-6 for key, count in old.items()), name


@asynccontextmanager
async def rig(options: PoolOptions, ban: Ban = FORGIVING, **upstream: Any) -> AsyncIterator[Rig]:
    """Run a pool and a proxy of several processes; stop it in order, and see that nothing is left."""
    files = open_files()
    with trio.fail_after(LONGEST):
        async with trio.open_nursery() as nursery:
            pool: SimPool = await nursery.start(SimPool(options).run)
            made = Upstream(
                dialect=options.dialect,
                algorithm="blob" if options.blob else "equihash/48_5",
                user=ACCOUNT,
                pools=(Pool(url=Address("stratum+tcp", pool.host, pool.port)),),
                **upstream,
            )
            proxy = Parent(
                Config(
                    workers=WORKERS,
                    upstream=made,
                    listen=(Listen(url=Address("stratum+tcp", "127.0.0.1", 0)),),
                    limits=Limits(reconnect_seconds_max=0.2, ban=ban),
                    http=Http(address=""),
                )
            )
            at = Rig(pool, proxy, Address.parse(proxy.bind().listening[0][1]))
            ready, ended = trio.Event(), trio.Event()
            proxy.when_ready(ready.set)

            async def run() -> None:
                await proxy.run()
                ended.set()

            nursery.start_soon(run)
            await ready.wait()
            # The first has work; a miner that comes to another too soon is held, and says things meanwhile.
            await until(lambda: sum(life.has_work for life in proxy.roster.lives) == WORKERS)
            nursery.start_soon(at.watch)
            yield at
            pids, directory = at.pids(), proxy._directory
            proxy.stop()
            await ended.wait()
            nursery.cancel_scope.cancel()
        assert proxy.view.tally.conserved
        assert proxy.view.tally.in_flight == 0
        assert len(pids) == WORKERS
        assert not any(map(is_there, pids)), "no worker and no zombie is left"
        assert not is_in_place(directory)
    assert open_files() <= files


async def until(condition: Callable[[], object]) -> None:
    """Wait for what tells nobody when it happens."""
    while not condition():  # noqa: ASYNC110  # see above
        await trio.sleep(0.02)


def is_in_place(directory: str) -> bool:
    """Whether the socket's directory is left."""
    return Path(directory).exists()


def is_there(pid: int) -> bool:
    """Whether there is such a process, be it a zombie."""
    return Path(f"/proc/{pid}").exists()


def has_accepted(shares: int, farm: Farm) -> bool:
    """Whether miners have heard of so many accepted shares."""
    return farm.report.accepted >= shares


SOLO = PoolOptions(style="solo", equihash=SMALL, difficulty=4, job_seconds=1, seed=3, strict=True)


@pytest.mark.parametrize(
    ("dialect", "options"),
    [
        (AION, SOLO),
        (LOGIN, attrs.evolve(SOLO, dialect=LOGIN)),
        (LOGIN, attrs.evolve(SOLO, dialect=LOGIN, blob=True)),
    ],
    ids=["aion", "login", "blob work"],
)
async def test_every_kind_of_share_over_two_processes(dialect: str, options: PoolOptions) -> None:
    """What miners were told is what is counted, and no bad share reaches the pool."""
    kept_out = {"slow_reader", "half_line"} | ({"bad_proof", "near_miss"} if options.blob else set())
    mix = Mix({kind: 20.0 if kind is Kind.GOOD else 2.0 for kind in Kind if kind.value not in kept_out})
    async with rig(options) as at:
        report = await at.farm(16, max_shares=30, mix=mix, dialect=dialect).run()
        assert report.unexpected_lines == []
        assert report.unanswered == 0
        assert at.pool.tally.bad == 0
        assert at.pool.tally.repeated_nonces == 0
        # A worker's report is up to a second old: one may have all shares, and not yet all verdicts.
        await until(
            lambda: (
                at.proxy.view.tally.received_total == report.sent.total()
                and at.proxy.view.tally.in_flight == 0
            )
        )
        tally = at.proxy.view.tally
        assert at.pool.tally.accepted == tally.shares[Reason.ACCEPTED] > 0
        assert {k.value: v for k, v in tally.shares.items() if v} == dict(report.shares)
        assert tally.forwarded == {"main": tally.forwarded_total}
        assert at.pool.tally.connections == (WORKERS if options.blob else 1)
        await until(lambda: at.proxy.view.book.connections == {} and at.proxy.view.slots["lent"] == 0)


async def test_a_worker_that_is_killed_is_replaced_and_disturbs_nobody_else() -> None:
    async with rig(attrs.evolve(SOLO, job_seconds=0.5)) as at:
        mix = Mix(
            {kind: 20.0 if kind is Kind.GOOD else 2.0 for kind in (Kind.GOOD, Kind.DUPLICATE, Kind.LOW)}
        )
        farm = at.farm(20, mix=mix, reconnect_seconds=0.05)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(farm.run)
            await farm.until(partial(has_accepted, 100))
            await until(
                lambda: (
                    at.proxy.view.miners() == {("farm", AION): 20} and len(at.proxy.view.book.online) == 20
                )
            )
            first, second = at.proxy.roster.lives
            hit, pid = sum(first.miners.values()), at.pids()[first.number - 1]
            assert 0 < hit < 20, "the kernel deals miners out to both"
            os.kill(pid, signal.SIGKILL)
            await until(lambda: first not in at.proxy.roster.lives)
            await farm.until(partial(has_accepted, farm.report.accepted + 200))
            await farm.until(lambda farm: farm.report.online == 20)
            await until(lambda: at.proxy.view.miners() == {("farm", AION): 20})
            farm.stop()
        assert second in at.proxy.roster.lives
        assert not is_there(pid)
        report = farm.report
        assert report.disconnects == hit, "none but its own miners"
        assert report.unexpected_lines == []
        assert at.pool.tally.bad == 0
        assert at.pool.tally.repeated_nonces == 0
    # All that the pool accepted is counted, though the dead one had no time to say so.
    assert at.proxy.view.tally.shares[Reason.ACCEPTED] == at.pool.tally.accepted


async def test_a_worker_that_dies_with_blob_work_leaves_its_nonces_to_rest() -> None:
    async with rig(PoolOptions(dialect=LOGIN, blob=True, job_seconds=1, seed=5)) as at:
        farm = at.farm(20, reconnect_seconds=0.05)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(farm.run)
            await farm.until(partial(has_accepted, 100))
            os.kill(at.pids()[0], signal.SIGKILL)
            await farm.until(partial(has_accepted, farm.report.accepted + 200))
            farm.stop()
        assert at.pool.tally.repeated_nonces == 0
        assert at.pool.tally.bad == 0
    assert at.proxy.view.tally.shares[Reason.ACCEPTED] == at.pool.tally.accepted


@pytest.mark.parametrize(("pool", "blob"), [(AION, False), (LOGIN, False), (LOGIN, True)])
async def test_miners_outlive_every_fault_of_the_pool_through_both_hops(pool: str, blob: bool) -> None:
    async with rig(PoolOptions(dialect=pool, blob=blob, equihash=SMALL, job_seconds=0.5, seed=9)) as at:
        farm = at.farm(10)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(farm.run)
            await farm.until(partial(has_accepted, 30))
            await at.pool.lose(0.3)
            await farm.until(partial(has_accepted, farm.report.accepted + 30))
            await at.pool.restart(0.1)
            await farm.until(partial(has_accepted, farm.report.accepted + 30))
            at.pool.move_extranonce()
            await farm.until(partial(has_accepted, farm.report.accepted + 30))
            farm.stop()
        report = farm.report
        assert (report.connects, report.disconnects) == (10, 0)
        assert report.unexpected_lines == []
        assert report.violations == {}
        assert report.moves > 0 or blob
        assert at.pool.tally.bad == 0
        # A worker's report may have the share and not yet its verdict.
        await until(
            lambda: {k.value: v for k, v in at.proxy.view.tally.shares.items() if v} == dict(report.shares)
        )
        assert at.proxy.view.tally.received_total == report.sent.total()


@pytest.mark.parametrize(
    ("worker_names", "seen"), [("account", ACCOUNT), ("own", "rig0"), ("suffix", f"{ACCOUNT}.rig0")]
)
async def test_the_pool_sees_the_users_that_it_would_see_of_one_process(worker_names: str, seen: str) -> None:
    options = PoolOptions(style="p2", equihash=SMALL, seed=3)
    async with rig(options, worker_names=worker_names) as at:
        await at.farm(1, max_shares=3, user="rig0").run()
        assert set(at.pool.tally.workers) == {seen}


async def test_the_pools_own_refusal_reaches_miners_of_either_dialect() -> None:
    # This pool forgets a job with the next one, though that one is not clean.
    options = PoolOptions(style="p2", equihash=SMALL, jobs_kept=1, clean_ratio=0, job_seconds=0.2, seed=3)
    async with rig(options) as at:
        sent = 0
        for dialect in (AION, LOGIN):
            report = await at.farm(4, max_shares=60, shares_per_second=50.0, dialect=dialect).run()
            assert report.unexpected_lines == []
            sent += report.sent.total()
        await until(lambda: at.proxy.view.tally.received_total == sent)
        tally = at.proxy.view.tally
        assert tally.shares[Reason.ACCEPTED] == at.pool.tally.accepted
        assert Reason.STALE not in tally.shares, "a job that is not clean voids none of ours"


async def test_one_view_of_all_metrics() -> None:
    async with rig(SOLO) as at:
        await at.farm(4, max_shares=10).run()
        await until(lambda: at.proxy.view.tally.received_total >= 40)
        text = generate_latest(registry(at.proxy.view, 0.0)).decode()
        for line in (
            'sluice_connections_total{listener="farm"} 4.0',
            'sluice_upstream_up{pool="main"} 1.0',
            'sluice_disconnects_total{listener="farm",reason="closed"} 4.0',
        ):
            assert line in text
        assert 'listener="workers"' not in text, "processes are no miners"
        assert 'sluice_share_roundtrip_seconds_count{pool="main"}' in text


async def test_a_bad_miner_is_banned_by_its_process_and_the_others_do_not_notice() -> None:
    async with rig(SOLO, Ban()) as at:
        async with trio.open_nursery() as nursery:
            bad = at.farm(1, user="evil", shares_per_second=100.0, mix=Mix({Kind.BAD_PROOF: 1.0}))
            nursery.start_soon(bad.run)
            report = await at.farm(4, max_shares=10).run()
            await until(lambda: at.proxy.view.tally.bans["invalid_solution"] >= 1)
            nursery.cancel_scope.cancel()
        assert report.sent.total() == 40, "nobody was disturbed"
        assert report.unanswered == 0
        tally = at.proxy.view.tally
        assert tally.banned >= 1
        assert tally.disconnects["farm", "banned"] >= 1
        text = generate_latest(registry(at.proxy.view, 0.0)).decode()
        assert 'sluice_bans_total{reason="invalid_solution"}' in text
        # Its parent knows nothing of bad shares, and bans no process.
        assert at.proxy.tally.bans == {}


async def test_a_worker_that_hangs_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.workers.supervisor.SILENT_SECONDS", 4)
    async with rig(SOLO) as at:
        (hung, *_) = at.pids()
        os.kill(hung, signal.SIGSTOP)
        await until(lambda: hung not in at.pids() and len(at.pids()) == WORKERS)
        assert not is_there(hung)


# ---- the program itself


@asynccontextmanager
async def program(pool_url: str, directory: Path) -> AsyncIterator[tuple[trio.Process, list[int], Address]]:
    """Run `sluice run` with two workers until it is ready; gives its process, its workers', and its port."""
    environ = os.environ | {
        "TMPDIR": str(directory),
        "SLUICE__WORKERS": "2",
        "SLUICE__UPSTREAM__USER": ACCOUNT,
        "SLUICE__UPSTREAM__ALGORITHM": "equihash/48_5",
        "SLUICE__UPSTREAM__PASSWORD": "do-not-tell",
        "SLUICE__UPSTREAM__POOLS__0__URL": pool_url,
        "SLUICE__LISTEN__0__URL": "stratum+tcp://127.0.0.1:0",
        "SLUICE__HTTP__ADDRESS": "",
        "SLUICE__LEDGER__URL": "",
    }
    command = [sys.executable, "-m", "proxy", "run"]
    process = await trio.lowlevel.open_process(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environ, start_new_session=True
    )
    assert process.stdout is not None
    said = b""
    while b"ready\n" not in said:
        said += await process.stdout.receive_some()
    children = [int(pid) for pid in read(f"/proc/{process.pid}/task/{process.pid}/children").split()]
    while len(children) < 2:
        children = [int(pid) for pid in read(f"/proc/{process.pid}/task/{process.pid}/children").split()]
    try:
        yield process, children, Address.parse(said.split(b"url=")[1].split()[0].decode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await process.stdout.aclose()


def entries(directory: Path) -> list[str]:
    """What is in a directory."""
    return os.listdir(directory)


def read(path: str) -> str:
    """A file of /proc."""
    return Path(path).read_text()


def is_running(pid: int) -> bool:
    """Whether a process runs; one that nobody of ours can reap may be a zombie for a while."""
    return is_there(pid) and read(f"/proc/{pid}/stat").rpartition(")")[2].split()[0] != "Z"


async def test_ctrl_c_ends_all_in_order(tmp_path: Path) -> None:
    with trio.fail_after(LONGEST):
        async with trio.open_nursery() as nursery:
            pool: SimPool = await nursery.start(SimPool(SOLO).run)
            async with program(pool.url, tmp_path) as (process, children, _):
                assert not any("do-not-tell" in read(f"/proc/{pid}/cmdline") for pid in children)
                os.killpg(process.pid, signal.SIGINT)
                assert await process.wait() == 0
                assert not any(map(is_running, children))
                assert entries(tmp_path) == []
            nursery.cancel_scope.cancel()


async def test_workers_do_not_outlive_a_parent_that_is_killed(tmp_path: Path) -> None:
    with trio.fail_after(LONGEST):
        async with trio.open_nursery() as nursery:
            pool: SimPool = await nursery.start(SimPool(SOLO).run)
            async with program(pool.url, tmp_path) as (process, children, _):
                os.kill(children[0], signal.SIGSTOP)  # not even one that hangs
                process.kill()
                await process.wait()
                await until(lambda: not any(map(is_running, children)))
            nursery.cancel_scope.cancel()


async def test_a_second_signal_does_not_wait_for_the_pool(tmp_path: Path) -> None:
    options = attrs.evolve(SOLO, drop_replies=1.0)
    with trio.fail_after(LONGEST):
        async with trio.open_nursery() as nursery:
            pool: SimPool = await nursery.start(SimPool(options).run)
            async with program(pool.url, tmp_path) as (process, children, address):
                farm = Farm(
                    address.host,
                    address.port,
                    FarmOptions(miners=2, miner=MinerOptions(equihash=SMALL, shares_per_second=20.0)),
                )
                nursery.start_soon(farm.run)
                await pool.until(lambda pool: pool.tally.submits)
                process.terminate()
                process.terminate()
                assert await process.wait() == 0
                assert not any(map(is_running, children))
                assert entries(tmp_path) == []
            nursery.cancel_scope.cancel()
