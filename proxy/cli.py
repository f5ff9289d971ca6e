"""The commands: options in, exit status out; the work is done elsewhere.

    0  done        1  it failed while running        2  wrong usage or configuration

Every error is one line on standard error; a traceback is a bug.  Imports of whole parts stand inside the
commands, so that `sluice health`, which a container runs every few seconds, loads no proxy.
"""

import json
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import click

from proxy.bench.commands import bench
from proxy.errors import ConfigError, SluiceError
from proxy.ledger.commands import ledger
from proxy.ops.topcommand import top
from proxy.setup.command import init
from proxy.sim.options import sim
from proxy.version import __version__

_DIALECT = click.Choice(["aion", "login"])
_CONFIG_HELP = "Configuration file; else $SLUICE_CONFIG, ./sluice.toml, /etc/sluice/sluice.toml."


class Commands(click.Group):
    """Turns faults into one line and an exit status, whichever command they come from."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _stop_printing()
            ctx.exit(1)
        except Exception as error:
            fault = _first_fault(error)
            if fault is None:
                raise
            for line in str(fault).splitlines():
                click.echo(f"sluice: {line}", err=True)
            ctx.exit(2 if isinstance(fault, ConfigError) else 1)


def _stop_printing() -> None:
    """The reader of our output has gone; without this Python would complain once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _first_fault(error: BaseException) -> SluiceError | None:
    """Find the fault to show; nurseries wrap what their tasks raise."""
    if isinstance(error, SluiceError):
        return error
    if isinstance(error, BaseExceptionGroup):
        faults = [_first_fault(inner) for inner in error.exceptions]
        return faults[0] if all(faults) else None
    return None


def _example(text: str) -> Callable[[Any], Any]:
    """Add an example to a command's --help."""

    def add(command: Any) -> Any:
        command.epilog = f"Example:  {text}"
        return command

    return add


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sluice")
def sluice() -> None:
    """A stratum proxy that checks every share: many miners in, one clean stream out.

    Start with `sluice demo`, then `sluice init minimal > sluice.toml`, then `sluice run`.
    """


@_example("sluice run -c /etc/sluice/sluice.toml")
@sluice.command()
@click.option("-c", "--config", "path", metavar="FILE", help=_CONFIG_HELP)
@click.option("--takeover", is_flag=True, help="Take the ports over from the proxy that runs; it ends then.")
def run(path: str | None, takeover: bool) -> None:
    """Run the proxy until SIGTERM or SIGINT; SIGHUP reads the configuration again.

    Prints one line for each listener, `ready` once the pool has given work, and logs to standard error.
    """
    import trio

    from proxy import collector
    from proxy.app import Proxy
    from proxy.config import find, ineffective, load
    from proxy.lifecycle.running import run_until_signalled
    from proxy.lifecycle.takeover import place_of
    from proxy.ops import logs
    from proxy.workers.parent import Parent

    config = load(path, os.environ)
    if refused := ineffective(config):
        raise ConfigError("\n".join(refused))
    logs.configure(config.log.level, config.log.format)
    collector.tune()
    trio.run(
        run_until_signalled,
        config,
        _tell_whoever_listens,
        partial(Parent if config.workers > 1 else Proxy, keeps_ledger=True),
        lambda: load(path, os.environ),
        place_of(config, find(path, os.environ), os.environ),
        takeover,
    )


def _tell(line: str) -> None:
    click.echo(line)
    sys.stdout.flush()


def _tell_whoever_listens(line: str) -> None:
    """Nobody need read on for the proxy to go on: `sluice run | head -1`."""
    try:
        _tell(line)
    except BrokenPipeError:
        _stop_printing()


