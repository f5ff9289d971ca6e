"""Shares at their end, and the parts of the writing side, as tests of it need them."""

from collections import Counter
from collections.abc import Sequence

from proxy.ledger.batch import Batch, Counts, Drafter, Run
from proxy.ledger.schema import MICRO
from proxy.model.ended import Ended
from proxy.model.share import FORWARDED, Reason

RUN = 0x0123_4567_89AB_CDEF
NOON = 1_795_219_200  # seconds since 1970; a whole hour


def ended(
    at: float = 0.0,
    worker: str = "rig1",
    reason: Reason = Reason.ACCEPTED,
    difficulty: float = 8.0,
    message: str = "",
    job: str = "19ab3c01",
    block: bool = False,
    address: str = "10.0.0.1",
) -> Ended:
    """A share whose verdict stood so many seconds after NOON."""
    went = reason in FORWARDED
    value = (2**256 // 16).to_bytes(32, "big") if went else b""
    trip = 0.03 if went and reason is not Reason.LOST else None
    return Ended(
        at,
        at - (trip or 0.0),
        worker,
        address,
        "farm",
        "aion",
        "main" if went else "",
        job,
        reason,
        message,
        difficulty,
        value,
        trip,
        block,
    )


def run_row(last: int = 0, seen: float = 0.0, lost: int = 0, is_over: bool = False, run: int = RUN) -> Run:
    """How a run stands."""
    began = NOON * MICRO
    return Run(run, "barn", 0, "1", began, began + int(seen * MICRO), last, lost, "{}", is_over)


def batch_of(shares: Sequence[Ended], first: int = 1, run: int = RUN) -> Batch:
    """A batch of shares, numbered from `first` on."""
    rows, sources = Drafter(run).rows(enumerate(shares, first), NOON)
    return Batch(run_row(first + len(shares) - 1, shares[-1].at if shares else 0.0, run=run), rows, sources)


class Desk:
    """A process that counts its shares as a tally does, and gives them to a recorder."""

    def __init__(self) -> None:
        self.shares: Counter[str] = Counter()
        self.forwarded: Counter[str] = Counter()

    def count(self, share: Ended) -> Ended:
        """Count a share."""
        self.shares[share.reason.value] += 1
        if share.pool:
            self.forwarded[share.pool] += 1
        return share

    def counts(self) -> Counts:
        """What it has counted."""
        return Counts(self.shares.total(), dict(self.shares), dict(self.forwarded))
