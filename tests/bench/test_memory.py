"""The measurement measures; how much is no test's matter."""

import pytest

from proxy.bench import memory
from proxy.bench.words import WORDS


@pytest.mark.parametrize("dialect", WORDS)
def test_a_small_crowd_is_measured(dialect: str) -> None:
    """All of them get all jobs, and nothing is below zero but what noise makes of so few."""
    told: list[float] = []
    row = memory.measure(dialect, 20, 0.1, told.append)
    assert (row.dialect, row.connections) == (dialect, 20)
    assert row.kib == pytest.approx((row.after_kib - row.before_kib) / 20)
    assert row.job_ms > 0
    assert row.idle_percent >= row.quiet_percent >= 0
    assert told[-1] == 1.0
