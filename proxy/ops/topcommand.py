"""`sluice top` as a command: its options, where it asks and with which token.

Strategy: imports of size stand inside, so that the other commands do not pay for them.
The trap: a token goes only to whom it belongs.  One of the configuration is sent to the address of the same
configuration, or where the operator names both on the command line.
"""

import os
import ssl
from collections.abc import Mapping

import attrs
import click

from proxy.errors import ConfigError

TOKEN_VARIABLE = "SLUICE_TOKEN"
# Of a token file; a token is at most 1024 characters.
MAX_TOKEN = 4096


@attrs.frozen
class Place:
    """Where to ask, and what to show there."""

    url: str
    token: str = attrs.field(repr=False, default="")


@click.command(epilog="Example:  sluice top http://127.0.0.1:9180")
@click.argument("url", required=False)
@click.option(
    "-c",
    "--config",
    "path",
    metavar="FILE",
    help="Where address and token are from; else $SLUICE_CONFIG, ./sluice.toml, /etc/sluice/sluice.toml.",
)
@click.option("--token", metavar="TOKEN", help="Read token; others on this machine may see it.")
@click.option("--token-file", metavar="FILE", help="File that holds it; else $SLUICE_TOKEN.")
@click.option("--ca", metavar="FILE", help="Authorities for https, PEM; default the system's.")
@click.option(
    "--every",
    type=click.FloatRange(0.2, 3600),
    default=2.0,
    show_default=True,
    help="Seconds between questions.",
)
@click.option("--timeout", type=click.FloatRange(0.1, 60), default=5.0, show_default=True, help="Seconds.")
@click.option("--once", is_flag=True, help="Print it once, without keys; so it does anyway in a pipe.")
@click.option(
    "--view",
    type=click.Choice(["workers", "miners", "pools", "bans"]),
    default="workers",
    show_default=True,
    help="What to begin with.",
)
@click.option("--rows", type=click.IntRange(1, 1000), default=50, show_default=True, help="Rows of --once.")
def top(
    url: str | None,
    path: str | None,
    token: str | None,
    token_file: str | None,
    ca: str | None,
    every: float,
    timeout: float,
    once: bool,
    view: str,
    rows: int,
) -> None:
    """Watch a running proxy: pool, hashrate, workers, miners, bans; `?` shows the keys.

    Asks the HTTP API, here or on another machine.  Without a terminal it prints one plain snapshot.
    """
    from rich.console import Console

    from proxy.ops.top import PLAIN_WIDTH, Top, snapshot
    from proxy.ops.topdata import Api
    from proxy.ops.topkeys import is_usable
    from proxy.ops.topstate import Look

    place = find_place(url, path, token, token_file, os.environ)
    look = Look(view=view, rows=rows)
    api = Api(place.url, place.token, timeout, _authorities(ca))
    if not once and is_usable(os.environ):
        Top(api, Console(), look, every).run()
        return
    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(width=PLAIN_WIDTH)
    with api:
        snapshot(api, console, look)


def find_place(
    url: str | None, path: str | None, token: str | None, token_file: str | None, environ: Mapping[str, str]
) -> Place:
    """Work out whom to ask with which token.

    Args:
        url, path, token, token_file: as given on the command line.
    Raises: ConfigError.
    """
    from proxy.config import Http, find, load
    from proxy.ops.health import default_url

    given = _given_token(token, token_file, environ)
    if url is not None and (path is None or given):
        return Place(url, given)
    configured = find(path, environ) is not None or any(name.startswith("SLUICE__") for name in environ)
    http = load(path, environ).http if configured else Http()
    url = url or default_url(http)
    if url is None:
        raise ConfigError("http.address is empty, so there is nobody to ask; give a URL")
    return Place(url, given or http.read_token or http.admin_token)


def _given_token(token: str | None, token_file: str | None, environ: Mapping[str, str]) -> str:
    if token is not None and token_file is not None:
        raise ConfigError("--token and --token-file: take one of the two")
    if token_file is not None:
        try:
            with open(token_file, encoding="utf-8") as file:
                token = file.read(MAX_TOKEN).strip()
        except (OSError, UnicodeDecodeError) as error:
            said = getattr(error, "strerror", None) or "is not text"
            raise ConfigError(f"--token-file: {token_file}: {said}") from None
        if not token:
            raise ConfigError(f"--token-file: {token_file}: is empty")
    token = token or environ.get(TOKEN_VARIABLE, "")
    if not token.isascii() or not token.isprintable():
        raise ConfigError("the token must be printable ASCII, as it stands in a header")
    return token


def _authorities(ca: str | None) -> ssl.SSLContext | None:
    if ca is None:
        return None
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        said = getattr(error, "strerror", None) or "no certificates in PEM"
        raise ConfigError(f"--ca: {ca}: {said}") from None
