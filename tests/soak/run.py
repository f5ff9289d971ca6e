"""The driver of a chaos run: starts everything, breaks what the seed says, watches, and gathers the books.

    pools (processes)  <-  links (here)  <-  the proxy (a process)  <-  links (here)  <-  miners (processes)

Strategy: three phases.  In the quiet one the good miners work alone; then the bad ones come and pools die in
turn; then the bad ones leave, all is healed, the last shares are settled and everybody says what was.
The trap: the miners stop before the proxy is read for the last time, and the proxy before the pools, or a
share under way would be in one book and not in another.
"""

import json
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import trio

from tests.kit.certificates import Authority
from tests.soak.books import Outcome
from tests.soak.chaos import EVERYWHERE, Death, Kill, kills
from tests.soak.crowds import DRIP, FAR, NEAR, TLS, VARY, WS, Orders
from tests.soak.dialling import by_tcp, by_tls, by_websocket
from tests.soak.links import Link, Manner
from tests.soak.programs import Program
from tests.soak.scene import (
    ALGORITHM,
    DIFFICULTY,
    DOORS,
    JOB_SECONDS,
    MOST_BAD_SHARES,
    POOLS,
    Scene,
    configuration,
)
from tests.soak.watch import Metrics, Sample, cpu_of, look, read_log, scrape

HOST = "127.0.0.1"
START_SECONDS = 60.0  # for every program to be up, and again for every good miner to have logged in
SETTLE_SECONDS = 60.0  # for the last verdicts
END_SECONDS = 30.0  # for a program to end once asked
SAMPLE_SECONDS = 1.0
MARK_SECONDS = 5.0  # for a load process that is busy
USUAL_RATE = 0.1  # shares a second of a good miner: one in ten seconds
FASTEST_RATE = 1.0
FEW_SHARES = 20.0  # a second of all good miners together; a small farm shall have some, too
# So many go through at most: a pool has three unanswered at a time, and is some milliseconds away.
MOST_SHARES = 100.0

# All as far away, so that round trips can be compared whoever the farm works for.
POOL_LINKS = (
    Manner(delay=0.002, jitter=0.003),
    Manner(delay=0.002, jitter=0.003),
    Manner(delay=0.002, jitter=0.003, drip=True),
)
MINER_LINKS = {
    FAR: Manner(delay=0.040, jitter=0.060),
    DRIP: Manner(drip=True),
    TLS: Manner(),
    WS: Manner(),
}

Tell = Callable[[str], None]


@attrs.define(eq=False)
class Load:
    """A load process, and what it has said so far."""

    program: Program
    online: int = 0
    marked: int = 0
    last: Mapping[str, Any] = attrs.field(factory=dict)
    marks: dict[int, Mapping[str, Any]] = attrs.field(factory=dict)
    over: trio.Event = attrs.field(factory=trio.Event)

    async def listen(self) -> None:
        """Take in what it says until it ends."""
        async for line in self.program.hear():
            said = json.loads(line)
            if "online" in said:
                self.online = said["online"]
            elif "marked" in said:
                self.marked = said["marked"]
            elif "mark" in said:
                self.marks[said["mark"]] = said
            else:
                self.last = said
        self.over.set()

    async def order(self, do: str, **facts: Any) -> None:
        """Give an order."""
        await self.program.say(json.dumps({"do": do, **facts}).encode())


