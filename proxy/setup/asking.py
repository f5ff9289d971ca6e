"""The questions of `sluice init`, on a terminal.

Strategy: what was given by flags is not asked; every answer is read by answers.py, and asked again with
its fault until it will do.  Questions go to standard error, so that nothing of them gets into a pipe.
"""

from collections.abc import Callable, Mapping
from typing import Any

import click

from proxy.errors import ConfigError
from proxy.setup import answers as read
from proxy.setup.answers import Answers

MOST_POOLS = 8  # asked for; a file may have more
Reach = Callable[[str], str]


def ask(given: Mapping[str, Any], reach: Reach) -> Answers:
    """Ask for what was not given.

    Args:
        given: fields of Answers.
        reach: tries a pool's URL; returns what is wrong, "" for nothing.
    """
    found = dict(given)
    if "pools" not in found:
        found["pools"] = _pools(reach)
    _text(found, "user", "Account at the pool", None, read.account)
    dialect, algorithm = read.guess(found["user"])
    if "dialect" not in found:
        kind = _choice("What do pool and miners speak", ("aion", "login"), dialect)
        found["dialect"] = kind
    if "algorithm" not in found:
        found["algorithm"] = _algorithm(found["dialect"], algorithm)
    _text(found, "listen", "Port, or address, for the miners", "3333", read.listen_url)
    if "difficulty" not in found:
        text = "Shall the difficulty follow each miner (vardiff)? Without it every share goes to the pool"
        found["difficulty"] = read.VARDIFF if click.confirm(text, False, err=True) else read.UPSTREAM
    _text(found, "http", "Address of dashboard and metrics, or none", "127.0.0.1:9180", read.http_address)
    if "ledger" not in found:
        text = "Keep a record of all shares in sluice.db"
        found["ledger"] = read.LEDGER if click.confirm(text, True, err=True) else ""
    return Answers(**found)


def _pools(reach: Reach) -> tuple[str, ...]:
    pools = [_pool("Pool, as host:port or URL", None, reach)]
    while len(pools) < MOST_POOLS:
        url = _pool("Another pool in reserve; Enter for none", "", reach)
        if not url:
            break
        pools.append(url)
    return tuple(pools)


def _pool(text: str, default: str | None, reach: Reach) -> str:
    while True:
        url = _asked(text, default, lambda given: read.pool_url(given) if given else "")
        fault = reach(url) if url else ""
        if not fault:
            return url
        click.echo(f"  {fault}", err=True)
        if click.confirm("  Take it all the same", False, err=True):
            return url


def _algorithm(dialect: str, guessed: str) -> str:
    if dialect == "aion":
        return read.EQUIHASH
    text = "Which work: Equihash 210,9, whose proofs are checked here, or blob (RandomX and all others)"
    default = "blob" if guessed == read.BLOB else "equihash"
    return read.BLOB if _choice(text, ("blob", "equihash"), default) == "blob" else read.EQUIHASH


def _text(
    found: dict[str, Any], name: str, text: str, default: str | None, reader: Callable[[str], str]
) -> None:
    if name not in found:
        found[name] = _asked(text, default, reader)


def _asked(text: str, default: str | None, reader: Callable[[str], str]) -> str:
    def value(given: str) -> str:
        try:
            return reader(given)
        except ConfigError as error:
            raise click.BadParameter(str(error)) from None

    said: str = click.prompt(text, default=default, value_proc=value, err=True, show_default=bool(default))
    return said


def _choice(text: str, words: tuple[str, ...], default: str) -> str:
    said: str = click.prompt(text, default=default, type=click.Choice(words), err=True)
    return said
