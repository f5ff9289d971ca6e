"""The process's own figures for Prometheus, under the names that every exporter has.

Strategy: what prometheus_client's own collector shows, but for one thing: that one counts open files by
listing them, which takes 10 ms of the loop with as many miners as a large farm has.  Here the kernel is asked
for the number.
The trap: kernels before 6.2 do not tell it, and say 0; only then are they listed.
"""

import os
import resource
from collections.abc import Iterable
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

_SELF = Path("/proc/self")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


class ProcessFigures(Collector):
    """Reads memory, CPU, start and open files of this process.

    Args:
        proc: what stands for /proc/self.
        booted: when the machine was started, seconds since 1970; None to read it.
    """

    def __init__(self, proc: Path = _SELF, booted: float | None = None) -> None:
        self._proc = proc
        # The last fields follow the name, which may hold anything, even brackets.
        started = int((proc / "stat").read_text().rpartition(")")[2].split()[19]) / _TICKS
        self._started_at = (_boot_time() if booted is None else booted) + started

    def collect(self) -> Iterable[Metric]:
        """Read them, once a scrape."""
        size, resident = (int(pages) * _PAGE for pages in (self._proc / "statm").read_text().split()[:2])
        spent = resource.getrusage(resource.RUSAGE_SELF)
        yield CounterMetricFamily(
            "process_cpu_seconds", "CPU time spent, user and system.", spent.ru_utime + spent.ru_stime
        )
        yield GaugeMetricFamily("process_virtual_memory_bytes", "Virtual memory.", size)
        yield GaugeMetricFamily("process_resident_memory_bytes", "Resident memory.", resident)
        yield GaugeMetricFamily(
            "process_start_time_seconds", "When the process started, since 1970.", self._started_at
        )
        yield GaugeMetricFamily("process_open_fds", "Open file descriptors.", self._open_files())
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        yield GaugeMetricFamily(
            "process_max_fds",
            "File descriptors that may be open.",
            float("inf") if most == resource.RLIM_INFINITY else most,
        )

    def _open_files(self) -> int:
        return (self._proc / "fd").stat().st_size or len(os.listdir(self._proc / "fd"))


def _boot_time() -> float:
    for line in Path("/proc/stat").read_text().splitlines():
        if line.startswith("btime "):
            return float(line.split()[1])
    return 0.0
