"""The columns of each table of `sluice top`, and which of them a terminal has room for.

Strategy: a column is a title, a width, and a function from a row to what stands there; a table that is too
wide gives up its least needed columns.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

import attrs

from proxy.ops import topwords as words
from proxy.ops.topdata import Ban, Miner, Pool, Worker

GOOD, WARN, BAD = "green", "yellow", "bold red"

Row = TypeVar("Row", Worker, Miner, Pool, Ban)


@attrs.frozen(kw_only=True)
class Column(Generic[Row]):
    """One column.

    Args:
        width: characters it needs.
        need: the lower, the longer it stays when there is no room.
        sort: the key of the API it can be sorted by.
        cell: what stands there, and how; of a row and the proxy's time.
    """

    title: str
    width: int
    need: int
    cell: Callable[[Row, datetime], tuple[str, str]]
    sort: str = ""
    is_text: bool = False


def _plain(function: Callable[[Row], str]) -> Callable[[Row, datetime], tuple[str, str]]:
    return lambda row, _now: (function(row), "")


def _worker_state(row: Worker, _now: datetime) -> tuple[str, str]:
    return ("online", GOOD) if row.online else ("missing", BAD)


def _ratio(shares: dict[str, int]) -> tuple[str, str]:
    ratio = words.reject_ratio(shares)
    return words.percent(ratio), "" if ratio is None or ratio < 0.02 else WARN if ratio < 0.1 else BAD


WORKERS: tuple[Column[Worker], ...] = (
    Column(title="worker", width=16, need=0, sort="name", is_text=True, cell=_plain(lambda w: w.name)),
    Column(title="state", width=7, need=1, sort="online", is_text=True, cell=_worker_state),
    Column(title="miners", width=6, need=5, sort="miners", cell=_plain(lambda w: words.amount(w.miners))),
    *(
        Column(
            title=f"Sol/s {span}",
            width=9,
            need=need,
            sort=f"sols_{span}",
            cell=_plain(lambda w, span=span: words.amount(w.sols_per_second.get(span))),  # type: ignore[misc]
        )
        for span, need in (("1m", 6), ("10m", 2), ("1h", 7), ("24h", 9))
    ),
    Column(
        title="accepted",
        width=8,
        need=8,
        sort="accepted",
        cell=_plain(lambda w: words.amount(w.shares.get("accepted", 0))),
    ),
    Column(
        title="bad", width=6, need=3, sort="bad", cell=_plain(lambda w: words.amount(words.bad(w.shares)))
    ),
    Column(title="bad %", width=7, need=4, sort="reject_ratio", cell=lambda w, _: _ratio(w.shares)),
    Column(title="mostly", width=16, need=10, is_text=True, cell=_plain(lambda w: words.worst(w.shares))),
    Column(
        title="last share",
        width=10,
        need=6,
        sort="last_share_at",
        cell=lambda w, now: (words.since(w.last_share_at, now), ""),
    ),
    Column(
        title="last seen",
        width=9,
        need=11,
        sort="last_seen_at",
        cell=lambda w, now: (words.since(w.last_seen_at, now), ""),
    ),
)

MINERS: tuple[Column[Miner], ...] = (
    Column(
        title="worker", width=16, need=0, sort="worker", is_text=True, cell=_plain(lambda m: m.worker or "–")
    ),
    Column(
        title="address",
        width=21,
        need=1,
        sort="address",
        is_text=True,
        cell=_plain(lambda m: m.address or ""),
    ),
    Column(title="listener", width=8, need=7, is_text=True, cell=_plain(lambda m: m.listener)),
    Column(title="dialect", width=7, need=8, is_text=True, cell=_plain(lambda m: m.dialect or "–")),
    Column(
        title="difficulty",
        width=10,
        need=3,
        sort="difficulty",
        cell=_plain(lambda m: words.amount(m.difficulty)),
    ),
    Column(
        title="accepted",
        width=8,
        need=5,
        sort="accepted",
        cell=_plain(lambda m: words.amount(m.shares.get("accepted", 0))),
    ),
    Column(
        title="bad",
        width=6,
        need=4,
        sort="bad",
        cell=_plain(lambda m: words.amount(words.bad(m.shares))),
    ),
    Column(title="bad %", width=7, need=6, cell=lambda m, _: _ratio(m.shares)),
    Column(
        title="last share",
        width=10,
        need=2,
        sort="last_share_at",
        cell=lambda m, now: (words.since(m.last_share_at, now), ""),
    ),
    Column(
        title="here for",
        width=8,
        need=9,
        sort="connected_at",
        cell=lambda m, now: (words.since(m.connected_at, now), ""),
    ),
    Column(
        title="standing",
        width=8,
        need=10,
        is_text=True,
        cell=lambda m, _: (m.standing or "ok", WARN if m.standing == "slowed" else ""),
    ),
    Column(title="program", width=20, need=11, is_text=True, cell=_plain(lambda m: m.agent or "")),
)

_STATES = {"active": GOOD, "standby": "", "connecting": WARN, "down": BAD}


def _times(row: Pool) -> str:
    times = row.roundtrip_ms or {}
    return words.milliseconds(times.get("p50"))


def _fault(row: Pool, _now: datetime) -> tuple[str, str]:
    # What ended an earlier connection says nothing about a pool that gives work.
    return (
        ("", "") if row.state == "active" else (row.last_fault or "", "" if row.state == "standby" else WARN)
    )


POOLS: tuple[Column[Pool], ...] = (
    Column(title="pool", width=12, need=0, is_text=True, cell=_plain(lambda p: p.name)),
    Column(
        title="state", width=10, need=1, is_text=True, cell=lambda p, _: (p.state, _STATES.get(p.state, ""))
    ),
    Column(title="difficulty", width=10, need=4, cell=_plain(lambda p: words.amount(p.difficulty))),
    Column(title="last job", width=8, need=3, cell=lambda p, now: (words.since(p.last_job_at, now), "")),
    Column(title="refused", width=8, need=5, cell=_plain(lambda p: words.percent(p.reject_ratio))),
    Column(title="forwarded", width=9, need=7, cell=_plain(lambda p: words.amount(p.forwarded))),
    Column(title="round trip", width=10, need=6, cell=_plain(_times)),
    Column(title="address", width=30, need=8, is_text=True, cell=_plain(lambda p: p.url)),
    Column(title="last fault", width=30, need=2, is_text=True, cell=_fault),
)

BANS: tuple[Column[Ban], ...] = (
    Column(title="who", width=24, need=0, is_text=True, cell=_plain(lambda b: b.subject)),
    Column(title="kind", width=8, need=3, is_text=True, cell=_plain(lambda b: b.kind)),
    Column(title="why", width=18, need=1, is_text=True, cell=_plain(lambda b: b.reason)),
    Column(title="for another", width=11, need=2, cell=lambda b, now: (words.until(b.until, now), "")),
    Column(title="times", width=5, need=4, cell=_plain(lambda b: words.amount(b.times))),
    Column(title="id", width=12, need=5, is_text=True, cell=_plain(lambda b: b.id)),
)

COLUMNS: dict[str, Sequence[Column[Any]]] = {
    "workers": WORKERS,
    "miners": MINERS,
    "pools": POOLS,
    "bans": BANS,
}


def fitting(columns: Sequence[Column[Any]], width: int) -> list[Column[Any]]:
    """Choose the columns there is room for; the first always stays."""
    if not width:
        return list(columns)
    kept: set[str] = set()
    room = width
    for column in sorted(columns, key=lambda column: column.need):
        room -= column.width + 3  # the gap, and the arrow of the one that is sorted by
        if room >= 0 or not kept:
            kept.add(column.title)
    return [column for column in columns if column.title in kept]
