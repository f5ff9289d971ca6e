"""What is behind a session that is fuzzed: a house of paper, or the real relay with a pool of paper.

Strategy: both have the same few words, so that one stream of events serves both.
"""

import attrs

from proxy.model.share import Reason, Verdict
from proxy.relay import Relay
from proxy.wire import aion, login
from tests.downstream.farms import Farm
from tests.fuzz.target import one_json_line
from tests.kit.miners import EXTRANONCE1, FakeHouse, blob_work


@attrs.define
class Paper:
    """A house that has no relay behind it, and any verdict that is asked for."""

    house: FakeHouse
    is_blob: bool = False

    def judges(self, verdict: Verdict | None) -> None:
        """Give this verdict on each share from here on."""
        self.house.verdict = verdict

    def answers(self, verdict: Verdict) -> bool:
        """Let the pool answer the oldest share; false if there is none."""
        if self.house.unanswered:
            self.house.pool_says(verdict)
            return True
        return False

    def comes(self, extranonce1: str, now: float) -> None:
        """Let a pool come."""
        self.house.pool_comes(extranonce1, now)

    def goes(self) -> None:
        """Let it go, and its shares with it."""
        self.house.pool_goes()
        while self.answers(Verdict(Reason.LOST)):
            pass

    def gives(self, target: int, now: float) -> None:
        """Let it give a job."""
        self.house.new_job(target, now=now)

    def check(self) -> None:
        """Nothing is left of a session that has ended."""
        assert not self.house.workers
        assert not self.house.held


@attrs.define
class Real:
    """A farm with the real relay."""

    farm: Farm
    jobs: int = 0

    @property
    def house(self) -> Relay:
        """Where a session goes."""
        return self.farm.relay

    @property
    def is_blob(self) -> bool:
        """Whether it has blob work."""
        return self.farm.is_blob

    def judges(self, verdict: Verdict | None) -> None:
        """It judges for itself."""

    def answers(self, verdict: Verdict) -> bool:
        """Let the pool answer the oldest share, having read it; false if there is none."""
        if not self.farm.pool.got:
            return False
        forward = self.farm.pool.answers(verdict)
        share, job = forward.share, forward.job
        if not self.is_blob:
            bare = share.nonce[len(EXTRANONCE1) :]
            one_json_line(aion.submit(4, forward.user, job.pool_id, share.ntime, bare, share.solution))
        one_json_line(login.submit(4, "s", job.pool_id, share, forward.value, "equihash/48_5"))
        return True

    def comes(self, extranonce1: str, now: float) -> None:
        """Let a pool come."""
        self.goes()
        self.jobs += 1
        if self.is_blob:
            self.farm.pool.comes_with_blobs(blob_work(self.jobs))
        else:
            self.farm.pool.comes(extranonce1, f"{self.jobs:064x}")

    def goes(self) -> None:
        """Let it go, and its shares with it."""
        self.farm.pool.goes()

    def gives(self, target: int, now: float) -> None:
        """Let it give a job."""
        self.jobs += 1
        if self.is_blob:
            self.farm.pool.gives_blob(blob_work(self.jobs))
        else:
            self.farm.pool.gives(f"{self.jobs:064x}", target, clean=self.jobs % 2 == 0)

    def check(self) -> None:
        """The books agree."""
        assert self.farm.tally.conserved
        assert self.farm.tally.in_flight == 0
