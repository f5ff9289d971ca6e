"""Workers that come, work, go and are remembered, or are not."""

from proxy.core import workerbook
from proxy.core.workerbook import BAD_SHARES, WorkerBook
from proxy.model.share import Reason


def test_connections_of_one_worker_have_one_record() -> None:
    book = WorkerBook()

    first, second = book.join("rig1", 0.0), book.join("rig1", 5.0)

    assert first is second
    assert book.connections == {"rig1": 2}
    assert (first.first_seen, first.last_seen) == (0.0, 5.0)


def test_a_worker_that_has_worked_is_remembered_and_comes_back_to_its_record() -> None:
    book = WorkerBook()
    record = book.join("rig1", 0.0)
    record.good(Reason.ACCEPTED, 8.0, 3.0)

    book.part(record, 60.0)

    assert book.connections == {}
    assert book.find("rig1") is record
    assert record.last_seen == 60.0
    assert book.join("rig1", 70.0) is record
    assert not book.offline


def test_a_name_without_a_good_share_is_forgotten_at_once() -> None:
    book = WorkerBook()
    record = book.join("nobody", 0.0)
    record.came_to_nothing(Reason.INVALID_SOLUTION, "", "0a", "192.0.2.1", 1.0)

    book.part(record, 2.0)

    assert len(book) == 0


def test_who_has_been_away_for_too_long_is_forgotten() -> None:
    book = WorkerBook(keep_seconds=100.0)
    for name, leaves in (("old", 10.0), ("young", 60.0)):
        record = book.join(name, 0.0)
        record.good(Reason.KEPT, 1.0, 1.0)
        book.part(record, leaves)

    book.forget(110.0)

    assert list(book.offline) == ["young"]


def test_only_so_many_are_remembered() -> None:
    book = WorkerBook()
    for number in range(workerbook.MAX_OFFLINE + 5):
        record = book.join(f"rig{number}", 0.0)
        record.good(Reason.ACCEPTED, 1.0, 1.0)
        book.part(record, float(number))

    assert len(book) == workerbook.MAX_OFFLINE
    assert book.find("rig4") is None
    assert book.find("rig5") is not None


def test_a_verdict_that_comes_late_counts_for_the_worker_that_sent_it() -> None:
    book = WorkerBook()
    record = book.join("rig1", 0.0)
    book.part(record, 1.0)

    record.good(Reason.ACCEPTED, 4.0, 2.0)

    assert book.find("rig1") is None
    assert record.work == 4.0


def test_the_latest_bad_shares_are_kept_and_texts_are_cut() -> None:
    record = WorkerBook().join("rig1", 0.0)
    for number in range(BAD_SHARES + 3):
        record.came_to_nothing(Reason.REJECTED, "x" * 500, "y" * 500, "192.0.2.1", float(number))

    assert record.bad is not None
    assert [bad.at for bad in record.bad] == [float(number) for number in range(3, BAD_SHARES + 3)]
    assert {(len(bad.detail), len(bad.job_id)) for bad in record.bad} == {(120, 40)}
    assert record.bad_count == BAD_SHARES + 3
    assert not record.has_worked


def test_work_counts_what_was_accepted_and_kept() -> None:
    record = WorkerBook().join("rig1", 0.0)
    record.good(Reason.ACCEPTED, 8.0, 10.0)
    record.good(Reason.KEPT, 2.0, 20.0)
    record.came_to_nothing(Reason.STALE, "", "0a", "192.0.2.1", 30.0)

    assert record.work == 10.0
    assert record.shares == {Reason.ACCEPTED: 1, Reason.KEPT: 1, Reason.STALE: 1}
    assert record.last_share == 30.0
    assert record.windows is not None
    assert record.windows.rates(40.0)["1m"] == 10.0 / 40.0
