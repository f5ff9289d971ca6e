"""The options of `sluice bench …`, as one click group to hang into the command.

Strategy: here stand names, defaults and help; the work is done elsewhere, and imported inside the commands,
as in cli.py.  Each measurement gives one dictionary, which is shown as tables, printed as JSON, or kept in
a file for `sluice bench report`.
The trap: a progress bar redraws itself from a thread, which would stand in a measured round trip; so it is
redrawn only when it is told something.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import click

CONNECTIONS = (100, 1000, 10_000)  # a farm's size, three times
FANOUT_CONNECTIONS = (1000, 10_000)  # a hundred miners have a job sooner than a clock tells
VERIFY_SECONDS, SHARES_SECONDS, MEMORY_SECONDS = 3.0, 4.0, 10.0
# Shares a second at which round trips are compared: 30,000 miners with a share every 15 s.
RATE = 2000.0
REPEAT = 3  # for a page; a single look needs no more than one
_MINERS = click.IntRange(1, 100_000)
_SECONDS = click.FloatRange(0.1, 3600)


def _progress() -> Any:
    """A progress bar on a terminal, nothing in a pipe."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("sluice bench"), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    return Progress(
        *columns, console=console, transient=True, auto_refresh=False, disable=not console.is_terminal
    )


def _run(measure: Callable[[Any], dict[str, Any]], as_json: bool, save: str | None) -> None:
    """Measure, then show, print or keep the results."""
    from proxy.bench import tables
    from proxy.ops import logs

    logs.configure("warning")
    with _progress() as progress:
        results = measure(progress)
    if save is not None:
        tables.save(results, save)
    if as_json:
        click.echo(json.dumps(results))
    else:
        tables.show(results)


def _common(command: Any) -> Any:
    """Options that every measurement has."""
    for option in (
        click.option(
            "--save", metavar="FILE", help="Keep the results there as JSON, with the machine's name."
        ),
        click.option("--json", "as_json", is_flag=True, help="One JSON object instead of tables."),
    ):
        command = option(command)
    return command


def _crowd(command: Any) -> Any:
    """Options of the measurements that start a proxy of their own."""
    for option in (
        click.option(
            "--dialect",
            type=click.Choice(["aion", "login", "both"]),
            default="both",
            show_default=True,
            help="aion with Equihash(210,9), login with blob work.",
        ),
        click.option(
            "--miners",
            type=_MINERS,
            multiple=True,
            default=CONNECTIONS,
            show_default=True,
            help="A row for so many connections; give it again for more rows.",
        ),
    ):
        command = option(command)
    return command


def _seconds(default: float, text: str) -> Callable[[Any], Any]:
    return click.option("--seconds", type=_SECONDS, default=default, show_default=True, help=text)


def _dialects(dialect: str) -> tuple[str, ...]:
    return ("aion", "login") if dialect == "both" else (dialect,)


@click.group("bench", invoke_without_command=True, epilog="Example:  sluice bench shares --miners 1000")
@_common
@click.pass_context
def bench(context: click.Context, as_json: bool, save: str | None) -> None:
    """Measure this machine; without a command: verify and fanout.

    docs/performance.md says what each figure means.
    """
    if context.invoked_subcommand is not None:
        return
    from proxy.bench import runs

    def measure(progress: Any) -> dict[str, Any]:
        paths = runs.verify(VERIFY_SECONDS, progress)
        return {**paths, **runs.fanout(FANOUT_CONNECTIONS, progress)}

    _run(measure, as_json, save)


@bench.command("verify", epilog="Example:  sluice bench verify --seconds 10")
@_seconds(VERIFY_SECONDS, "CPU time to spend on all paths.")
@_common
def verify_command(seconds: float, as_json: bool, save: str | None) -> None:
    """The proof check on every path of this machine."""
    from proxy.bench import runs

    _run(lambda progress: runs.verify(seconds, progress), as_json, save)


@bench.command("fanout", epilog="Example:  sluice bench fanout --connections 5000")
@click.option(
    "--connections",
    type=_MINERS,
    multiple=True,
    default=FANOUT_CONNECTIONS,
    show_default=True,
    help="Give it again for more rows.",
)
@_common
def fanout_command(connections: tuple[int, ...], as_json: bool, save: str | None) -> None:
    """A new job's way to the last miner."""
    from proxy.bench import runs

    _run(lambda progress: runs.fanout(connections, progress), as_json, save)


