"""Runs the measurements for the command line and shows them: a dictionary for --json, tables for people."""

import platform
from collections.abc import Iterable
from typing import Any

import attrs
import trio
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from proxy.bench import fanout, verify


def run_verify(seconds: float, progress: Progress) -> dict[str, Any]:
    """Measure the proof check on every path of this machine.

    Args:
        seconds: for each path.
    Returns: {"paths": [{"path", "valid_us", "junk_us", "sorted_junk_us"}]}.
    """
    task = progress.add_task("proof check", total=1.0)
    results = verify.measure(seconds, lambda done: progress.update(task, completed=done))
    return {"paths": [attrs.asdict(result) for result in results]}


def run_fanout(connections: Iterable[int], progress: Progress) -> dict[str, Any]:
    """Measure a job's way to the last of so many miners.

    Returns: {"rows": [one for each number of connections]}.
    """
    rows = []
    for wanted in connections:
        count = fanout.room_for(wanted)
        if count < wanted:
            progress.console.print(f"{wanted} connections need more open files; the limit allows {count}")
        task = progress.add_task(f"{count} miners", total=1.0)

        def tell(done: float, task: Any = task) -> None:
            progress.update(task, completed=done)

        rows.append(attrs.asdict(trio.run(fanout.measure, count, tell)))
    return {"rows": rows}


def show(results: dict[str, Any]) -> None:
    """Print tables."""
    console = Console()
    console.print(f"{processor()}, Python {platform.python_version()}", highlight=False)
    if "paths" in results:
        table = _table("Equihash(210,9), hex strings in, from Python; µs a share")
        for name in ("path", "valid", "random junk", "sorted junk"):
            table.add_column(name, justify="left" if name == "path" else "right")
        for row in results["paths"]:
            figures = (row[key] for key in ("valid_us", "junk_us", "sorted_junk_us"))
            table.add_row(row["path"], *(f"{figure:.2f}" for figure in figures))
        console.print(table)
    if "rows" in results:
        table = _table("A new job to all miners; ms, medians")
        for name in ("miners", "bare loop", "sluice", "ratio", "bare loop, read", "sluice, read"):
            table.add_column(name, justify="right")
        for row in results["rows"]:
            table.add_row(
                str(row["connections"]),
                f"{row['bare_ms']:.1f}",
                f"{row['board_ms']:.1f}",
                f"{row['ratio']:.2f}",
                f"{row['bare_seen_ms']:.1f}",
                f"{row['board_seen_ms']:.1f}",
            )
        console.print(table)


def processor() -> str:
    """Name this machine's processor as the kernel does."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    return f"{names[0]}, {len(names)} cores" if names else platform.processor() or platform.machine()


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold")
