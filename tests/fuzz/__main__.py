"""python -m tests.fuzz: fuzz targets, or replay one input.

    python -m tests.fuzz list                                what there is, and what each holds to
    python -m tests.fuzz all --seconds 600 --corpus DIR      each target for so long, one after the other
    python -m tests.fuzz aion_request --seconds 60
    python -m tests.fuzz aion_request FILE…                  replay

Ends with 0 if nothing was found, 1 if something was, 69 if nothing could be fuzzed here.
The trap: see engine.py, nothing of proxy may be imported before it.
"""

import importlib.util
import os
import sys
from pathlib import Path

import click

from tests.fuzz.engine import NOT_HERE, Engine, replay

FOUND, UNAVAILABLE = 1, os.EX_UNAVAILABLE


@click.command()
@click.argument("name")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--seconds", default=60, show_default=True, help="For each target.")
@click.option("--corpus", type=click.Path(file_okay=False, path_type=Path), help="Where to keep what is learnt.")
@click.option(
    "--findings",
    default=Path("build/fuzz"),
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to put what breaks an invariant.",
)
@click.option("--extra", multiple=True, hidden=True, help="A module with TARGETS of its own.")
def main(
    name: str, files: tuple[Path, ...], seconds: int, corpus: Path | None, findings: Path, extra: tuple[str, ...]
) -> None:
    """Fuzz target NAME, or all; with FILES run it on these; NAME list shows them."""
    if name == "list" or files:
        _without_engine(name, files)
        return
    if importlib.util.find_spec("atheris") is None:
        click.echo(NOT_HERE, err=True)
        sys.exit(UNAVAILABLE)
    engine = Engine(*extra)
    names = list(engine.targets) if name == "all" else [name]
    _known(names[0], engine.targets)
    count = 0
    for each in names:
        summary, found = engine.fuzz(each, seconds, corpus, findings)
        click.echo(f"{each}: {summary}")
        for path in found:
            why = replay(each, path) or "only under atheris: too slow, or too much memory"
            click.echo(f"{each}: FOUND {why}; replay: python -m tests.fuzz {each} {path}")
        count += len(found)
    sys.exit(FOUND if count else 0)


def _without_engine(name: str, files: tuple[Path, ...]) -> None:
    from tests.fuzz.targets import TARGETS

    if name == "list":
        for target in TARGETS.values():
            click.echo(f"{target.name:20}{target.invariant}")
        return
    _known(name, TARGETS)
    for path in files:
        TARGETS[name].run(path.read_bytes())
        click.echo(f"{name}: {path} is well")


def _known(name: str, targets: object) -> None:
    if name not in targets:  # type: ignore[operator]
        raise click.UsageError(f"no target {name!r}; python -m tests.fuzz list shows them")


main(prog_name="python -m tests.fuzz")
