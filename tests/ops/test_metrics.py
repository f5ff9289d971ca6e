"""The metrics: names and labels as the operators' dashboards know them, values as the counts have them."""

import platform
from collections import Counter

import pytest
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from proxy import native
from proxy.model.share import Reason, Verdict
from proxy.model.target import from_difficulty
from proxy.ops.metrics import registry
from proxy.ops.view import RelayView
from proxy.version import __version__
from tests.downstream.farms import Farm, farm

HISTOGRAM = ("_bucket", "_count", "_sum")

# Name as scraped, kind, labels; what there is of the list in docs/operations.md so far.
METRICS: list[tuple[str, str, tuple[str, ...]]] = [
    ("sluice_build_info", "gauge", ("version", "native", "python")),
    ("sluice_start_time_seconds", "gauge", ()),
    ("sluice_miners", "gauge", ("listener", "dialect")),
    ("sluice_connections_total", "counter", ("listener",)),
    ("sluice_disconnects_total", "counter", ("listener", "reason")),
    ("sluice_bans_total", "counter", ("reason",)),
    ("sluice_banned", "gauge", ()),
    ("sluice_limits_total", "counter", ("limit",)),
    ("sluice_workers", "gauge", ()),
    ("sluice_upstream_up", "gauge", ("pool",)),
    ("sluice_upstream_active", "gauge", ("pool",)),
    ("sluice_upstream_switches_total", "counter", ("from", "to", "reason")),
    ("sluice_upstream_last_job_timestamp_seconds", "gauge", ("pool",)),
    ("sluice_upstream_difficulty", "gauge", ("pool",)),
    ("sluice_jobs_total", "counter", ("pool", "clean")),
    ("sluice_job_fanout_seconds", "histogram", ()),
    ("sluice_shares_received_total", "counter", ("listener", "dialect")),
    ("sluice_shares_total", "counter", ("reason",)),
    ("sluice_shares_forwarded_total", "counter", ("pool",)),
    ("sluice_work_total", "counter", ("reason",)),
    ("sluice_blocks_found_total", "counter", ()),
    ("sluice_share_verify_seconds", "histogram", ()),
    ("sluice_share_roundtrip_seconds", "histogram", ("pool",)),
    ("sluice_network_bytes_total", "counter", ("side", "direction")),
    ("sluice_nonce_slots", "gauge", ("state",)),
]
STARTED = 1_800_000_000.25


class Scrape:
    """What a scrape of a farm says.

    Args:
        of: the farm, with one miner in the barn.
    """

    def __init__(self, of: Farm) -> None:
        view = RelayView(of.relay, lambda: Counter({("barn", "aion"): 1}))
        self.text = generate_latest(registry(view, STARTED)).decode()
        self.families = {family.name: family for family in text_string_to_metric_families(self.text)}

    def samples(self, name: str) -> list[Sample]:
        """All samples of one name."""
        return [
            sample for family in self.families.values() for sample in family.samples if sample.name == name
        ]

    def value(self, name: str, **labels: str) -> float:
        """The one sample of a name with these labels."""
        (sample,) = [sample for sample in self.samples(name) if sample.labels == labels]
        return float(sample.value)


def busy() -> Farm:
    """A farm in which everything that is counted has happened."""
    made = farm()
    made.pool.comes(target=from_difficulty(2))
    made.pool.pools[0].state = "active"
    made.pool.pools[0].difficulty = 2.0
    made.pool.pools[0].last_job_at = 1_800_000_100.0
    miner = made.miner()
    made.tally.connections["farm"] += 3
    made.tally.disconnects["farm", "idle"] += 1
    made.tally.network_bytes["downstream", "in"] += 1000
    made.tally.bans["invalid_solution"] += 1
    made.tally.limits["requests_per_second"] += 1
    made.tally.switches["spare", "main", "lost"] += 1
    made.tally.fanout.observe(0.002)
    number = 0
    while made.tally.forwarded_total < 3:
        miner.says(made.share(miner, number).submit(miner.job_id, number))
        number += 1
    made.pool.answers(now=1000.03)
    made.pool.answers(Verdict(Reason.REJECTED, "no", 20), now=1000.03)
    miner.says(made.share(miner, 0).submit(miner.job_id))
    return made


@pytest.fixture(scope="module")
def scrape() -> Scrape:
    """One scrape for all; nothing here changes it."""
    return Scrape(busy())


@pytest.mark.parametrize(("name", "kind", "labels"), METRICS, ids=[name for name, *_ in METRICS])
def test_every_metric_has_its_kind_and_labels(
    scrape: Scrape, name: str, kind: str, labels: tuple[str, ...]
) -> None:
    family = scrape.families[name.removesuffix("_total")]
    assert family.type == kind
    assert family.documentation.endswith(".")
    assert family.samples, "a metric without a value is no metric"
    for sample in family.samples:
        assert sample.name in ([name + suffix for suffix in HISTOGRAM] if kind == "histogram" else [name])
        assert set(sample.labels) - {"le"} == set(labels)


