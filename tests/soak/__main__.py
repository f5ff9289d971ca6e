"""`python -m tests.soak`: a chaos run, judged.

Strategy: only options and the exit status are here.  The folder of a run that has failed is kept, because
the logs in it are the evidence.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
import trio
from rich.console import Console

from tests.soak.books import claims
from tests.soak.chaos import LEAST_EVERY
from tests.soak.run import Run
from tests.soak.scene import Scene
from tests.soak.telling import as_json, show

WIDTH = 130  # of tables that go to a file


@click.command()
@click.option("--minutes", type=click.FloatRange(0.1, 10_000), default=3.0, show_default=True)
@click.option("--miners", type=click.IntRange(1, 10_000), default=300, show_default=True)
@click.option(
    "--hostile", type=click.FloatRange(0, 90), default=10.0, show_default=True, help="Percent of them."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of everything random.")
@click.option(
    "--kill-every", type=click.FloatRange(LEAST_EVERY, 3600), default=20.0, show_default=True, help="Seconds."
)
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), default=None)
def main(json_file: Path | None, **given: float) -> None:
    """Run the proxy between pools that die and miners of which some mean harm, and check every claim.

    Exit status 1 if a claim fails, 2 if the run could not be made.
    """
    scene = Scene(**given)  # type: ignore[arg-type]  # click has made the types
    folder = Path(tempfile.mkdtemp(prefix="sluice-soak-"))
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
    try:
        outcome = trio.run(Run(scene, folder, lambda line: click.echo(line, err=True)).go)
    except* (RuntimeError, trio.TooSlowError) as errors:
        for error in _leaves(errors):
            click.echo(f"soak: {str(error) or 'too slow to start'}; logs in {folder}", err=True)
        sys.exit(2)
    judged = claims(outcome)
    show(outcome, judged, console)
    if json_file is not None:
        json_file.write_text(json.dumps(as_json(scene, outcome, judged), indent=1), encoding="utf-8")
    failed = [claim.name for claim in judged if not claim.holds]
    if failed:
        click.echo(f"FAILED: {'; '.join(failed)} (logs in {folder})", err=True)
        sys.exit(1)
    shutil.rmtree(folder, ignore_errors=True)


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


if __name__ == "__main__":
    main()
