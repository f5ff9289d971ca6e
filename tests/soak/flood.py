"""`python -m tests.soak.flood`: a hundred thousand strangers at the door while a farm works, judged.

    a pool (process)  <-  the proxy (a process, with a core of its own)  <-  the farm, the junk (processes)

Strategy: the good miners work alone for a while, which is what the rest is measured against; then the junk
comes, as fast as it can be made.  The claims of a chaos run have to hold, but for that on waiting, which is a
harder one here: no verdict is late.  And no stranger outstays the limits.
The trap: a flood that takes the core of those it is measured by measures itself.  So the proxy has a core for
itself, the junk the lowest priority on the others, and what the farm's process took itself is taken off.
"""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import click
import trio
from rich.console import Console

from proxy.config import Tls
from proxy.errors import SluiceError
from proxy.sim.miner import SOME_ADDRESS
from tests.kit.certificates import Authority
from tests.soak.books import Claim, Outcome, untimed_claims
from tests.soak.crowds import WAYS, Orders
from tests.soak.junk import Flood
from tests.soak.load import WHOLE
from tests.soak.programs import Program
from tests.soak.run import (
    END_SECONDS,
    HOST,
    SAMPLE_SECONDS,
    SETTLE_SECONDS,
    START_SECONDS,
    Load,
    Tell,
    books_of,
    drain,
    port_of,
    rate_of,
    settled,
)
from tests.soak.scene import ALGORITHM, DIFFICULTY, JOB_SECONDS, write
from tests.soak.telling import claims_table, load_lines, shares_table, times_table
from tests.soak.watch import Metrics, Sample, cpu_of, look, read_log, scrape, waited_for_core

WIDTH = 150  # of tables that go to a file
LOWEST = 19  # priority of the junk
QUIET, FLOOD = "quiet", "chaos"  # the second as the judge of a chaos run calls it
POOL = "solo"
DOORS = ("farm", "tls", "ws")  # the good miners come to the first
SETTLED_FILES = 20  # descriptors that may still be open at the end, beside those before the junk


@attrs.frozen(kw_only=True)
class Options:
    """How a run is; as the command has them."""

    connections: int
    miners: int
    held: int
    addresses: int
    quiet: float
    late_ms: float
    seed: int


