"""What goes over the channel comes out as it went in, in bounded lines."""

from collections import Counter

import msgspec
import pytest
from hypothesis import given

from proxy.config import Address, Config, Limits, Listen, Pool, Upstream, Vardiff
from proxy.core.tally import Tally
from proxy.workers.messages import (
    LINE_BYTES,
    NAMES_A_LINE,
    Charge,
    Names,
    Stop,
    counted,
    line,
    read_order,
    read_report,
    report,
    tally_of,
)
from tests.workers.reports import a_report, events, happened

CONFIG = Config(
    workers=2,
    upstream=Upstream(user="1.1", pools=(Pool(url=Address("unix", "", 0, "/x")),)),
    listen=(Listen(), Listen(name="b", difficulty=8.5), Listen(name="c", difficulty=Vardiff(start=9))),
    limits=Limits(idle_seconds=1e9),
    given=frozenset({"limits.line_bytes"}),
)


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
    told = read_report(line(report(tally, Counter(), {}, {}, has_work=False)))
    again = tally_of(told)
    for name in ("received", "shares", "work", "forwarded", "in_flight", "connections", "disconnects"):
        assert getattr(again, name) == getattr(tally, name), name
    assert again.network_bytes == tally.network_bytes
    assert again.verify.counts == tally.verify.counts
    assert again.fanout.total == tally.fanout.total
    assert again.conserved


def test_a_report_brings_who_is_there() -> None:
    told = read_report(line(a_report(rig1=2)))
    assert counted(told.miners) == {("farm", "aion"): 1}
    assert told.names == {"rig1": 2}
    assert told.slots == {"lent": 1, "resting": 0, "free": 255}
    assert told.has_work
    assert not told.last


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b'{"type":"report"}', b"\xff", line(Stop())])
def test_what_is_no_report_is_refused(text: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        read_report(text)


def test_counts_that_are_none_of_ours_are_refused() -> None:
    told = a_report()
    told.shares = {"weather": 1}
    with pytest.raises(ValueError, match="weather"):
        tally_of(told)
    told = a_report()
    told.verify.counts = [1]
    with pytest.raises(ValueError, match="another form"):
        tally_of(told)


def test_names_are_told_when_they_change() -> None:
    names = Names()
    assert list(names.changes({})) == [{}]
    assert list(names.changes({"rig1": 1, "rig2": 1})) == [{"rig1": 1, "rig2": 1}]
    assert list(names.changes({"rig1": 1, "rig2": 1})) == [{}]
    assert list(names.changes({"rig1": 2})) == [{"rig1": 2, "rig2": 0}]


def test_many_names_are_told_in_lines_that_are_short_enough() -> None:
    longest = {f"{number:05d}" + "\U0001f40c" * 251: 1 for number in range(2 * NAMES_A_LINE + 1)}
    parts = list(Names().changes(longest))
    assert [len(part) for part in parts] == [NAMES_A_LINE, NAMES_A_LINE, 1]
    assert len(line(a_report(None, **parts[0]))) < LINE_BYTES
    assert {name for part in parts for name in part} == set(longest)
