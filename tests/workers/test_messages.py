"""What goes over the channel comes out as it went in, in bounded lines."""

from collections import Counter

import msgspec
import pytest
from hypothesis import given

from proxy.config import Address, Config, Limits, Listen, Pool, Upstream, Vardiff
from proxy.core.tally import Tally
from proxy.model.share import Reason
from proxy.ops.crowd import MinerQuery
from proxy.workers.messages import (
    LINE_BYTES,
    Charge,
    Report,
    Stop,
    counted,
    line,
    read_order,
    read_told,
    report,
    tally_of,
)
from proxy.workers.questions import Answer, Ask, BadShares, Bans, Disconnect, Miners, Release
from proxy.workers.records import NAMES_A_LINE, RECORDS_A_LINE, Added
from tests.workers.reports import a_report, events, happened

CONFIG = Config(
    workers=2,
    upstream=Upstream(user="1.1", pools=(Pool(url=Address("unix", "", 0, "/x")),)),
    listen=(Listen(), Listen(name="b", difficulty=8.5), Listen(name="c", difficulty=Vardiff(start=9))),
    limits=Limits(idle_seconds=1e9),
    given=frozenset({"limits.line_bytes"}),
)


def read_a_report(text: bytes) -> Report:
    """Read a line that is a report."""
    told = read_told(text)
    assert isinstance(told, Report)
    return told


def test_a_charge_brings_the_whole_configuration() -> None:
    charge = Charge(3, "3.7", CONFIG, ["main", "spare"], [5, 6, 7])
    data = line(charge)
    assert data.endswith(b"\n")
    assert data.count(b"\n") == 1
    read = read_order(data)
    assert isinstance(read, Charge)
    assert (read.number, read.name, read.pools, read.listening) == (3, "3.7", ["main", "spare"], [5, 6, 7])
    assert read.config == CONFIG
    assert read.config.given == CONFIG.given


def test_stop() -> None:
    assert isinstance(read_order(line(Stop())), Stop)


@given(events)
def test_a_report_brings_the_counts(said: list[object]) -> None:
    tally = happened(said, Tally())  # type: ignore[arg-type]  # as events makes them
    tally.fanout.observe(0.02)
    tally.verify.observe(2e-5)
    tally.connections["farm"] += 2
    tally.disconnects["farm", "idle"] += 1
    tally.network_bytes["downstream", "in"] += 7
    told = read_a_report(line(report(tally, Counter(), {}, {}, has_work=False)))
    again = tally_of(told)
    for name in ("received", "shares", "work", "forwarded", "in_flight", "connections", "disconnects"):
        assert getattr(again, name) == getattr(tally, name), name
    assert again.network_bytes == tally.network_bytes
    assert again.verify.counts == tally.verify.counts
    assert again.fanout.total == tally.fanout.total
    assert again.conserved


def test_a_report_brings_who_is_there() -> None:
    told = read_a_report(line(a_report(rig1=2)))
    assert counted(told.miners) == {("farm", "aion"): 1}
    assert told.names == {"rig1": 2}
    assert told.slots == {"lent": 1, "resting": 0, "free": 255}
    assert told.has_work
    assert not told.last


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b'{"type":"report"}', b"\xff", line(Stop())])
def test_what_is_no_report_is_refused(text: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        read_told(text)


def test_counts_that_are_none_of_ours_are_refused() -> None:
    told = a_report()
    told.shares = {"weather": 1}
    with pytest.raises(ValueError, match="weather"):
        tally_of(told)
    told = a_report()
    told.verify.counts = [1]
    with pytest.raises(ValueError, match="another form"):
        tally_of(told)


def test_the_longest_line_of_names_is_short_enough() -> None:
    longest = {f"{number:05d}" + "\U0001f40c" * 251: 1 for number in range(NAMES_A_LINE)}
    assert len(line(a_report(None, **longest))) < LINE_BYTES


def test_the_longest_line_of_records_is_short_enough() -> None:
    shares = {reason.value: 10**9 for reason in Reason}
    longest = [Added("\U0001f40c" * 256, shares, 1e300 / 3, 1e9 / 3)] * RECORDS_A_LINE
    told = a_report()
    told.records = longest
    assert len(line(told)) < LINE_BYTES
    assert read_a_report(line(told)).records == longest


def test_questions_and_answers() -> None:
    query = MinerQuery(worker="rig1", sort="accepted", descending=True)
    for question in (Miners(query), BadShares("rig1"), Bans(), Disconnect("1f"), Release("1-2")):
        read = read_order(line(Ask(7, question)))
        assert read == Ask(7, question)
    assert read_told(line(Answer(7, total=1, last=True))) == Answer(7, total=1, last=True)
