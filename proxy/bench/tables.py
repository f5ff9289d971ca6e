"""Shows results: tables for people, and a file that says on which machine they were measured."""

import json
import platform
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from proxy.errors import SluiceError
from proxy.version import __version__

Row = dict[str, Any]
QUIET = 20  # interruptions a second; the kernel's own threads make a few


def show(results: dict[str, Any]) -> None:
    """Print tables."""
    console = Console()
    console.print(machine(), highlight=False)
    for table in tables(results):
        console.print(table)


def save(results: dict[str, Any], path: str) -> None:
    """Keep results in a file, with what they were measured on.

    Raises: SluiceError if it cannot be written.
    """
    today = datetime.now(UTC).date().isoformat()
    about = {"machine": machine(), "version": __version__, "date": today}
    try:
        Path(path).write_text(json.dumps({**about, **results}, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise SluiceError(f"{path} cannot be written: {error.strerror}") from None


def machine() -> str:
    """Name processor and Python: a figure without its machine says nothing."""
    return f"{processor()}, Python {platform.python_version()}"


def processor() -> str:
    """Name this machine's processor as the kernel does."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    return f"{names[0]}, {len(names)} cores" if names else platform.processor() or platform.machine()


def tables(results: dict[str, Any]) -> Iterable[Table]:
    """Make the tables of any measurement's results; a kind of row is told by its figures."""
    if "paths" in results:
        yield _paths(results["paths"])
    rows = results.get("rows", [])
    if rows and "board_ms" in rows[0]:
        yield _fanout(rows)
    if rows and "cpu_us" in rows[0]:
        yield _shares(rows)
        yield _round_trips(rows)
    if rows and "kib" in rows[0]:
        yield _memory(rows)
    if "rates" in results:
        yield _rates(results["rates"])
    for row in results.get("churn", []):
        yield _churn(row)
    if results.get("growth"):
        yield _growth(results["growth"])


def _paths(rows: list[Row]) -> Table:
    table = _table("Equihash(210,9), hex strings in, from Python; µs a share")
    _columns(table, ("path",), ("valid", "random junk", "sorted junk"))
    for row in rows:
        figures = (row[key] for key in ("valid_us", "junk_us", "sorted_junk_us"))
        table.add_row(row["path"], *(f"{figure:.2f}" for figure in figures))
    return table


def _fanout(rows: list[Row]) -> Table:
    table = _table("A new job to all miners; ms, medians")
    _columns(table, (), ("miners", "bare loop", "sluice", "ratio", "bare loop, read", "sluice, read"))
    for row in rows:
        table.add_row(
            str(row["connections"]),
            f"{row['bare_ms']:.1f}",
            f"{row['board_ms']:.1f}",
            f"{row['ratio']:.2f}",
            f"{row['bare_seen_ms']:.1f}",
            f"{row['board_seen_ms']:.1f}",
        )
    return table


def _shares(rows: list[Row]) -> Table:
    table = _table("A forwarded share and its parts, saturated, and a login; µs of CPU")
    _columns(
        table,
        ("dialect",),
        ("miners", "shares/s", "CPU", "bare I/O", "proof", "own code", "a login"),
    )
    for row in rows:
        figures = (row[key] for key in ("cpu_us", "bare_us", "check_us", "own_us", "login_us"))
        table.add_row(
            row["dialect"],
            f"{row['connections']:,}",
            f"{row['per_second']:,.0f}",
            *(f"{figure:.1f}" for figure in figures),
        )
    most = max(row["interruptions"] for row in rows)
    if most > QUIET:
        table.caption = (
            f"Other programs took the proxy's core up to {most:,.0f} times a second: "
            "on a quiet machine these figures are smaller."
        )
    return table


def _round_trips(rows: list[Row]) -> Table:
    table = _table(f"A share's round trip at {rows[0]['paced']['rate']:,.0f} shares/s; µs")
    _columns(
        table,
        ("dialect",),
        ("miners", "CPU", "median", "p99", "direct", "its p99", "added"),
    )
    for row in rows:
        paced, direct = row["paced"], row["direct"]
        table.add_row(
            row["dialect"],
            f"{row['connections']:,}",
            f"{paced['cpu_us']:.0f}",
            *(f"{ends[key]:,.0f}" for ends in (paced, direct) for key in ("median_us", "p99_us")),
            f"{row['added_median_us']:,.0f}",
        )
    return table


def _rates(rows: list[Row]) -> Table:
    table = _table(f"A forwarded share at growing rates, {rows[0]['connections']:,} miners; µs")
    _columns(table, ("dialect",), ("shares/s", "reached", "CPU", "median", "p99"))
    for row in rows:
        figures = (row[key] for key in ("rate", "reached", "cpu_us", "median_us", "p99_us"))
        table.add_row(row["dialect"], *(f"{figure:,.0f}" for figure in figures))
    return table


def _memory(rows: list[Row]) -> Table:
    table = _table("Resident memory after ten jobs, and the CPU of a farm that does nothing")
    _columns(
        table,
        ("dialect",),
        ("miners", "in all, KiB", "KiB each", "a job, ms", "quiet", "idle"),
    )
    for row in rows:
        table.add_row(
            row["dialect"],
            f"{row['connections']:,}",
            f"{row['after_kib']:,}",
            f"{row['kib']:.2f}",
            f"{row['job_ms']:.1f}",
            f"{row['quiet_percent']:.2f} %",
            f"{row['idle_percent']:.2f} %",
        )
    return table


_CHURN = {
    "resident_kib": "memory, KiB",
    "blocks": "pieces of memory in use",
    "descriptors": "open files",
    "lent": "slices lent",
    "resting": "slices resting",
}


def _churn(row: Row) -> Table:
    done = f"{row['connects']:,} connects, {row['shares']:,} shares and {row['jobs']:,} jobs"
    table = _table(f"{row['dialect']}: {done} over {row['connections']:,} miners in {row['seconds']:,.0f} s")
    _columns(table, ("",), ("first quarter", "last quarter", "ratio"))
    for name, text in _CHURN.items():
        first, last = row["first"][name], row["last"][name]
        # What rests goes up and down with every job, so its ratio would say nothing.
        ratio = "" if name == "resting" or not first else f"{last / first:.3f}"
        table.add_row(text, f"{first:,.0f}", f"{last:,.0f}", ratio)
    return table


_NAMES = {
    "cpu_us": "CPU a share",
    "bare_us": "of it bare I/O",
    "login_us": "CPU a login",
    "kib": "KiB a connection",
}


def _growth(rows: list[Row]) -> Table:
    table = _table("The most miners' figure divided by the fewest's")
    names = [name for name in rows[0] if name in _NAMES]
    _columns(table, ("dialect", "miners"), [_NAMES[name] for name in names])
    for row in rows:
        span = f"{row['to']:,} : {row['from']:,}"
        table.add_row(row["dialect"], span, *(f"{row[name]:.2f}" for name in names))
    return table


def _columns(table: Table, words: Sequence[str], figures: Sequence[str]) -> None:
    for name in words:
        table.add_column(name, no_wrap=True)
    for name in figures:
        table.add_column(name, justify="right", no_wrap=True)


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold")