class Run:
    """One flood.

    Args:
        folder: for configuration, logs and whatever else the programs write.
        tell: takes a line for people now and then.
    """

    def __init__(self, options: Options, folder: Path, tell: Tell) -> None:
        self.options = options
        self.junk: Mapping[str, int] = {}
        self.waited = 0.0  # seconds of the flood in which the proxy could run, and had no core
        self._folder = folder
        self._tell = tell
        self._programs: list[Program] = []
        self._ports: list[int] = []
        self._http = ("", 0)
        self._phase = QUIET
        self._samples: list[Sample] = []
        self._failed_scrapes = 0

    async def go(self) -> Outcome:
        """Do all of it.

        Raises: RuntimeError if it could not be set up, or a program that it needs went away.
        """
        cores = sorted(os.sched_getaffinity(0))
        try:
            # All that is started from here on has the cores that the proxy leaves.
            os.sched_setaffinity(0, cores[1:] or cores)
            async with trio.open_nursery() as nursery:
                with trio.fail_after(START_SECONDS):
                    pool, proxy = await self._set_up(cores[0])
                nursery.start_soon(drain, proxy)
                watching = await nursery.start(self._watch, proxy)
                load = await self._be_quiet(nursery)
                await self._be_flooded(proxy, load)
                cpu = {program.name: cpu_of(program.pid) for program in self._programs}
                metrics = await self._settle(load)
                watching.cancel()
                outcome = await self._gather(pool, proxy, load, metrics, cpu)
                nursery.cancel_scope.cancel()
        finally:
            os.sched_setaffinity(0, cores)
            for program in self._programs:
                program.kill()
        return outcome

    async def _set_up(self, core: int) -> tuple[Program, Program]:
        pool = await self._start(
            POOL,
            *("proxy", "sim", "pool", "--strict", "--json", f"--style={POOL}", f"--algorithm={ALGORITHM}"),
            *(f"--difficulty={DIFFICULTY}", f"--job-seconds={JOB_SECONDS}", f"--seed={self.options.seed}"),
        )
        port = port_of(await pool.hear_word(b"listening url="))
        config = write(_configuration(port, Authority(self._folder).issue()), self._folder)
        proxy = await self._start("proxy", "proxy", "run", "-c", str(config))
        os.sched_setaffinity(proxy.pid, [core])
        for door in DOORS:
            word = f"listening name={door} url=".encode()
            self._ports.append(port_of(await proxy.hear_word(word)))
        self._http = (HOST, port_of(await proxy.hear_word(b"http url=")))
        await proxy.hear_word(b"ready")
        return pool, proxy

    async def _start(self, name: str, module: str, *arguments: str) -> Program:
        program = await Program.start(name, self._folder, module, *arguments)
        self._programs.append(program)
        return program

    async def _be_quiet(self, nursery: trio.Nursery) -> Load:
        options = self.options
        orders = Orders(
            host=HOST,
            ports=dict.fromkeys(WAYS, self._ports[0]),
            doors=self._ports,
            good=options.miners,
            bad=0,
            rate=rate_of(options.miners),
            bad_rate=0.0,
            seed=options.seed,
        )
        load = Load(await self._start("good", "tests.soak.load", json.dumps(attrs.asdict(orders))))
        nursery.start_soon(load.listen)
        with trio.move_on_after(START_SECONDS):
            while load.online < options.miners:  # noqa: ASYNC110  # it says so once a second
                await trio.sleep(0.1)
        if load.online < options.miners:
            raise RuntimeError(f"{load.online} of {options.miners} miners could log in")
        self._tell(f"{load.online} miners at work")
        await load.order("phase", name=QUIET)
        await trio.sleep(options.quiet)
        return load

    async def _be_flooded(self, proxy: Program, load: Load) -> None:
        options = self.options
        flood = Flood(
            host=HOST,
            ports=self._ports,
            connections=options.connections,
            held=options.held,
            addresses=options.addresses,
            seed=options.seed,
        )
        waited = waited_for_core(proxy.pid)
        await load.order("phase", name=FLOOD)
        junk = await self._start("junk", "tests.soak.junk", json.dumps(attrs.asdict(flood)))
        os.sched_setscheduler(junk.pid, os.SCHED_OTHER, os.sched_param(0))  # whatever we have ourselves
        os.setpriority(os.PRIO_PROCESS, junk.pid, LOWEST)
        self._phase = FLOOD
        began = trio.current_time()
        async for line in junk.hear():
            said = json.loads(line)
            if "junk" in said:
                self.junk = said["junk"]
            else:
                self._tell(f"{said['made']} connections made, {said['held']} open")
        self.waited = waited_for_core(proxy.pid) - waited
        self._tell(f"the flood took {trio.current_time() - began:.1f} s")
        if not self.junk:
            raise RuntimeError(f"the junk ended early: see {junk.errors}")
        self._phase = "settle"
        await load.order("phase", name="after")
        await trio.sleep(options.quiet)

    async def _settle(self, load: Load) -> Metrics:
        await load.order("stop")
        with trio.move_on_after(SETTLE_SECONDS):
            await load.over.wait()
        with trio.move_on_after(SETTLE_SECONDS):
            while not settled(await scrape(*self._http)):  # noqa: ASYNC110  # nothing tells of it
                await trio.sleep(SAMPLE_SECONDS)
        return await scrape(*self._http)

    async def _watch(self, proxy: Program, *, task_status: trio.TaskStatus[trio.CancelScope]) -> None:
        with trio.CancelScope() as scope:
            task_status.started(scope)
            while True:
                try:
                    at, metrics = trio.current_time(), await scrape(*self._http)
                    self._samples.append(look(proxy.pid, at, self._phase, metrics))
                except OSError as error:  # TimeoutError is one
                    self._failed_scrapes += 1
                    self._tell(f"no answer from /metrics: {error}")
                    if proxy.returned is not None:
                        raise RuntimeError(f"the proxy ended: see {proxy.errors}") from None
                await trio.sleep(SAMPLE_SECONDS)

    async def _gather(
        self, pool: Program, proxy: Program, load: Load, metrics: Metrics, cpu: Mapping[str, float]
    ) -> Outcome:
        samples, failed = list(self._samples), self._failed_scrapes
        ended = await proxy.end(END_SECONDS)
        if "reports" not in load.last:
            raise RuntimeError(f"the miners did not say what they saw: see {self._folder}")
        return Outcome(
            metrics=metrics,
            samples=samples,
            deaths=[],
            reports=load.last["reports"],
            bad=None,
            seen=self.junk,
            pools={POOL: await books_of(pool)},
            round_trips=load.last["round_trips"],
            log=read_log(proxy.errors),
            failed_scrapes=failed,
            ended=ended,
            swallowed=0,
            all_online_seconds=0.0,
            cpu=cpu,
        )


def _configuration(pool: int, tls: Tls) -> dict[str, Any]:
    """The defaults, which are what a farm has."""
    return {
        "upstream": {
            "algorithm": ALGORITHM,
            "user": SOME_ADDRESS,
            "pools": [{"name": POOL, "url": f"stratum+tcp://{HOST}:{pool}"}],
        },
        "listen": [
            {"name": "farm", "url": f"stratum+tcp://{HOST}:0"},
            {
                "name": "tls",
                "url": f"stratum+tls://{HOST}:0",
                "tls": {"certificate": tls.certificate, "key": tls.key},
            },
            {"name": "ws", "url": f"ws://{HOST}:0/"},
        ],
        "http": {"address": f"{HOST}:0"},
        "log": {"format": "json"},
    }


