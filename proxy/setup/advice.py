"""What of a configuration is allowed and deserves a second look; each with what to do about it.

Strategy: one small function a concern, from configuration and machine to advice; none is a reason not to
start, for what must not be is refused by config/checks.py.
"""

import ipaddress
from collections.abc import Iterator

import attrs

from proxy.config import Config, Listen, Vardiff, parse_algorithm
from proxy.config.checks import is_loopback
from proxy.setup.machine import Machine
from proxy.setup.sizes import MIB, files_needed, ledger_bytes, memory_needed, shown_bytes

# What one machine of today finds a second, to say what a fixed difficulty comes to.
SOLS, HASHES = 100.0, 1000.0
RARE_SECONDS = 60.0  # between two shares of one machine: then nobody sees within a minute that it is gone
RUNTIME_SECONDS = 10.0  # after which container runtimes kill
NARROW = 12  # bytes of extranonce1 that all miners take
POOLS_OWN = 8  # bytes of it that pools usually give
WIDE_NETWORKS = 8  # bits; a network that is larger is everybody


@attrs.frozen
class Advice:
    """One thing to look at again.

    Args:
        key: of the configuration, or a file.
        what: what it leads to.
        do: what to do about it.
    """

    key: str
    what: str
    do: str


def advice(config: Config, machine: Machine) -> list[Advice]:
    """List what deserves a second look, the gravest first."""
    looks = (
        _proof,
        _secrets,
        _http,
        _files,
        _memory,
        _cores,
        _pools,
        _nonces,
        _difficulties,
        _bans,
        _stop,
        _ledger,
    )
    return [found for look in looks for found in look(config, machine)]


def _proof(config: Config, machine: Machine) -> Iterator[Advice]:
    if machine.proof == "python" and parse_algorithm(config.upstream.algorithm) is not None:
        yield Advice(
            "proof check",
            "the part in C is not there; Python needs 20 to 70 times as long for each share",
            "install gcc and the Python headers, then install sluice again",
        )


def _secrets(_config: Config, machine: Machine) -> Iterator[Advice]:
    for file in machine.readable:
        yield Advice(file, "holds a secret and every user of this machine may read it", f"chmod o= {file}")


def _http(config: Config, _machine: Machine) -> Iterator[Advice]:
    http = config.http
    if http.host_port is None or is_loopback(http.host_port[0]):
        return
    if http.tls is None:
        yield Advice(
            "http.address",
            f"{http.address} is reached from elsewhere without TLS: tokens and figures go in the clear",
            "http.tls, or 127.0.0.1 and a web server with TLS in front",
        )
    if not http.read_token:
        yield Advice(
            "http.read_token",
            "is not set: whoever reaches this machine sees all workers, accounts and pools",
            "set it, or read_token_file",
        )


def _files(config: Config, machine: Machine) -> Iterator[Advice]:
    needed = files_needed(config)
    if needed > machine.open_files:
        yield Advice(
            "limits.max_miners",
            f"{needed:,} files would be open, {machine.open_files:,} are allowed: miners beyond wait",
            f"LimitNOFILE={needed} in the unit, --ulimit nofile={needed} for a container, or fewer miners",
        )


def _memory(config: Config, machine: Machine) -> Iterator[Advice]:
    usual, _ = memory_needed(config)
    if usual > machine.memory / 2:
        yield Advice(
            "limits.max_miners",
            f"all miners would need {shown_bytes(usual)} of {shown_bytes(machine.memory)}",
            "fewer miners, or more memory",
        )


def _cores(config: Config, machine: Machine) -> Iterator[Advice]:
    if config.workers > 1 and config.workers >= machine.cores:
        yield Advice(
            "workers",
            f"{config.workers} processes and the one above them share {machine.cores} cores",
            f"at most {max(1, machine.cores - 1)}: the one above them needs a core, too",
        )


def _pools(config: Config, _machine: Machine) -> Iterator[Advice]:
    pools = config.upstream.pools
    if len(pools) == 1:
        yield Advice(
            "upstream.pools", "there is one pool: while it is away the farm earns nothing", "add a second"
        )
    elif len({(pool.url.host, pool.url.path) for pool in pools}) == 1:
        yield Advice(
            "upstream.pools", "all are on one host, which fails as a whole", "add one of somebody else"
        )


