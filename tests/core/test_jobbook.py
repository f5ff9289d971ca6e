"""The job book: ids that stand for one content for ever, and who is told "stale" and who "unknown"."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from proxy.core.jobbook import MAX_HEADERS, MAX_LIVE, MAX_STALE, NO_WORKS, Entry, JobBook
from proxy.core.lanes import POOLS
from proxy.model.job import Job, Work
from proxy.model.target import to_bytes
from tests.kit.shares import Targets, a_job, content

A, B, C = "aa" * 32, "bb" * 32, "cc" * 32


def add(book: JobBook, job: Job) -> Work:
    """Add a job; its work at the pool's own target."""
    return book.add(job)[POOLS]


def entry_of(book: JobBook, work: Work) -> Entry:
    """The entry of a work that must still be in the book."""
    entry = book.find(work.id)
    assert entry is not None
    assert entry.work is work
    return entry


def is_live(book: JobBook, work: Work) -> bool:
    """Whether a work in the book counts."""
    return entry_of(book, work).live


def test_an_empty_book() -> None:
    book = JobBook()
    assert (len(book), book.seen, book.job) == (0, 0, None)
    assert book.find("1") is None


def test_works_are_numbered_from_the_first_serial_on() -> None:
    book = JobBook(itertools.count(0xFE))
    works = [add(book, a_job(header)) for header in (A, B, C)]
    assert [work.id for work in works] == ["0000000000fe", "0000000000ff", "000000000100"]


def test_one_work_for_each_difficulty_made_when_it_is_needed() -> None:
    book = JobBook(lanes=Targets(5000, 10))
    works = book.add(a_job(A, target=1000))
    assert (list(works), len(book)) == ([POOLS], 1)
    assert [(works[lane].lane, works[lane].target, works[lane].pool_target) for lane in (0, 2, 1)] == [
        (0, to_bytes(1000), to_bytes(1000)),
        (2, to_bytes(1000), to_bytes(1000)),  # never harder than the pool's
        (1, to_bytes(5000), to_bytes(1000)),
    ]
    assert [works[lane].serial for lane in (0, 2, 1)] == [1, 2, 3]
    assert works[1] is works[1], "made once"
    assert all(is_live(book, work) for work in works.values())


def test_no_works_are_of_no_lane() -> None:
    assert not NO_WORKS
    assert NO_WORKS.ceiling == 0
    with pytest.raises(KeyError):
        NO_WORKS[0]


def test_the_pools_difficulty_is_the_ceiling() -> None:
    assert JobBook().add(a_job(A, target=2**250)).ceiling == 64


def test_works_end_and_are_forgotten_with_their_job() -> None:
    book = JobBook(lanes=Targets(5000))
    works = [book.add(a_job(f"{n:064x}", target=1000)) for n in range(2)]
    early = works[1][1]
    late = works[0][1]  # of a job that has ended already, so never to count
    assert (is_live(book, early), is_live(book, late)) == (True, False)
    for n in range(2, MAX_STALE + 3):
        book.add(a_job(f"{n:064x}"))
    assert [book.find(work.id) for work in (early, late)] == [None, None]
    assert len(book) == MAX_STALE + 1


def test_a_work_of_a_job_that_is_forgotten_is_not_kept() -> None:
    book = JobBook(lanes=Targets(5000))
    forgotten = book.add(a_job(A))
    for n in range(MAX_STALE + 2):
        book.add(a_job(f"{n:064x}"))
    assert book.find(forgotten[1].id) is None


def test_all_works_of_a_header_have_one_memory_of_shares() -> None:
    book = JobBook(lanes=Targets(5000))
    works = book.add(a_job(A))
    assert entry_of(book, works[0]).seen is entry_of(book, works[1]).seen


def test_a_late_work_is_of_what_the_pool_says_now() -> None:
    """The same job under another name, and for another target."""
    book = JobBook(lanes=Targets(5000, 6000))
    works = book.add(a_job(A, target=1000, pool_id="1"))
    book.rename(a_job(A, target=1000, pool_id="2"))
    assert works[1].job.pool_id == "2"
    book.add(a_job(A, target=500, pool_id="3"))
    assert (works[2].job.pool_id, works[2].pool_target) == ("3", to_bytes(500))
    assert works[1].pool_target == to_bytes(500)


def test_what_was_written_of_a_work_goes_when_nobody_is_given_it_any_more() -> None:
    book = JobBook(lanes=Targets(5000))
    works = book.add(a_job(A, clean=False))
    for work in (works[0], works[1]):
        work.encoded["aion"] = b"line"
    book.rename(a_job(A, clean=False))
    assert works[0].encoded
    book.add(a_job(B, clean=False))
    assert [work.encoded for work in works.values()] == [{}, {}]


def test_a_clean_job_makes_the_earlier_ones_stale() -> None:
    book = JobBook()
    first, second = add(book, a_job(A)), add(book, a_job(B))
    assert not is_live(book, first)
    assert is_live(book, second)


