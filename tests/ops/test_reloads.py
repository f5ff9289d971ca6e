"""The count of reloads as a scrape sees it."""

from collections import Counter

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from proxy.ops.reloads import ReloadCollector


def test_each_result_has_its_count_and_is_read_with_every_scrape() -> None:
    counts = Counter({"ok": 0, "refused": 0})
    registry = CollectorRegistry()
    registry.register(ReloadCollector(counts))
    counts["ok"] += 2
    shown = generate_latest(registry).decode()
    assert 'sluice_config_reloads_total{result="ok"} 2.0' in shown
    assert 'sluice_config_reloads_total{result="refused"} 0.0' in shown
