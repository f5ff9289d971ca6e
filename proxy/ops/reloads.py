"""How often the configuration was read again, for Prometheus."""

from collections.abc import Iterable, Mapping

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector


class ReloadCollector(Collector):
    """Turns the count of reloads into a metric family.

    Args:
        counts: of them, by result; looked at with every scrape.
    """

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._counts = counts

    def collect(self) -> Iterable[Metric]:
        """Read them, once a scrape."""
        family = CounterMetricFamily(
            "sluice_config_reloads",
            "Configurations read while running, by what came of it.",
            labels=["result"],
        )
        for result, count in self._counts.items():
            family.add_metric([result], count)
        yield family
