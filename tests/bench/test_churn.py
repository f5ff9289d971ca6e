"""Miners come and go in every way, and the proxy is what it was."""

import pytest

from proxy.bench import churn
from proxy.bench.churn import _Pace
from proxy.bench.words import WORDS


@pytest.mark.parametrize("dialect", WORDS)
def test_a_small_farm_is_churned(dialect: str) -> None:
    """There were connects, shares and jobs, and looks all along."""
    told: list[float] = []
    row = churn.measure(dialect, 20, 0.5, told.append)
    assert (row.dialect, row.connections) == (dialect, 20)
    assert min(row.connects, row.shares, row.jobs) > 0
    assert len(row.samples) > 1
    assert [sample.at for sample in row.samples] == sorted(sample.at for sample in row.samples)
    assert row.growth == pytest.approx(row.last["resident_kib"] / row.first["resident_kib"])
    assert all(sample.lent >= 20 and sample.descriptors > 20 for sample in row.samples)
    assert told[-1] == 1.0


def test_what_is_due_is_due_once() -> None:
    """At whatever moments one asks."""
    pace = _Pace(10)
    assert [pace.due(moment) for moment in (0.0, 0.25, 0.25, 1.0)] == [0, 2, 0, 8]
    assert pace.done == 10
