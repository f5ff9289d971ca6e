"""Records of miners' workers on their way from the processes that have them to the one that shows them."""

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from proxy.core.workerbook import Record, WorkerBook
from proxy.model.share import Reason
from proxy.workers.records import LATE_SECONDS, NAMES_A_LINE, RECORDS_A_LINE, Added, Gathered, Part, Telling


@pytest.fixture
def clock() -> MockClock:
    """Let time jump."""
    return MockClock(autojump_threshold=0)


async def told(telling: Telling) -> list[Part]:
    """All that is told now."""
    return [part async for part in telling.parts()]


def good(record: Record, work: float = 4.0) -> None:
    """Let it have a share accepted."""
    record.good(Reason.ACCEPTED, work, trio.current_time())


def bad(record: Record) -> None:
    """Let it have one refused."""
    record.came_to_nothing(Reason.STALE, "", "7", "10.0.0.1", trio.current_time())


async def test_names_are_told_when_they_change() -> None:
    book = WorkerBook()
    telling = Telling(book)
    assert await told(telling) == [({}, [])], "nothing is told as well: the counts go with it"
    rig1 = book.join("rig1", trio.current_time())
    book.join("rig2", trio.current_time())
    assert await told(telling) == [({"rig1": 1, "rig2": 1}, [])]
    assert await told(telling) == [({}, [])]
    book.join("rig1", trio.current_time())
    book.part(book.online["rig2"], trio.current_time())
    assert await told(telling) == [({"rig1": 2, "rig2": 0}, [])]
    assert rig1.miners == 2


async def test_only_what_was_added_is_told(clock: MockClock) -> None:
    book = WorkerBook()
    telling = Telling(book)
    record = book.join("rig1", trio.current_time())
    book.join("rig2", trio.current_time())
    good(record)
    good(record)
    ((_, added),) = await told(telling)
    assert added == [Added("rig1", {"accepted": 2}, 8.0, 0.0)]
    await trio.sleep(1)
    bad(record)
    await trio.sleep(0.25)
    ((_, added),) = await told(telling)
    assert added == [Added("rig1", {"stale": 1}, 0.0, 0.25)]
    assert await told(telling) == [({}, [])]


async def test_what_comes_within_the_same_moment_is_told_next_time() -> None:
    book = WorkerBook()
    telling = Telling(book)
    record = book.join("rig1", trio.current_time())
    now = trio.current_time()
    record.good(Reason.ACCEPTED, 4.0, now)
    await told(telling)
    telling._at = now  # the clock had not moved
    record.good(Reason.KEPT, 4.0, now)
    ((_, added),) = await told(telling)
    assert added[0].shares == {"kept": 1}


async def test_a_verdict_that_comes_when_its_worker_has_gone_is_told(clock: MockClock) -> None:
    book = WorkerBook()
    telling = Telling(book)
    record = book.join("rig1", trio.current_time())
    good(record)
    book.part(record, trio.current_time())
    await told(telling)
    await trio.sleep(LATE_SECONDS / 2)
    good(record)
    ((_, added),) = await told(telling)
    assert [one.name for one in added] == ["rig1"]


async def test_thousands_are_told_in_lines_that_are_short_enough() -> None:
    book = WorkerBook()
    telling = Telling(book)
    for number in range(NAMES_A_LINE + 1):
        good(book.join(f"rig{number}", trio.current_time()))
    parts = await told(telling)
    assert [len(names) for names, _ in parts if names] == [NAMES_A_LINE, 1]
    assert max(len(records) for _, records in parts) == RECORDS_A_LINE
    assert sum(len(records) for _, records in parts) == NAMES_A_LINE + 1
    first_record = next(place for place, (_, records) in enumerate(parts) if records)
    assert not any(names for names, _ in parts[first_record:]), "names that have come are told first"


