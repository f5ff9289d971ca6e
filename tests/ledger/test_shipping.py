"""Each share is told to a real NATS server, whatever dies in between; a consumer sees each id once."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from proxy.errors import ConfigError
from proxy.ledger import shipping
from proxy.ledger.shipping import Queue, Shipper
from proxy.ledger.store import read_url
from tests.kit.nats import Nats, server
from tests.kit.postgres import free_port
from tests.ledger.books import NOON, RUN, Author, Process

SUBJECT = "sluice.shares"
LONGEST = 60  # seconds; a run that hangs fails


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[Nats]:
    with server(tmp_path / "jetstream") as made:
        made.make_stream()
        yield made


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for what is to come."""
    monkeypatch.setattr(shipping, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(shipping, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(shipping, "LAST_PAUSE", 0.05)
    monkeypatch.setattr(shipping, "OLD_SECONDS", 0.0)
    monkeypatch.setattr(shipping, "END_SECONDS", 0.1)


@contextmanager
def shipper(author: Author, url: str, proxy: str = "farm1") -> Iterator[Shipper]:
    """Run one until the block ends, then let it finish."""
    made = Shipper(author.place, url, SUBJECT, proxy, wall_clock=lambda: NOON)
    made.start()
    yield made
    made.end()
    assert made.join(LONGEST), "it does not end"


def until(condition: Callable[[], bool]) -> None:
    """Wait for what a thread does by itself."""
    never, began = threading.Event(), time.monotonic()
    while not condition():
        assert time.monotonic() < began + LONGEST, "it never came"
        never.wait(0.01)


def numbers(nats: Nats) -> list[int]:
    """Which shares of the run a stream has, in its order."""
    return [int(id_.rpartition("-")[2]) for id_, _ in nats.messages()]


@pytest.fixture
def process(author: Author) -> Process:
    made = author.process()
    for second in range(5):
        made.share(NOON + second)
    return made


def test_every_share_is_told_in_its_order(author: Author, process: Process, nats: Nats) -> None:
    with shipper(author, nats.url) as one:
        process.share(NOON + 9, "rejected", message="no", block=True)
        until(lambda: one.published == 6)
    assert numbers(nats) == [1, 2, 3, 4, 5, 6]
    id_, told = nats.messages()[-1]
    assert id_ == told["id"] == f"{RUN:016x}-6"
    assert (told["proxy"], told["at"], told["worker"]) == ("farm1", "2026-11-21T00:00:09.000000Z", "rig1")
    assert (told["reason"], told["message"], told["block"], told["roundtrip_ms"]) == (
        "rejected",
        "no",
        True,
        5.0,
    )


def test_it_goes_on_where_it_was(author: Author, process: Process, nats: Nats) -> None:
    with shipper(author, nats.url) as one:
        until(lambda: one.published == 5)
    process.share(NOON + 10)
    with shipper(author, nats.url) as one:
        until(lambda: one.published == 1)
    assert numbers(nats) == [1, 2, 3, 4, 5, 6]


def test_what_was_published_but_not_noted_comes_twice_and_stays_once(
    author: Author, process: Process, nats: Nats, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a kill between the two leaves it."""
    with monkeypatch.context() as patch:
        patch.setattr(Queue, "done", lambda *_: None)
        with shipper(author, nats.url) as one:
            until(lambda: one.published >= 10)
    with shipper(author, nats.url) as one:
        until(lambda: one.published == 5)
    assert numbers(nats) == [1, 2, 3, 4, 5]


def test_a_broker_that_is_away_is_waited_for(author: Author, process: Process, nats: Nats) -> None:
    with capture_logs() as said, shipper(author, nats.url) as one:
        until(lambda: one.published == 5)
        nats.stop()
        process.share(NOON + 20)
        until(lambda: one.fault != "")
        process.share(NOON + 21)
        nats.start()
        until(lambda: one.published >= 7 and not one.fault)
    assert numbers(nats) == [1, 2, 3, 4, 5, 6, 7]
    events = [line["event"] for line in said]
    assert events == ["shares are not told to NATS", "shares are told to NATS again"]


def test_a_broker_that_was_never_there_keeps_nobody(author: Author, process: Process) -> None:
    with capture_logs() as said, shipper(author, f"nats://me:hunter2@127.0.0.1:{free_port()}") as one:
        until(lambda: one.fault != "")
        assert "refused" in one.fault or "Connect call failed" in one.fault
    assert one.published == 0
    assert "hunter2" not in str(said)


def test_a_subject_that_no_stream_takes_is_said(author: Author, process: Process, tmp_path: Path) -> None:
    with server(tmp_path / "none") as bare, capture_logs():
        with shipper(author, bare.url) as one:
            until(lambda: one.fault != "")
            assert one.fault.startswith("no stream takes the subject; make one: nats stream add")
            bare.make_stream()
            until(lambda: one.published == 5)
        assert numbers(bare) == [1, 2, 3, 4, 5]


def test_rows_that_will_never_come_hold_up_nothing(author: Author, nats: Nats) -> None:
    process = author.process()
    for second in range(6):
        process.share(NOON + second, written=second not in (0, 2, 3))
    with shipper(author, nats.url) as one:
        until(lambda: one.published == 3)
    assert numbers(nats) == [2, 5, 6]


def test_what_was_before_is_left_out_and_what_a_spool_brings_late_is_not(
    author: Author, process: Process, nats: Nats
) -> None:
    old = author.process(7, started=NOON - 1000)
    old.share(NOON - 999)
    old.share(NOON - 998)
    with shipper(author, nats.url) as one:
        until(lambda: one.published == 5)
        old.share(NOON - 997)
        until(lambda: one.published == 6)
    assert [id_ for id_, _ in nats.messages()][-1] == f"{7:016x}-3"
    assert len(nats.messages()) == 6


def test_each_proxy_tells_its_own(author: Author, process: Process, nats: Nats) -> None:
    author.process(8, proxy="farm2").share(NOON + 1)
    with shipper(author, nats.url, "farm2") as two, shipper(author, nats.url) as one:
        until(lambda: one.published == 5 and two.published == 1)
    assert sorted(told["proxy"] for _, told in nats.messages()) == ["farm1"] * 5 + ["farm2"]


def test_a_book_whose_tables_are_still_to_be_made_is_waited_for(url: str, nats: Nats) -> None:
    place = read_url(url)
    with capture_logs() as said:
        one = Shipper(place, nats.url, SUBJECT, "farm1", wall_clock=lambda: NOON)
        one.start()
        made = Author(url)
        made.process().share(NOON + 1)
        until(lambda: one.published == 1)
        one.end()
        assert one.join(LONGEST)
    made.close()
    assert said == []


def test_without_the_client_it_is_said(author: Author, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nats", None)
    with pytest.raises(ConfigError, match=r"install it with pip install 'sluice\[nats\]'"):
        Shipper(author.place, "nats://h", SUBJECT, "farm1")