def test_a_job_that_is_not_clean_leaves_the_earlier_ones_alive() -> None:
    book = JobBook()
    first, second = add(book, a_job(A)), add(book, a_job(B, clean=False))
    assert is_live(book, first)
    assert is_live(book, second)


def test_a_new_connection_ends_all_jobs_clean_or_not() -> None:
    book = JobBook()
    first = add(book, a_job(A, connection=1))
    second = add(book, a_job(A, connection=2, clean=False))
    assert not is_live(book, first)
    assert is_live(book, second)


@pytest.mark.parametrize("clean", [True, False])
def test_a_new_target_replaces_no_work_and_holds_for_the_old_one_too(clean: bool) -> None:
    book = JobBook()
    first = add(book, a_job(A, target=1000, pool_id="1"))
    second = add(book, a_job(A, target=500, pool_id="2", clean=clean))
    assert is_live(book, first)
    assert (first.target, first.pool_target) == (to_bytes(1000), to_bytes(500))
    assert (second.target, second.pool_target) == (to_bytes(500), to_bytes(500))
    assert first.job is second.job, "its shares go out under the id the pool knows now"
    assert first.id != second.id


def test_a_new_target_leaves_other_headers_alone() -> None:
    book = JobBook()
    first = add(book, a_job(A, target=1000))
    add(book, a_job(B, target=1000, clean=False))
    add(book, a_job(B, target=500, clean=False))
    assert first.pool_target == to_bytes(1000)


def test_a_new_target_does_not_revive_what_is_stale() -> None:
    book = JobBook()
    first = add(book, a_job(A, target=1000))
    add(book, a_job(B))
    add(book, a_job(A, target=1000))
    add(book, a_job(A, target=500))
    assert not is_live(book, first)
    assert first.pool_target == to_bytes(1000)


@pytest.mark.parametrize(
    ("job", "changes"),
    [
        (a_job(A, target=7), False),
        (a_job(A, target=7, pool_id="2", clean=False), False),
        (a_job(A, target=8), True),
        (a_job(B, target=7), True),
        (a_job(A, target=7, connection=2), True),
    ],
)
def test_what_is_new_to_miners(job: Job, changes: bool) -> None:
    book = JobBook()
    assert book.changes(job), "against nothing"
    add(book, a_job(A, target=7))
    assert book.changes(job) is changes


def test_a_job_that_only_has_another_name_keeps_the_miners_ids() -> None:
    book = JobBook()
    old = add(book, a_job(A, pool_id="1", clean=False))
    current = add(book, a_job(B, pool_id="2", clean=False))
    renamed = a_job(B, pool_id="3", clean=False)
    book.rename(renamed)
    assert book.job is renamed
    assert current.job is renamed
    assert old.job.pool_id == "1"
    assert len(book) == 2


def test_renaming_leaves_stale_works_alone() -> None:
    book = JobBook()
    old = add(book, a_job(A, pool_id="1"))
    add(book, a_job(B, pool_id="2"))
    book.rename(a_job(B, pool_id="3"))
    assert old.job.pool_id == "1"


def test_a_pool_that_never_cleans_keeps_so_many_works_alive() -> None:
    book = JobBook()
    works = [add(book, a_job(f"{n:064x}", clean=False)) for n in range(MAX_LIVE + 1)]
    assert [work.serial for work in works if not is_live(book, work)] == [1]


def test_stale_works_are_forgotten_oldest_first() -> None:
    book = JobBook()
    works = [add(book, a_job(f"{n:064x}")) for n in range(MAX_STALE + 2)]
    assert len(book) == MAX_STALE + 1
    assert [work.serial for work in works if book.find(work.id) is None] == [1]


def test_shares_are_remembered_by_header_whatever_the_job() -> None:
    book = JobBook()
    first = entry_of(book, add(book, a_job(A, target=9)))
    again = entry_of(book, add(book, a_job(A, target=8)))
    other = entry_of(book, add(book, a_job(B, clean=False)))
    assert first.seen is again.seen
    assert first.seen is not other.seen
    assert not first.seen.seen(b"share")
    assert again.seen.seen(b"share")
    assert not other.seen.seen(b"share")
    assert book.seen == 2


def test_headers_are_forgotten_least_used_first() -> None:
    book = JobBook()
    kept = entry_of(book, add(book, a_job(A))).seen
    gone = entry_of(book, add(book, a_job(B))).seen
    for n in range(MAX_HEADERS - 2):
        add(book, a_job(f"{n:064x}"))
    assert entry_of(book, add(book, a_job(A))).seen is kept, "used again just now"
    add(book, a_job(C))
    assert entry_of(book, add(book, a_job(A))).seen is kept
    assert entry_of(book, add(book, a_job(B))).seen is not gone


def test_a_stale_work_keeps_no_shares() -> None:
    """Or 64 stale works would hold the shares of as many headers."""
    book = JobBook()
    stale = entry_of(book, add(book, a_job(A)))
    stale.seen.seen(b"share")
    add(book, a_job(B))
    assert not stale.live
    assert len(stale.seen) == 0


