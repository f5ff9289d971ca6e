"""`sluice init` as a command: a printed example, questions on a terminal, or all of it by flags.

    a size                      that example, as it is
    any of the flags            a file of one's own from them
    nothing, on a terminal      the same by questions
    nothing, in a pipe          the smallest example

Imports of size stand inside, so that the other commands do not pay for them.
"""

import os
import sys
from typing import Any

import click

from proxy.errors import ConfigError

PLACE = "sluice.toml"
REACH_SECONDS = 5.0  # for one look at a pool

_NEEDED = ("pools", "user")


@click.command(
    epilog="Example:  sluice init minimal > sluice.toml    or    "
    "sluice init --pool pool.example:3333 --user 0xa0… --output sluice.toml"
)
@click.argument("size", type=click.Choice(["minimal", "failover", "full"]), required=False)
@click.option("--pool", "pools", multiple=True, metavar="URL", help="A pool; again for one in reserve.")
@click.option("--user", metavar="ACCOUNT", help="The account at the pool.")
@click.option("--password", metavar="TEXT", help="Its password; most pools take any.")
@click.option(
    "--dialect", type=click.Choice(["aion", "login"]), help="What pools speak; else told by the account."
)
@click.option("--algorithm", metavar="NAME", help="equihash/N_K or blob; else told by the account.")
@click.option("--listen", metavar="PORT|URL", help="Where miners come to.  [default: 3333]")
@click.option("--difficulty", metavar="KIND", help="upstream, vardiff or a number.  [default: upstream]")
@click.option("--http", metavar="ADDRESS", help="Dashboard and metrics, or none.  [default: 127.0.0.1:9180]")
@click.option(
    "--ledger", metavar="URL", help="Where shares are kept, or none.  [default: sqlite:///sluice.db]"
)
@click.option(
    "-o", "--output", metavar="FILE", help="Write it there, for its owner alone, instead of printing."
)
@click.option("--force", is_flag=True, help="Over a file that is there already.")
def init(size: str | None, output: str | None, force: bool, **flags: Any) -> None:
    """Make a configuration: print an example of SIZE, or write one by questions or flags.

    On a terminal, without SIZE, it asks.  Beyond loopback it makes the tokens that --http needs.
    """
    from proxy.config import template

    given = _given(flags)
    if size is not None and given:
        raise click.UsageError("an example takes no flags but --output; leave SIZE out, or the flags")
    asks = size is None and sys.stdin.isatty() and sys.stdout.isatty()
    if asks:
        output = output or PLACE
    if output is not None and not force and os.path.lexists(output):
        raise ConfigError(f"{output}: is there already; take another --output, or --force")
    text = _made(given, asks) if given or asks else template(size or "minimal")
    if output is None:
        click.echo(text, nl=False)
        return
    from proxy.setup.writing import save

    save(text, output, force)
    click.echo(f"{output} written, for its owner alone; then: sluice check -c {output} --explain", err=True)


def _given(flags: dict[str, Any]) -> dict[str, Any]:
    """Read the flags as answers."""
    from proxy.setup import answers as read

    readers: dict[str, Any] = {
        "pools": lambda urls: tuple(read.pool_url(url) for url in urls),
        "user": read.account,
        "listen": read.listen_url,
        "difficulty": read.difficulty,
        "http": read.http_address,
        "ledger": lambda url: "" if url == read.NO_LEDGER else url,
    }
    found = {}
    for name, value in flags.items():
        if value is None or value == ():
            continue
        try:
            found[name] = readers[name](value) if name in readers else value
        except ConfigError as error:
            raise ConfigError(f"--{'pool' if name == 'pools' else name}: {error}") from None
    return found


def _made(given: dict[str, Any], asks: bool) -> str:
    from proxy.setup.answers import Answers, guess, with_tokens
    from proxy.setup.asking import ask
    from proxy.setup.writing import written

    if asks:
        return written(with_tokens(ask(given, _reach)))
    missing = [name for name in _NEEDED if name not in given]
    if missing:
        flags = " and ".join("--pool" if name == "pools" else f"--{name}" for name in missing)
        raise ConfigError(
            f"{flags}: needed for a configuration of your own; or take an example: sluice init minimal"
        )
    dialect, algorithm = guess(given["user"])
    dialect = given.get("dialect", dialect)
    algorithm = "equihash/210_9" if dialect == "aion" else algorithm
    return written(with_tokens(Answers(**{"dialect": dialect, "algorithm": algorithm, **given})))


def _reach(url: str) -> str:
    from proxy.setup.answers import Answers
    from proxy.setup.reaching import unreachable
    from proxy.setup.writing import loaded, written

    click.echo(f"  trying {url} …", err=True)
    return "\n  ".join(unreachable(loaded(written(Answers(pools=(url,), user="nobody"))), REACH_SECONDS))
