"""What takes more than one key to judge."""

import ipaddress
from collections.abc import Iterable, Iterator

from proxy.config.algorithm import parse_algorithm, solution_bytes
from proxy.config.detour import NO_DETOUR
from proxy.config.sections import Config, Http, Listen, Pool, Vardiff
from proxy.config.shape import Fault, Path

NO_POOL = "none"  # the metrics' label for a share that found no pool
# Of a submit line besides the solution's digits: names, ids, nonce, quotes.
SUBMIT_REST = 600
TLS_SCHEMES = ("stratum+tls", "wss")
UNIX = "unix"


def check(config: Config) -> list[Fault]:
    """Return what does not fit together."""
    return [
        *_pools(config),
        *_dialects(config),
        *_workers(config),
        *_listeners(config),
        *_own_socket(config),
        *_limits(config),
        *_http(config.http),
    ]


def _twice(values: Iterable[str], table: Path, key: str) -> Iterator[Fault]:
    """Find values that come again; "" may."""
    first: dict[str, int] = {}
    for index, value in enumerate(values):
        if value and first.setdefault(value, index) != index:
            before = ".".join((*table, str(first[value])))
            yield Fault((*table, str(index), key), f"{value} is taken by {before}; each needs its own")


def _pools(config: Config) -> Iterator[Fault]:
    table = ("upstream", "pools")
    pools = config.upstream.pools
    if not pools:
        yield Fault(table, "at least one pool is needed")
    yield from _twice((pool.name for pool in pools), table, "name")
    for index, pool in enumerate(pools):
        if pool.name == NO_POOL:
            yield Fault(
                (*table, str(index), "name"), f'"{NO_POOL}" stands for no pool in the metrics; take another'
            )
        if pool.url.port == 0 and pool.url.scheme != UNIX:
            yield Fault((*table, str(index), "url"), "a pool needs a port above 0")
        yield from _way(pool, (*table, str(index)))
    if not config.upstream.user and not all(pool.user for pool in pools):
        yield Fault(("upstream", "user"), "is needed: the account at the pool (or a user in every pool)")


def _way(pool: Pool, path: Path) -> Iterator[Fault]:
    """What of the way to a pool has no place in the kind of its address."""
    for name in ("ca", "fingerprint"):
        if getattr(pool, name) and pool.url.scheme not in TLS_SCHEMES:
            yield Fault((*path, name), f"is for TLS, which {pool.url.scheme} is not; use stratum+tls or wss")
    if pool.proxy not in ("", NO_DETOUR) and pool.url.scheme == UNIX:
        yield Fault((*path, "proxy"), "does not reach a socket file; leave it out")


def _dialects(config: Config) -> Iterator[Fault]:
    """What the pool's dialect and the kind of work leave no room for."""
    upstream = config.upstream
    is_blob = parse_algorithm(upstream.algorithm) is None
    if is_blob and upstream.dialect != "login":
        yield Fault(("upstream", "dialect"), 'must be "login" for algorithm = "blob": no other has such work')
    if upstream.dialect == "login" and upstream.worker_names != "account":
        text = 'must be "account" with dialect = "login", which names one user a connection'
        yield Fault(("upstream", "worker_names"), text)
    for index, listen in enumerate(config.listen):
        path = ("listen", str(index))
        if is_blob and listen.dialect == "aion":
            text = 'must be "login" or "auto" for upstream.algorithm = "blob": no Aion miner can do such work'
            yield Fault((*path, "dialect"), text)
        if listen.dialect == "aion" and listen.target_digits:
            yield Fault(
                (*path, "target_digits"), "is for login miners; leave it out where they are not taken"
            )
        if is_blob and listen.target_digits == 64:
            yield Fault((*path, "target_digits"), "must be 0, 16 or 8 for blob work, as its miners read it")


def _workers(config: Config) -> Iterator[Fault]:
    """Several processes need nonces to share out."""
    upstream = config.upstream
    is_blob = parse_algorithm(upstream.algorithm) is None
    if config.workers > 1 and upstream.nonce_bytes < 2 and not is_blob:
        text = "must be at least 2 with workers above 1: one byte tells the processes apart"
        yield Fault(("upstream", "nonce_bytes"), text)
    if is_blob and config.limits.pool_connections < config.workers:
        text = f"must be at least {config.workers}: for blob work each of the workers needs one of its own"
        yield Fault(("limits", "pool_connections"), text)


def _listeners(config: Config) -> Iterator[Fault]:
    table = ("listen",)
    if not config.listen:
        yield Fault(table, "at least one listener is needed")
    yield from _twice((listen.name for listen in config.listen), table, "name")
    fixed = [str(listen.url) if listen.url.port or listen.url.path else "" for listen in config.listen]
    yield from _twice(fixed, table, "url")
    for index, listen in enumerate(config.listen):
        yield from _listener(listen, (*table, str(index)))


def _own_socket(config: Config) -> Iterator[Fault]:
    """Find a pool that is a socket file of ours: the proxy would wait for itself."""
    ours = {listen.url.path: index for index, listen in enumerate(config.listen) if listen.url.scheme == UNIX}
    for index, pool in enumerate(config.upstream.pools):
        if pool.url.scheme == UNIX and pool.url.path in ours:
            text = f"is our own listen.{ours[pool.url.path]}; give the socket of the pool"
            yield Fault(("upstream", "pools", str(index), "url"), text)


def _listener(listen: Listen, path: Path) -> Iterator[Fault]:
    if listen.url.scheme in TLS_SCHEMES and listen.tls is None:
        yield Fault((*path, "tls"), f"is needed for {listen.url.scheme}: certificate and key")
    if listen.proxy_protocol != "off" and not listen.trusted_proxies:
        yield Fault((*path, "trusted_proxies"), "is needed with proxy_protocol: whose word is taken")
    if listen.proxy_protocol == "off" and listen.trusted_proxies:
        text = 'is for proxy_protocol = "required" or "optional"; set that, or leave this out'
        yield Fault((*path, "trusted_proxies"), text)
    vardiff = listen.difficulty
    if isinstance(vardiff, Vardiff) and not vardiff.min <= vardiff.start <= vardiff.max:
        yield Fault((*path, "difficulty"), "start must lie between min and max")


def _limits(config: Config) -> Iterator[Fault]:
    limits = config.limits
    if limits.ban.max_seconds < limits.ban.seconds:
        yield Fault(("limits", "ban", "max_seconds"), "must not be less than seconds")
    sizes = parse_algorithm(config.upstream.algorithm)
    needed = SUBMIT_REST + (2 * solution_bytes(*sizes) if sizes else 0)
    if limits.line_bytes < needed:
        text = f"must be at least {needed} for {config.upstream.algorithm}, or no submit would pass"
        yield Fault(("limits", "line_bytes"), text)


def _http(http: Http) -> Iterator[Fault]:
    if http.host_port is None or is_loopback(http.host_port[0]) or http.read_token or http.admin_token:
        return
    yield Fault(
        ("http", "address"),
        f"{http.address} without read_token or admin_token would show the farm to everyone; set a token "
        '(or read_token_file, admin_token_file), or take address = "127.0.0.1:9180"',
    )


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches an address; a name that is not localhost is not trusted."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