class Run:
    """One chaos run.

    Args:
        folder: for configuration, logs and whatever else the programs write.
        tell: takes a line for people now and then.
    """

    def __init__(self, scene: Scene, folder: Path, tell: Tell) -> None:
        self.scene = scene
        self._folder = folder
        self._tell = tell
        self._random = random.Random(scene.seed)
        self._pools: dict[str, Program] = {}
        self._links: dict[str, Link] = {}
        self._doors: dict[str, int] = {}
        self._ports: dict[str, int] = {}
        self._loads: dict[str, Load] = {}
        self._proxy: Program | None = None
        self._programs: list[Program] = []
        self._http = ("", 0)
        self._phase = "quiet"
        self._samples: list[Sample] = []
        self._deaths: list[Death] = []
        self._failed_scrapes = 0
        self._cpu: dict[str, float] = {}

    async def go(self) -> Outcome:
        """Do all of it.

        Raises: RuntimeError if it could not be set up, or a program that it needs went away.
        """
        try:
            async with trio.open_nursery() as nursery:
                await self._set_up(nursery)
                watching = await nursery.start(self._watch)
                waited = await self._be_quiet(nursery)
                await self._be_wild(nursery)
                metrics = await self._settle()
                watching.cancel()
                outcome = await self._gather(metrics, waited)
                nursery.cancel_scope.cancel()
        finally:
            for program in self._programs:
                program.kill()
        return outcome

    # ---- setting up

    async def _set_up(self, nursery: trio.Nursery) -> None:
        with trio.fail_after(START_SECONDS):
            for number, style in enumerate(POOLS):
                await self._start_pool(nursery, number, style)
            ports = {name: link.port for name, link in self._links.items()}
            authority = Authority(self._folder)
            tls = authority.issue()
            config = configuration(self.scene, ports, tls, self._folder)
            self._proxy = await self._start("proxy", "proxy", "run", "-c", str(config))
            for door in DOORS:
                word = f"listening name={door} url=".encode()
                self._doors[door] = port_of(await self._proxy.hear_word(word))
            self._http = (HOST, port_of(await self._proxy.hear_word(b"http url=")))
            await self._proxy.hear_word(b"ready")
        nursery.start_soon(drain, self._proxy)
        dials = {
            TLS: by_tls(HOST, self._doors["tls"], authority.client()),
            WS: by_websocket(HOST, self._doors["ws"]),
        }
        self._ports = {NEAR: self._doors["farm"], VARY: self._doors["vary"]}
        for number, (way, manner) in enumerate(MINER_LINKS.items()):
            dial = dials.get(way) or by_tcp(HOST, self._doors["farm"])
            link = await nursery.start(Link(dial, manner, self.scene.seed + 100 + number).run)
            self._ports[way] = link.port

    async def _start_pool(self, nursery: trio.Nursery, number: int, style: str) -> None:
        name = f"{style}{number}"
        options = {
            "style": style,
            "algorithm": ALGORITHM,
            "difficulty": DIFFICULTY,
            "job-seconds": JOB_SECONDS,
            "seed": self.scene.seed * 10 + number,
        }
        arguments = [f"--{key}={value}" for key, value in options.items()]
        pool = await self._start(name, "proxy", "sim", "pool", "--strict", "--json", *arguments)
        self._pools[name] = pool
        manner = POOL_LINKS[number % len(POOL_LINKS)]
        port = port_of(await pool.hear_word(b"listening url="))
        link = Link(by_tcp(HOST, port), manner, self.scene.seed + number)
        self._links[name] = await nursery.start(link.run)

    async def _start(self, name: str, module: str, *arguments: str) -> Program:
        program = await Program.start(name, self._folder, module, *arguments)
        self._programs.append(program)
        return program

    async def _start_load(self, nursery: trio.Nursery, name: str, good: int, bad: int) -> Load:
        orders = Orders(
            host=HOST,
            ports=self._ports,
            doors=list(self._doors.values()),
            good=good,
            bad=bad,
            rate=rate_of(good),
            bad_rate=MOST_BAD_SHARES,
            seed=self.scene.seed,
        )
        program = await self._start(name, "tests.soak.load", json.dumps(attrs.asdict(orders)))
        load = self._loads[name] = Load(program)
        nursery.start_soon(load.listen)
        return load

    # ---- the phases

    async def _be_quiet(self, nursery: trio.Nursery) -> float:
        """Let the good ones in, and let them work; return how long it took until all were at work."""
        good = await self._start_load(nursery, "good", self.scene.good_miners, 0)
        began = time.monotonic()
        with trio.move_on_after(START_SECONDS):
            while good.online < self.scene.good_miners:  # noqa: ASYNC110  # it says so once a second
                await trio.sleep(0.1)
        waited = time.monotonic() - began
        if good.online < self.scene.good_miners:
            raise RuntimeError(f"{good.online} of {self.scene.good_miners} good miners could log in")
        self._tell(f"{good.online} good miners at work after {waited:.1f} s")
        await good.order("phase", name="quiet")
        await trio.sleep(self.scene.quiet_seconds)
        return waited

    async def _be_wild(self, nursery: trio.Nursery) -> None:
        self._phase = "chaos"
        await self._loads["good"].order("phase", name="chaos")
        if self.scene.bad_miners:
            await self._start_load(nursery, "bad", 0, self.scene.bad_miners)
        began = trio.current_time()
        for kill in kills(self.scene.seed, self.scene.kill_every, self.scene.chaos_seconds):
            await trio.sleep_until(began + kill.at)
            await self._kill(kill)
        await trio.sleep_until(began + self.scene.chaos_seconds)

    async def _kill(self, kill: Kill) -> None:
        active = self._samples[-1].active if self._samples else ""
        others = [name for name in self._links if name != active]
        name = active if kill.on_active and active else others[int(kill.other * len(others))]
        links = list(self._links.values()) if kill.everywhere else [self._links[name]]
        name, was_active = (EVERYWHERE, True) if kill.everywhere else (name, name == active)
        death = Death(len(self._deaths) + 1, time.monotonic(), name, kill.fault, was_active, kill.down)
        self._deaths.append(death)
        active_or_not = "the active" if death.was_active else "the idle"
        self._tell(f"#{death.number} {kill.fault} of {active_or_not} {name}, {kill.down:.1f} s")
        if death.was_active:
            await self._mark(death.number)
        death.at = time.monotonic()
        for link in links:
            link.break_down(kill.fault)
        if kill.down:
            await trio.sleep(kill.down)
            for link in links:
                link.heal()

    async def _mark(self, number: int) -> None:
        """Have the load note whose work each good miner has."""
        good = self._loads["good"]
        await good.order("mark", number=number)
        with trio.move_on_after(MARK_SECONDS):
            while good.marked < number:  # noqa: ASYNC110  # rarely more than once
                await trio.sleep(0.01)

    async def _settle(self) -> Metrics:
        """Let everybody stop, and wait until no share is under way any more."""
        self._phase = "settle"
        self._cpu = {program.name: cpu_of(program.pid) for program in self._programs}
        self._cpu["links"] = time.process_time()
        for name in ("bad", "good"):
            if name in self._loads:
                await self._loads[name].order("stop")
        with trio.move_on_after(SETTLE_SECONDS):
            for load in self._loads.values():
                await load.over.wait()
        with trio.move_on_after(SETTLE_SECONDS):
            while True:
                metrics = await scrape(*self._http)
                if settled(metrics):
                    return metrics
                await trio.sleep(SAMPLE_SECONDS)
        return await scrape(*self._http)

    # ---- watching

    async def _watch(self, *, task_status: trio.TaskStatus[trio.CancelScope]) -> None:
        assert self._proxy is not None
        with trio.CancelScope() as scope:
            task_status.started(scope)
            while True:
                try:
                    metrics = await scrape(*self._http)
                    sample = look(self._proxy.pid, time.monotonic(), self._phase, metrics)
                except OSError as error:  # TimeoutError is one
                    self._failed_scrapes += 1
                    self._tell(f"no answer from /metrics: {error}")
                    if self._proxy.returned is not None:
                        raise RuntimeError(f"the proxy ended: see {self._proxy.errors}") from None
                else:
                    self._samples.append(sample)
                await trio.sleep(SAMPLE_SECONDS)

    # ---- the end

    async def _gather(self, metrics: Metrics, waited: float) -> Outcome:
        assert self._proxy is not None
        ended = await self._proxy.end(END_SECONDS)
        pools = {name: await books_of(pool) for name, pool in self._pools.items()}
        good, bad = self._loads["good"].last, self._loads["bad"].last if "bad" in self._loads else {}
        if "reports" not in good or ("bad" in self._loads and "reports" not in bad):
            raise RuntimeError(f"the miners did not say what they saw: see {self._folder}")
        for death in self._deaths:
            mark = self._loads["good"].marks.get(death.number)
            if mark is not None:
                death.miners, death.left_behind = mark["miners"], mark["left_behind"]
                death.follow_seconds = {
                    farm: round(at - death.at, 3) for farm, at in mark["followed_at"].items()
                }
        return Outcome(
            metrics=metrics,
            samples=self._samples,
            deaths=self._deaths,
            reports=good["reports"],
            bad=bad["reports"]["bad"] if bad else None,
            seen=bad.get("seen", {}),
            pools=pools,
            round_trips=good["round_trips"],
            log=read_log(self._proxy.errors),
            failed_scrapes=self._failed_scrapes,
            ended=ended,
            swallowed=sum(link.swallowed for link in self._links.values()),
            all_online_seconds=round(waited, 2),
            cpu=self._cpu,
        )


async def drain(program: Program) -> None:
    """Let a program talk to nobody."""
    async for _ in program.hear():
        pass


async def books_of(pool: Program) -> dict[str, Any]:
    """Have a pool end, and take in what it counted."""
    books: dict[str, Any] = {}
    async with trio.open_nursery() as nursery:

        async def read() -> None:
            async for line in pool.hear():
                if line.startswith(b"{"):
                    books.update(json.loads(line))

        nursery.start_soon(read)
        await pool.end(END_SECONDS)
    return books


def rate_of(miners: int) -> float:
    """Tell how many shares a second each of so many good miners is to send."""
    miners = max(1, miners)
    return min(FASTEST_RATE, max(FEW_SHARES / miners, min(USUAL_RATE, MOST_SHARES / miners)))


def settled(metrics: Metrics) -> bool:
    """Tell whether no share is under way at a pool."""
    ended = sum(
        metrics.total("sluice_shares_total", reason=reason) for reason in ("accepted", "rejected", "lost")
    )
    return metrics.total("sluice_shares_forwarded_total") == ended


def port_of(url: bytes) -> int:
    """Read the port of an address that a program has said."""
    return int(url.rstrip(b"/").rpartition(b":")[2])