def _nonces(config: Config, _machine: Machine) -> Iterator[Advice]:
    if parse_algorithm(config.upstream.algorithm) is None:
        room = 256 * config.limits.pool_connections
        if room < config.limits.max_miners:
            yield Advice(
                "limits.pool_connections",
                f"has room for {room:,} miners of limits.max_miners = {config.limits.max_miners:,}",
                f"{-(-config.limits.max_miners // 256)}, if the pool takes so many from one address",
            )
        return
    own = config.upstream.nonce_bytes
    room = 256 ** (own - (1 if config.workers > 1 else 0))
    if room < config.limits.max_miners:
        yield Advice(
            "upstream.nonce_bytes",
            f"{own} leave room for {room:,} miners of limits.max_miners = {config.limits.max_miners:,}",
            "a byte more, or fewer miners",
        )
    if POOLS_OWN + own > NARROW:
        yield Advice(
            "upstream.nonce_bytes",
            f"{own} behind a pool's {POOLS_OWN} make {POOLS_OWN + own}; some miners take {NARROW} at most",
            f"{NARROW - POOLS_OWN}, or less",
        )


def _difficulties(config: Config, _machine: Machine) -> Iterator[Advice]:
    for index, listen in enumerate(config.listen):
        yield from _difficulty(config, f"listen.{index}.difficulty", listen)


def _difficulty(config: Config, key: str, listen: Listen) -> Iterator[Advice]:
    if isinstance(listen.difficulty, str):
        yield Advice(
            key,
            "does not follow the miner: if the pool asks much, a small machine is silent for long",
            "leave it for a pool that sets it for a farm; else { start = 8, target_seconds = 15 }",
        )
    elif not isinstance(listen.difficulty, Vardiff):
        is_blob = parse_algorithm(config.upstream.algorithm) is None
        speed, unit = (HASHES, "hashes") if is_blob else (SOLS, "solutions")
        seconds = listen.difficulty / speed
        if seconds > RARE_SECONDS:
            yield Advice(
                key,
                f"{listen.difficulty:g} is a share every {seconds:.0f} s from {speed:g} {unit} a second",
                f"{speed * 15:g} for a share every 15 s, or a difficulty that follows",
            )


def _bans(config: Config, _machine: Machine) -> Iterator[Advice]:
    wide = [
        n for n in config.limits.ban.allow if ipaddress.ip_network(n, strict=False).prefixlen < WIDE_NETWORKS
    ]
    if wide:
        yield Advice(
            "limits.ban.allow", f"{', '.join(wide)} is nearly everybody: nobody is ever banned", "narrow it"
        )
    if config.limits.idle_seconds < RARE_SECONDS:
        yield Advice(
            "limits.idle_seconds",
            f"a miner without a share for {config.limits.idle_seconds:g} s is sent away",
            "600, as pools have it",
        )


def _stop(config: Config, _machine: Machine) -> Iterator[Advice]:
    seconds = config.limits.shutdown_seconds
    if seconds > RUNTIME_SECONDS - 1:
        yield Advice(
            "limits.shutdown_seconds",
            f"a stop may take {seconds:g} s; container runtimes kill after {RUNTIME_SECONDS:g}",
            f"8, or {seconds + 4:g} there: stop_grace_period, terminationGracePeriodSeconds",
        )


def _ledger(config: Config, machine: Machine) -> Iterator[Advice]:
    ledger = config.ledger
    if not ledger.url:
        yield Advice(
            "ledger.url", "no shares are kept: nothing can be shown to the pool", "sqlite:///sluice.db"
        )
        return
    if machine.disk is None:
        return
    most = ledger.max_megabytes * MIB
    if most > machine.disk:
        yield Advice(
            "ledger.max_megabytes",
            f"the file may grow to {shown_bytes(most)}, and {shown_bytes(machine.disk)} are free",
            f"{int(machine.disk * 0.8) // MIB}, or another disk",
        )
    elif not most:
        needed = ledger_bytes(1, ledger.retention_days or 365)
        days = ledger.retention_days or 365
        yield Advice(
            "ledger.max_megabytes",
            f"0 bounds nothing; {days} days need {shown_bytes(needed)} for each share a second, "
            f"and {shown_bytes(machine.disk)} are free",
            "a bound below what is free",
        )
