"""Reload and restart as miners and a pool see them, with `sluice run` as processes of the system."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from proxy.config import Address
from proxy.native import Equihash
from proxy.sim.farm import Farm, FarmOptions
from proxy.sim.miner import MinerOptions
from proxy.sim.pool import SimPool
from proxy.sim.pool_options import PoolOptions
from tests.e2e.programs import program

SMALL = Equihash(48, 5)
LONGEST = 60  # seconds; a run that hangs fails
KNOCK_SECONDS = 0.005
ANY = "stratum+tcp://127.0.0.1:0"
FARM = f'[[listen]]\nname = "farm"\nurl = "{ANY}"\n'
POOL = PoolOptions(style="p2", equihash=SMALL, difficulty=4, job_seconds=1, seed=3)


@attrs.define
class Place:
    """A pool, a directory with a configuration for it, and farms."""

    pool: SimPool
    directory: Path
    nursery: trio.Nursery
    ended: dict[Farm, trio.Event] = attrs.Factory(dict)

    def write(self, listen: str = FARM, workers: int = 1, user: str = "account", more: str = "") -> None:
        """Write the configuration."""
        (self.directory / "sluice.toml").write_text(
            f'workers = {workers}\n[upstream]\nalgorithm = "equihash/48_5"\nuser = "{user}"\n'
            f'[[upstream.pools]]\nurl = "stratum+tcp://{self.pool.host}:{self.pool.port}"\n'
            f'{listen}[http]\naddress = ""\n[log]\nformat = "json"\n'
            f"[limits]\nshutdown_seconds = 2\nreconnect_seconds_max = 0.2\n{more}"
        )

    def farm(self, at: Address, miners: int = 10, **options: Any) -> Farm:
        """Start a farm of miners that mine until they are stopped."""
        defaults: dict[str, Any] = {
            "user": "rig{n}",
            "shares_per_second": 5.0,
            "reconnect_seconds": 0.1,
        }
        miner = MinerOptions(equihash=SMALL, **{**defaults, **options})
        farm = Farm(at.host, at.port, FarmOptions(miners=miners, miner=miner, seed=7))
        self.nursery.start_soon(self._run, farm)
        return farm

    async def _run(self, farm: Farm) -> None:
        ended = self.ended[farm] = trio.Event()
        await farm.run()
        ended.set()

    async def rest(self, farm: Farm) -> None:
        """Have a farm send nothing more, and wait for its last replies."""
        farm.stop()
        await self.ended[farm].wait()


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """A pool that runs, and a configuration for it."""
    with trio.fail_after(LONGEST):
        async with trio.open_nursery() as nursery:
            pool: SimPool = await nursery.start(SimPool(POOL).run)
            made = Place(pool, tmp_path, nursery)
            made.write()
            yield made
            nursery.cancel_scope.cancel()


@attrs.define
class Knocks:
    """Connects that went well and that did not."""

    done: int = 0
    refused: int = 0

    async def run(self, at: Address) -> None:
        """Connect again and again."""
        while True:
            try:
                async with await trio.open_tcp_stream(at.host, at.port):
                    self.done += 1
            except OSError:
                self.refused += 1
            await trio.sleep(KNOCK_SECONDS)


@asynccontextmanager
async def knocking(at: Address) -> AsyncIterator[Knocks]:
    """Connect to a port all the time."""
    knocks = Knocks()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(knocks.run, at)
        yield knocks
        nursery.cancel_scope.cancel()


async def has_accepted(farm: Farm, more: int) -> None:
    """Wait until so many more shares of a farm are accepted."""
    wanted = farm.report.accepted + more
    await farm.until(lambda farm: farm.report.accepted >= wanted, seconds=30)


# ---- reload


async def test_a_reload_touches_those_it_is_about_and_nobody_else(place: Place) -> None:
    barn = f'[[listen]]\nname = "barn"\nurl = "{ANY}"\n'
    coop = f'[[listen]]\nname = "coop"\nurl = "unix://{place.directory}/coop.sock"\n'
    place.write(FARM + barn)
    async with program(place.directory) as proxy:
        await proxy.tells("ready")
        farm, away = (
            place.farm(await proxy.address("farm")),
            place.farm(await proxy.address("barn"), miners=3),
        )
        await has_accepted(farm, 20)
        await has_accepted(away, 3)
        targets = farm.report.targets
        place.write(FARM + "difficulty = 2\n" + coop, more="max_miners = 77\n")
        proxy.hangs_up()
        await proxy.until_logged("configuration reloaded")
        assert {line["key"] for line in proxy.logged("change")} == {
            "listen.farm.difficulty",
            "listen.barn",
            "listen.coop",
            "limits.max_miners",
        }
        await away.until(lambda farm: farm.report.disconnects == 3)
        await has_accepted(farm, 20)
        assert farm.report.targets >= targets + 10, "all were told the listener's new difficulty"
        with socket.socket(socket.AF_UNIX) as miner:
            miner.connect(f"{place.directory}/coop.sock")
        assert farm.report.disconnects == 0
        await place.rest(farm)
        assert farm.report.unexpected == 0
        assert (await proxy.ends())["conserved"]


async def test_a_bad_file_changes_nothing(place: Place) -> None:
    async with program(place.directory) as proxy:
        await proxy.tells("ready")
        farm = place.farm(await proxy.address(), miners=3)
        await has_accepted(farm, 5)
        place.write(more="max_miners = 0\nnonsense = 1\n")
        proxy.hangs_up()
        said = await proxy.until_logged("configuration refused, the old one stays", 2)
        assert all("sluice.toml: limits." in line["fault"] for line in said)
        await has_accepted(farm, 5)
        assert farm.report.disconnects == 0
        await proxy.ends()


@pytest.mark.parametrize("workers", [1, 2])
async def test_another_account_is_another_connection_to_the_pool_and_miners_stay(
    place: Place, workers: int
) -> None:
    place.write(workers=workers)
    async with program(place.directory) as proxy:
        await proxy.tells("ready")
        farm = place.farm(await proxy.address(), miners=6)
        await has_accepted(farm, 10)
        place.write(workers=workers, user="another", more="idle_seconds = 99\n")
        proxy.hangs_up()
        await place.pool.until(lambda pool: pool.tally.workers.get("another", 0) >= 10)
        assert farm.report.disconnects == 0
        await place.rest(farm)
        assert farm.report.unexpected == 0
        last = await proxy.ends()
        assert last["conserved"]
        assert last["lost"] == 0
        assert last["accepted"] == place.pool.tally.accepted


# ---- takeover


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_takeover_refuses_no_connect_and_loses_no_share(place: Place, workers: int) -> None:
    place.write(workers=workers)
    async with program(place.directory) as old:
        await old.tells("ready")
        at = await old.address()
        async with knocking(at) as knocks:
            farm = place.farm(at)
            await has_accepted(farm, 20)
            async with program(place.directory, "--takeover") as new:
                await new.tells("ready")
                assert await new.address() == at
                first = await old.ends(by_us=False)
                await farm.until(lambda farm: farm.report.online == 10, seconds=20)
                await has_accepted(farm, 20)
                await place.rest(farm)
                assert (knocks.refused, knocks.done > 20) == (0, True)
                second = await new.ends()
    assert first["conserved"]
    assert second["conserved"]
    pool, report = place.pool.tally, farm.report
    assert pool.accepted == first["accepted"] + second["accepted"]
    assert (first["lost"], second["lost"], pool.bad, report.unexpected) == (0, 0, 0, 0)
    assert report.disconnects == 10, "each was sent away once"
    # A share is dropped where the miner hung up before it had gone out, or before its verdict was in.
    never_sent = sum(report.sent.values()) - first["received"] - second["received"]
    assert 0 <= never_sent <= report.dropped
    assert 0 <= pool.accepted - report.accepted <= report.dropped


async def test_one_that_finds_no_work_takes_nothing_over(place: Place) -> None:
    async with program(place.directory) as old:
        await old.tells("ready")
        farm = place.farm(await old.address(), miners=3)
        async with program(place.directory, "--takeover") as new:
            await new.tells("listening")
            new.process.kill()
            await new.process.wait()
        if not old.logged("leaving to another process"):
            await has_accepted(farm, 10)
            assert farm.report.disconnects == 0
            await old.ends()


async def test_nobody_to_take_over_from_is_said(place: Place) -> None:
    async with program(place.directory, "--takeover") as proxy:
        assert await proxy.process.wait() == 2
        assert "is a proxy running, by this configuration file?" in proxy.log.read_text()


# ---- systemd


@pytest.mark.parametrize("workers", [1, 2])
async def test_sockets_from_systemd_outlive_the_proxy(place: Place, workers: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        at = Address("stratum+tcp", "127.0.0.1", port)
        place.write(f'[[listen]]\nname = "farm"\nurl = "{at}"\n', workers=workers)
        farm = None
        async with knocking(at) as knocks:
            for _ in range(2):
                async with program(place.directory, inherit=[sock.fileno()], names="farm") as proxy:
                    await proxy.tells("ready")
                    assert await proxy.address() == at
                    farm = farm or place.farm(at, miners=3)
                    await has_accepted(farm, 5)
                    assert (await proxy.ends())["conserved"]
            assert knocks.refused == 0