@bench.command("shares", epilog="Example:  sluice bench shares --miners 1000 --dialect aion")
@_crowd
@_seconds(SHARES_SECONDS, "For each part of a row; it has three.")
@click.option(
    "--rate", type=click.FloatRange(1, 1e6), default=RATE, show_default=True,
    help="Shares a second at which round trips are compared.",
)  # fmt: skip
@click.option("--repeat", type=click.IntRange(1, 100), default=1, show_default=True, help=(
    "Passes over all rows; of each row the least disturbed one counts."
))  # fmt: skip
@click.option("--rates", "sweeps", is_flag=True, help=(
    "Also the cost at growing rates, with 1,000 miners: for the plots."
))  # fmt: skip
@_common
def shares_command(
    dialect: str,
    miners: tuple[int, ...],
    seconds: float,
    rate: float,
    repeat: int,
    sweeps: bool,
    as_json: bool,
    save: str | None,
) -> None:
    """What a forwarded share costs, and how long it is under way."""
    from proxy.bench import runs

    def measure(progress: Any) -> dict[str, Any]:
        results = runs.shares(_dialects(dialect), miners, seconds, rate, repeat, progress)
        if sweeps:
            results.update(runs.rates(_dialects(dialect), seconds, progress))
        return results

    _run(measure, as_json, save)


@bench.command("memory", epilog="Example:  sluice bench memory --miners 1000 --churn 60")
@_crowd
@_seconds(MEMORY_SECONDS, "Of each row, without an event.")
@click.option("--churn", type=_SECONDS, default=None, metavar="SECONDS", help=(
    "Also let miners come and go over the largest crowd: an hour of it in so many seconds."
))  # fmt: skip
@_common
def memory_command(
    dialect: str,
    miners: tuple[int, ...],
    seconds: float,
    churn: float | None,
    as_json: bool,
    save: str | None,
) -> None:
    """What a connection takes, what an idle farm costs, and whether anything leaks."""
    from proxy.bench import runs

    def measure(progress: Any) -> dict[str, Any]:
        results = runs.memory(_dialects(dialect), miners, seconds, progress)
        if churn is not None:
            results.update(runs.churn(_dialects(dialect), max(miners), churn, progress))
        return results

    _run(measure, as_json, save)


def _everything(churn: float, progress: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Measure all there is, as the commands do without options; by their names."""
    from proxy.bench import runs

    both = _dialects("both")
    yield "verify", runs.verify(VERIFY_SECONDS, progress)
    yield "fanout", runs.fanout(FANOUT_CONNECTIONS, progress)
    costs = runs.shares(both, CONNECTIONS, SHARES_SECONDS, RATE, REPEAT, progress)
    yield "shares", {**costs, **runs.rates(both, SHARES_SECONDS, progress)}
    sizes = runs.memory(both, CONNECTIONS, MEMORY_SECONDS, progress)
    yield "memory", {**sizes, **runs.churn(both, max(CONNECTIONS), churn, progress)}


@bench.command("report", epilog="Example:  sluice bench report --measure docs/performance.md")
@click.argument("page", type=click.Path(dir_okay=False))
@click.option("--measure", "anew", is_flag=True, help=(
    "First measure everything; takes some ten minutes, and wants a quiet machine."
))  # fmt: skip
@click.option(
    "--churn", type=_SECONDS, default=120.0, show_default=True, help="With --measure, for each dialect."
)
def report_command(page: str, anew: bool, churn: float) -> None:
    """Write a page's figures and charts from the results kept beside it.

    PAGE.md takes them from PAGE/verify.json, fanout.json, shares.json and memory.json, as --save keeps them.
    """
    from pathlib import Path

    from proxy.bench import report, tables
    from proxy.ops import logs

    path = Path(page)
    if anew:
        logs.configure("warning")
        with _progress() as progress:
            for part, results in _everything(churn, progress):
                tables.save(results, str(path.with_suffix("") / f"{part}.json"))
    for written in report.write(path):
        click.echo(f"written {written}")
