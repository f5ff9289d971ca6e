"""The HTTP API of a real `sluice run`, with one process and with several: figures, changes, events, and its
own description held against it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from trio_websocket import open_websocket_url

from proxy.model.share import Reason
from proxy.native import Equihash
from proxy.sim.farm import Farm, FarmOptions
from proxy.sim.faults import Mix
from proxy.sim.miner import MinerOptions
from proxy.sim.pool import SimPool
from proxy.sim.pool_options import PoolOptions
from tests.e2e.programs import Program, program
from tests.kit.miners import within

LONGEST = 120  # seconds; a run that hangs fails
ADMIN = "hunter2"
SMALL = Equihash(48, 5)
EXAMPLES = 8  # for each operation, beside those that its bounds give

CONFIG = """
workers = {workers}
[upstream]
user = "account"
password = "hunter3"
algorithm = "equihash/48_5"
[[upstream.pools]]
url = "{pool}"
[[upstream.pools]]
name = "spare"
url = "{spare}"
[[listen]]
url = "stratum+tcp://127.0.0.1:0"
[limits.ban]
check_after = 20
[http]
address = "127.0.0.1:0"
admin_token = "{admin}"
[log]
format = "json"
[ledger]
url = ""
"""


@attrs.define
class At:
    """A running proxy with a farm before it."""

    proxy: Program
    http: str
    farm: Farm

    async def ask(self, path: str, method: str = "GET", token: str = "") -> tuple[int, Any]:
        """Ask once; status and what was answered."""
        host, _, port = self.http.removeprefix("http://").rpartition(":")
        lines = [f"{method} /api/v1{path} HTTP/1.1", f"Host: {host}", "Connection: close"]
        if token:
            lines.append(f"Authorization: Bearer {token}")
        async with await trio.open_tcp_stream(host, int(port)) as stream:
            await stream.send_all("\r\n".join([*lines, "", ""]).encode())
            data = b"".join([part async for part in stream])
        head, _, body = data.partition(b"\r\n\r\n")
        assert b"hunter" not in data, "no answer shows a password or a token"
        return int(head.split()[1]), json.loads(body) if body else None

    async def get(self, path: str) -> Any:
        """Ask for what is there."""
        status, found = await self.ask(path)
        assert status == 200, found
        return found

    async def until(self, path: str, found: Any) -> Any:
        """Ask until the answer is as it should be."""
        while not found(answer := await self.get(path)):  # noqa: ASYNC110  # nobody is told
            await trio.sleep(0.05)
        return answer


def a_miner(user: str, rate: float, mix: str) -> MinerOptions:
    """A miner, how often it sends a share, and which."""
    return MinerOptions(equihash=SMALL, user=user, shares_per_second=rate, mix=Mix.parse([mix]))


def is_busy(shown: Any) -> bool:
    """Whether a summary has seen enough."""
    return bool(shown["shares"]["accepted"] > 30 and (shown["bans"], shown["workers"]) == (1, 6))


@asynccontextmanager
async def running(tmp_path: Path, workers: int = 1) -> AsyncIterator[At]:
    """Run a pool and another, a proxy, and miners of whom some shares are bad and one is a crook."""
    with within(LONGEST):
        async with trio.open_nursery() as nursery:
            options = PoolOptions(equihash=SMALL, difficulty=2.0)
            pools = [await nursery.start(SimPool(options).run) for _ in range(2)]
            (tmp_path / "sluice.toml").write_text(
                CONFIG.format(workers=workers, pool=pools[0].url, spare=pools[1].url, admin=ADMIN)
            )
            async with program(tmp_path) as proxy:
                address = await proxy.address()
                http = await proxy.tells("http ")
                await proxy.tells("ready")
                miner = a_miner("rig{n}", 10.0, "good=9,duplicate=1")
                crook = a_miner("crook", 50.0, "bad_proof=1")
                farm = Farm(address.host, address.port, FarmOptions(miners=6, miner=miner, seed=3))
                crooks = Farm(address.host, address.port, FarmOptions(miners=1, miner=crook, seed=3))
                nursery.start_soon(farm.run, float(LONGEST))
                nursery.start_soon(crooks.run, float(LONGEST))
                yield At(proxy, http, farm)
                await proxy.ends()
            nursery.cancel_scope.cancel()


async def event(websocket: Any, kind: str) -> Any:
    """The next event of a type."""
    while True:
        heard = json.loads(await websocket.get_message())
        if heard["type"] == kind:
            return heard


@pytest.mark.parametrize("workers", [1, 2])
async def test_figures_changes_and_events(tmp_path: Path, workers: int) -> None:
    async with running(tmp_path, workers) as at:
        summary = await at.until("/summary", is_busy)
        assert summary["processes"] == workers
        assert summary["conserved"]
        assert summary["sols_per_second"]["1m"] > 0
        assert set(summary["shares"]) == set(Reason)
        listener = (await at.get("/listeners"))["items"][0]
        assert listener["miners"] == 6
        # Whoever has the miners, a worker is one.
        shown = await at.until("/workers?sort=sols&order=desc", lambda found: found["total"] == 6)
        rates = [one["sols_per_second"]["10m"] for one in shown["items"]]
        assert rates == sorted(rates, reverse=True)
        assert rates[-1] > 0
        worker = await at.until("/workers/rig1", lambda found: found["bad_shares"])
        assert worker["bad_shares"][0]["reason"] == "duplicate"
        (miner,) = worker["connections"]
        page = await at.get("/miners?sort=connected_at&limit=4&offset=3")
        assert (len(page["items"]), page["total"]) == (3, 6)
        (ban,) = (await at.get("/bans"))["items"]
        assert (ban["worker"], ban["reason"], len(ban["evidence"])) == ("crook", "invalid_solution", 8)
        url = at.http.replace("http", "ws") + "/api/v1/events"
        async with open_websocket_url(url, subprotocols=["sluice.events"]) as websocket:
            assert (await event(websocket, "summary"))["summary"]["ready"]
            await _change_everything(at, websocket, miner["id"], ban["id"])


async def _change_everything(at: At, websocket: Any, miner: str, ban: str) -> None:
    for path, method in (
        (f"/miners/{miner}/disconnect", "POST"),
        (f"/bans/{ban}", "DELETE"),
        ("/upstreams/spare/activate", "POST"),
        ("/reload", "POST"),
    ):
        assert (await at.ask(path, method))[0] == 401
        assert (await at.ask(path, method, "wrong"))[0] == 401
    assert (await at.ask(f"/miners/{miner}/disconnect", "POST", ADMIN))[0] == 204
    assert (await event(websocket, "worker_offline"))["name"] == "rig1"
    assert (await event(websocket, "worker_online"))["name"] == "rig1"
    assert (await at.ask(f"/bans/{ban}", "DELETE", ADMIN))[0] == 204
    assert (await event(websocket, "unban"))["id"] == ban
    status, answer = await at.ask("/upstreams/spare/activate", "POST", ADMIN)
    assert (status, answer["name"]) == (200, "spare")
    moved = await event(websocket, "switch")
    assert (moved["from"], moved["to"], moved["reason"]) == ("main", "spare", "operator")
    assert await at.ask("/reload", "POST", ADMIN) == (200, {"result": "ok", "changes": []})
    assert (await event(websocket, "reload"))["result"] == "ok"


@pytest.mark.skipif(find_spec("schemathesis") is None, reason="needs the extra api-test")
async def test_it_does_what_its_description_says(tmp_path: Path) -> None:
    """Schemathesis asks for what the description allows, and for what it does not; each time the same."""
    async with running(tmp_path) as at:
        command = "from schemathesis.cli import schemathesis; schemathesis()"
        options = [
            "--max-examples",
            str(EXAMPLES),
            "--seed",
            "1",
            "--generation-database",
            "none",
            "--no-color",
        ]
        token = ["--header", f"Authorization: Bearer {ADMIN}"]
        url = f"{at.http}/api/v1/openapi.json"
        done = await trio.run_process(
            [sys.executable, "-c", command, "run", url, *token, *options],
            capture_stdout=True,
            stderr=subprocess.STDOUT,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )
        said = done.stdout.decode()
        assert done.returncode == 0, said[-4000:]
        assert re.search(r"Tested: +15", said), said[-2000:]
        assert not at.proxy.logged("Error in ASGI Framework")
