"""Many simulated miners against one address, and one report of them all.

Strategy: every miner is a SimMiner with a seed and a name of its own, all write into one FarmReport.  A
gate lets only so many connect and log in at a time, or the listener's queue would overflow and the
kernel's retries be measured instead of the proxy.  What the miners do is decided by the seed; when the
other side answers is not, so two runs are alike, not equal.
The trap: a ban is by address, and loopback is one address; `addresses` spreads the miners over several.
"""

from collections.abc import Callable

import attrs
import trio

from proxy.sim.miner import MinerOptions, SimMiner
from proxy.sim.report import FarmReport
from proxy.sim.waiting import Changes

SEED_STEP = 1_000_003  # a prime, so that neither neighbouring farms nor miners share a seed


@attrs.frozen(kw_only=True)
class FarmOptions:
    """How a farm is.

    Args:
        miners: how many.
        miner: how each of them is; its rate and mix are those of one miner.
        seed: of the whole farm.
        connecting: most miners that connect and log in at the same time.
        spread: how many times as fast as the first miner the last one solves; the others lie between, each
            by the same ratio faster than the one before.
        addresses: local addresses to come from, 127.0.0.1 and up; 1 leaves the choice to the system.
    """

    miners: int = 10
    miner: MinerOptions = attrs.field(factory=MinerOptions)
    seed: int = 0
    connecting: int = 64
    spread: float = attrs.field(default=1.0, validator=attrs.validators.gt(0))
    addresses: int = attrs.field(default=1, validator=[attrs.validators.ge(1), attrs.validators.le(65_000)])


class Farm:
    """Runs miners and counts what they see.

    Args:
        job_written: SimPool.job_written of a pool in this process, to measure how long a job takes
            from there to each miner.

    Attributes:
        miners: all of them.
        report: what they saw, complete once run() has returned.
    """

    def __init__(
        self,
        host: str,
        port: int,
        options: FarmOptions | None = None,
        job_written: Callable[[str], float | None] | None = None,
    ) -> None:
        self.options = options = options or FarmOptions()
        self.report = FarmReport(job_written=job_written)
        self._changes = Changes()
        self._gate = trio.Semaphore(options.connecting)
        self._stopping = False
        self.miners = [
            SimMiner(
                host,
                port,
                self._options_of(number),
                self.report,
                gate=self._gate,
                local_address=self._address_of(number),
                tell=self._changes,
            )
            for number in range(options.miners)
        ]

    def _options_of(self, number: int) -> MinerOptions:
        miner, last = self.options.miner, max(1, self.options.miners - 1)
        return attrs.evolve(
            miner,
            seed=self.options.seed * SEED_STEP + number,
            user=miner.user.replace("{n}", str(number)),
            rig=miner.rig.replace("{n}", str(number)),
            sols_per_second=miner.sols_per_second * self.options.spread ** (number / last),
        )

    def _address_of(self, number: int) -> str | None:
        if self.options.addresses == 1:
            return None
        place = number % self.options.addresses + 1
        return f"127.0.{place >> 8}.{place & 0xFF}"

    async def run(self, seconds: float = float("inf")) -> FarmReport:
        """Mine for so long, or until stop(), or until every miner is done; then collect the replies.

        Args:
            seconds: from the first connection on.
        """
        began = trio.current_time()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._stop_in_time, seconds)
                async with trio.open_nursery() as working:
                    for miner in self.miners:
                        working.start_soon(self._run_one, miner)
                nursery.cancel_scope.cancel()
        finally:
            self.report.seconds = trio.current_time() - began
        return self.report

    def stop(self) -> None:
        """Let no miner send anything more; run() returns once the replies are in."""
        self._stopping = True
        for miner in self.miners:
            miner.stop()

    async def until(self, condition: Callable[["Farm"], object], seconds: float = 10.0) -> None:
        """Wait until a condition holds; it is looked at whenever a miner has heard something.

        Raises: trio.TooSlowError.
        """
        with trio.fail_after(seconds):
            await self._changes.until(lambda: condition(self))

    async def _run_one(self, miner: SimMiner) -> None:
        if not self._stopping:
            await miner.run()

    async def _stop_in_time(self, seconds: float) -> None:
        with trio.move_on_after(seconds):
            for miner in self.miners:
                await miner.finished.wait()
        self.stop()
