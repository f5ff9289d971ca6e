"""When miners that do not ask for extranonce changes get their first job: a moment after they are let in.

Strategy: one queue in the order of their time, which is the order they came in, and one task that sleeps
until the first of them is due.  The trap: a miner may have left, or had its job in another way, while it
waited here.
"""

from collections import deque
from collections.abc import Callable

import trio

from proxy.downstream.session import MinerSession

BATCH = 64  # miners given a job between two checkpoints


class FirstJobs:
    """Miners that wait for their first job.

    Args:
        flush: sends what sessions have to say.
    """

    def __init__(self, flush: Callable[[], None]) -> None:
        self._flush = flush
        # No longer than there are miners, for each is in it once at most.
        self._waiting: deque[MinerSession] = deque()
        self._came = trio.Event()

    def add(self, session: MinerSession) -> None:
        """Let a session wait until its first_job_due."""
        self._waiting.append(session)
        self._came.set()

    async def run(self) -> None:
        """Give each its job in time, until cancelled."""
        while True:
            await self._came.wait()
            self._came = trio.Event()
            while self._waiting:
                now = trio.current_time()
                self._give_due(now)
                self._flush()
                if self._waiting:
                    await trio.sleep_until(self._waiting[0].first_job_due or now)

    def _give_due(self, now: float) -> None:
        """Give a batch of first jobs, as far as their time has come."""
        for _ in range(min(BATCH, len(self._waiting))):
            session = self._waiting[0]
            due = session.first_job_due
            if due is not None and due > now:
                return
            self._waiting.popleft()
            if due is not None and session.slice is not None:
                session.give_first_job(now)
