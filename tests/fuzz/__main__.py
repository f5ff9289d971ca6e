"""python -m tests.fuzz: fuzz targets, or replay one input.

    python -m tests.fuzz list                                what there is, and what each holds to
    python -m tests.fuzz all --seconds 600 --corpus DIR      each target for so long, one after the other
    python -m tests.fuzz aion_request --seconds 60
    python -m tests.fuzz aion_request FILE…                  replay

Ends with 0 if nothing was found, 1 if something was, 69 if nothing could be fuzzed here.
The trap: see engine.py, nothing of proxy may be imported before it.
"""

import importlib
import importlib.util
import os
import sys
from pathlib import Path

import click

from tests.fuzz.engine import MODULES, NOT_HERE, Engine, Targets, replay, targets_of

FOUND, UNAVAILABLE = 1, os.EX_UNAVAILABLE


@click.command()
@click.argument("name")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--seconds", default=60, show_default=True, type=click.IntRange(min=1), help="For each target.")
@click.option("--runs", default=0, help="Inputs for each target at most, always the same; 0 for any number.")
@click.option(
    "--corpus", type=click.Path(file_okay=False, path_type=Path), help="Where to keep what is learnt."
)
@click.option(
    "--findings",
    default=Path("build/fuzz"),
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to put what breaks an invariant.",
)
@click.option("--targets", "module", default=MODULES, hidden=True, help="The module that has them.")
def main(
    name: str,
    files: tuple[Path, ...],
    seconds: int,
    runs: int,
    corpus: Path | None,
    findings: Path,
    module: str,
) -> None:
    """Fuzz target NAME, or all of them; with FILES run it on these; with NAME list show what there is."""
    if name == "list":
        for target in targets_of(module).values():
            click.echo(f"{target.name:20}{target.invariant}")
    elif files:
        (target,) = _chosen(name, targets_of(module)).values()
        for path in files:
            target.run(path.read_bytes())
            click.echo(f"{name}: {path} is well")
    elif importlib.util.find_spec("atheris") is None:
        click.echo(NOT_HERE, err=True)
        sys.exit(UNAVAILABLE)
    else:
        engine = Engine(module, runs)
        chosen = [target.name for target in _chosen(name, engine.targets).values()]
        # Every one of them, also behind one that finds something.
        counts = [_fuzz(engine, each, seconds, corpus, findings) for each in chosen]
        sys.exit(FOUND if any(counts) else 0)


def _fuzz(engine: Engine, name: str, seconds: int, corpus: Path | None, findings: Path) -> int:
    """Fuzz one target, and say in one line what came of it and in one more for each finding."""
    summary, found = engine.fuzz(name, seconds, corpus, findings)
    click.echo(f"{name}: {summary}")
    for path in found:
        why = replay(name, path, engine.module) or "only under atheris: too slow, or too much memory"
        click.echo(f"{name}: FOUND {why}; replay: python -m tests.fuzz {name} {path}")
    return len(found)


def _chosen(name: str, targets: Targets) -> Targets:
    if name == "all":
        return targets
    if name not in targets:
        raise click.UsageError(f"no target {name!r}; python -m tests.fuzz list shows them")
    return {name: targets[name]}


if __name__ == "__main__":
    main(prog_name="python -m tests.fuzz")
