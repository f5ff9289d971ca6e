"""The ledger of a running proxy: what it is told, when it begins, and how long an end waits for it.

The trap: its threads do the writing, so the loop only looks now and then whether they have ended; and an end
that is in a hurry must wait for them all the same, or a share whose verdict a miner has heard would be gone.
"""

import time
from collections.abc import Callable

import trio

from proxy.config import Config
from proxy.core.tally import Tally
from proxy.ledger.batch import Counts
from proxy.ledger.bookkeeper import Bookkeeper
from proxy.ledger.recorder import LedgerRecorder
from proxy.ledger.standing import Standing, together

# That an end waits for the database; what it has not taken by then is on our own disk.
END_SECONDS = 2.0
LOOK_SECONDS = 0.02


class Keeping:
    """Keeps the ledger of a process, or none.

    Args:
        config: of the proxy.
        is_on: whether one is kept where the configuration names one.
        process: 0, or the number of the worker process.
        writes: whether shares end here; else only sums are made.
        does_chores: whether sums are made here.

    Attributes:
        others: gives the standings of other processes.
    Raises: ConfigError if its url is none.
    """

    def __init__(
        self,
        config: Config,
        tally: Tally,
        is_on: bool,
        process: int = 0,
        writes: bool = True,
        does_chores: bool = True,
    ) -> None:
        self.others: Callable[[], list[Standing]] = list
        self._says = not process
        self._keeper: Bookkeeper | None = None
        self._writes = writes
        if is_on and config.ledger.url:
            self._keeper = Bookkeeper(config.ledger, lambda: counts_of(tally), process, writes, does_chores)

    @property
    def recorder(self) -> LedgerRecorder | None:
        """Who takes the shares; None if nobody does."""
        return self._keeper.recorder if self._keeper is not None and self._writes else None

    @property
    def standing(self) -> Standing:
        """How the ledger does."""
        return Standing() if self._keeper is None else together([self._keeper.standing, *self.others()])

    def start(self) -> None:
        """Begin, on the loop."""
        if self._keeper is not None:
            if self._says:
                self._keeper.say_where()
            self._keeper.start(trio.current_time() - time.perf_counter())

    async def end(self, seconds: float = END_SECONDS) -> None:
        """Wait until every share is where it will last, even in a scope that is cancelled."""
        if self._keeper is None:
            return
        self._keeper.end(seconds)
        # Its own bound comes first; this one is for a disk that hangs.
        with trio.move_on_after(2 * seconds + 1, shield=True):
            while not self._keeper.has_ended:  # noqa: ASYNC110  # threads set no event of the loop's
                await trio.sleep(LOOK_SECONDS)


def counts_of(tally: Tally) -> Counts:
    """Read what a process has counted, from another thread than its loop's."""
    shares = {reason.value: count for reason, count in dict(tally.shares).items() if count}
    forwarded = dict(tally.forwarded)
    return Counts(sum(dict(tally.received).values()), shares, forwarded, tally.in_flight)
