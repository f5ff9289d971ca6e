"""Serves a scene: the real API and the real page, on a farm that is made up.

    python -m tests.browser.stage healthy --port 9190 [--read TOKEN] [--admin TOKEN]

Prints the address on its first line, then goes on until it is ended.
"""

import argparse
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import attrs
import trio

from proxy.config import Address, Listen, Vardiff
from proxy.downstream.listeners import bind_tcp
from proxy.ops import http, metrics, serving
from proxy.ops.api.desk import Desk
from proxy.ops.newsreel import Newsreel
from proxy.ops.tokens import Tokens
from proxy.ops.view import View
from tests.browser.scenes import SCENES, Farm

TICK = 0.2  # seconds


class _Crowd:
    """A farm's crowd under the names that the API has for it; `miners` means two things there."""

    def __init__(self, farm: Farm) -> None:
        self.miners = farm.miners
        self.bad_shares = farm.bad_shares
        self.disconnect = farm.disconnect
        self.release = farm.release
        self.bans = farm.list_bans


class StagedView:
    """A farm as a proxy shows itself."""

    def __init__(self, farm: Farm) -> None:
        self.farm = farm
        self.crowd = _Crowd(farm)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.farm, name)

    def miners(self) -> Mapping[tuple[str, str], int]:
        """Count the miners that are here."""
        return self.farm.miners_by_listener()


def desk_of(farm: Farm, tokens: Tokens) -> Desk:
    """Make what the API answers from."""
    view: View = StagedView(farm)  # most of it comes by __getattr__

    async def reload() -> dict[str, object]:
        await trio.lowlevel.checkpoint()
        return {"result": "ok", "changes": []}

    def activate(name: str) -> bool:
        named = [pool for pool in farm.pools if pool.name == name]
        for pool in farm.pools:
            if named and pool.state in ("active", "standby"):
                pool.state = "active" if pool.name == name else "standby"
        if named:
            farm.tally.switches["main", name, "chosen"] += 1
        return bool(named)

    listening = [
        (Listen(name="farm"), Address.parse("stratum+tcp://0.0.0.0:3333")),
        (
            Listen(
                name="xmrig", dialect="login", difficulty=Vardiff(start=8, min=1, max=1e6, target_seconds=15)
            ),
            Address.parse("stratum+tcp://0.0.0.0:3334"),
        ),
    ]
    return Desk(
        view,
        tokens,
        farm.wall - 93_784.0,
        reload,
        activate=activate,
        listening=lambda: listening,
        ledger=farm.ledger,
    )


@attrs.frozen
class Stage:
    """A scene that is played."""

    farm: Farm
    port: int


async def play(
    scene: str,
    port: int = 0,
    tokens: Tokens | None = None,
    task_status: trio.TaskStatus[Stage] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve a scene until cancelled."""
    farm = SCENES[scene](trio.current_time(), time.time())
    desk = desk_of(farm, tokens or Tokens("", ""))
    sock = bind_tcp("http.address", "127.0.0.1", port, f"127.0.0.1:{port}")
    application = http.build(desk, metrics.registry(desk.view, desk.started_at))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Newsreel(desk, desk.events, Counter()).run)
        bound = sock.getsockname()[1]
        await nursery.start(serving.serve, application, sock, desk.turns)
        task_status.started(Stage(farm, bound))
        while True:
            await trio.sleep(TICK)
            farm.go_on(trio.current_time(), TICK)


def main() -> None:
    """Serve what the command line says."""
    parser = argparse.ArgumentParser(description="Serve a made-up farm with the real dashboard.")
    parser.add_argument("scene", choices=SCENES)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--read", default="")
    parser.add_argument("--admin", default="")
    given = parser.parse_args()

    async def run() -> None:
        async with trio.open_nursery() as nursery:
            stage = await nursery.start(play, given.scene, given.port, Tokens(given.read, given.admin))
            print(f"http://127.0.0.1:{stage.port}/", flush=True)

    trio.run(run)


if __name__ == "__main__":
    main()
