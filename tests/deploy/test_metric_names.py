"""What rules and dashboards ask for is what a running proxy tells: names, labels, and values that are fixed.

Strategy: a real proxy between a simulated pool and simulated miners, with a TLS port and a ledger so that it
tells more, is scraped once as Prometheus does it.  A metric without any series yet, such as the bans of a
farm that has none, is known by its TYPE line; its labels are not.
"""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest
import trio
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from proxy.native import Equihash
from proxy.sim.farm import Farm, FarmOptions
from proxy.sim.faults import Mix
from proxy.sim.miner import MinerOptions
from proxy.sim.pool import SimPool
from proxy.sim.pool_options import PoolOptions
from tests.deploy.watching import Used, expressions, metrics, recorded
from tests.e2e.programs import Program, program
from tests.kit.certificates import Authority

SMALL = Equihash(48, 5)
POOL = PoolOptions(equihash=SMALL, difficulty=2, seed=3)
LONGEST = 120  # seconds; a run that hangs fails
# Prometheus gives each series the first two, tells of each target the last, and what it makes by rules.
TARGET_LABELS = {"job", "instance"}
OF_PROMETHEUS = {"up"}


class Told:
    """What a scrape tells: labels and their values, by the names that an expression may have."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self.values: dict[str, dict[str, set[str]]] = {}
        for family in families:
            names = {family.name, f"{family.name}_total"} if family.type == "counter" else {family.name}
            for name in names:
                self.values.setdefault(name, defaultdict(set))
            for sample in family.samples:
                values = self.values.setdefault(sample.name, defaultdict(set))
                for label, value in sample.labels.items():
                    values[label].add(value)

    def lacks(self, used: Used) -> list[str]:
        """Say what of a metric there is not."""
        if used.name not in self.values:
            return [used.name]
        values = self.values[used.name]
        if not values:  # no labels at all, or no series yet
            return []
        lacking = [f"{used.name}{{{label}}}" for label in used.labels.keys() - values.keys() - TARGET_LABELS]
        # Only the verdicts on shares are all there from the start.
        if used.name in ("sluice_shares_total", "sluice_work_total"):
            wrong = used.labels.get("reason", set()) - values["reason"]
            lacking += [f"{used.name}{{reason={value}}}" for value in wrong]
        return lacking


def write_configuration(directory: Path, pool: SimPool) -> None:
    """A configuration of a proxy that has all there is to tell of."""
    tls = Authority(directory).issue()
    (directory / "sluice.toml").write_text(
        '[upstream]\nalgorithm = "equihash/48_5"\nuser = "account"\n'
        f'[[upstream.pools]]\nurl = "{pool.url}"\n'
        '[[listen]]\nname = "farm"\nurl = "stratum+tcp://127.0.0.1:0"\n'
        '[[listen]]\nname = "tls"\nurl = "stratum+tls://127.0.0.1:0"\n'
        f'tls = {{ certificate = "{tls.certificate}", key = "{tls.key}" }}\n'
        '[http]\naddress = "127.0.0.1:0"\nworker_metrics = 10\n'
        f'[ledger]\nurl = "sqlite:///{directory}/ledger.db"\n'
        '[log]\nformat = "json"\n[limits]\nshutdown_seconds = 2\n'
    )


async def scrape(running: Program) -> list[Metric]:
    """Ask for the metrics as Prometheus does."""
    url = await running.tells("http ")
    host, _, port = url.removeprefix("http://").rpartition(":")
    async with await trio.open_tcp_stream(host, int(port)) as stream:
        await stream.send_all(b"GET /metrics HTTP/1.0\r\nHost: here\r\n\r\n")
        answer = b"".join([part async for part in stream])
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b" 200 " in head.splitlines()[0]
    return list(text_string_to_metric_families(body.decode()))


async def mine(running: Program) -> None:
    """Have some shares go all ways, and their senders leave."""
    at = await running.address()
    miner = MinerOptions(
        equihash=SMALL,
        user="rig{n}",
        shares_per_second=20,
        mix=Mix.parse(["good=8,low=1,malformed=1"]),
        max_shares=10,
    )
    report = await Farm(at.host, at.port, FarmOptions(miners=2, miner=miner, seed=5)).run()
    assert report.accepted


@pytest.fixture
async def told(tmp_path: Path) -> Told:
    """What a proxy tells that has had miners."""
    with trio.fail_after(LONGEST):
        async with trio.open_nursery() as nursery:
            pool: SimPool = await nursery.start(
                SimPool(PoolOptions(equihash=SMALL, difficulty=2, seed=3)).run
            )
            write_configuration(tmp_path, pool)
            async with program(tmp_path) as running:
                await running.tells("ready")
                await mine(running)
                families = await scrape(running)
                await running.ends()
            nursery.cancel_scope.cancel()
    return Told(families)


async def test_there_is_every_metric_and_label_that_is_asked_for(told: Told) -> None:
    lacking = [
        f"{where}: {what}"
        for where, expression in expressions()
        for used in metrics(expression)
        if used.name not in recorded() | OF_PROMETHEUS
        for what in told.lacks(used)
    ]
    assert lacking == []


SAMPLE = Told(
    text_string_to_metric_families(
        "# TYPE sluice_banned gauge\nsluice_banned 0\n"
        "# TYPE sluice_bans counter\n"
        '# TYPE sluice_miners gauge\nsluice_miners{listener="farm"} 1\n'
        '# TYPE sluice_shares counter\nsluice_shares_total{reason="kept"} 1\n'
    )
)


@pytest.mark.parametrize(
    ("asked", "lacking"),
    [
        ('sluice_banned + sum by (listener) (sluice_miners{job="x"})', []),
        ("sum by (reason) (rate(sluice_bans_total[1m]))", []),
        ('sluice_shares_total{reason=~"kept"}', []),
        ("sluice_wrong_total", ["sluice_wrong_total"]),
        ("sum by (colour) (sluice_miners)", ["sluice_miners{colour}"]),
        ('rate(sluice_shares_total{reason=~"kept|shy"}[1m])', ["sluice_shares_total{reason=shy}"]),
    ],
)
def test_what_is_not_told_is_found(asked: str, lacking: list[str]) -> None:
    assert [what for used in metrics(asked) for what in SAMPLE.lacks(used)] == lacking