@_example("sluice check -c sluice.toml --explain")
@sluice.command()
@click.option("-c", "--config", "path", metavar="FILE", help=_CONFIG_HELP)
@click.option("--explain", is_flag=True, help="Say behind it, as comments, what it comes to on this machine.")
def check(path: str | None, explain: bool) -> None:
    """Validate the configuration and print it in full, secrets masked."""
    from proxy.config import find, ineffective, load, to_toml
    from proxy.doors import unusable

    config = load(path, os.environ)
    click.echo(to_toml(config), nl=False)
    if explain:
        from proxy.setup.explaining import explained
        from proxy.setup.machine import look

        lines = explained(config, look(config, find(path, os.environ)))
        click.echo("\n" + "\n".join(f"# {line}" for line in lines))
    for line in [*ineffective(config), *unusable(config)]:
        click.echo(f"sluice: `sluice run` would refuse: {line}", err=True)


@_example("sluice health http://127.0.0.1:9180")
@sluice.command()
@click.argument("url", required=False)
@click.option("-c", "--config", "path", metavar="FILE", help=_CONFIG_HELP)
@click.option("--timeout", type=click.FloatRange(0.1, 60), default=3.0, show_default=True, help="Seconds.")
def health(url: str | None, path: str | None, timeout: float) -> None:
    """Exit 0 if a running proxy has work for its miners, else 1 with the reason."""
    from proxy.config import find, load
    from proxy.config.sections import Http
    from proxy.ops.health import check as check_health
    from proxy.ops.health import default_url, own_certificate

    context = None
    if url is None:
        by_environment = any(name.startswith("SLUICE__") for name in os.environ)
        configured = find(path, os.environ) is not None or by_environment
        settings = load(path, os.environ).http if configured else Http()
        url = default_url(settings)
        if url is None:
            raise ConfigError("http.address is empty, so there is nobody to ask; give a URL")
        context = own_certificate(settings)
    ready, line = check_health(url, timeout, context=context)
    click.echo(line, err=not ready)
    if not ready:
        sys.exit(1)


@_example("""echo '{"header":"…","nonce":"…","solution":"…"}' | sluice verify""")
@sluice.command()
def verify() -> None:
    """Check shares: JSON lines on standard input, one JSON line each on standard output."""
    from proxy.verify import read_lines
    from proxy.verify import verify as verify_shares

    for outcome in verify_shares(read_lines(sys.stdin.buffer)):
        _tell(json.dumps(outcome))


@_example("sluice demo --miners 200 --seconds 30 --http 127.0.0.1:9180")
@sluice.command()
@click.option("--miners", type=click.IntRange(1, 20_000), default=50, show_default=True, help="How many.")
@click.option(
    "--seconds", type=click.FloatRange(0.5, 86_400), default=20.0, show_default=True, help="How long."
)
@click.option("--http", metavar="ADDRESS", default="", help="Serve /metrics there meanwhile, as HOST:PORT.")
@click.option(
    "--pool-dialect", type=_DIALECT, default=None, help="What the pool speaks; aion, for blob login."
)
@click.option(
    "--miners-dialect", type=_DIALECT, default=None, help="What the miners speak; the same default."
)
@click.option(
    "--algorithm",
    type=click.Choice(["equihash/48_5", "blob"]),
    default="equihash/48_5",
    show_default=True,
    help="The work; blob is that of the login dialect's other coins.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object last, instead of the table.")
def demo(as_json: bool, pool_dialect: str | None, miners_dialect: str | None, **given: Any) -> None:
    """Run a whole farm in one process: simulated pool, the proxy, miners that really solve.

    Exit status 1 if a share is not accounted for.
    """
    import trio
    from rich.console import Console

    from proxy import demo as farm
    from proxy.ops import logs

    logs.configure("warning")
    usual = "login" if given["algorithm"] == farm.BLOB else "aion"
    scene = farm.Scene(pool_dialect=pool_dialect or usual, miners_dialect=miners_dialect or usual, **given)
    outcome = trio.run(farm.run, scene, _tell, Console(stderr=True))
    if as_json:
        _tell(json.dumps(farm.as_json(outcome)))
    else:
        farm.show(outcome, Console())
    if not outcome.conserved:
        sys.exit(1)


sluice.add_command(bench)
sluice.add_command(init)
sluice.add_command(ledger)
sluice.add_command(sim)
sluice.add_command(top)


def main() -> None:
    """Run the command line."""
    sluice(prog_name="sluice")
