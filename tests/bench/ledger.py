"""`python -m tests.bench.ledger`: what the ledger costs a process that judges shares all the time.

Strategy: two processes do the same, one with a ledger and one without: shares end at a steady rate, by the
dozen as the board reads them, each made as downstream/endings.py makes it.  The CPU of all threads of the
one, less that of the other, is what a share's row costs.  A heartbeat says for how long the loop was held up:
it sleeps for a millisecond again and again, and each waking is late by what somebody else took.
The trap: on a busy machine the scheduler is late by itself, so the heartbeat of the one without is shown
beside that of the one with.
"""

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from array import array
from pathlib import Path

import click
import trio

from proxy import collector
from proxy.config import Address, Config, Ledger, Pool, Upstream
from proxy.core.tally import Tally
from proxy.ledger.store import read_url
from proxy.lifecycle.keeping import Keeping
from proxy.model.ended import Ended
from proxy.model.share import Reason

STEP_SECONDS = 0.004  # between two batches of the loop
BEAT_SECONDS = 0.001
PAGE_KIB = 4


def peak_and_now() -> tuple[int, int]:
    """Memory in KiB: the most so far, and now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, pages * PAGE_KIB


class Load:
    """A process whose shares end.

    Args:
        rate: shares a second.
        workers: that send them.
    """

    def __init__(self, url: str, rate: int, workers: int) -> None:
        pool = Pool(url=Address.parse("stratum+tcp://127.0.0.1:1"))
        config = Config(upstream=Upstream(user="u", pools=(pool,)), ledger=Ledger(url=url))
        self.tally = Tally()
        self.keeping = Keeping(config, self.tally, is_on=bool(url))
        self.late = array("f")  # of 4 bytes each, or it would be this that grows
        self.memory: list[int] = []
        self._rate = rate
        source = random.Random(1)
        self._who = [(f"farm.rig{n}", f"10.0.{n >> 8}.{n & 255}") for n in range(workers)]
        self._values = [source.randbytes(32) for _ in range(1009)]
        self._random = source

    async def run(self, seconds: float) -> dict[str, object]:
        """Let shares end for so long; what it took."""
        collector.tune()
        self.keeping.start()
        began, cpu, own = trio.current_time(), time.process_time(), time.thread_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._beat)
            nursery.start_soon(self._watch)
            await self._end_shares(began, seconds)
            nursery.cancel_scope.cancel()
        before_end, own = self.keeping.standing, time.thread_time() - own
        await self.keeping.end(seconds=30)
        used = time.process_time() - cpu
        standing = self.keeping.standing
        late = sorted(self.late)
        return {
            "shares": self.tally.received_total,
            "cpu_us": used / self.tally.received_total * 1e6,
            "of_it_loop_us": own / self.tally.received_total * 1e6,
            "late_ms": {
                "p50": late[len(late) // 2] * 1e3,
                "p99": late[len(late) * 99 // 100] * 1e3,
                "p99.9": late[len(late) * 999 // 1000] * 1e3,
                "max": late[-1] * 1e3,
            },
            "over_5_ms": sum(one > 0.005 for one in late),
            "beats": len(late),
            "memory_mib": [round(kib / 1024, 1) for kib in self.memory],
            "pending_at_stop": before_end.pending,
            "written": standing.written,
            "lost": standing.lost,
        }

    async def _end_shares(self, began: float, seconds: float) -> None:
        done = 0
        while (now := trio.current_time()) < began + seconds:
            due = int((now - began) * self._rate)
            while done < due:
                self._end_share(done, now)
                done += 1
            await trio.sleep(STEP_SECONDS)

    def _end_share(self, number: int, now: float) -> None:
        worker, address = self._who[self._random.randrange(len(self._who))]
        tally = self.tally
        tally.received["farm", "aion"] += 1
        if number % 20:
            tally.sent("main")
            tally.returned("main", Reason.ACCEPTED, 8.0, 0.03)
            reason, pool, value, trip = Reason.ACCEPTED, "main", self._values[number % 1009], 0.03
        else:
            tally.judge(Reason.STALE, 8.0)
            reason, pool, value, trip = Reason.STALE, "", b"", None
        recorder = self.keeping.recorder
        if recorder is not None:
            job = f"19ab3c{number // 50_000:08x}"
            recorder.record(
                Ended(
                    now, now - 0.03, worker, address, "farm", "aion", pool, job, reason, "", 8.0, value, trip
                )
            )

    async def _beat(self) -> None:
        while True:
            due = trio.current_time() + BEAT_SECONDS
            await trio.sleep_until(due)
            self.late.append(trio.current_time() - due)

    async def _watch(self) -> None:
        while True:
            self.memory.append(peak_and_now()[1])
            await trio.sleep(max(1.0, 60 / 6))


def measured(url: str, rate: int, seconds: float, workers: int) -> dict[str, object]:
    """Run a load in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.ledger", "--one", "--url", url]
    command += ["--rate", str(rate), "--seconds", str(seconds), "--workers", str(workers)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


@click.command()
@click.option("--url", default="", help="Of the ledger; default a new file of SQLite.")
@click.option("--rate", default=5000, show_default=True, help="Shares a second.")
@click.option("--seconds", default=60.0, show_default=True)
@click.option("--workers", default=2000, show_default=True)
@click.option("--one", is_flag=True, hidden=True)
def main(url: str, rate: int, seconds: float, workers: int, one: bool) -> None:
    """Measure what a share's row costs."""
    if one:
        click.echo(json.dumps(trio.run(Load(url, rate, workers).run, seconds)))
        return
    with tempfile.TemporaryDirectory() as folder:
        url = url or f"sqlite:///{folder}/bench.db"
        without, with_ledger = measured("", rate, seconds, workers), measured(url, rate, seconds, workers)
        click.echo(json.dumps({"without": without, "with": with_ledger}, indent=1))
        cost = float(str(with_ledger["cpu_us"])) - float(str(without["cpu_us"]))
        click.echo(f"added CPU: {cost:.1f} µs a share, all threads")
        file = read_url(url).file
        if file:
            size = sum(os.path.getsize(file + end) for end in ("", "-wal") if os.path.exists(file + end))
            click.echo(f"disk: {size / int(str(with_ledger['written'])):.0f} bytes a row, sums included")


if __name__ == "__main__":
    main()
