"""Counts as a worker would have them, made by what could have happened to it."""

from collections import Counter

from hypothesis import strategies as st

from proxy.core.tally import Tally
from proxy.model.share import FILTERED, FORWARDED, Reason
from proxy.workers.books import NONE, Book
from proxy.workers.messages import Report, report

POOLS = ("main", "spare")
LABELS = (("farm", "aion"), ("farm", "login"), ("barn", "aion"))

# One event each: a share's label and end; None for one the pool has not answered.
events = st.lists(
    st.tuples(
        st.sampled_from(LABELS),
        st.sampled_from([*FILTERED, Reason.KEPT, *FORWARDED, None]),
        st.sampled_from([*POOLS, NONE]),
        st.sampled_from([1.0, 4.0]),
    ),
    max_size=30,
)


def happened(said: list[tuple[tuple[str, str], Reason | None, str, float]], tally: Tally) -> Tally:
    """Count events."""
    for label, end, pool, difficulty in said:
        tally.received[label] += 1
        if end in FILTERED or end is Reason.KEPT:
            tally.judge(end, difficulty)
        else:
            tally.sent(pool)
            if pool == NONE:
                tally.returned(pool, Reason.LOST, difficulty, None)
            elif end is not None:
                tally.returned(pool, end, difficulty, 0.01)
    return tally


def seen(said: list[tuple[tuple[str, str], Reason | None, str, float]]) -> Book:
    """What the parent sees of the same events."""
    book = Book()
    for _, end, pool, _ in said:
        if end not in FILTERED and end is not Reason.KEPT and pool != NONE:
            book.arrived[pool] += 1
            if end is not None:
                book.settled[end] += 1
    return book


def a_report(tally: Tally | None = None, **names: int) -> Report:
    """A report of a worker that has a miner, and work."""
    return report(
        tally or Tally(),
        Counter({("farm", "aion"): 1}),
        {"lent": 1, "resting": 0, "free": 255},
        names,
        has_work=True,
    )
