"""The arithmetic of several processes: one proxy's counts made of theirs.

    of each worker    connections, received, filtered, kept, forwarded, verdicts, bytes of miners
    of the parent     jobs, switches, round trips, bytes of pools

Strategy: a worker's counts are conserved in themselves, so their sum is; its forwarded shares stand under
the pool's own name and verdict, which the parent lets it know.  Of a worker that died the last report is
closed by what the parent saw of its shares since: Book.
The trap: counters may never go down, not when a worker dies, nor when its shares are answered after that.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, MutableMapping
from typing import TypeVar

import attrs

from proxy.core.tally import Histogram, Tally
from proxy.model.share import FORWARDED, Reason

NONE = "none"  # of a share that found no pool
_Key = TypeVar("_Key")


@attrs.define(eq=False)
class Book:
    """What the parent has seen of one worker's shares.

    Args:
        arrived: by pool.
        settled: by verdict.
        connections: of the worker to the parent, now.
    """

    # No Counters: those take three times as long to add one.
    arrived: dict[str, int] = attrs.field(factory=lambda: defaultdict(int))
    settled: dict[Reason, int] = attrs.field(factory=lambda: defaultdict(int))
    connections: int = 0

    @property
    def waiting(self) -> int:
        """Shares without a verdict yet."""
        return sum(self.arrived.values()) - sum(self.settled.values())

    @property
    def is_closed(self) -> bool:
        """Whether nothing more can happen to it, once the worker is dead."""
        return not self.connections and self.waiting <= 0


def add(total: Tally, part: Tally) -> None:
    """Add a worker's counts to a sum; what a worker knows of pools it knows of the parent, and stays out."""
    _add(total.received, part.received)
    _add(total.shares, part.shares)
    for reason, work in part.work.items():
        total.work[reason] += work
    _add(total.forwarded, part.forwarded)
    total.in_flight += part.in_flight
    total.blocks += part.blocks
    _add(total.connections, part.connections)
    _add(total.disconnects, part.disconnects)
    _add(total.bans, part.bans)
    _add(total.limits, part.limits)
    total.banned += part.banned
    for (side, direction), count in part.network_bytes.items():
        if side == "downstream":
            total.network_bytes[side, direction] += count
    _pour(total.fanout, part.fanout)
    _pour(total.verify, part.verify)


def merged(own: Tally, parts: Iterable[Tally]) -> Tally:
    """Make the counts of a whole proxy.

    Args:
        own: the parent's.
        parts: the workers'.
    """
    total = Tally()
    for part in parts:
        add(total, part)
    total.jobs.update(own.jobs)
    total.switches.update(own.switches)
    total.roundtrip = own.roundtrip
    for (side, direction), count in own.network_bytes.items():
        if side == "upstream":
            total.network_bytes[side, direction] += count
    return total


def closed(last: Tally, book: Book, usual: float) -> Tally:
    """Close the books of a worker that died.

    Shares that its last report does not know, but the parent does, count as received, and under the
    verdict they had or will have.  Those that it refused or kept since then nobody knows.

    Args:
        last: its last report; conserved.
        usual: the difficulty of a share, where it reported none.
    Returns: conserved counts, none of them below those of `last`.
    """
    total = Tally()
    add(total, last)
    total.banned = 0  # who was banned there comes to another process, which knows nothing of it
    for pool, count in book.arrived.items():
        missed = count - total.forwarded.get(pool, 0)
        if missed > 0 and pool != NONE:
            total.forwarded[pool] += missed
            total.received[_busiest(last)] += missed
    ended = Counter({reason: last.shares.get(reason, 0) for reason in FORWARDED})
    settled = Counter(book.settled)
    settled[Reason.REJECTED] += sum(n for reason, n in book.settled.items() if reason not in FORWARDED)
    settled[Reason.LOST] += last.forwarded.get(NONE, 0)  # these never came here
    difficulty = _mean(last, usual)
    left = total.forwarded_total - ended.total()
    for reason in FORWARDED:
        fresh = min(left, max(0, settled[reason] - ended[reason]))
        left -= fresh
        _end(total, reason, fresh, difficulty)
    # What is still on its way here has no end yet; with nothing on its way the rest never left the worker.
    total.in_flight = left if book.connections else min(left, max(0, book.waiting))
    _end(total, Reason.LOST, left - total.in_flight, difficulty)
    return total


def _end(total: Tally, reason: Reason, count: int, difficulty: float) -> None:
    if count:
        total.shares[reason] += count
        total.work[reason] += count * difficulty


def _busiest(tally: Tally) -> tuple[str, str]:
    """Where most shares came in: of those that died unreported nobody knows better."""
    return max(tally.received, key=tally.received.__getitem__, default=("unknown", "unknown"))


def _mean(tally: Tally, usual: float) -> float:
    shares = sum(tally.shares.get(reason, 0) for reason in FORWARDED)
    return sum(tally.work.get(reason, 0.0) for reason in FORWARDED) / shares if shares else usual


def _add(total: MutableMapping[_Key, int], part: Mapping[_Key, int]) -> None:
    for key, count in part.items():
        total[key] = total.get(key, 0) + count


def _pour(total: Histogram, part: Histogram) -> None:
    total.counts = [have + more for have, more in zip(total.counts, part.counts, strict=True)]
    total.total += part.total
