"""What a configuration may ask for and this version does not do: said at start, never passed over.

This file only ever shrinks.
"""

import re
from collections.abc import Iterator

from proxy.config.address import Address
from proxy.config.sections import Config, Ledger, Listen, Pool, Upstream, Vardiff

BUILT_SCHEMES = ("stratum+tcp", "unix")
LATER = "comes in a later version;"

# Keys that have a default but no effect yet: refused where they were given, whatever their value.
IDLE = {
    r"limits\.ban": f"banning {LATER} leave the table out",
    r"limits\.failback_seconds": f"moving back to a pool after a time {LATER} leave it out",
    r"ledger\.retention_days": f"the ledger {LATER} leave it out",
    r"listen\.\d+\.trusted_proxies": f"the PROXY protocol {LATER} leave it out",
}
# Of these only some values are refused, and the default says nothing about what is done.
IDLE_BY_VALUE = (r"ledger\.url", r"http\.worker_metrics", r"listen\.\d+\.proxy_protocol")


def is_idle(path: str) -> bool:
    """Tell whether a key's default has no effect yet, so that showing it would mislead."""
    return any(re.fullmatch(pattern, path) for pattern in (*IDLE, *IDLE_BY_VALUE))


def unbuilt(config: Config) -> list[str]:
    """List what is asked for and not built.

    Args:
        config: as load() returned it.
    Returns: one line each: path of the key, what it asks for, what to do instead.
    """
    lines = [*_upstream(config.upstream), *_rest(config)]
    for index, listen in enumerate(config.listen):
        lines += _listener(listen, f"listen.{index}")
    for path in sorted(config.given):
        lines += [f"{path}: {text}" for pattern, text in IDLE.items() if re.fullmatch(pattern, path)]
    return lines


def _upstream(upstream: Upstream) -> Iterator[str]:
    yield from _authorities(upstream, "upstream")
    for index, pool in enumerate(upstream.pools):
        path = f"upstream.pools.{index}"
        yield from _authorities(pool, path)
        yield from _scheme(pool.url, path)


def _authorities(section: Upstream | Pool, path: str) -> Iterator[str]:
    for name in ("ca", "fingerprint"):
        if getattr(section, name):
            yield f"{path}.{name}: TLS to the pool {LATER} leave it out"


def _scheme(url: Address, path: str) -> Iterator[str]:
    if url.scheme not in BUILT_SCHEMES:
        yield f"{path}.url: {url.scheme} {LATER} use stratum+tcp://host:port or unix:///path"


def _listener(listen: Listen, path: str) -> Iterator[str]:
    yield from _scheme(listen.url, path)
    if isinstance(listen.difficulty, Vardiff):
        yield f'{path}.difficulty: vardiff {LATER} use "upstream" or a number'
    if listen.proxy_protocol != "off":
        yield f'{path}.proxy_protocol: the PROXY protocol {LATER} use "off"'
    if listen.tls is not None:
        yield f"{path}.tls: TLS {LATER} leave it out"


def _rest(config: Config) -> Iterator[str]:
    if config.http.tls is not None:
        yield f"http.tls: TLS {LATER} leave it out"
    if config.http.worker_metrics:
        yield f"http.worker_metrics: metrics by worker {LATER} use 0"
    if config.ledger.url not in ("", Ledger().url):
        yield f'ledger.url: the ledger {LATER} leave it out or use ""'
