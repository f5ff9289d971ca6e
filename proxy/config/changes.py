"""What another configuration changes in a running proxy: key by key, whom it touches, and what has to wait.

Strategy: listeners and pools are matched by name, all else by key.  LIVE says of each key whom its change
reaches, RESTART names those that only a restart reaches; a key is in one of the two, and a test says so.
The traps: what waits for a restart may be what the rest was written for, so of a new kind of work nothing
of [upstream] is taken before it; and secrets are compared as they are, but shown masked.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from proxy.config.printing import shown_value
from proxy.config.sections import Config, Listen, Pool
from proxy.config.shape import Key, keys_of

NEXT = "miners from their next connection"
LINE = "all miners, from their next line"
LINK = "the pools whose account or way it is, by a new connection; miners stay"
POOL = "this pool, by a new connection; miners stay"
READERS = "the next request"
NEXT_READERS = "readers from their next connection"

# Whom a change reaches that is made in a running process.
LIVE = {
    "upstream.user": LINK,
    "upstream.password": LINK,
    "upstream.password_file": LINK,
    "upstream.worker_names": "the next share",
    "upstream.ca": LINK,
    "upstream.fingerprint": LINK,
    "upstream.proxy": LINK,
    "upstream.network_difficulty": "all pools, from their next job",
    "upstream.pools.url": POOL,
    "upstream.pools.name": POOL,
    "upstream.pools.user": POOL,
    "upstream.pools.password": POOL,
    "upstream.pools.password_file": POOL,
    "upstream.pools.ca": POOL,
    "upstream.pools.fingerprint": POOL,
    "upstream.pools.proxy": POOL,
    "listen.name": NEXT,
    "listen.url": "its miners are sent away; others do not notice",
    "listen.dialect": NEXT,
    "listen.difficulty": "its miners at once, but those that asked for one of their own",
    "listen.target_digits": NEXT,
    "listen.proxy_protocol": NEXT,
    "listen.trusted_proxies": NEXT,
    "listen.tls.certificate": NEXT,
    "listen.tls.key": NEXT,
    "listen.tls.client_ca": NEXT,
    "limits.max_miners": "who comes next; nobody is sent away",
    "limits.max_miners_per_address": "who comes next; nobody is sent away",
    "limits.login_seconds": NEXT,
    "limits.first_line_seconds": NEXT,
    "limits.idle_seconds": LINE,
    "limits.line_bytes": NEXT,
    "limits.login_line_bytes": NEXT,
    "limits.outgoing_bytes": NEXT,
    "limits.requests_per_second": "all miners, within a second",
    "limits.miner_unanswered": LINE,
    "limits.bad_lines": LINE,
    "limits.upstream_unanswered": "all pools, from the next share",
    "limits.upstream_reply_seconds": "all pools, from the next share",
    "limits.upstream_silence_seconds": "all pools, from their next line",
    "limits.pool_connections": "who comes next; nobody is sent away",
    "limits.connect_seconds": "the next attempt",
    "limits.reconnect_seconds_max": "the next attempt",
    "limits.failback_seconds": "all pools",
    "limits.shutdown_seconds": "the next stop",
    "limits.ban.check_after": LINE,
    "limits.ban.bad_ratio": LINE,
    "limits.ban.seconds": "the next ban",
    "limits.ban.max_seconds": "the next ban",
    "limits.ban.allow": "the next ban",
    "http.read_token": READERS,
    "http.read_token_file": READERS,
    "http.admin_token": READERS,
    "http.admin_token_file": READERS,
    "http.tls.certificate": NEXT_READERS,
    "http.tls.key": NEXT_READERS,
    "http.tls.client_ca": NEXT_READERS,
    "http.worker_metrics": "the next scrape",
    "http.worker_days": "workers that are away, within a minute",
    "log.level": "the next line",
    "log.format": "the next line",
}

# What a running process cannot change: what it is built around, or holds for as long as it runs.
RESTART = frozenset(
    {
        "workers",
        "takeover_socket",
        "upstream.dialect",
        "upstream.algorithm",
        "upstream.personalization",
        "upstream.nonce_bytes",
        "http.address",
        "ledger.url",
        "ledger.proxy",
        "ledger.retention_days",
        "ledger.minutes_days",
        "ledger.hours_days",
        "ledger.max_megabytes",
        "ledger.spool",
        "ledger.spool_megabytes",
        "ledger.nats",
        "ledger.nats_subject",
    }
)

# With one of these the work is another; pools and accounts go with it.
KIND_OF_WORK = ("dialect", "algorithm", "personalization")

RESTARTED = "needs a restart"
WITH_WORK = "waits for the restart that the other kind of work needs"
WITH_PORTS = "needs a restart: the worker processes have their ports from their start"


@attrs.frozen
class Change:
    """One thing that is otherwise in the new configuration.

    Args:
        key: its path, listeners and pools by name, as "listen.farm.difficulty".
        old: how it is, "" for not there; masked.
        new: how it is to be, "" for gone; masked.
        effect: whom it touches, or why it does not.
        applies: whether it is made in the running process.
    """

    key: str
    old: str
    new: str
    effect: str
    applies: bool = True


@attrs.frozen
class Plan:
    """What becomes of a new configuration.

    Args:
        config: the new one as far as it can be had now, the old one for the rest.
    """

    config: Config
    changes: tuple[Change, ...]


def plan(old: Config, new: Config, ports: bool = True) -> Plan:
    """Compare two configurations.

    Args:
        old: as it runs.
        new: as load() returned it.
        ports: whether listeners can come, or move, in the running process.
    """
    waits = any(getattr(old.upstream, name) != getattr(new.upstream, name) for name in KIND_OF_WORK)
    changes = [
        *_keys("", old, new, old, new),
        *(_waiting(change) if waits else change for change in _upstream(old, new)),
        *_listeners(old, new, ports),
    ]
    for name in ("limits", "http", "ledger", "log"):
        changes += _keys(f"{name}.", getattr(old, name), getattr(new, name), old, new)
    config = attrs.evolve(
        _held("", old, new),
        upstream=old.upstream if waits else _held("upstream.", old.upstream, new.upstream),
        http=_held("http.", old.http, new.http),
        ledger=_held("ledger.", old.ledger, new.ledger),
    )
    if not ports:
        config = attrs.evolve(config, listen=_on_old_ports(old.listen, new.listen))
    return Plan(config, tuple(changes))


def classified(path: str) -> bool | None:
    """Tell whether a key is changed in the running process; None if nobody has decided.

    Args:
        path: without places and names, as "listen.tls.key".
    """
    if path in LIVE:
        return True
    parts = path.split(".")
    before = {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
    return False if before & RESTART else None


def every_key() -> Iterator[str]:
    """Give the path of every key there is."""
    return _leaves(Config, "")


# ---- parts


def _leaves(section: type[attrs.AttrsInstance], before: str) -> Iterator[str]:
    for name, key in keys_of(section).items():
        if key.table is not None and key.rule is None:
            yield from _leaves(key.table, f"{before}{name}.")
        else:
            yield before + name


def _keys(
    path: str,
    old: attrs.AttrsInstance,
    new: attrs.AttrsInstance,
    old_all: Config,
    new_all: Config,
    at: str = "",
) -> Iterator[Change]:
    """Compare two sections of one class.

    Args:
        path: of the section as LIVE has it, with a dot behind.
        at: the same for people, if it is another.
    """
    at = at or path
    for name, key in keys_of(type(old)).items():
        before, after = getattr(old, name), getattr(new, name)
        if before == after or (not path and key.table is not None):
            continue
        if (
            key.rule is None
            and attrs.has(type(before))
            and attrs.has(type(after))
            and path + name not in RESTART
        ):
            yield from _keys(f"{path}{name}.", before, after, old_all, new_all, f"{at}{name}.")
            continue
        if key.many:
            continue
        live = path + name not in RESTART
        yield Change(
            at + name,
            _shown(before, key, old_all, at + name),
            _shown(after, key, new_all, at + name),
            # A table that comes or goes as a whole reaches whom its keys do.
            LIVE.get(path + name) or LIVE.get(f"{path}{name}.certificate", NEXT) if live else RESTARTED,
            live,
        )


def _shown(value: Any, key: Key, config: Config, path: str) -> str:
    if value in (None, ""):
        return ""
    return json.dumps(shown_value(value, key, config, path), ensure_ascii=False)


def _upstream(old: Config, new: Config) -> Iterator[Change]:
    yield from _keys("upstream.", old.upstream, new.upstream, old, new)
    before = {pool.name: pool for pool in old.upstream.pools}
    after = {pool.name: pool for pool in new.upstream.pools}
    for name, pool in before.items():
        key = f"upstream.pools.{name}"
        if name not in after:
            yield Change(key, str(pool.url), "", "the farm leaves this pool as soon as another gives work")
        else:
            yield from _keys("upstream.pools.", pool, after[name], old, new, f"{key}.")
    for name, pool in after.items():
        if name not in before:
            yield Change(f"upstream.pools.{name}", "", str(pool.url), "nobody, until it is needed")
    ranked = _common(old.upstream.pools, after), _common(new.upstream.pools, before)
    if ranked[0] != ranked[1]:
        effect = "the farm, once the preferred pool has given work for limits.failback_seconds"
        yield Change("upstream.pools", ", ".join(ranked[0]), ", ".join(ranked[1]), effect)


def _common(items: Sequence[Pool], others: dict[str, Pool]) -> list[str]:
    return [item.name for item in items if item.name in others]


def _waiting(change: Change) -> Change:
    if not change.applies:
        return change
    return attrs.evolve(change, effect=WITH_WORK, applies=False)


def _listeners(old: Config, new: Config, ports: bool) -> Iterator[Change]:
    before = {listen.name: listen for listen in old.listen}
    after = {listen.name: listen for listen in new.listen}
    for name, listen in before.items():
        key = f"listen.{name}"
        if name not in after:
            yield Change(key, str(listen.url), "", LIVE["listen.url"])
            continue
        for change in _keys("listen.", listen, after[name], old, new, f"{key}."):
            moves = change.key == f"{key}.url"
            yield attrs.evolve(change, effect=WITH_PORTS, applies=False) if moves and not ports else change
    for name, listen in after.items():
        if name not in before:
            effect = "nobody who is here; new miners may come" if ports else WITH_PORTS
            yield Change(f"listen.{name}", "", str(listen.url), effect, ports)


def _held(path: str, old: Any, new: Any) -> Any:
    """Return a section with what has to wait as it was."""
    names = [path_.removeprefix(path) for path_ in RESTART if path_.startswith(path)]
    kept = {name: getattr(old, name) for name in names if "." not in name}
    return attrs.evolve(new, **kept)


def _on_old_ports(old: Sequence[Listen], new: Sequence[Listen]) -> tuple[Listen, ...]:
    """Leave out listeners that have no port yet, and leave the others where they are."""
    before = {listen.name: listen for listen in old}
    return tuple(attrs.evolve(listen, url=before[listen.name].url) for listen in new if listen.name in before)