def test_works_of_the_current_job_are_never_ended() -> None:
    """However many difficulties are in use."""
    book = JobBook(lanes=Targets(*range(1, 200)))
    works = book.add(a_job(A))
    assert all(is_live(book, works[lane]) for lane in range(200))


def test_what_follows_an_id_is_not_looked_at() -> None:
    book = JobBook()
    work = add(book, a_job(A))
    assert book.find(work.id + "2f") is book.find(work.id)
    assert book.find(work.id[:-1]) is None


@given(st.integers(1, 2**47), st.integers(1, 20))
def test_a_later_start_gives_no_id_again(first_serial: int, jobs: int) -> None:
    book = JobBook(itertools.count(first_serial))
    ids = {add(book, a_job(f"{n:064x}")).id for n in range(jobs)}
    later = JobBook(itertools.count(first_serial + jobs))
    assert ids.isdisjoint(add(later, a_job(f"{n:064x}")).id for n in range(jobs))


class Pool(RuleBasedStateMachine):
    """Any jobs a pool can give, in any order: clean or not, moved targets, new connections, bursts."""

    @initialize(
        first_serial=st.integers(1, 2**40),
        lanes=st.lists(st.integers(1, 50) | st.none(), min_size=1, max_size=3),
    )
    def start(self, first_serial: int, lanes: list[int | None]) -> None:
        self.lanes = Targets(*lanes)
        self.book = JobBook(itertools.count(first_serial), self.lanes)
        self.connection = 1
        self.last_serial = first_serial - 1
        self.given: dict[str, tuple[str, bytes, int]] = {}
        self.current: list[Work] = []
        self.alive: set[str] = set()
        self.ended: set[str] = set()

    def give(self, job: Job) -> None:
        before = self.alive
        if not self.book.changes(job):
            self.book.rename(job)
            assert all(map(self.live, before))
            return
        same_work = self.current and (job.header, job.connection) == content(self.current[0])[::2]
        self.works = self.book.add(job)
        after = {work_id for work_id in before if self.live(work_id)}
        self.note(self.works[POOLS], job)
        moved = any(self.given[work_id][2] != job.connection for work_id in before)
        if same_work or not (job.clean or moved):
            assert len(before) - len(after) <= len(self.lanes), "only the bound ends a work"
        else:
            assert not after, "all earlier works are over"
        self.ended |= before - after
        self.alive = after | {self.works[POOLS].id}
        self.current = [self.works[POOLS]]

    def note(self, work: Work, job: Job) -> None:
        assert work.serial > self.last_serial, "serials grow"
        assert work.id not in self.given, "ids never repeat"
        assert self.live(work.id), "the current work is live"
        assert work.job is job
        assert work.pool_target == to_bytes(job.target)
        assert work.target >= work.pool_target, "no miner is asked more than the pool asks"
        self.last_serial = work.serial
        self.given[work.id] = content(work)

    def live(self, work_id: str) -> bool:
        entry = self.book.find(work_id)
        return entry is not None and entry.live

    @rule(
        header=st.sampled_from([A, B, C]),
        asked=st.integers(1, 40),
        pool_id=st.sampled_from("123"),
        clean=st.booleans(),
    )
    def job(self, header: str, asked: int, pool_id: str, clean: bool) -> None:
        self.give(a_job(header, asked, pool_id=pool_id, clean=clean, connection=self.connection))

    @rule(count=st.integers(20, 100), clean=st.booleans(), base=st.integers(0, 1000))
    def burst(self, count: int, clean: bool, base: int) -> None:
        for n in range(count):
            self.give(a_job(f"{base + n:064x}", 40, clean=clean, connection=self.connection))

    @rule(lane=st.integers(0, 3))
    def need(self, lane: int) -> None:
        lane = lane % len(self.lanes)
        if not self.current or lane in self.works:
            return
        work = self.works[lane]
        assert self.book.job is not None
        self.note(work, self.book.job)
        self.alive.add(work.id)
        self.current.append(work)

    @rule()
    def reconnect(self) -> None:
        self.connection += 1

    @invariant()
    def ids_stand_for_one_content(self) -> None:
        if hasattr(self, "book"):
            for work_id, what in self.given.items():
                entry = self.book.find(work_id)
                if entry is not None:
                    assert content(entry.work) == what

    @invariant()
    def the_book_is_bounded(self) -> None:
        if hasattr(self, "book"):
            entries = [entry for work_id in self.given if (entry := self.book.find(work_id)) is not None]
            assert len(entries) == len(self.book)
            assert sum(entry.live for entry in entries) <= MAX_LIVE * len(self.lanes)
            assert sum(not entry.live for entry in entries) <= MAX_STALE * len(self.lanes)

    @invariant()
    def what_is_over_stays_over(self) -> None:
        if hasattr(self, "book"):
            assert not any(self.live(work_id) for work_id in self.ended)

    @invariant()
    def live_works_are_of_one_connection(self) -> None:
        if hasattr(self, "book") and self.current:
            assert {self.given[work_id][2] for work_id in self.alive} == {self.current[0].job.connection}


Pool.TestCase.settings = settings(max_examples=30, stateful_step_count=15, deadline=None)
TestPool = Pool.TestCase
