"""Writes kept results into a page: tables between marks, and the charts they belong to.

    <!-- figures: shares -->   …   <!-- end -->

Strategy: results lie beside the page, in a folder of its name: performance.md and performance/shares.json.
What stands between two marks is written anew, all else is left as it is; so no figure on the page is typed by
hand.  The parts are those of PARTS, and `targets`, which draws from all of them.
The trap: figures without their machine say nothing, so every part begins with it.
"""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import attrs
from rich.table import Table

from proxy.bench import tables
from proxy.bench.plot import Chart, Series, svg
from proxy.errors import SluiceError

PARTS = ("verify", "fanout", "shares", "memory")
TARGETS = "targets"
CARRIED = 0.95  # part of the shares meant to be sent that must have been
_MARKED = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

Results = dict[str, Any]


@attrs.frozen
class Target:
    """Something the proxy is to reach.

    Args:
        what: in words.
        part: whose results it is read from.
        most: the bound.
        read: finds the figure; a KeyError or ValueError says that it was not measured.
    """

    what: str
    part: str
    most: float
    read: Callable[[Results], float]


def _growth(figure: str) -> Callable[[Results], float]:
    return lambda results: max(row[figure] for row in results["growth"])


def _largest(figure: str) -> Callable[[Results], float]:
    return lambda results: max(results["rows"], key=lambda row: row["connections"])[figure]


def _cost(dialect: str, figure: str) -> Callable[[Results], float]:
    def read(results: Results) -> float:
        rows = [row for row in results["rows"] if row["dialect"] == dialect]
        return float(max(rows, key=lambda row: row["connections"])[figure])

    return read


def _added(results: Results) -> float:
    return float(max(row["added_median_us"] for row in results["rows"])) / 1000


def _check(path: str) -> Callable[[Results], float]:
    return lambda results: {row["path"]: row["valid_us"] for row in results["paths"]}[path]


GOALS = (
    Target("CPU of a share, most miners : fewest", "shares", 1.5, _growth("cpu_us")),
    Target("CPU of a login, most miners : fewest", "shares", 1.5, _growth("login_us")),
    Target("memory of a connection, most miners : fewest", "memory", 1.5, _growth("kib")),
    Target("CPU of a forwarded Aion share, proof included, µs", "shares", 40.0, _cost("aion", "cpu_us")),
    Target("CPU of a forwarded login share, µs", "shares", 18.0, _cost("login", "cpu_us")),
    Target("CPU of an Aion login and its first job, µs", "shares", 60.0, _cost("aion", "login_us")),
    Target("round trip at 2,000 shares/s, added, median, ms", "shares", 0.3, _added),
    Target("memory of a connection, KiB", "memory", 5.0, _largest("kib")),
    Target("10,000 idle connections, % of a core", "memory", 1.0, _largest("quiet_percent")),
    Target("proof check, AVX-512, µs", "verify", 14.0, _check("avx512")),
    Target("proof check, AVX2, µs", "verify", 25.0, _check("avx2")),
    Target("proof check, portable, µs", "verify", 66.0, _check("portable")),
    Target("a job to the last of the most miners, ms", "fanout", 75.0, _largest("board_seen_ms")),
    Target("the same, Sluice : a bare loop of sends", "fanout", 1.25, _largest("ratio")),
    Target(
        "memory in an hour of churn, last quarter : first",
        "memory",
        1.05,
        lambda results: max(row["growth"] for row in results["churn"]),
    ),
)


def write(page: Path) -> list[Path]:
    """Write a page's figures anew from the results beside it, and draw its charts.

    Args:
        page: a Markdown file.
    Returns: the files written.
    Raises: SluiceError if the page or a result cannot be read or written.
    """
    folder = page.with_suffix("")
    try:
        kept = {part: _read(folder / f"{part}.json") for part in PARTS if (folder / f"{part}.json").exists()}
        text = page.read_text(encoding="utf-8")
        page.write_text(fill(text, kept), encoding="utf-8")
        drawn = [page]
        for name, chart in charts(kept).items():
            path = folder / f"{name}.svg"
            path.write_text(svg(chart), encoding="utf-8")
            drawn.append(path)
    except OSError as error:
        raise SluiceError(f"{error.filename}: {error.strerror}") from None
    return drawn


def _read(path: Path) -> Results:
    try:
        results = json.loads(path.read_bytes())
    except ValueError:
        raise SluiceError(f"{path} holds no JSON") from None
    if not isinstance(results, dict):
        raise SluiceError(f"{path} holds no results")
    return results


