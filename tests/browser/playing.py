"""Plays a scene, or runs a whole farm, beside the test that looks at it."""

import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import attrs
import trio

from proxy.ops.tokens import Tokens
from tests.browser.scenes import Farm
from tests.browser.stage import Stage, play

START_SECONDS = 60.0

FARM = """
[upstream]
user = "demo"
algorithm = "equihash/48_5"
[[upstream.pools]]
name = "main"
url = "{pool}"
[[listen]]
url = "stratum+tcp://127.0.0.1:0"
[limits]
ban = {{ allow = ["127.0.0.0/8"] }}
[http]
address = "127.0.0.1:0"
admin_token = "{admin}"
"""


@attrs.frozen
class Played:
    """A scene that is on: where to look, its farm, which may be changed, and how to end it at once."""

    url: str
    farm: Farm
    stop: Callable[[], None]


@contextmanager
def playing(scene: str, read: str = "", admin: str = "", port: int = 0) -> Iterator[Played]:
    """Play a scene in a thread of its own: Playwright has this one."""
    told: queue.Queue[Stage | BaseException] = queue.Queue()
    loop: list[trio.lowlevel.TrioToken] = []
    scope = trio.CancelScope()

    async def run() -> None:
        loop.append(trio.lowlevel.current_trio_token())
        with scope:
            async with trio.open_nursery() as nursery:
                told.put(await nursery.start(play, scene, port, Tokens(read, admin)))

    def thread() -> None:
        try:
            trio.run(run)
        except BaseException as error:
            told.put(error)
            raise

    def end() -> None:
        if running.is_alive():
            loop[0].run_sync_soon(scope.cancel)
        running.join()

    running = threading.Thread(target=thread)
    running.start()
    try:
        stage = told.get(timeout=START_SECONDS)
        if isinstance(stage, BaseException):
            raise stage
        yield Played(f"http://127.0.0.1:{stage.port}/", stage.farm, end)
    finally:
        end()


@contextmanager
def command(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Run `sluice …`, and end it."""
    argv = [sys.executable, "-m", "proxy", *arguments]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


def told(process: "subprocess.Popen[str]", beginning: str) -> str:
    """Wait for a line; what stands behind its last `=`."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(beginning):
            return line.strip().rpartition("=")[2]
    raise AssertionError(f"it has ended without {beginning!r}")


@contextmanager
def demo(miners: int = 12) -> Iterator[str]:
    """Run `sluice demo`; gives the dashboard's address."""
    options = ("--miners", str(miners), "--seconds", "600", "--http", "127.0.0.1:0")
    with command("demo", *options) as process:
        yield told(process, "http url=") + "/"


@contextmanager
def farm(directory: Path, admin: str, miners: int = 8) -> Iterator[str]:
    """Run a pool, a proxy with an admin token, and miners; gives the dashboard's address."""
    with ExitStack() as programs:
        pool = programs.enter_context(
            command("sim", "pool", "--algorithm", "equihash/48_5", "--difficulty", "4", "--seed", "1")
        )
        file = directory / "sluice.toml"
        file.write_text(FARM.format(pool=told(pool, "listening url"), admin=admin))
        proxy = programs.enter_context(command("run", "-c", str(file)))
        port, http = told(proxy, "listening "), told(proxy, "http url=")
        told(proxy, "ready")
        mix = ("--mix", "good=80,bad_proof=20", "--rate", "2", "--user", "rig{n}", "--reconnect", "60")
        programs.enter_context(command("sim", "miners", port, "--miners", str(miners), *mix))
        yield http + "/"
