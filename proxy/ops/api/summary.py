"""The whole proxy at a glance, and its work over time."""

import time

import trio
from starlette.requests import Request
from starlette.responses import Response

from proxy.core.tally import Tally
from proxy.core.windows import SPANS, Windows
from proxy.model.share import FILTERED, Reason
from proxy.ops.api.answer import RefusedError, json
from proxy.ops.api.desk import Desk
from proxy.ops.api.figures import by_verdict, quantiles, rounded
from proxy.ops.api.ledger import LONG_SPANS, long_history
from proxy.ops.api.query import Query
from proxy.ops.api.shapes import History, HistoryPoint, LedgerSummary, Summary
from proxy.ops.ledgerreader import OFF
from proxy.ops.times import shown, shown_or_none, since_1970
from proxy.version import __version__


def summary(desk: Desk) -> Summary:
    """Make the summary; costs the same whatever the farm's size."""
    view, now = desk.view, time.time()
    tally = view.tally
    active = next((pool for pool in view.pools if pool.state == "active"), None)
    ledger = OFF if desk.ledger is None else desk.ledger.state
    shares = by_verdict(tally.shares)
    reason = view.not_ready
    return Summary(
        version=__version__,
        started_at=shown(desk.started_at),
        now=shown(now),
        uptime_seconds=round(now - desk.started_at, 1),
        ready=not reason,
        reason=reason,
        pool=None if active is None else active.name,
        miners=sum(view.miners().values()),
        workers=len(view.book.online),
        offline_workers=len(view.book.offline),
        received=tally.received_total,
        filtered=sum(shares[one.value] for one in FILTERED),
        kept=shares[Reason.KEPT.value],
        forwarded=tally.forwarded_total,
        in_flight=tally.in_flight,
        shares=shares,
        work={one.value: tally.work.get(one, 0.0) for one in Reason},
        conserved=tally.conserved,
        sols_per_second=rates(view.total),
        difficulty=0.0 if active is None else active.difficulty,
        last_job_at=shown_or_none(max((pool.last_job_at for pool in view.pools), default=0.0)),
        jobs=tally.jobs.total(),
        switches=tally.switches.total(),
        connections=tally.connections.total(),
        disconnects=_by_reason(tally),
        banned=tally.banned,
        bans=tally.bans.total(),
        nonce_slots=dict(view.slots),
        roundtrip_ms=quantiles(tally.roundtrip.values(), 1e3),
        fanout_ms=quantiles([tally.fanout], 1e3),
        verify_us=quantiles([tally.verify], 1e6),
        processes=view.processes,
        ledger=LedgerSummary(ledger.state, ledger.pending, ledger.written, ledger.lost, ledger.reason),
        admin=bool(desk.tokens.admin),
    )


def rates(windows: Windows | None) -> dict[str, float]:
    """Give work a second over all spans; nothing where none has come yet."""
    if windows is None:
        return dict.fromkeys(SPANS, 0.0)
    return rounded(windows.rates(trio.current_time()))


def history_of(windows: Windows | None, span: str) -> History:
    """Give the bars of a span that is kept in memory."""
    now = trio.current_time()
    points = [] if windows is None else windows.history(span, now)
    bars = [HistoryPoint(shown(since_1970(at, now)), round(rate, 4)) for at, rate in points]
    return History(span, STEPS[span], bars)


# Seconds of the bars that core/windows.py keeps.
STEPS = {"1m": 5.0, "10m": 30.0, "1h": 180.0, "24h": 1800.0}


def _by_reason(tally: Tally) -> dict[str, int]:
    reasons: dict[str, int] = {}
    for (_, reason), count in tally.disconnects.items():
        reasons[reason] = reasons.get(reason, 0) + count
    return reasons


# ---- answers


async def show(desk: Desk, request: Request) -> Response:
    """GET /api/v1/summary."""
    Query(request)
    return json(summary(desk))


async def show_history(desk: Desk, request: Request) -> Response:
    """GET /api/v1/history."""
    query = Query(request, "span")
    span = query.choice("span", (*SPANS, *LONG_SPANS), "1h")
    if span in LONG_SPANS:
        if desk.ledger is None:
            raise RefusedError(409, f"span: {span} needs the ledger, which is off (ledger.url)")
        return json(await long_history(desk.ledger, span))
    return json(history_of(desk.view.total, span))
