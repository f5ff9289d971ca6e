"""The options of `sluice sim pool` and `sluice sim miners`, as one click group to hang into the command.

Strategy: here stand names, defaults and help; what they mean is in PoolOptions, MinerOptions and
FarmOptions, whose constructors this file calls.  Parts are imported inside the commands, as in cli.py.
"""

import math
import re
import sys
from typing import TYPE_CHECKING, Any

import click

from proxy.errors import ConfigError

if TYPE_CHECKING:
    from proxy.native import Equihash

_FRACTION = click.FloatRange(0, 1)
_SECONDS = click.FloatRange(min=0)


def read_algorithm(text: str, person: str) -> "Equihash":
    """Read equihash/N_K.

    Raises: ConfigError.
    """
    from proxy.native import Equihash

    match = re.fullmatch(r"(?:equihash/)?(\d{1,3})_(\d{1,2})", text)
    if match is None:
        raise ConfigError(f'--algorithm "{text}": equihash/N_K expected, such as equihash/48_5')
    return Equihash(int(match[1]), int(match[2]), person)


def _tell(line: str) -> None:
    click.echo(line)
    sys.stdout.flush()


def _common(command: Any) -> Any:
    """Options that both ends have."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="End with one JSON object instead of a table."),
        click.option("--seed", type=int, default=0, show_default=True, help="Of everything random."),
        click.option(
            "--seconds", type=_SECONDS, default=0, help="Stop after so long; 0: at SIGINT or SIGTERM."
        ),
        click.option("--person", default="AION0PoW", show_default=True, help="Equihash personalization."),
        click.option(
            "--algorithm",
            default="equihash/48_5",
            show_default=True,
            help="48_5 is solved in 0.1 ms, 96_5 in 15; or blob, in dialect login.",
        ),
    ):
        command = option(command)
    return command


@click.group("sim")
def sim() -> None:
    """A simulated pool, and simulated miners that really solve, on real sockets.

    Set the proxy's upstream.algorithm to equihash/48_5 to put it between them.
    """


@sim.command("pool", epilog="Example:  sluice sim pool --style p2 --difficulty 8 --every lose=30")
@click.option("--host", default="127.0.0.1", show_default=True, help=(
    "Address to listen on, or the path of a socket file, which begins with /."
))  # fmt: skip
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0: any free port.")
@click.option("--dialect", type=click.Choice(["aion", "login"]), default="aion", show_default=True, help=(
    "What it speaks; login with --algorithm blob hands out blob work."
))  # fmt: skip
@click.option("--style", type=click.Choice(["solo", "p2"]), default="solo", show_default=True, help=(
    "Kind of Aion pool; nothing else has one."
))  # fmt: skip
@click.option("--target-digits", type=click.Choice(["64", "16", "8"]), default=None, help=(
    "Hex digits of a target in dialect login; default 64, for blob work 8."
))  # fmt: skip
@click.option(
    "--difficulty", type=click.FloatRange(min=1), default=1.0, show_default=True, help="Of a share."
)
@click.option(
    "--job-seconds", type=_SECONDS, default=10.0, show_default=True, help="Between two jobs; 0: one job."
)
@click.option(
    "--clean", "clean_ratio", type=_FRACTION, default=1.0, show_default=True, help="Share of clean jobs."
)
@click.option("--user", "users", multiple=True, help="Users let in; may be repeated; default anybody.")
@click.option("--strict", is_flag=True, help="Enforce the real pools' limits, bans and deaths.")
@click.option("--trust", is_flag=True, help="Do not check proofs.")
@click.option("--double-refusals", is_flag=True, help="Send each refusal of a share twice.")
@click.option(
    "--reorder", "reorder_replies", type=click.IntRange(0), default=0, help="Hold so many verdicts, then mix."
)
@click.option("--drop", "drop_replies", type=_FRACTION, default=0.0, help="Share of verdicts never sent.")
@click.option(
    "--delay", "delay_replies", type=_SECONDS, default=0.0, help="Seconds before a verdict is sent."
)
@click.option("--garbage", type=_FRACTION, default=0.0, help="Probability of a junk line before a job.")
@click.option("--silent", is_flag=True, help="Take connections and bytes, answer nothing.")
@click.option("--every", multiple=True, metavar="FAULT=SECONDS", help=(
    "Order a fault again and again: lose, restart, silence, drop, retarget, extranonce, reconnect, "
    "rebroadcast, garbage.  May be repeated."
))  # fmt: skip
@_common
def pool_command(
    host: str, port: int, seconds: float, every: tuple[str, ...], as_json: bool, **given: Any
) -> None:
    """Run a simulated pool; prints `listening url=…` and at the end what it has seen."""
    import trio

    from proxy.sim.commands import read_faults, run_pool
    from proxy.sim.pool import PoolOptions

    algorithm, person = given.pop("algorithm"), given.pop("person")
    if algorithm == "blob":
        given["blob"] = True
    else:
        given["equihash"] = read_algorithm(algorithm, person)
    users, digits = given.pop("users"), given.pop("target_digits")
    options = PoolOptions(users=frozenset(users) or None, target_digits=int(digits or 0), **given)
    faults = read_faults(every)

    async def run() -> None:
        await run_pool(
            options,
            host=host,
            port=port,
            seconds=seconds or math.inf,
            every=faults,
            as_json=as_json,
            say=_tell,
        )

    trio.run(run)


@sim.command(
    "miners", epilog="Example:  sluice sim miners 127.0.0.1:3333 --miners 100 --mix good=95,low=3,stale=2"
)
@click.argument("url")
@click.option("--miners", type=click.IntRange(0), default=10, show_default=True, help="How many.")
@click.option(
    "--rate", type=_SECONDS, default=1.0, show_default=True, help="Shares a second of each miner, mean."
)
@click.option(
    "--speed", type=_SECONDS, default=0.0,
    help="In place of --rate: solutions a second, so that shares come as their difficulty lets them.",
)  # fmt: skip
@click.option("--spread", type=click.FloatRange(0, min_open=True), default=1.0, show_default=True, help=(
    "With --speed: how many times as fast as the first miner the last one is."
))  # fmt: skip
@click.option("--mix", multiple=True, metavar="KIND=WEIGHT,…", help=(
    "What to send how often: good stale duplicate low malformed wrong_slice bad_proof near_miss unknown_job "
    "unauthorized not_subscribed slow_reader half_line junk long_line.  Default good=1."
))  # fmt: skip
@click.option(
    "--dialect", type=click.Choice(["aion", "login"]), default="aion", show_default=True,
    help="What the miners speak; --algorithm blob is of the login dialect.",
)  # fmt: skip
@click.option(
    "--against", type=click.Choice(["sluice", "solo", "p2", "login"]), default="sluice", show_default=True,
    help="Who judges; decides which refusals are right.",
)  # fmt: skip
@click.option("--user", default=None, help="Worker name; {n} becomes the miner's number.")
@click.option("--password", default="x", show_default=True)
@click.option(
    "--reconnect", type=_SECONDS, default=3.0, show_default=True, help="Seconds until the next connection."
)
@click.option(
    "--disconnect", type=_SECONDS, default=0.0, help="Drop the connection so often, mean seconds; 0: never."
)
@click.option(
    "--hold", type=_SECONDS, default=5.0, show_default=True, help="Seconds to hold a troubled connection."
)
@click.option(
    "--connecting", type=click.IntRange(1), default=64, show_default=True, help="Logins at the same time."
)
@click.option("--addresses", type=click.IntRange(1, 65000), default=1, show_default=True, help=(
    "Come from so many loopback addresses."
))  # fmt: skip
@click.option("--max-shares", type=click.IntRange(0), default=0, help="Shares of each miner; 0: no end.")
@click.option("--all-solutions", is_flag=True, help="Send every solution of a nonce.")
@click.option("--no-extranonce", is_flag=True, help="Do not send mining.extranonce.subscribe.")
@click.option("--set-target", is_flag=True, help="Obey mining.set_target.")
@click.option("--stale-may-pass", is_flag=True, help="The pool gives jobs that are not clean.")
@click.option("--rig", default="", help="rigid of the login dialect; {n} becomes the miner's number.")
@click.option(
    "--spelling", type=click.Choice(["solution", "prefixed", "output", "pow", "result"]), default="solution",
    show_default=True, help="How a solution is written in the login dialect.",
)  # fmt: skip
@click.option(
    "--keepalive", type=click.FloatRange(min=0.01), default=60.0, show_default=True,
    help="Seconds without sending until a ping, in the login dialect.",
)  # fmt: skip
@_common
def miners_command(url: str, seconds: float, as_json: bool, **given: Any) -> None:
    """Run simulated miners against URL; prints what they saw.

    Exit status 1 if a verdict was not deserved or a reply is missing.
    """
    import trio

    from proxy.sim.commands import run_miners
    from proxy.sim.farm import FarmOptions

    options = FarmOptions(
        miners=given.pop("miners"),
        connecting=given.pop("connecting"),
        addresses=given.pop("addresses"),
        seed=given.pop("seed"),
        spread=given.pop("spread"),
        miner=_miner_options(given),
    )

    async def run() -> bool:
        report = await run_miners(url, options, seconds=seconds or math.inf, as_json=as_json, say=_tell)
        return not report.unexpected and not report.unanswered

    if not trio.run(run):
        sys.exit(1)


def _miner_options(given: dict[str, Any]) -> Any:
    from proxy.sim.faults import Mix
    from proxy.sim.miner import SOME_ADDRESS, MinerOptions
    from proxy.sim.solver import solve

    blob = given["algorithm"] == "blob"
    equihash = read_algorithm("equihash/48_5" if blob else given["algorithm"], given["person"])
    solve(equihash, bytes(32), bytes(32))  # refuses what is too large, before a thousand miners do
    return MinerOptions(
        dialect=given["dialect"],
        equihash=equihash,
        blob=blob,
        user=given["user"] or SOME_ADDRESS,
        password=given["password"],
        against=given["against"],
        shares_per_second=given["rate"],
        sols_per_second=given["speed"],
        mix=Mix.parse(given["mix"]),
        reconnect_seconds=given["reconnect"],
        disconnect_seconds=given["disconnect"],
        hold_seconds=given["hold"],
        max_shares=given["max_shares"],
        all_solutions=given["all_solutions"],
        extranonce_subscribe=not given["no_extranonce"],
        obeys_set_target=given["set_target"],
        stale_may_pass=given["stale_may_pass"],
        rig=given["rig"],
        spelling=given["spelling"],
        keepalive_seconds=given["keepalive"],
    )
