"""The ledger as a scrape sees it."""

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from proxy.ledger.standing import DOWN, Standing
from proxy.ops.ledgercount import LedgerCollector


def test_it_is_looked_at_with_every_scrape() -> None:
    standing = Standing()
    registry = CollectorRegistry()
    registry.register(LedgerCollector(lambda: standing))
    standing = Standing(DOWN, pending=3, written=100, lost=2, spooled_bytes=4096, reason="gone")
    shown = generate_latest(registry).decode()
    for line in (
        "sluice_ledger_pending 3.0",
        "sluice_ledger_written_total 100.0",
        "sluice_ledger_lost_total 2.0",
        "sluice_ledger_spooled_bytes 4096.0",
        "sluice_ledger_up 0.0",
    ):
        assert f"\n{line}\n" in shown