async def test_one_that_was_forgotten_and_comes_back_begins_anew() -> None:
    book = WorkerBook()
    telling = Telling(book)
    record = book.join("rig1", trio.current_time())
    bad(record)
    await told(telling)
    book.part(record, trio.current_time())  # without a good share it is forgotten
    again = book.join("rig1", trio.current_time())
    assert again is not record
    bad(again)
    ((_, added),) = await told(telling)
    assert added[0].shares == {"stale": 1}


# ---- the parent's book


def gathered(now: list[float]) -> Gathered:
    """A parent's side on a clock in the test's hand."""
    return Gathered(lambda: now[0])


def test_one_worker_may_have_miners_at_several_processes() -> None:
    now = [1000.0]
    made = gathered(now)
    one: dict[str, int] = {}
    other: dict[str, int] = {}
    made.take(one, {"rig1": 2}, [Added("rig1", {"accepted": 1}, 4.0, 0.0)])
    made.take(other, {"rig1": 1}, [Added("rig1", {"accepted": 2, "stale": 1}, 8.0, 0.5)])
    record = made.book.online["rig1"]
    assert record.miners == 3
    assert record.shares == {Reason.ACCEPTED: 3, Reason.STALE: 1}
    assert record.work == 12.0
    assert record.last_share == 1000.0
    made.take(one, {"rig1": 0}, [])
    assert made.book.connections == {"rig1": 1}
    made.end(other)
    assert made.book.connections == {}
    assert made.book.find("rig1") is record, "it has worked, so it is remembered"
    assert other == {}


def test_its_work_over_time_is_known() -> None:
    now = [1000.0]
    made = gathered(now)
    before: dict[str, int] = {}
    made.take(before, {"rig1": 1}, [])
    for _ in range(60):
        now[0] += 1
        made.take(before, {}, [Added("rig1", {"accepted": 1}, 8.0, 0.1)])
    windows = made.book.online["rig1"].windows
    assert windows is not None
    assert windows.rates(now[0])["1m"] == pytest.approx(8.0, rel=0.1)
    assert made.total is not None
    assert made.total.rates(now[0])["1m"] == pytest.approx(8.0, rel=0.1)


def test_whoever_goes_with_its_last_share_is_not_forgotten_before_it_counts() -> None:
    made = gathered([1000.0])
    made.take({}, {"rig1": 1}, [])
    made.take({"rig1": 1}, {"rig1": 0}, [Added("rig1", {"accepted": 1}, 4.0, 0.0)])
    assert made.book.offline["rig1"].shares == {Reason.ACCEPTED: 1}


def test_additions_of_one_that_is_forgotten_are_nobodys() -> None:
    made = gathered([1000.0])
    made.take({}, {}, [Added("ghost", {"accepted": 1}, 4.0, 0.0)])
    assert len(made.book) == 0


def test_a_verdict_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="weather"):
        gathered([1000.0]).take({}, {"rig1": 1}, [Added("rig1", {"weather": 1}, 4.0, 0.0)])


moves = st.lists(
    st.tuples(
        st.sampled_from(("rig1", "rig2")),
        st.sampled_from(("join", "part", "good", "bad", "tell")),
        st.booleans(),
    ),
    max_size=40,
)


@given(moves)
def test_both_books_agree_whatever_happens(said: list[tuple[str, str, bool]]) -> None:
    async def play() -> None:
        books = [WorkerBook(), WorkerBook()]
        tellings = [Telling(book) for book in books]
        before: list[dict[str, int]] = [{}, {}]
        made = Gathered()
        for name, what, second in [*said, ("", "tell", False), ("", "tell", True)]:
            book = books[second]
            record = book.online.get(name)
            if what == "join":
                book.join(name, trio.current_time())
            elif what == "tell":
                for part in await told(tellings[second]):
                    made.take(before[second], *part)
            elif record is None:
                continue
            elif what == "part":
                book.part(record, trio.current_time())
            elif what == "good":
                good(record)
            else:
                bad(record)
        for name in ("rig1", "rig2"):
            here = sum(book.connections.get(name, 0) for book in books)
            assert made.book.connections.get(name, 0) == here

    trio.run(play, clock=MockClock(autojump_threshold=0))
