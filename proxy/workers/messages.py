"""What parent and worker say on the channel beside the shares: JSON lines, each a bounded message.

    parent → worker    Charge first, a Change with every other configuration, at most one Stop
                       Ask, whenever somebody wants to know something of the miners
    worker → parent    Report: once a second, when there is work for the first time, and last of all
                       Answer, to each Ask

Strategy: a report has whole totals, not differences, so that a lost or late one does no harm; only the
names and records of miners' workers, which may be thousands, are told by what has changed (records.py).
The traps: the charge goes through a pipe and never to argv or a file, and its one secret is ledger.url;
one line is bounded, so many names need many lines.
"""

from collections import Counter
from collections.abc import Callable, Mapping

import msgspec

from proxy.config import Config
from proxy.core.tally import Histogram, Tally
from proxy.ledger.standing import Standing
from proxy.model.share import Reason
from proxy.ops.ledgerreader import LedgerBlock
from proxy.workers.questions import Answer, Ask
from proxy.workers.records import Added

LINE_BYTES = 2_097_152  # of one message: 1000 names as long as they may be, and the counts
Labelled = list[tuple[str, str, int]]


class Charge(msgspec.Struct, tag="charge"):
    """What a worker is to do.

    Args:
        name: how it logs in at the parent; no two workers of a run have the same.
        config: its configuration, without secrets.
        pools: the parent's pools, in their order.
        listening: file numbers of its listening sockets, in the order of config.listen.
        serial: of the configuration; another one has a larger.
        keeps_ledger: whether it writes shares down, where the configuration says.
    """

    number: int
    name: str
    config: Config
    pools: list[str]
    listening: list[int]
    serial: int = 0
    keeps_ledger: bool = False


class Change(msgspec.Struct, tag="change"):
    """Go by another configuration; see Charge."""

    config: Config
    pools: list[str]
    serial: int


class Stop(msgspec.Struct, tag="stop"):
    """Answer what is in flight, then end.

    Args:
        leaves: another process has the ports, and the miners go there one by one.
    """

    leaves: bool = False


class Bars(msgspec.Struct, array_like=True):
    """A histogram."""

    counts: list[int]
    total: float


class Report(msgspec.Struct, tag="report"):
    """How a worker stands.

    Args:
        names: connections by worker name where that has changed, 0 for gone.
        records: what was added to the records of workers.
        found: shares that may be blocks.
        ledger: how its part of the ledger does.
        has_work: whether there is work for miners.
        last: nothing follows, and every share has its end.
        serial: of the configuration it goes by.
    """

    received: Labelled
    shares: dict[str, int]
    work: dict[str, float]
    forwarded: dict[str, int]
    in_flight: int
    connections: dict[str, int]
    disconnects: Labelled
    network_bytes: Labelled
    fanout: Bars
    verify: Bars
    miners: Labelled
    slots: dict[str, int]
    names: dict[str, int]
    bans: dict[str, int]
    banned: int
    limits: dict[str, int]
    has_work: bool
    last: bool = False
    serial: int = 0
    blocks: int = 0
    records: list[Added] = []
    found: list[LedgerBlock] = []
    ledger: Standing = Standing()


Order = Charge | Change | Stop | Ask
Told = Report | Answer

_encode = msgspec.json.Encoder().encode
read_order: Callable[[bytes | bytearray], Order] = msgspec.json.Decoder(Order).decode
read_told: Callable[[bytes | bytearray], Told] = msgspec.json.Decoder(Told).decode


def line(message: Order | Told) -> bytes:
    """Write a message."""
    return _encode(message) + b"\n"


def report(
    tally: Tally,
    miners: Mapping[tuple[str, str], int],
    slots: Mapping[str, int],
    names: Mapping[str, int],
    has_work: bool,
    last: bool = False,
    serial: int = 0,
    records: list[Added] | None = None,
    found: list[LedgerBlock] | None = None,
    ledger: Standing | None = None,
) -> Report:
    """Make a report of a worker's counts.

    Args:
        names: those that have changed; records, too.
    """
    return Report(
        received=_labelled(tally.received),
        shares={reason.value: count for reason, count in tally.shares.items()},
        work={reason.value: work for reason, work in tally.work.items()},
        forwarded=dict(tally.forwarded),
        in_flight=tally.in_flight,
        connections=dict(tally.connections),
        disconnects=_labelled(tally.disconnects),
        network_bytes=_labelled(tally.network_bytes),
        fanout=Bars(tally.fanout.counts, tally.fanout.total),
        verify=Bars(tally.verify.counts, tally.verify.total),
        miners=_labelled(miners),
        slots=dict(slots),
        names=dict(names),
        bans=dict(tally.bans),
        banned=tally.banned,
        limits=dict(tally.limits),
        has_work=has_work,
        last=last,
        serial=serial,
        blocks=tally.blocks,
        records=records or [],
        found=found or [],
        ledger=ledger or Standing(),
    )


def tally_of(told: Report) -> Tally:
    """Make the counts of a report again.

    Raises: ValueError for a reason or a histogram that is none of ours.
    """
    tally = Tally()
    tally.received.update(counted(told.received))
    tally.shares.update({Reason(reason): count for reason, count in told.shares.items()})
    tally.work.update({Reason(reason): work for reason, work in told.work.items()})
    tally.forwarded.update(told.forwarded)
    tally.in_flight = told.in_flight
    tally.blocks = told.blocks
    tally.connections.update(told.connections)
    tally.disconnects.update(counted(told.disconnects))
    tally.network_bytes.update(counted(told.network_bytes))
    tally.bans.update(told.bans)
    tally.banned = told.banned
    tally.limits.update(told.limits)
    _fill(tally.fanout, told.fanout)
    _fill(tally.verify, told.verify)
    return tally


def _labelled(counts: Mapping[tuple[str, str], int]) -> Labelled:
    return [(*labels, count) for labels, count in counts.items()]


def counted(labelled: Labelled) -> Counter[tuple[str, str]]:
    """Make counts by two labels again."""
    return Counter({(first, second): count for first, second, count in labelled})


def _fill(histogram: Histogram, told: Bars) -> None:
    if len(told.counts) != len(histogram.counts):
        raise ValueError("a histogram of another form")
    histogram.counts = told.counts
    histogram.total = told.total
