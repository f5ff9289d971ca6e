"""Metrics for Prometheus, read from the plain counts at every scrape.

Strategy: nothing on the path of a share knows of Prometheus; a collector turns the counts of core/tally.py
into families when it is asked.  No label has a value from a miner, so the number of series is fixed.
"""

import platform
from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from proxy import native
from proxy.core.tally import Histogram, Tally
from proxy.model.share import Reason
from proxy.ops.process import ProcessFigures
from proxy.ops.view import View
from proxy.version import __version__


class SluiceCollector(Collector):
    """Turns the counts of a proxy into metric families.

    Args:
        started_at: seconds since 1970.
    """

    def __init__(self, view: View, started_at: float) -> None:
        self._view = view
        self._started_at = started_at

    def collect(self) -> Iterable[Metric]:
        """Read everything, once a scrape."""
        tally = self._view.tally  # one for all families: a view may make it anew each time
        yield from self._about()
        yield from self._downstream(tally)
        yield from self._upstream(tally)
        yield from self._shares(tally)
        yield from self._times(tally)

    def _about(self) -> Iterable[Metric]:
        info = {"version": __version__, "native": native.PATH, "python": platform.python_version()}
        build = GaugeMetricFamily("sluice_build_info", "Version and proof check in use.", labels=list(info))
        build.add_metric(list(info.values()), 1)
        yield build
        yield GaugeMetricFamily(
            "sluice_start_time_seconds", "When the proxy started, since 1970.", value=self._started_at
        )

    def _downstream(self, tally: Tally) -> Iterable[Metric]:
        yield _gauges("sluice_miners", "Miners connected now.", ["listener", "dialect"], self._view.miners())
        yield _counters("sluice_connections", "Connections taken.", ["listener"], tally.connections)
        yield _counters(
            "sluice_disconnects", "Connections ended, by why.", ["listener", "reason"], tally.disconnects
        )
        yield _counters("sluice_bans", "Bans of miners and addresses, by why.", ["reason"], tally.bans)
        yield GaugeMetricFamily("sluice_banned", "Miners and addresses banned now.", value=tally.banned)
        yield _counters(
            "sluice_limits", "Times a miner was not read for a while, by limit.", ["limit"], tally.limits
        )
        yield GaugeMetricFamily("sluice_workers", "Worker names online.", value=len(self._view.book.online))
        slots = self._view.slots
        yield _gauges("sluice_nonce_slots", "Slices of the nonce space, by state.", ["state"], slots)
        yield _counters(
            "sluice_network_bytes", "Bytes on the wire.", ["side", "direction"], tally.network_bytes
        )

    def _upstream(self, tally: Tally) -> Iterable[Metric]:
        pools = self._view.pools
        up = {pool.name: int(pool.state in ("active", "standby")) for pool in pools}
        yield _gauges("sluice_upstream_up", "Whether the pool has let us in.", ["pool"], up)
        active = {pool.name: int(pool.state == "active") for pool in pools}
        yield _gauges("sluice_upstream_active", "Whether shares go to this pool.", ["pool"], active)
        yield _counters(
            "sluice_upstream_switches",
            "Changes of the pool that work comes from.",
            ["from", "to", "reason"],
            tally.switches,
        )
        last = {pool.name: pool.last_job_at for pool in pools}
        yield _gauges(
            "sluice_upstream_last_job_timestamp_seconds", "Last job of the pool, since 1970.", ["pool"], last
        )
        difficulty = {pool.name: pool.difficulty for pool in pools}
        yield _gauges("sluice_upstream_difficulty", "Difficulty the pool asks.", ["pool"], difficulty)
        jobs = {(pool, str(clean).lower()): count for (pool, clean), count in tally.jobs.items()}
        yield _counters("sluice_jobs", "Jobs from the pool.", ["pool", "clean"], jobs)

    def _shares(self, tally: Tally) -> Iterable[Metric]:
        yield _counters(
            "sluice_shares_received", "Shares that miners sent.", ["listener", "dialect"], tally.received
        )
        shares = {reason.value: tally.shares.get(reason, 0) for reason in Reason}
        yield _counters("sluice_shares", "Shares by what became of them.", ["reason"], shares)
        yield _counters("sluice_shares_forwarded", "Shares sent to the pool.", ["pool"], tally.forwarded)
        work = {reason.value: tally.work.get(reason, 0.0) for reason in Reason}
        yield _counters("sluice_work", "Difficulty of shares, summed; its rate is Sol/s.", ["reason"], work)
        yield CounterMetricFamily(
            "sluice_blocks_found", "Accepted shares that met the network's target.", value=tally.blocks
        )

    def _times(self, tally: Tally) -> Iterable[Metric]:
        yield _histograms(
            "sluice_job_fanout_seconds",
            "From the pool's line to the last miner's socket.",
            [],
            {(): tally.fanout},
        )
        yield _histograms(
            "sluice_share_verify_seconds", "Judging a share, proof included.", [], {(): tally.verify}
        )
        yield _histograms(
            "sluice_share_roundtrip_seconds",
            "From forwarding a share to the pool's verdict.",
            ["pool"],
            {(pool,): histogram for pool, histogram in tally.roundtrip.items()},
        )


def _values(key: object) -> list[str]:
    return [str(part) for part in key] if isinstance(key, tuple) else [str(key)]


def _counters(name: str, text: str, labels: list[str], counts: Mapping[Any, float]) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for key, count in counts.items():
        family.add_metric(_values(key), count)
    return family


def _gauges(name: str, text: str, labels: list[str], counts: Mapping[Any, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, count in counts.items():
        family.add_metric(_values(key), count)
    return family


def _histograms(
    name: str, text: str, labels: list[str], histograms: dict[tuple[str, ...], Histogram]
) -> Metric:
    family = HistogramMetricFamily(name, text, labels=labels)
    for key, histogram in histograms.items():
        bounds = [*(repr(bound) for bound in histogram.bounds), "+Inf"]
        family.add_metric(
            list(key), list(zip(bounds, accumulate(histogram.counts), strict=True)), histogram.total
        )
    return family


def registry(view: View, started_at: float) -> CollectorRegistry:
    """Make the registry behind /metrics."""
    made = CollectorRegistry(auto_describe=False)
    made.register(SluiceCollector(view, started_at))
    made.register(ProcessFigures())
    return made
