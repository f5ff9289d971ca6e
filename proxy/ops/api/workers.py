"""The workers: those that are here and those that were, with what they sent and what became of it.

Strategy: an order of all that are asked for is made a slice at a time and kept for a second (ordering.py);
of a worker's figures only those of the page are worked out, and of the others just the one that is sorted by.
"""

from collections.abc import Callable
from typing import Any

import trio
from starlette.requests import Request
from starlette.responses import Response

from proxy.core.windows import SPANS
from proxy.core.workerbook import Record
from proxy.model.share import Reason
from proxy.ops.api.answer import RefusedError, json
from proxy.ops.api.desk import Desk
from proxy.ops.api.figures import by_verdict
from proxy.ops.api.ledger import LONG_SPANS, long_history
from proxy.ops.api.miners import miner
from proxy.ops.api.query import Query
from proxy.ops.api.shapes import BadShare, Worker, WorkerDetail, Workers
from proxy.ops.api.summary import history_of, rates
from proxy.ops.crowd import MOST_CONNECTIONS, MinerQuery
from proxy.ops.ordering import in_order, written
from proxy.ops.times import shown, since_1970

STATES = ("all", "online", "offline")
HISTORIES = ("1h", "24h", *LONG_SPANS)


def _share_of_bad(record: Record) -> float:
    total = sum(record.shares.values())
    return record.bad_count / total if total else 0.0


def _by_rate(span: str) -> Callable[[Record], float]:
    def rate(record: Record) -> float:
        return 0.0 if record.windows is None else record.windows.rate(span, trio.current_time())

    return rate


def _by_reason(reason: Reason) -> Callable[[Record], int]:
    return lambda record: record.shares.get(reason, 0)


SORTS: dict[str, Callable[[Record], Any]] = {
    "name": lambda record: record.name,
    "online": lambda record: record.miners > 0,
    "miners": lambda record: record.miners,
    "first_seen_at": lambda record: record.first_seen,
    "last_seen_at": lambda record: record.last_seen,
    "last_share_at": lambda record: record.last_share,
    "work": lambda record: record.work,
    "bad": lambda record: record.bad_count,
    "reject_ratio": _share_of_bad,
    "sols": _by_rate("10m"),
    **{f"sols_{span}": _by_rate(span) for span in SPANS},
    **{reason.value: _by_reason(reason) for reason in Reason},
}


async def show(desk: Desk, request: Request) -> Response:
    """GET /api/v1/workers."""
    query = Query(request, "state", "search", "sort", "order", "limit", "offset")
    limit, offset = query.page()
    state = query.choice("state", STATES, "all")
    search = query.text("search").casefold()
    sort, descending = query.choice("sort", tuple(SORTS), "name"), query.descending()

    async def make() -> list[Record]:
        book, key = desk.view.book, SORTS[sort]
        records = [] if state == "offline" else list(book.online.values())
        if state != "online":
            records += book.offline.values()
        return await in_order(
            records,
            lambda record: (key(record), record.name),
            lambda record: search in record.name.casefold(),
            desk.turns,
            descending,
        )

    found = await desk.workers.get((state, search, sort, descending), make)
    page = found[offset : offset + limit]
    items = await written(page, lambda record: worker(record, trio.current_time()), desk.turns)
    return json(Workers(items, len(found)))


async def show_one(desk: Desk, request: Request) -> Response:
    """GET /api/v1/workers/{name}."""
    name: str = request.path_params["name"]
    span = Query(request, "span").choice("span", HISTORIES, "1h")
    record = desk.view.book.find(name)
    if record is None:
        raise RefusedError(404, "no such worker: it has never been here, or was forgotten (http.worker_days)")
    if span not in LONG_SPANS:
        history = history_of(record.windows, span)
    elif desk.ledger is None:
        raise RefusedError(409, f"span: {span} needs the ledger, which is off (ledger.url)")
    else:
        history = await long_history(desk.ledger, span, name)
    crowd = desk.view.crowd
    bad = [
        BadShare(shown(one.at), one.reason, one.detail, one.job, one.address)
        for one in await crowd.bad_shares(name)
    ]
    page = await crowd.miners(MinerQuery(worker=name, limit=MOST_CONNECTIONS))
    figures = worker(record, trio.current_time())
    return json(
        WorkerDetail(
            **{field: getattr(figures, field) for field in Worker.__struct_fields__},
            history=history,
            bad_shares=bad,
            connections=[miner(one) for one in page.items],
        )
    )


def worker(record: Record, now: float) -> Worker:
    """Show a worker."""
    shares = by_verdict(record.shares)
    return Worker(
        name=record.name,
        online=record.miners > 0,
        miners=max(0, record.miners),
        first_seen_at=shown(since_1970(record.first_seen, now)),
        last_seen_at=shown(since_1970(record.last_seen, now)),
        last_share_at=shown(since_1970(record.last_share, now)) if record.last_share else None,
        sols_per_second=rates(record.windows),
        shares=shares,
        accepted=shares[Reason.ACCEPTED.value],
        bad=record.bad_count,
        reject_ratio=round(_share_of_bad(record), 6),
        work=record.work,
    )
