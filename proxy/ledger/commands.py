"""`sluice ledger`: reconcile, workers, export.

Strategy: options in, exit status out; the work is done elsewhere, and imported only by the command that does
it, for other commands must start at once.
Exit status: 0 the book closes, or it is printed; 1 it does not close, or cannot be read; 2 wrong usage.
"""

import os
import socket
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import click

from proxy.errors import ConfigError, SluiceError

if TYPE_CHECKING:
    from proxy.config import Config
    from proxy.ledger.book import Book
    from proxy.ledger.comparison import Comparison
    from proxy.ledger.reconcile import Account

_CONFIG_HELP = (
    "Configuration that names the ledger; else $SLUICE_CONFIG, ./sluice.toml, /etc/sluice/sluice.toml."
)
_SINCE_HELP = "24h, 7d, 2026-11-20, 2026-11-20T14:30Z, or all."
_SORTS = "sols, name, accepted, bad, uptime, seen, or a verdict such as stale"


@attrs.frozen
class Source:
    """Which ledger is asked.

    Args:
        config: the configuration that names it; None if a URL was given.
    """

    url: str
    config: "Config | None"

    def opened(self) -> "Book":
        """Open it.

        Raises: ConfigError, LedgerError.
        """
        from proxy.ledger.book import open_book

        return open_book(self.url)


