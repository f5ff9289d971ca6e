"""The counts that say where every share went, and the two sums that must hold.

    received  = filtered (by reason) + kept + forwarded
    forwarded = accepted + rejected + lost + in flight

Plain integers, because a labelled metric costs more than parsing a share; ops/metrics.py reads them
when it is scraped.  A share is counted as received when it is read, under its verdict when that stands.
"""

from bisect import bisect_left
from collections import Counter, defaultdict

from proxy.model.share import FILTERED, FORWARDED, Reason


class Histogram:
    """Counts observations in buckets, as Prometheus has it.

    Args:
        bounds: upper bounds, growing; a last bucket without bound is added.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one observation."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


FANOUT_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0)
VERIFY_BOUNDS = (5e-6, 1e-5, 2e-5, 3e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 5e-3)
ROUNDTRIP_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)


class Tally:
    """Every count of the proxy; written by the relay and its sides, read by the windows of ops/."""

    def __init__(self) -> None:
        # Those counted for every share are no Counters: a Counter takes three times as long to add one.
        self.received: dict[tuple[str, str], int] = defaultdict(int)  # by listener, dialect
        self.shares: dict[Reason, int] = defaultdict(int)
        self.work: dict[Reason, float] = defaultdict(float)
        self.forwarded: dict[str, int] = defaultdict(int)  # by pool, "none" when none was up
        self.in_flight = 0
        self.blocks = 0  # accepted shares below the network's target, where that is known
        self.connections: Counter[str] = Counter()  # by listener
        self.disconnects: Counter[tuple[str, str]] = Counter()  # by listener, reason
        self.bans: Counter[str] = Counter()  # by reason
        self.banned = 0  # now
        self.limits: Counter[str] = Counter()  # how often a miner was held up, by limit
        self.jobs: Counter[tuple[str, bool]] = Counter()  # by pool, clean
        self.switches: Counter[tuple[str, str, str]] = Counter()  # from pool, to pool, reason
        self.network_bytes: dict[tuple[str, str], int] = defaultdict(int)  # by side, direction
        self.fanout = Histogram(FANOUT_BOUNDS)
        self.verify = Histogram(VERIFY_BOUNDS)
        self.roundtrip: dict[str, Histogram] = {}  # by pool

    def judge(self, reason: Reason, difficulty: float) -> None:
        """Count the end of a share.

        Args:
            difficulty: what its work asked; 0 if the work is not known.
        """
        self.shares[reason] += 1
        self.work[reason] += difficulty

    def sent(self, pool: str) -> None:
        """Count a share that goes to a pool, or to none."""
        self.forwarded[pool] += 1
        self.in_flight += 1

    def returned(self, pool: str, reason: Reason, difficulty: float, seconds: float | None) -> None:
        """Count the verdict on a forwarded share.

        Args:
            seconds: from forwarding to the pool's answer; None if it gave none.
        """
        self.in_flight -= 1
        self.judge(reason, difficulty)
        if seconds is not None:
            histogram = self.roundtrip.get(pool)
            if histogram is None:
                histogram = self.roundtrip[pool] = Histogram(ROUNDTRIP_BOUNDS)
            histogram.observe(seconds)

    @property
    def credited(self) -> float:
        """Difficulty of all good shares, summed; its growth in a second is Sol/s."""
        return self.work.get(Reason.ACCEPTED, 0.0) + self.work.get(Reason.KEPT, 0.0)

    @property
    def received_total(self) -> int:
        """Shares that miners sent."""
        return sum(self.received.values())

    @property
    def forwarded_total(self) -> int:
        """Shares that went on to a pool, or would have."""
        return sum(self.forwarded.values())

    @property
    def conserved(self) -> bool:
        """Whether both sums hold."""
        shares = Counter(self.shares)
        filtered = sum(shares[reason] for reason in FILTERED)
        ended = sum(shares[reason] for reason in FORWARDED)
        return (
            self.received_total == filtered + shares[Reason.KEPT] + self.forwarded_total
            and self.forwarded_total == ended + self.in_flight
        )
