"""How much a configuration needs: open files, memory, room on the disk.

Figures are those of docs/performance.md, rounded up; they are for a decision, not for a bill.
"""

from proxy.config import Config

KIB, MIB, GIB = 1024, 1024**2, 1024**3

PROCESS = 50 * MIB  # one process without a miner
# A logged-in miner by what its port speaks.
CONNECTION = {
    "stratum+tcp": 2 * KIB,
    "unix": 2 * KIB,
    "stratum+tls": 18 * KIB,
    "ws": 24 * KIB,
    "wss": 43 * KIB,
}
SHARE_ROW = 160  # bytes of a share in the ledger, its part of the indexes included
SPARE_FILES = 64  # logs, pools, HTTP


def files_needed(config: Config) -> int:
    """Count the files that are open with all miners connected; in one process, or the fullest of several."""
    links = (
        config.limits.pool_connections if config.upstream.algorithm == "blob" else len(config.upstream.pools)
    )
    return config.limits.max_miners // config.workers + links + len(config.listen) + SPARE_FILES


def memory_needed(config: Config) -> tuple[int, int]:
    """Estimate bytes of memory.

    Returns: with all miners at work, and what comes on top if none of them read any more.
    """
    miners = config.limits.max_miners
    processes = config.workers + 1 if config.workers > 1 else 1
    dearest = max(CONNECTION[listen.url.scheme] for listen in config.listen)
    return processes * PROCESS + miners * dearest, miners * config.limits.outgoing_bytes


def ledger_bytes(shares_per_second: float, days: int) -> int:
    """Estimate what shares of so many days need."""
    return int(shares_per_second * 86_400 * days * SHARE_ROW)


def shown_bytes(count: float) -> str:
    """Show bytes in the largest unit: 50 MiB, 4.2 GiB."""
    for size, unit in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if count >= size:
            value = count / size
            return f"{value:.0f} {unit}" if value >= 9.95 else f"{value:.1f} {unit}"
    return f"{count:.0f} bytes"
