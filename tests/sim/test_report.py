"""The miners' book: sums, percentiles, bounds."""

import pytest

from proxy.model.share import Reason
from proxy.sim import report as reports
from proxy.sim.report import FarmReport, Samples
from proxy.sim.verdicts import Kind


def test_percentiles() -> None:
    samples = Samples()
    assert samples.milliseconds() == {"p50": None, "p99": None, "max": None}
    for number in range(101):
        samples.add(number / 1000)
    assert samples.milliseconds() == {"p50": 50, "p99": 99, "max": 100}


def test_samples_are_bounded_and_thinned_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "SAMPLES", 100)
    samples = Samples()
    for number in range(10_000):
        samples.add(number / 1000)
    assert samples.count == 10_000
    middle = samples.milliseconds()["p50"]
    assert middle is not None
    assert 2500 < middle < 7500


def test_shares_are_conserved_only_if_all_are_settled() -> None:
    report = FarmReport()
    report.sent["good"] = 3
    report.answered(Kind.GOOD, Reason.ACCEPTED)
    assert not report.conserved()
    report.dropped = report.unanswered = 1
    assert report.conserved()
    assert (report.accepted, report.shares) == (1, {"accepted": 1})


def test_surprises_are_all_counted_and_some_kept() -> None:
    report = FarmReport()
    for number in range(reports.MOST_UNEXPECTED + 5):
        report.surprise(str(number))
    assert report.unexpected == reports.MOST_UNEXPECTED + 5
    assert len(report.unexpected_lines) == reports.MOST_UNEXPECTED


def test_job_latency_needs_a_pool_in_this_process() -> None:
    report = FarmReport(job_written={"ab": 1.0}.get)
    report.job_came("ab", 1.5)
    report.job_came("cd", 1.5)
    assert report.jobs == 2
    assert report.as_dict()["job_latency_ms"] == {"p50": 500, "p99": 500, "max": 500}
