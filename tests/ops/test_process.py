"""The process's own figures are those of prometheus_client's collector, without listing its files."""

import os
from contextlib import ExitStack
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, ProcessCollector

from proxy.ops.process import ProcessFigures

NAMES = {
    "process_cpu_seconds_total",
    "process_virtual_memory_bytes",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_open_fds",
    "process_max_fds",
}


def figures(registry: CollectorRegistry) -> dict[str, float]:
    return {
        sample.name: sample.value
        for family in registry.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def test_names_and_figures_are_the_usual_ones() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    ours.register(ProcessFigures())
    ProcessCollector(registry=theirs)

    here, there = figures(ours), figures(theirs)

    assert set(here) == set(there) == NAMES
    assert here["process_max_fds"] == there["process_max_fds"]
    assert here["process_start_time_seconds"] == pytest.approx(there["process_start_time_seconds"], abs=0.02)
    assert here["process_virtual_memory_bytes"] == pytest.approx(
        there["process_virtual_memory_bytes"], rel=0.1
    )
    assert here["process_resident_memory_bytes"] == pytest.approx(
        there["process_resident_memory_bytes"], rel=0.2
    )
    assert here["process_cpu_seconds_total"] == pytest.approx(there["process_cpu_seconds_total"], abs=1)


def test_every_file_that_is_opened_counts() -> None:
    registry = CollectorRegistry()
    registry.register(ProcessFigures())
    before = figures(registry)["process_open_fds"]

    with ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(open(os.devnull))
        assert figures(registry)["process_open_fds"] == before + 50

    assert figures(registry)["process_open_fds"] == before


def test_an_older_kernel_has_its_files_listed(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("1 (a ) name) " + " ".join(str(field) for field in range(3, 53)))
    (tmp_path / "statm").write_text("30 20 10 0 0 0 0\n")
    fds = tmp_path / "fd"
    fds.mkdir()
    for number in range(7):
        (fds / str(number)).touch()

    class Old(type(tmp_path)):  # type: ignore[misc]  # which of pathlib's classes it is depends on the system
        def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
            fields = list(super().stat(follow_symlinks=follow_symlinks))
            fields[6] = 0
            return os.stat_result(fields)

    registry = CollectorRegistry()
    registry.register(ProcessFigures(Old(tmp_path), booted=1000.0))

    found = figures(registry)

    assert found["process_open_fds"] == 7
    assert found["process_resident_memory_bytes"] == 20 * os.sysconf("SC_PAGE_SIZE")
    assert found["process_start_time_seconds"] == 1000.0 + 22 / os.sysconf("SC_CLK_TCK")
