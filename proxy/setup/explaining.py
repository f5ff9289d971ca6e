"""What a configuration comes to, in sentences: for `sluice check --explain`.

Strategy: one line a fact, numbers worked out for the machine at hand; every line can stand behind a `#`,
so that the configuration printed before it stays one.
"""

from collections.abc import Iterator

from proxy.config import NO_DETOUR, Config, Listen, Pool, Vardiff, parse_algorithm
from proxy.config.checks import is_loopback
from proxy.doors import dialects
from proxy.setup.advice import advice
from proxy.setup.machine import UNLIMITED, Machine
from proxy.setup.sizes import files_needed, memory_needed, shown_bytes

MINERS_A_LINK = 256  # of blob work, whose nonce has one byte to tell miners apart


def explained(config: Config, machine: Machine) -> list[str]:
    """Say what a configuration comes to.

    Returns: lines; a heading ends in a colon, what belongs to it is set in.
    """
    return [
        *_miners(config),
        *_pools(config),
        *_limits(config, machine),
        *_looking(config),
        *_ledger(config, machine),
        *_second_look(config, machine),
    ]


def _miners(config: Config) -> Iterator[str]:
    yield "Miners come in at:"
    for listen in config.listen:
        yield f"  {listen.name}, {listen.url}: {_who(listen)}"
        spoken = " and ".join(dialects(config, listen))
        told = ", told apart by their first line" if listen.dialect == "auto" and "aion" in spoken else ""
        yield f"    speak {spoken}{told}; {_difficulty(listen)}"


def _who(listen: Listen) -> str:
    if listen.url.scheme == "unix":
        return "programs of this machine whose user or group may use the file"
    reach = "this machine alone" if is_loopback(listen.url.host) else "whoever reaches this machine"
    if listen.proxy_protocol == "required":
        reach = f"only through a balancer at {', '.join(listen.trusted_proxies)}"
    elif listen.proxy_protocol == "optional":
        reach += f", or through a balancer at {', '.join(listen.trusted_proxies)}"
    if listen.tls is not None and listen.tls.client_ca:
        return f"{reach}, with TLS and a certificate of {listen.tls.client_ca}"
    return f"{reach}, {'with TLS' if listen.url.scheme in ('stratum+tls', 'wss') else 'in the clear'}"


def _difficulty(listen: Listen) -> str:
    if isinstance(listen.difficulty, Vardiff):
        vardiff = listen.difficulty
        return (
            f"difficulty follows each miner from {vardiff.start:g} within {vardiff.min:g} and "
            f"{vardiff.max:g}, a share about every {vardiff.target_seconds:g} s"
        )
    if isinstance(listen.difficulty, str):
        return "difficulty is the pool's, every good share goes there"
    return f"difficulty {listen.difficulty:g}, or the pool's where that is lower"


def _pools(config: Config) -> Iterator[str]:
    limits = config.limits
    yield "Shares go to, in this order:"
    for index, pool in enumerate(config.upstream.pools, 1):
        account = pool.user or config.upstream.user
        yield f"  {index}. {pool.name}, {pool.url}{_way(config, pool)}, account {account}"
    yield (
        f"  A pool counts as failed when its connection ends, when it says nothing for "
        f"{limits.upstream_silence_seconds:g} s, or refuses 27 of its last 30 shares."
    )
    if len(config.upstream.pools) == 1:
        yield (
            "  There is no other then: miners stay connected, their shares are `lost`, and the pool is tried "
            f"again, at most {limits.reconnect_seconds_max:g} s apart, for ever."
        )
        return
    yield "  The next that gives work takes over at once; miners stay connected."
    yield (
        f"  An earlier one gets the farm back after {limits.failback_seconds:g} s of steady work; one that "
        "fails again soon has to hold out twice as long."
    )
    yield (
        f"  A share without a verdict within {limits.upstream_reply_seconds:g} s, or under way when its pool "
        "is lost, is `lost`."
    )


def _way(config: Config, pool: Pool) -> str:
    proxy = pool.proxy or config.upstream.proxy
    return " by a proxy" if proxy not in ("", NO_DETOUR) else ""


def _limits(config: Config, machine: Machine) -> Iterator[str]:
    limits = config.limits
    yield "Limits on this machine:"
    needed = files_needed(config)
    has = "no limit" if machine.open_files >= UNLIMITED else f"{machine.open_files:,} allowed"
    yield f"  open files: {needed:,} for limits.max_miners = {limits.max_miners:,}; {has}"
    usual, worst = memory_needed(config)
    yield (
        f"  memory: about {shown_bytes(usual)} with all {limits.max_miners:,} miners, of "
        f"{shown_bytes(machine.memory)}; {shown_bytes(worst)} more if every one of them stopped reading"
    )
    yield f"  processor: {config.workers} of {machine.cores} cores serve miners; proof check: {machine.proof}"
    yield from _nonces(config)
    unanswered = limits.upstream_unanswered
    yield (
        f"  to the pool: {unanswered} shares unanswered at once, which is {unanswered * 20} a second "
        f"at a round trip of 50 ms, {unanswered * 5} at 200"
    )
    ban, spared = limits.ban, ", ".join(limits.ban.allow)
    yield (
        f"  bans: {ban.bad_ratio:.0%} bad of {ban.check_after} shares, {ban.seconds:g} s the first time, "
        f"doubled up to {ban.max_seconds:g} s{f'; never for {spared}' if spared else ''}"
    )


def _nonces(config: Config) -> Iterator[str]:
    if parse_algorithm(config.upstream.algorithm) is None:
        links = config.limits.pool_connections
        room = links * MINERS_A_LINK
        yield f"  nonces: {MINERS_A_LINK} miners a pool connection, {links} connections: {room:,} miners"
        return
    own = config.upstream.nonce_bytes
    yield (
        f"  nonces: {own} bytes of our own for {256**own:,} miners; with a pool's extranonce1 of up to "
        f"{12 - own} bytes all miners get along, longer ones some do not take"
    )


def _looking(config: Config) -> Iterator[str]:
    http = config.http
    yield "Dashboard, metrics and API:"
    if http.host_port is None:
        yield "  none"
        return
    here = is_loopback(http.host_port[0])
    scheme = "http" if http.tls is None else "https"
    yield f"  {scheme}://{http.address}: {'this machine alone' if here else 'whoever reaches this machine'}"
    yield f"  looking needs {'a token' if http.read_token else 'no token'}; changes {_changes(config)}"


def _changes(config: Config) -> str:
    return "need the admin token" if config.http.admin_token else "are not possible without http.admin_token"


def _ledger(config: Config, machine: Machine) -> Iterator[str]:
    ledger = config.ledger
    yield "Record of shares:"
    if not ledger.url:
        yield "  none: a month cannot be reconciled with the pool"
        return
    kept = f"{ledger.retention_days} days" if ledger.retention_days else "for ever"
    where = "a file" if machine.disk is not None else "a database"
    free = f"; {shown_bytes(machine.disk)} are free there" if machine.disk is not None else ""
    yield f"  in {where}, shares kept {kept}{free}"


def _second_look(config: Config, machine: Machine) -> Iterator[str]:
    found = advice(config, machine)
    if not found:
        yield "Nothing that asks for a second look."
        return
    yield "Worth a second look:"
    for item in found:
        yield f"  {item.key}: {item.what}"
        yield f"    -> {item.do}"