def _from(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say which ledger."""
    command = click.option(
        "--url", metavar="URL", help="The ledger itself: sqlite:///FILE or postgresql://…"
    )(command)
    return click.option("-c", "--config", "path", metavar="FILE", help=_CONFIG_HELP)(command)


def source(path: str | None, url: str | None) -> Source:
    """Find out which ledger is meant.

    Raises: ConfigError.
    """
    from proxy.config import load

    if url is not None:
        if path is not None:
            raise ConfigError("--config and --url both name a ledger; give one of them")
        return Source(url, None)
    config = load(path, os.environ)
    if not config.ledger.url:
        raise ConfigError('ledger.url is "", so no ledger is kept')
    return Source(config.ledger.url, config)


def _example(text: str) -> Callable[[Any], Any]:
    def add(command: Any) -> Any:
        command.epilog = f"Example:  {text}"
        return command

    return add


@click.group()
def ledger() -> None:
    """Read the record of all shares.

    All times are UTC.  Any of these may be asked while the proxy runs.
    """


# ---- reconcile


@_example("sluice ledger reconcile --since 2026-11-20 --until 2026-11-21 --statement pool.csv")
@ledger.command()
@_from
@click.option("--since", metavar="TIME", default=None, help=f"{_SINCE_HELP}  [default: 24h]")
@click.option("--until", metavar="TIME", default=None, help="The same.  [default: now]")
@click.option(
    "--statement", metavar="FILE", help="The pool's: CSV with columns hour, accepted or work, maybe worker."
)
@click.option(
    "--pool", metavar="NAME", default="", help="Whose statement it is, if there are several in the book."
)
@click.option(
    "--slack",
    type=click.FloatRange(0, 1800),
    default=60.0,
    show_default=True,
    help="Seconds that the pool's clock may differ.",
)
@click.option("--proxy", metavar="NAME", default="", help="One proxy of several that write the book.")
@click.option(
    "--live",
    metavar="URL",
    help="A running proxy to hold the book against, as http://127.0.0.1:9180; or none.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def reconcile(
    path: str | None,
    url: str | None,
    since: str | None,
    until: str | None,
    statement: str | None,
    pool: str,
    slack: float,
    proxy: str,
    live: str | None,
    as_json: bool,
) -> None:
    """Say whether every share is accounted for, and what is missing, where and when.

    received = filtered + kept + forwarded, forwarded = accepted + rejected + lost; the rows against what each
    process counted, against a running proxy's metrics, and against a pool's statement.
    Exit status 1 if the book does not close.
    """
    from proxy.ledger import comparison as comparing
    from proxy.ledger import reconcile as closing
    from proxy.ledger.spans import ALL, read_moment
    from proxy.ledger.statement import read_file

    now = time.time()
    stated = None if statement is None else read_file(statement)
    usual = now - 86_400 if stated is None else float(stated.first)
    begin = usual if since is None else read_moment(since, now)
    end = now if until is None else read_moment(until, now)
    if end <= begin:
        raise ConfigError("--until must be later than --since")
    at = source(path, url)
    book = at.opened()
    try:
        account = closing.reconcile(book, begin, end, now, proxy)
        compared = (
            None if stated is None else comparing.compare(book, stated, pool, max(begin, ALL), end, slack)
        )
        found = _hold_live(at, book, live, proxy, account)
    finally:
        book.close()
    _tell_account(str(book.place), account, compared, found, as_json)


def _hold_live(at: Source, book: "Book", url: str | None, proxy: str, account: "Account") -> list[str] | None:
    """Hold the book against a running proxy, the configured one if it runs.

    Returns: what does not agree; None if nobody was asked.
    """
    from proxy.ledger.live import ask, differences

    token = "" if at.config is None else at.config.http.read_token or at.config.http.admin_token
    if url == "none":
        return None
    if url is not None:
        return differences(book, ask(url, token), proxy, notes=account.notes)
    if at.config is None or not at.config.http.address:
        return None
    name = proxy or at.config.ledger.proxy or socket.gethostname()
    try:
        figures = ask(f"http://{at.config.http.address.replace('0.0.0.0', '127.0.0.1')}", token)
        return differences(book, figures, name, notes=account.notes)
    except SluiceError as error:
        account.notes.append(f"not held against a running proxy: {error}")
        return None


def _tell_account(
    where: str,
    account: "Account",
    compared: "Comparison | None",
    live: Sequence[str] | None,
    as_json: bool,
) -> None:
    from proxy.ledger import tables

    closes = tables.closes(account, compared, live)
    if as_json:
        click.echo(_account_json(where, account, compared, live, closes))
    else:
        console = tables.console()
        tables.show_account(console, account, where)
        for line in tables.told(account, compared, live):
            tables.say(console, line)
    if not closes:
        sys.exit(1)


def _account_json(
    where: str,
    account: "Account",
    compared: "Comparison | None",
    live: Sequence[str] | None,
    closes: bool,
) -> str:
    import msgspec

    told: dict[str, Any] = {"ledger": where, "closes": closes, "holds": account.holds}
    told |= {"received": account.received, "filtered": account.filtered}
    told |= {"kept": account.kept, "forwarded": account.forwarded}
    told |= msgspec.to_builtins(account)
    told["statement"] = None if compared is None else msgspec.to_builtins(compared)
    told["live"] = None if live is None else list(live)
    return msgspec.json.encode(told).decode()


# ---- workers


@_example("sluice ledger workers --since 7d --sort uptime --limit 20")
@ledger.command()
@_from
@click.option("--since", metavar="TIME", default="24h", show_default=True, help=_SINCE_HELP)
@click.option("--until", metavar="TIME", default=None, help="The same.  [default: now]")
@click.option("--sort", metavar="KEY", default="sols", show_default=True, help=f"{_SORTS}.")
@click.option("--limit", type=click.IntRange(0), default=50, show_default=True, help="How many; 0 for all.")
@click.option("--reverse", is_flag=True, help="The smallest first.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def workers(
    path: str | None,
    url: str | None,
    since: str,
    until: str | None,
    sort: str,
    limit: int,
    reverse: bool,
    as_json: bool,
) -> None:
    """Show each worker's speed, its shares by verdict, and how much of the time it was there."""
    from proxy.ledger import tables
    from proxy.ledger.spans import read_moment
    from proxy.ledger.workers import in_order, table

    now = time.time()
    end = now if until is None else read_moment(until, now)
    in_order([], sort)
    book = source(path, url).opened()
    try:
        found = table(book, read_moment(since, now), end)
    finally:
        book.close()
    rows = in_order(found.rows, sort)
    if reverse:
        rows.reverse()
    rows = rows[:limit] if limit else rows
    if as_json:
        import msgspec

        items = [{**msgspec.to_builtins(row), "bad": row.bad} for row in rows]
        told = {"since": found.since, "until": found.until, "items": items, "total": len(found.rows)}
        click.echo(msgspec.json.encode(told).decode())
    else:
        tables.show_workers(tables.console(), found, rows)


# ---- export


@_example(
    "sluice ledger export --since 2026-11-01 --until 2026-12-01 --format parquet --output november.parquet"
)
@ledger.command()
@_from
@click.option("--since", metavar="TIME", default="24h", show_default=True, help=_SINCE_HELP)
@click.option("--until", metavar="TIME", default=None, help="The same.  [default: now]")
@click.option("--worker", metavar="NAME", default="", help="Of one worker.")
@click.option("--reason", metavar="VERDICT", default="", help="Of one verdict, such as rejected.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["csv", "jsonl", "parquet"]),
    default="csv",
    show_default=True,
    help="parquet needs pyarrow: pip install 'sluice[parquet]'.",
)
@click.option(
    "-o", "--output", metavar="FILE", default="-", help="Where to; - is standard output.  [default: -]"
)
def export(
    path: str | None,
    url: str | None,
    since: str,
    until: str | None,
    worker: str,
    reason: str,
    kind: str,
    output: str,
) -> None:
    """Write shares to a file, the oldest first.

    In CSV a text that begins with = + - or @ has an apostrophe in front, for a spreadsheet would run it.
    """
    from proxy.ledger.export import Wanted
    from proxy.ledger.spans import read_moment
    from proxy.model.share import Reason

    now = time.time()
    if reason and reason not in [known.value for known in Reason]:
        raise ConfigError(f'--reason "{reason}": must be one of {", ".join(known.value for known in Reason)}')
    end = now if until is None else read_moment(until, now)
    wanted = Wanted(read_moment(since, now), end, worker, reason)
    book = source(path, url).opened()
    try:
        count = _export(book, wanted, kind, output)
    finally:
        book.close()
    if output != "-":
        click.echo(f"{output}: {count} shares", err=True)


def _export(book: "Book", wanted: Any, kind: str, output: str) -> int:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from proxy.ledger.export import export as write

    console = Console(stderr=True)
    if not console.is_terminal:
        return write(book, wanted, kind, output)
    columns = (BarColumn(), TextColumn("{task.fields[shares]} shares"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=1.0, shares=0)
        return write(
            book,
            wanted,
            kind,
            output,
            lambda count, done: progress.update(task, completed=done, shares=count),
        )
