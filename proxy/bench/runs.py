"""Runs the measurements for the command line, one after the other, with a bar for each row.

Each returns a dictionary for --json: `{"paths": […]}` of the proof check, `{"rows": […]}` of all others.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Any

import attrs
import trio
from rich.progress import Progress

from proxy.bench import churn as churns
from proxy.bench import fanout as fanouts
from proxy.bench import memory as memories
from proxy.bench import shares as share_costs
from proxy.bench import verify as checks

RATES = (250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)  # shares a second
RATES_MINERS = 1000


def _bar(progress: Progress, what: str) -> Callable[[float], None]:
    """Open a bar; returns what moves it, 0 to 1."""
    task = progress.add_task(what, total=1.0)
    return lambda part: progress.update(task, completed=part, refresh=True)


def _room(wanted: int, room_for: Callable[[int], int], progress: Progress) -> int:
    count = room_for(wanted)
    if count < wanted:
        progress.console.print(f"{wanted} connections need more open files; the limit allows {count}")
    return count


def verify(seconds: float, progress: Progress) -> dict[str, Any]:
    """Measure the proof check on every path of this machine.

    Args:
        seconds: for all of them.
    Returns: {"paths": [{"path", "valid_us", "junk_us", "sorted_junk_us"}]}.
    """
    results = checks.measure(seconds, _bar(progress, "proof check"))
    return {"paths": [attrs.asdict(result) for result in results]}


def fanout(connections: Iterable[int], progress: Progress) -> dict[str, Any]:
    """Measure a job's way to the last of so many miners.

    Returns: {"rows": [one for each number of connections]}.
    """
    rows = []
    for wanted in connections:
        count = _room(wanted, fanouts.room_for, progress)
        rows.append(attrs.asdict(trio.run(fanouts.measure, count, _bar(progress, f"{count} miners"))))
    return {"rows": rows}


def shares(
    dialects: Sequence[str],
    miners: Iterable[int],
    seconds: float,
    rate: float,
    repeat: int,
    progress: Progress,
) -> dict[str, Any]:
    """Measure what a forwarded share costs.

    Args:
        repeat: passes over all rows; of each row the pass with the least CPU counts, for whatever else a
            machine does can only make it more.
    Returns: {"rows": [one for each dialect and number of miners], "growth": […]}.
    """
    best: dict[tuple[str, int], dict[str, Any]] = {}
    sizes = [_room(wanted, share_costs.room_for, progress) for wanted in miners]
    for number in range(repeat):
        for dialect, count in product(dialects, sizes):
            bar = _bar(progress, f"{dialect}, {count} miners, pass {number + 1} of {repeat}")
            row = attrs.asdict(share_costs.measure(dialect, count, seconds, rate, bar))
            before = best.get((dialect, count))
            if before is None or row["cpu_us"] < before["cpu_us"]:
                best[dialect, count] = row
    rows = list(best.values())
    return {"rows": rows, "growth": growth(rows, "cpu_us", "bare_us", "login_us")}


def rates(dialects: Iterable[str], seconds: float, progress: Progress) -> dict[str, Any]:
    """Measure what a forwarded share costs at growing rates.

    Returns: {"rates": [{"dialect", "connections", …} for each dialect and rate]}.
    """
    rows = []
    count = _room(RATES_MINERS, share_costs.room_for, progress)
    for dialect in dialects:
        bar = _bar(progress, f"{dialect}, growing rates")
        seen = share_costs.measure_rates(dialect, count, seconds, RATES, bar)
        rows += [{"dialect": dialect, "connections": count, **attrs.asdict(row)} for row in seen]
    return {"rates": rows}


def memory(
    dialects: Iterable[str], miners: Iterable[int], seconds: float, progress: Progress
) -> dict[str, Any]:
    """Measure what a connection takes, and what an idle farm costs.

    Returns: {"rows": [one for each dialect and number of miners], "growth": […]}.
    """
    rows = []
    for dialect in dialects:
        for wanted in miners:
            count = _room(wanted, share_costs.room_for, progress)
            bar = _bar(progress, f"{dialect}, {count} miners")
            rows.append(attrs.asdict(memories.measure(dialect, count, seconds, bar)))
    return {"rows": rows, "growth": growth(rows, "kib")}


def churn(dialects: Iterable[str], miners: int, seconds: float, progress: Progress) -> dict[str, Any]:
    """Measure whether miners that come and go leave anything behind.

    Returns: {"churn": [one for each dialect]}.
    """
    count = _room(miners, share_costs.room_for, progress)
    rows = []
    for dialect in dialects:
        bar = _bar(progress, f"{dialect}, churn over {count} miners")
        rows.append(attrs.asdict(churns.measure(dialect, count, seconds, bar)))
    return {"churn": rows}


def growth(rows: list[dict[str, Any]], *figures: str) -> list[dict[str, Any]]:
    """Divide figures of the most connections by those of the fewest, for each dialect.

    Returns: {"dialect", "from", "to", and each figure's ratio}; none for a dialect with one row.
    """
    found = []
    for dialect in dict.fromkeys(row["dialect"] for row in rows):
        own = sorted((row for row in rows if row["dialect"] == dialect), key=lambda row: row["connections"])
        few, most = own[0], own[-1]
        if few["connections"] < most["connections"]:
            ratios = {figure: most[figure] / few[figure] for figure in figures}
            found.append(
                {"dialect": dialect, "from": few["connections"], "to": most["connections"], **ratios}
            )
    return found
