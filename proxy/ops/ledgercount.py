"""How the ledger does, for Prometheus."""

from collections.abc import Callable, Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from proxy.ledger.standing import DOWN, Standing


class LedgerCollector(Collector):
    """Turns the standing of a ledger into metric families.

    Args:
        standing: looked at with every scrape.
    """

    def __init__(self, standing: Callable[[], Standing]) -> None:
        self._standing = standing

    def collect(self) -> Iterable[Metric]:
        """Look once a scrape."""
        found = self._standing()
        yield GaugeMetricFamily(
            "sluice_ledger_pending", "Shares that are not in the database yet.", value=found.pending
        )
        yield CounterMetricFamily(
            "sluice_ledger_written", "Shares put into the database.", value=found.written
        )
        yield CounterMetricFamily(
            "sluice_ledger_lost", "Shares that will never be in the database.", value=found.lost
        )
        yield GaugeMetricFamily(
            "sluice_ledger_spooled_bytes",
            "Bytes on disk of shares that wait for the database.",
            value=found.spooled_bytes,
        )
        yield GaugeMetricFamily(
            "sluice_ledger_up", "Whether the database takes shares.", value=int(found.state != DOWN)
        )