def judge(outcome: Outcome, connections: int, late_ms: float) -> list[Claim]:
    """Judge a flood.

    Args:
        connections: how many were to be made.
        late_ms: most that a verdict may take longer than the median of the quiet stretch.
    """
    return [*untimed_claims(outcome), *_of_the_flood(outcome, connections, late_ms)]


def _of_the_flood(outcome: Outcome, connections: int, late_ms: float) -> Iterator[Claim]:
    quiet, flooded = (outcome.round_trips[f"{phase}/{WHOLE}"] for phase in (QUIET, FLOOD))
    lateness = flooded["their_max"] - quiet["their_p50"] if flooded["shares"] and quiet["shares"] else None
    yield Claim(
        f"no verdict late by more than {late_ms:g} ms",
        lateness is not None and lateness <= late_ms,
        "no shares" if lateness is None else f"{lateness:.1f} ms at the most",
    )
    came = sum(outcome.seen.values())
    missed = sum(count for what, count in outcome.seen.items() if what.endswith(": no connection"))
    yield Claim(
        "every stranger was let in or turned away", came == connections and not missed, f"{missed} were not"
    )
    kept = sum(count for what, count in outcome.seen.items() if what.endswith(": kept"))
    yield Claim("no stranger outstayed the limits", not kept, f"{kept} did")
    before = [sample.descriptors for sample in outcome.samples if sample.phase == QUIET]
    after = [sample.descriptors for sample in outcome.samples if sample.phase == "settle"]
    if before and after:
        left = after[-1] - max(before)
        yield Claim("no file left of the flood", left <= SETTLED_FILES, f"{max(before)} to {after[-1]}")


@click.command()
@click.option("--connections", type=click.IntRange(1, 10_000_000), default=100_000, show_default=True)
@click.option("--miners", type=click.IntRange(1, 10_000), default=1000, show_default=True)
@click.option(
    "--held",
    type=click.IntRange(1, 20_000),
    default=4000,
    show_default=True,
    help="Connections of the flood that are open at once, at most.",
)
@click.option(
    "--addresses",
    type=click.IntRange(0, 60_000),
    default=500,
    show_default=True,
    help="That each kind of junk comes from; 0: all from the good miners' own.",
)
@click.option("--quiet", type=click.FloatRange(1, 3600), default=20.0, show_default=True, help="Seconds.")
@click.option("--late-ms", type=click.FloatRange(0), default=50.0, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Of everything random.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), default=None)
def main(json_file: Path | None, **given: Any) -> None:
    """Send junk to a proxy at which a farm works, and check every claim.

    Exit status 1 if a claim fails, 2 if the run could not be made.
    """
    options = Options(**given)
    folder = Path(tempfile.mkdtemp(prefix="sluice-flood-"))
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
    run = Run(options, folder, lambda line: click.echo(line, err=True))
    try:
        outcome = trio.run(run.go)
    except* (RuntimeError, SluiceError, trio.TooSlowError) as errors:
        click.echo(f"flood: {errors.exceptions[0]!r}; logs in {folder}", err=True)
        sys.exit(2)
    judged = judge(outcome, options.connections, options.late_ms)
    console.print(shares_table(outcome))
    console.print(times_table(outcome))
    for title, counts in (
        ("junk", outcome.seen),
        ("connections ended, by the proxy", outcome.metrics.by("sluice_disconnects_total", "reason")),
        ("bans", outcome.metrics.by("sluice_bans_total", "reason")),
    ):
        told = ", ".join(f"{name} {count:g}" for name, count in sorted(counts.items()) if count)
        console.print(f"{title}: {told}", highlight=False)
    console.print(load_lines(outcome), highlight=False)
    console.print(f"the proxy waited for its core for {run.waited:.2f} s of the flood", highlight=False)
    console.print(claims_table(judged))
    if json_file is not None:
        facts = {
            "options": attrs.asdict(options),
            "claims": [attrs.asdict(claim) for claim in judged],
            "round_trips": outcome.round_trips,
            "junk": dict(outcome.seen),
            "metrics": outcome.metrics.plain(),
            "samples": [sample.as_dict() for sample in outcome.samples],
            "waited_for_core": run.waited,
        }
        json_file.write_text(json.dumps(facts, indent=1), encoding="utf-8")
    failed = [claim.name for claim in judged if not claim.holds]
    if failed:
        click.echo(f"FAILED: {'; '.join(failed)} (logs in {folder})", err=True)
        sys.exit(1)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
