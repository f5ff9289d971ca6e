"""When the certificates of TLS ports end, for Prometheus."""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class CertificateCollector(Collector):
    """Turns the ends of certificates into a metric family.

    Args:
        ends: tells them by listener, in seconds since 1970.
    """

    def __init__(self, ends: Callable[[], Mapping[str, float]]) -> None:
        self._ends = ends

    def collect(self) -> Iterable[Metric]:
        """Read them, once a scrape."""
        family = GaugeMetricFamily(
            "sluice_tls_certificate_expiry_timestamp_seconds",
            "When a listener's certificate ends, since 1970.",
            labels=["listener"],
        )
        for listener, end in self._ends().items():
            family.add_metric([listener], end)
        yield family
