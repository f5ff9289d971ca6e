"""Metrics by worker, for the busiest few: http.worker_metrics.

Strategy: whoever asks for it names how many, for each worker is some series in the monitoring; the busiest
are found a slice at a time between scrapes, and a scrape only writes them out.
The traps: a name comes from a miner, so it is escaped by the library and cut here; and a worker that is no
more among the busiest has no series any more, so a sum over them means nothing.
"""

from collections.abc import Callable, Iterable

import trio
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from proxy.core.workerbook import Record, WorkerBook
from proxy.ops.ordering import in_order
from proxy.ops.turns import Turns

SPAN = "10m"
LOOK_SECONDS = 5.0  # between two looks for the busiest: more often than is scraped
MOST_NAME = 128  # characters of a label


class WorkerCollector(Collector):
    """Turns the records of the busiest workers into metric families.

    Args:
        book: gives the records of all.
        most: gives how many are shown; 0 for none.
    """

    def __init__(self, book: Callable[[], WorkerBook], most: Callable[[], int], turns: Turns) -> None:
        self._book = book
        self._most = most
        self._turns = turns
        self._busiest: list[Record] = []

    async def run(self) -> None:
        """Find the busiest once in a while, until cancelled."""
        while True:
            await self.look()
            await trio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Find the busiest."""
        if not self._most():
            self._busiest = []
            return
        now = trio.current_time()
        found = await in_order(
            [record for record in self._book().online.values() if record.windows is not None],
            lambda record: (_rate(record, now), record.name),
            lambda _: True,
            self._turns,
            descending=True,
        )
        self._busiest = found[: self._most()]

    def collect(self) -> Iterable[Metric]:
        """Write them out, once a scrape."""
        if not self._most():
            return
        now = trio.current_time()
        rate = GaugeMetricFamily(
            "sluice_worker_sols_per_second",
            "Work a second of the busiest workers, over 10m.",
            labels=["worker"],
        )
        miners = GaugeMetricFamily(
            "sluice_worker_miners", "Connections of the busiest workers.", labels=["worker"]
        )
        shares = CounterMetricFamily(
            "sluice_worker_shares",
            "Shares of the busiest workers, by what became of them.",
            labels=["worker", "reason"],
        )
        work = CounterMetricFamily(
            "sluice_worker_work", "Difficulty of their good shares, summed.", labels=["worker"]
        )
        shown: set[str] = set()
        for record in self._busiest[: self._most()]:
            name = record.name[:MOST_NAME]
            if name in shown:  # two long names with one beginning
                continue
            shown.add(name)
            rate.add_metric([name], _rate(record, now))
            miners.add_metric([name], max(0, record.miners))
            work.add_metric([name], record.work)
            for reason, count in record.shares.items():
                shares.add_metric([name, reason.value], count)
        yield from (rate, miners, shares, work)


def _rate(record: Record, now: float) -> float:
    return 0.0 if record.windows is None else record.windows.rate(SPAN, now)
