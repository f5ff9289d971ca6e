"""The ends of certificates as a metric."""

from prometheus_client import CollectorRegistry

from proxy.ops.certificates import CertificateCollector

NAME = "sluice_tls_certificate_expiry_timestamp_seconds"


def test_each_listener_has_its_end_and_a_reload_shows() -> None:
    ends = {"farm": 1.8e9}
    registry = CollectorRegistry(auto_describe=False)
    registry.register(CertificateCollector(lambda: ends))
    assert registry.get_sample_value(NAME, {"listener": "farm"}) == 1.8e9
    ends["farm"] = 1.9e9
    assert registry.get_sample_value(NAME, {"listener": "farm"}) == 1.9e9


def test_without_tls_there_is_no_series() -> None:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(CertificateCollector(dict))
    assert [sample for metric in registry.collect() for sample in metric.samples] == []