def test_there_are_no_others(scrape: Scrape) -> None:
    ours = {name.removesuffix("_total") for name, *_ in METRICS}
    assert {name for name in scrape.families if not name.startswith("process_")} == ours


def test_the_process_is_described(scrape: Scrape) -> None:
    assert scrape.value("process_open_fds") > 0
    assert scrape.value("process_resident_memory_bytes") > 0


def test_help_and_type_stand_before_every_metric(scrape: Scrape) -> None:
    for name in scrape.families:
        assert scrape.text.count(f"# HELP {name}") == scrape.text.count(f"# TYPE {name}") >= 1


def test_about_the_proxy(scrape: Scrape) -> None:
    about = {"version": __version__, "native": native.PATH, "python": platform.python_version()}
    assert scrape.value("sluice_build_info", **about) == 1
    assert scrape.value("sluice_start_time_seconds") == STARTED


def test_the_miner_side(scrape: Scrape) -> None:
    assert scrape.value("sluice_miners", listener="barn", dialect="aion") == 1
    assert scrape.value("sluice_connections_total", listener="farm") == 3
    assert scrape.value("sluice_disconnects_total", listener="farm", reason="idle") == 1
    assert scrape.value("sluice_workers") == 1
    assert scrape.value("sluice_network_bytes_total", side="downstream", direction="in") == 1000


def test_the_pool_side(scrape: Scrape) -> None:
    assert scrape.value("sluice_upstream_up", pool="main") == 1
    assert scrape.value("sluice_upstream_active", pool="main") == 1
    switch = {"from": "spare", "to": "main", "reason": "lost"}
    assert scrape.value("sluice_upstream_switches_total", **switch) == 1
    assert scrape.value("sluice_upstream_difficulty", pool="main") == 2
    assert scrape.value("sluice_upstream_last_job_timestamp_seconds", pool="main") == 1_800_000_100
    assert scrape.value("sluice_jobs_total", pool="main", clean="true") == 1


def test_every_reason_is_there_from_the_start_and_the_sums_hold(scrape: Scrape) -> None:
    for name in ("sluice_shares_total", "sluice_work_total"):
        assert {sample.labels["reason"] for sample in scrape.samples(name)} == set(Reason)
    shares = {sample.labels["reason"]: sample.value for sample in scrape.samples("sluice_shares_total")}
    assert shares["accepted"] == shares["rejected"] == shares["duplicate"] == 1
    assert scrape.value("sluice_work_total", reason="accepted") == pytest.approx(2)
    forwarded = scrape.value("sluice_shares_forwarded_total", pool="main")
    assert forwarded == shares["accepted"] + shares["rejected"] + 1  # one is with the pool
    received = scrape.value("sluice_shares_received_total", listener="farm", dialect="aion")
    assert received == sum(shares.values()) + 1


def test_slots_of_the_nonce_space(scrape: Scrape) -> None:
    assert scrape.value("sluice_nonce_slots", state="lent") == 1
    assert scrape.value("sluice_nonce_slots", state="resting") == 0
    assert scrape.value("sluice_nonce_slots", state="free") == 2**32 - 1


def test_histograms_grow_to_their_count(scrape: Scrape) -> None:
    for name, labels, count in (
        ("sluice_job_fanout_seconds", {}, 1),
        ("sluice_share_roundtrip_seconds", {"pool": "main"}, 2),
    ):
        buckets = [sample.value for sample in scrape.samples(f"{name}_bucket")]
        assert buckets == sorted(buckets)
        assert buckets[-1] == scrape.value(f"{name}_count", **labels) == count
    assert scrape.value("sluice_share_roundtrip_seconds_bucket", pool="main", le="0.025") == 0
    assert scrape.value("sluice_share_roundtrip_seconds_bucket", pool="main", le="0.05") == 2
    assert scrape.value("sluice_share_roundtrip_seconds_sum", pool="main") == pytest.approx(0.06)
    assert scrape.value("sluice_job_fanout_seconds_bucket", le="0.0025") == 1


@pytest.mark.parametrize(
    ("state", "up", "active"), [("active", 1, 1), ("standby", 1, 0), ("connecting", 0, 0), ("down", 0, 0)]
)
def test_a_pool_in_reserve_is_up_and_has_no_shares(state: str, up: int, active: int) -> None:
    made = farm()
    made.pool.pools[0].state = state
    scrape = Scrape(made)
    assert scrape.value("sluice_upstream_up", pool="main") == up
    assert scrape.value("sluice_upstream_active", pool="main") == active


def test_without_a_pool_it_can_be_scraped_too() -> None:
    scrape = Scrape(farm())
    assert scrape.value("sluice_upstream_up", pool="main") == 0
    assert all(sample.value == 0 for sample in scrape.samples("sluice_nonce_slots"))
    assert scrape.value("sluice_shares_total", reason="accepted") == 0


def test_no_label_comes_from_a_miner() -> None:
    made = farm()
    made.pool.comes()
    made.miner("rig-of-doom")
    assert "rig-of-doom" not in Scrape(made).text