def fill(text: str, kept: dict[str, Results]) -> str:
    """Put results between their marks.

    Args:
        kept: results by part; a part without any keeps what stands there.
    """

    def between(match: re.Match[str]) -> str:
        part = match[2]
        if part == TARGETS:
            written = "\n".join(_targets(kept)) + "\n"
        elif part in kept:
            written = "\n".join(_part(kept[part]))
        else:
            return match[0]
        return f"{match[1]}\n{written}\n{match[3]}"

    return _MARKED.sub(between, text)


def _part(results: Results) -> Iterable[str]:
    yield f"{results.get('machine', 'unknown')}; Sluice {results.get('version')}, {results.get('date')}.\n"
    for table in tables.tables(results):
        yield "\n".join(markdown(table)) + "\n"


def _targets(kept: dict[str, Results]) -> Iterable[str]:
    yield "| what | at most | measured | |"
    yield "| --- | ---: | ---: | --- |"
    for goal in GOALS:
        try:
            figure = goal.read(kept[goal.part])
        except (KeyError, ValueError):
            yield f"| {goal.what} | {goal.most:g} | | not measured |"
        else:
            verdict = "met" if figure <= goal.most else "**missed**"
            yield f"| {goal.what} | {goal.most:g} | {figure:.3g} | {verdict} |"


def markdown(table: Table) -> Iterable[str]:
    """Write a table as Markdown, its title before it."""
    columns = [(str(column.header), column.justify, list(column.cells)) for column in table.columns]
    yield f"**{table.title}**\n"
    yield "| " + " | ".join(header for header, _, _ in columns) + " |"
    yield "| " + " | ".join("---:" if justify == "right" else "---" for _, justify, _ in columns) + " |"
    for cells in zip(*(cells for _, _, cells in columns), strict=True):
        yield "| " + " | ".join(str(cell) for cell in cells) + " |"
    if table.caption:
        yield f"\n{table.caption}"


# ---- charts

_NAMES = {"aion": "Aion, Equihash(210,9)", "login": "login, blob work"}


def charts(kept: dict[str, Results]) -> dict[str, Chart]:
    """Choose what to draw of the results there are.

    Returns: charts by the name of their file.
    """
    shares, memory = kept.get("shares", {}), kept.get("memory", {})
    found = {}
    if rows := shares.get("rows"):
        found["shares"] = Chart(
            "What a forwarded share costs while the proxy is saturated",
            "connected miners",
            "CPU for a share, µs",
            [*_series(rows, "connections", "cpu_us"), *_floor(rows)],
            log_x=True,
        )
    if rows := shares.get("rates"):
        found["rates"] = Chart(
            f"What a forwarded share costs at growing rates, {rows[0]['connections']:,} miners",
            "shares a second",
            "CPU for a share, µs",
            # Beyond what it carries, the cost is that of another rate.
            _series([row for row in rows if row["reached"] >= CARRIED * row["rate"]], "rate", "cpu_us"),
            log_x=True,
        )
    if rows := memory.get("rows"):
        found["memory"] = Chart(
            "Memory of a connection, logged in, after ten jobs",
            "connected miners",
            "resident memory for a connection, KiB",
            _series(rows, "connections", "kib"),
            log_x=True,
        )
    if rows := memory.get("churn"):
        found["churn"] = Chart(
            f"Miners come and go over {rows[0]['connections']:,} that stay",
            "connects so far",
            "resident memory, MiB",
            _churn(rows),
        )
    return found


def _series(rows: list[Results], x: str, y: str) -> list[Series]:
    dialects = dict.fromkeys(row["dialect"] for row in rows)
    return [
        Series(
            _NAMES[dialect],
            [(row[x], row[y]) for row in rows if row["dialect"] == dialect],
            colour=number,
        )
        for number, dialect in enumerate(dialects)
    ]


def _floor(rows: list[Results]) -> list[Series]:
    """What no proxy in Python can do without, for each dialect."""
    for row in rows:
        row["floor_us"] = row["bare_us"] + row["check_us"]
    return [
        attrs.evolve(one, name=f"the least for {one.name}", dashed=True, marked=False)
        for one in _series(rows, "connections", "floor_us")
    ]


def _churn(rows: list[Results]) -> list[Series]:
    return [
        Series(
            _NAMES[row["dialect"]],
            [(sample["connects"], sample["resident_kib"] / 1024) for sample in row["samples"]],
            colour=number,
            marked=False,
        )
        for number, row in enumerate(rows)
    ]
