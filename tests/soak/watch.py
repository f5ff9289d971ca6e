"""What the proxy looks like from outside: /metrics over HTTP and /proc, once a second, its log at the end.

Strategy: a sample is what a judge of flatness needs; the counts are read anew where they are wanted.  A
scrape that fails is counted and not repeated, for a proxy that does not answer is something to know.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import attrs
import trio
from prometheus_client.parser import text_string_to_metric_families

from proxy.wire.jsonrpc import printable

SCRAPE_SECONDS = 5.0  # for one answer, on a machine that is busy with the load as well
MOST_BYTES = 4 * 1024 * 1024  # of one answer
READ_BYTES = 65_536
GOOD_ADDRESS = b"127.0.0.1"  # of all good miners; the bad ones have others
MOST_LOG_LINES = 100  # kept of those that tell of a fault

Labels = frozenset[tuple[str, str]]


class Metrics:
    """One answer of /metrics.

    Args:
        text: in Prometheus' format.
    """

    def __init__(self, text: str) -> None:
        self._values: dict[str, dict[Labels, float]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = frozenset(sample.labels.items())
                self._values.setdefault(sample.name, {})[labels] = sample.value

    def total(self, name: str, **labels: str) -> float:
        """Add up all series of a name that have these labels."""
        wanted = set(labels.items())
        return sum(value for having, value in self._values.get(name, {}).items() if wanted <= having)

    def by(self, name: str, *labels: str) -> dict[str, float]:
        """Add up all series of a name by the values of some labels, joined by a slash."""
        sums: dict[str, float] = {}
        for having, value in self._values.get(name, {}).items():
            key = "/".join(dict(having).get(label, "") for label in labels)
            sums[key] = sums.get(key, 0) + value
        return sums

    def plain(self) -> dict[str, float]:
        """Every series by its name as people write it, for the JSON file."""
        return {
            name + _written(labels): value
            for name, series in self._values.items()
            for labels, value in series.items()
            if not name.endswith("_bucket")
        }


def _written(labels: Labels) -> str:
    pairs = ",".join(f'{key}="{value}"' for key, value in sorted(labels))
    return f"{{{pairs}}}" if pairs else ""


async def scrape(host: str, port: int) -> Metrics:
    """Read /metrics.

    Raises: OSError, TimeoutError for whatever keeps an answer from coming.
    """
    with trio.move_on_after(SCRAPE_SECONDS) as patience:
        try:
            async with await trio.open_tcp_stream(host, port) as stream:
                await stream.send_all(
                    f"GET /metrics HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
                )
                answer = bytearray()
                while len(answer) < MOST_BYTES and (data := await stream.receive_some(READ_BYTES)):
                    answer += data
        except trio.BrokenResourceError as error:
            raise OSError("the proxy broke off its answer") from error
    if patience.cancelled_caught:
        raise TimeoutError("/metrics has not answered in time")
    head, _, body = answer.partition(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise OSError(f"/metrics answered {bytes(head[:60])!r}")
    return Metrics(body.decode())


@attrs.frozen
class Sample:
    """The proxy's process at one moment.

    Args:
        at: seconds of the system's monotonic clock.
        phase: "quiet", "chaos" or "settle".
        cpu: seconds it has had.
        waited: seconds in which it could have run and had no core.
    """

    at: float
    phase: str
    resident_kib: int
    descriptors: int
    threads: int
    cpu: float
    miners: int
    active: str
    waited: float = 0.0

    def as_dict(self) -> dict[str, object]:
        """For the JSON file."""
        return attrs.asdict(self)


def look(pid: int, at: float, phase: str, metrics: Metrics) -> Sample:
    """Take a sample.

    Raises: OSError if the process is gone.
    """
    status = _status(pid)
    return Sample(
        at=at,
        phase=phase,
        resident_kib=int(status["VmRSS"].split()[0]),
        descriptors=len(os.listdir(f"/proc/{pid}/fd")),
        threads=int(status["Threads"]),
        cpu=cpu_of(pid),
        miners=int(metrics.total("sluice_miners")),
        active=active_pool(metrics),
        waited=waited_for_core(pid),
    )


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process has had.

    Raises: OSError if the process is gone.
    """
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        user, system = file.read().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def waited_for_core(pid: int) -> float:
    """Seconds in which a process could have run and had no core to do so; its first thread.

    Raises: OSError if the process is gone.
    """
    with open(f"/proc/{pid}/schedstat", encoding="utf-8") as file:
        return int(file.read().split()[1]) / 1e9


def active_pool(metrics: Metrics) -> str:
    """The pool that shares go to, "" for none."""
    active = metrics.by("sluice_upstream_active", "pool")
    return next((pool for pool, value in active.items() if value), "")


def _status(pid: int) -> Mapping[str, str]:
    with open(f"/proc/{pid}/status", encoding="utf-8") as lines:
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


@attrs.define
class Log:
    """What a proxy's log of JSON lines has to tell of faults; the first of each.

    Args:
        tracebacks: lines that show an exception.
        errors: others of level error, or that are no JSON.
        good_banned: bans of those who come from the good miners' address.
    """

    tracebacks: list[str] = attrs.field(factory=list)
    errors: list[str] = attrs.field(factory=list)
    good_banned: list[str] = attrs.field(factory=list)


def read_log(path: Path) -> Log:
    """Look a log through."""
    log = Log()
    with open(path, "rb") as lines:
        for line in lines:
            packed = line.replace(b'": "', b'":"')
            if b"Traceback" in line or b'"exception"' in line:
                found = log.tracebacks
            elif b'"level":"error"' in packed or not line.startswith(b"{"):
                found = log.errors
            elif b' banned","' in packed.replace(b", ", b",") and b'"address":"%s"' % GOOD_ADDRESS in packed:
                found = log.good_banned
            else:
                continue
            if len(found) < MOST_LOG_LINES:
                found.append(printable(line.rstrip()[-600:], 600))  # its end says what it was
    return log
