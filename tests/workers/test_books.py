"""The sums of several processes: they hold, whoever dies whenever."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from proxy.core.tally import Tally
from proxy.model.share import FORWARDED, Reason
from proxy.workers.books import Book, closed, merged
from tests.workers.reports import events, happened, seen

COUNTERS = ("received", "shares", "work", "forwarded")


def grew(before: Tally, after: Tally) -> bool:
    """Whether no count is smaller."""
    pairs: list[tuple[Mapping[object, float], Mapping[object, float]]] = [
        (getattr(before, name), getattr(after, name)) for name in COUNTERS
    ]
    return all(new.get(key, 0) >= count - 1e-9 for old, new in pairs for key, count in old.items())


@given(st.lists(events, max_size=4))
def test_a_sum_of_workers_is_conserved(lives: list[list[object]]) -> None:
    parts = [happened(life, Tally()) for life in lives]  # type: ignore[arg-type]  # as events makes them
    total = merged(Tally(), parts)
    assert total.conserved
    assert total.received_total == sum(len(life) for life in lives)
    assert total.credited == sum(part.credited for part in parts)


def test_each_fact_is_from_whoever_knows_it() -> None:
    own, part = Tally(), Tally()
    for tally in (own, part):
        tally.jobs["main", True] += 1
        tally.switches["main", "spare", "lost"] += 1
        tally.network_bytes["upstream", "in"] += 10
        tally.network_bytes["downstream", "in"] += 1
        tally.connections["farm"] += 1
        tally.disconnects["farm", "idle"] += 1
        tally.fanout.observe(0.01)
        tally.verify.observe(1e-5)
        tally.received["farm", "aion"] += 1
        tally.sent("main")
        tally.returned("main", Reason.ACCEPTED, 2.0, 0.1)
    total = merged(own, [part, part])
    assert total.jobs == {("main", True): 1}
    assert total.switches == {("main", "spare", "lost"): 1}
    assert total.network_bytes == {("upstream", "in"): 10, ("downstream", "in"): 2}
    assert total.connections == {"farm": 2}
    assert total.disconnects == {("farm", "idle"): 2}
    assert sum(total.fanout.counts) == sum(total.verify.counts) == 2
    assert total.forwarded == {"main": 2}
    assert sum(total.roundtrip["main"].counts) == 1
    assert total.conserved


# ---- one that dies


@given(events, events, st.integers(0, 30))
def test_a_dead_workers_books_close_whatever_was_on_its_way(
    told: list[object], untold: list[object], never_arrived: int
) -> None:
    last = happened(told, Tally())  # type: ignore[arg-type]
    book = seen([*told, *untold])  # type: ignore[list-item]
    for pool in list(book.arrived):  # what stayed behind in the worker's socket, all without an end
        stuck = min(never_arrived, book.arrived[pool], max(0, book.waiting))
        book.arrived[pool] -= stuck
    ended = closed(last, book, usual=1.0)
    assert ended.conserved
    assert grew(last, ended)
    assert ended.in_flight <= max(book.waiting, 0)


@given(events, events)
def test_nothing_goes_back_while_the_last_shares_come_in_and_are_answered(
    told: list[object], untold: list[object]
) -> None:
    """From the death on: shares that were in the socket arrive, verdicts come, the connection ends."""
    last = happened(told, Tally())  # type: ignore[arg-type]
    full = seen([*told, *untold])  # type: ignore[list-item]
    book = seen(told)  # type: ignore[arg-type]
    book.connections = 1
    before = closed(last, book, 1.0)
    assert before.conserved
    for pool in full.arrived:
        book.arrived[pool] = full.arrived[pool]
        after = closed(last, book, 1.0)
        assert after.conserved
        assert grew(before, after)
        before = after
    for reason in FORWARDED:
        book.settled[reason] = full.settled[reason]
        after = closed(last, book, 1.0)
        assert after.conserved
        assert grew(before, after)
        before = after
    book.connections = 0
    book.settled[Reason.LOST] += book.waiting
    assert book.is_closed
    final = closed(last, book, 1.0)
    assert final.conserved
    assert final.in_flight == 0
    assert grew(before, final)


def test_shares_of_its_last_second_count_with_their_verdicts() -> None:
    last = Tally()
    for _ in range(3):
        last.received["farm", "login"] += 1
        last.sent("main")
    last.returned("main", Reason.ACCEPTED, 4.0, 0.1)
    book = Book()
    book.arrived["main"] = 5
    book.settled.update({Reason.ACCEPTED: 3, Reason.REJECTED: 1})
    ended = closed(last, book, usual=1.0)
    assert ended.received == {("farm", "login"): 5}, "nobody knows better where they came in"
    assert ended.forwarded == {"main": 5}
    assert ended.shares == {Reason.ACCEPTED: 3, Reason.REJECTED: 1}
    assert ended.work == {Reason.ACCEPTED: 12.0, Reason.REJECTED: 4.0}
    assert ended.in_flight == 1


def test_shares_that_never_left_it_are_lost() -> None:
    last = Tally()
    last.received["farm", "aion"] += 2
    last.sent("main")
    last.sent("main")
    book = Book(connections=1)
    book.arrived["main"] = 1
    assert closed(last, book, 8.0).in_flight == 2, "the other may still be on its way"
    book.connections = 0
    book.settled[Reason.ACCEPTED] += 1
    ended = closed(last, book, 8.0)
    assert ended.shares == {Reason.ACCEPTED: 1, Reason.LOST: 1}
    assert ended.work == {Reason.ACCEPTED: 8.0, Reason.LOST: 8.0}


def test_one_that_never_reported() -> None:
    book = Book()
    book.arrived["main"] = 1
    book.settled[Reason.UNKNOWN_JOB] = 1
    ended = closed(Tally(), book, usual=2.0)
    assert ended.received == {("unknown", "unknown"): 1}
    assert ended.shares == {Reason.REJECTED: 1}
    assert ended.conserved
