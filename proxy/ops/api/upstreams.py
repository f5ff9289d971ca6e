"""The two sides: the pools, and the ports that miners come to."""

from collections import Counter

import attrs
from starlette.requests import Request
from starlette.responses import Response

from proxy.config import Vardiff
from proxy.ops.api.answer import json
from proxy.ops.api.desk import Desk
from proxy.ops.api.figures import masked, quantiles
from proxy.ops.api.query import Query
from proxy.ops.api.shapes import Listener, Listeners, Upstream, Upstreams, VardiffRange
from proxy.ops.times import shown_or_none


async def show(desk: Desk, request: Request) -> Response:
    """GET /api/v1/upstreams."""
    Query(request)
    tally = desk.view.tally
    items = []
    for position, pool in enumerate(desk.view.pools, 1):
        times = tally.roundtrip.get(pool.name)
        items.append(
            Upstream(
                name=pool.name,
                url=masked(pool.url),
                state=pool.state,  # type: ignore[arg-type]  # contender.py names the same four
                difficulty=pool.difficulty,
                last_job_at=shown_or_none(pool.last_job_at),
                connected_at=shown_or_none(pool.connected_at),
                reject_ratio=pool.reject_ratio,
                current=pool.state == "active",
                last_fault=masked(pool.last_fault),
                position=position,
                roundtrip_ms=quantiles([] if times is None else [times], 1e3),
                forwarded=tally.forwarded.get(pool.name, 0),
            )
        )
    return json(Upstreams(items, len(items)))


async def show_listeners(desk: Desk, request: Request) -> Response:
    """GET /api/v1/listeners."""
    Query(request)
    tally, ends = desk.view.tally, desk.certificate_ends()
    miners = _by_listener(desk.view.miners())
    received = _by_listener(tally.received)
    items = []
    for listen, address in desk.listening():
        difficulty = listen.difficulty
        items.append(
            Listener(
                name=listen.name,
                url=str(address),
                dialect=listen.dialect,
                difficulty=VardiffRange(**attrs.asdict(difficulty))
                if isinstance(difficulty, Vardiff)
                else difficulty,
                miners=miners[listen.name],
                connections=tally.connections[listen.name],
                tls=listen.tls is not None,
                certificate_expires_at=shown_or_none(ends.get(listen.name, 0.0)),
                received=received[listen.name],
            )
        )
    return json(Listeners(items, len(items)))


def _by_listener(counts: object) -> Counter[str]:
    total: Counter[str] = Counter()
    assert isinstance(counts, dict)
    for (listener, _), count in counts.items():
        total[listener] += count
    return total
