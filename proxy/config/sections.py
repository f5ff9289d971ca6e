"""Every key of the configuration, once: its type, bounds, default, unit and reason.

Strategy: frozen classes in the shape of the TOML tables; the type of a key carries its rule (rules.py),
and the comment above it says what it is for and why this default.  Bounds hold for what is read from a
file or the environment; whoever builds a section in code may go beyond them.
Seconds may be fractions.  What needs more than one key to judge is in checks.py.
"""

from typing import Annotated, Any, ClassVar

import attrs

from proxy.config.address import Address
from proxy.config.algorithm import Algorithm
from proxy.config.detour import DetourUrl
from proxy.config.rules import (
    Choice,
    Difficulty,
    LedgerUrl,
    Network,
    Networks,
    Number,
    OneOf,
    Pattern,
    Text,
    Whole,
    shown,
)
from proxy.errors import ConfigError

DAY = 86_400
FARM = Address("stratum+tcp", "0.0.0.0", 3333)  # the trade's usual port, on every interface

# A name stands in metrics, in addresses of the API and in `name=value` lines of the log.
NAME = Pattern(r"[A-Za-z0-9_.-]{1,64}", "a name of up to 64 letters, digits, '_', '.' or '-'")
PROXY_NAME = Pattern(NAME.expression, NAME.allowed, empty=True)
FINGERPRINT = Pattern(r"(?:[0-9a-fA-F]{2}:?){31}[0-9a-fA-F]{2}", "a SHA-256 in hex, 64 digits", empty=True)
NATS_URL = Pattern(
    r"(?:nats|tls)://(?:[!-?A-~]{1,512}@)?(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]{1,253})(?::[0-9]{1,5})?",
    '"nats://host:4222", or "" for none',
    empty=True,
)
NATS_SUBJECT = Pattern(
    r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){0,15}", 'words with dots between, as "sluice.shares"'
)
FILE = Text(most=4096)
SECRET = Text(most=1024, secret=True)
HTTP_ADDRESS = Pattern(
    r"(?:\[[0-9a-fA-F:.%]+\]|[A-Za-z0-9._-]{1,253}):"
    r"(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5]?[0-9]{1,4})",
    '"host:port", as in "127.0.0.1:9180", or "" for none',
    empty=True,
)


@attrs.frozen
class Url:
    """The rule for an address of stratum."""

    text: ClassVar[bool] = True

    def read(self, value: Any) -> Address:
        """Return the address."""
        if not isinstance(value, str):
            raise ConfigError(f"must be text like stratum+tcp://host:port, not {shown(value)}")
        return Address.parse(value)


@attrs.frozen(kw_only=True)
class Pool:
    """One pool of `[[upstream.pools]]`."""

    # Where the pool is; the one key that has no default.
    url: Annotated[Address, Url()]
    # What metrics, log and API call it; a second pool needs a name of its own.
    name: Annotated[str, NAME] = "main"
    # The account at this pool; none = that of [upstream].
    user: Annotated[str | None, Text()] = None
    # Its password, or the file that holds it; none = that of [upstream].
    password: Annotated[str | None, SECRET] = attrs.field(default=None, repr=False)
    password_file: Annotated[str, FILE] = ""
    # Authorities or pinned certificate of this pool; "" = those of [upstream].
    ca: Annotated[str, FILE] = ""
    fingerprint: Annotated[str, FINGERPRINT] = ""
    # The proxy this pool is reached by; "" = that of [upstream], "none" = none all the same.
    proxy: Annotated[str, DetourUrl()] = attrs.field(default="", repr=False)


@attrs.frozen(kw_only=True)
class Upstream:
    """The pool side, `[upstream]`."""

    # What the pools speak.
    dialect: Annotated[str, Choice(("aion", "login"))] = "aion"
    # The proof of work: "equihash/N_K", checked here, or "blob": any other, passed on unchecked.
    algorithm: Annotated[str, Algorithm()] = "equihash/210_9"
    # First 8 bytes of the hash's personalization; another coin has another.
    personalization: Annotated[str, Pattern(r"[!-~]{8}", "8 printable ASCII characters")] = "AION0PoW"
    # The account at the pool; needed unless every pool has its own.
    user: Annotated[str, Text()] = ""
    # Pools pay by account and take any password, so "x" by custom.
    password: Annotated[str, SECRET] = attrs.field(default="x", repr=False)
    password_file: Annotated[str, FILE] = ""
    # Whom the pool sees: account = `user` alone (the solo pool refuses all else), suffix = user.worker,
    # own = the name the miner logged in with.
    worker_names: Annotated[str, Choice(("account", "suffix", "own"))] = "account"
    # PEM file of the authorities for stratum+tls and wss; "" = the system's.
    ca: Annotated[str, FILE] = ""
    # SHA-256 of the one certificate that is taken; "" = any that an authority vouches for.
    fingerprint: Annotated[str, FINGERPRINT] = ""
    # The proxy that all pools are reached by, socks5:// or http://; it looks their names up, too.  "" = none.
    proxy: Annotated[str, DetourUrl()] = attrs.field(default="", repr=False)
    # Our own bytes of every miner's extranonce1.  4 are enough for all miners of years, and with the
    # pool's 8 make 12, which is the most that some miners take.
    nonce_bytes: Annotated[int, Whole(1, 8)] = 4
    # What the network asks of a block, to tell the shares that are one: a number; "notify" = the target in a
    # pool's jobs, as a solo pool has it; "auto" = the same, if the pool asks less of a share; 0 = unknown.
    network_difficulty: Annotated[float | str, Network()] = "auto"
    # In order of preference.
    pools: tuple[Pool, ...]


@attrs.frozen(kw_only=True)
class Vardiff:
    """A difficulty that follows each miner, `[[listen]] difficulty = { … }`."""

    # Difficulty of a miner that has just come, and the bounds it moves in.
    start: Annotated[float, Number(0.001, 1e15)] = 8
    min: Annotated[float, Number(0.001, 1e15)] = 1
    max: Annotated[float, Number(0.001, 1e15)] = 1e6
    # Seconds between two shares of one miner to aim for: often enough to see it live, rare enough to
    # be no load.
    target_seconds: Annotated[float, Number(0.1, 3600)] = 15


@attrs.frozen(kw_only=True)
class Tls:
    """A server's certificate; PEM files.

    Args:
        client_ca: authorities of the clients' certificates, "" to ask for none.
    """

    certificate: Annotated[str, FILE]
    key: Annotated[str, FILE]
    client_ca: Annotated[str, FILE] = ""


@attrs.frozen(kw_only=True)
class Listen:
    """One port that miners come to, `[[listen]]`."""

    # What metrics, log and API call it.
    name: Annotated[str, NAME] = "farm"
    # Where it stands; port 0 = any free one, told by the line `listening …`.
    url: Annotated[Address, Url()] = FARM
    # What miners speak here; auto = told from each one's first line.
    dialect: Annotated[str, Choice(("auto", "aion", "login"))] = "auto"
    # What a share must meet: the pool's own difficulty, a fixed one, or one that follows the miner.
    difficulty: Annotated[Vardiff | float | str, Difficulty()] = "upstream"
    # Digits of a login miner's target, for clients that cannot read the usual: 64 of Equihash work, and
    # of blob work the pool's own spelling.  0 = the usual.  Short ones are rounded to the hard side.
    target_digits: Annotated[int, OneOf((0, 64, 16, 8))] = 0
    # Whether a load balancer in front tells the miner's address; only trusted_proxies are believed.
    proxy_protocol: Annotated[str, Choice(("off", "optional", "required"))] = "off"
    trusted_proxies: Annotated[tuple[str, ...], Networks()] = ()
    # Certificate of a stratum+tls or wss port.
    tls: Tls | None = None


@attrs.frozen(kw_only=True)
class Ban:
    """When a miner's bad shares shut it out, `[limits.ban]`."""

    # Shares to see before judging: fewer would ban a miner for one bad minute after a job change.
    check_after: Annotated[int, Whole(1, 1_000_000)] = 50
    # Part of them that may be bad; pools ban whole addresses at the same half.
    bad_ratio: Annotated[float, Number(0.01, 1)] = 0.5
    # Seconds of the first ban, doubled each time up to the second: the pools' own 10 minutes between.
    seconds: Annotated[float, Number(1, 30 * DAY)] = 60
    max_seconds: Annotated[float, Number(1, 30 * DAY)] = 3600
    # Networks that are never banned.
    allow: Annotated[tuple[str, ...], Networks()] = ()


@attrs.frozen(kw_only=True)
class Limits:
    """Every bound that an operator may need to move, `[limits]`."""

    # Miners at once, in all: measured to 10,000 on two cores, twice that fits.
    max_miners: Annotated[int, Whole(1, 1_000_000)] = 20_000
    # Miners at once from one address: as many, because a whole farm sits behind one.
    max_miners_per_address: Annotated[int, Whole(1, 1_000_000)] = 20_000
    # Seconds from connect to logged in; every known miner needs less than one.
    login_seconds: Annotated[float, Number(0.1, 3600)] = 10
    # Seconds from connect to the first whole line: every known miner speaks at once, a port scan never.
    first_line_seconds: Annotated[float, Number(0.1, 3600)] = 5
    # Seconds without a submit or keepalived, as the pools have it.
    idle_seconds: Annotated[float, Number(1, DAY)] = 600
    # Bytes of the longest line taken from a miner; a 210,9 submit has 3050.  Where the login dialect is
    # taken, 65,536 as all its servers take, unless this is given.
    line_bytes: Annotated[int, Whole(1024, 1_048_576)] = 16_384
    # The same before its login, which has a few hundred: strangers may cost us no more than 80 MB in all.
    login_line_bytes: Annotated[int, Whole(1024, 1_048_576)] = 4096
    # Unsent bytes kept for a miner that reads slowly, some thousand jobs, before it is dropped.
    outgoing_bytes: Annotated[int, Whole(4096, 16_777_216)] = 262_144
    # Requests a second of one miner, sustained; an honest one sends a few a minute.
    requests_per_second: Annotated[float, Number(0.1, 100_000)] = 50
    # Shares of one miner without a verdict yet; beyond it the miner is not read until answers came.  An
    # honest one has a few, another proxy that brings a farm some dozens.
    miner_unanswered: Annotated[int, Whole(1, 1_000_000)] = 256
    # Malformed lines before a miner is dropped: one may be a broken cable, three are not.
    bad_lines: Annotated[int, Whole(1, 1000)] = 3
    # Submits the pool has not answered yet; the solo pool's buffer holds three.
    upstream_unanswered: Annotated[int, Whole(1, 1000)] = 3
    # Seconds until an unanswered share is `lost`; two known pools drop late ones without a word.
    upstream_reply_seconds: Annotated[float, Number(0.1, 600)] = 20
    # Seconds without a line from the pool until it counts as dead; a solo pool is silent between blocks.
    upstream_silence_seconds: Annotated[float, Number(1, DAY)] = 300
    # Connections to the pool at once for blob work, which has room for 256 miners on each: enough for
    # max_miners.  Equihash work needs one.
    pool_connections: Annotated[int, Whole(1, 4096)] = 80
    # Seconds for one attempt to reach a pool.
    connect_seconds: Annotated[float, Number(0.1, 600)] = 10
    # Longest seconds between two attempts: a pool that is back is found within this time.
    reconnect_seconds_max: Annotated[float, Number(0.1, 3600)] = 30
    # Seconds the preferred pool must have been up before miners move back to it.
    failback_seconds: Annotated[float, Number(1, DAY)] = 60
    # Seconds that a stop waits for the pool's verdicts; container runtimes kill after 10.
    shutdown_seconds: Annotated[float, Number(0, 3600)] = 8
    ban: Ban = Ban()


@attrs.frozen(kw_only=True)
class Http:
    """Metrics, API and dashboard, `[http]`."""

    # Where they stand, "host:port"; "" = nowhere.  Beyond loopback only with a token.
    address: Annotated[str, HTTP_ADDRESS] = "127.0.0.1:9180"
    # What readers must show, or the file that holds it; "" = readers need none.
    read_token: Annotated[str, SECRET] = attrs.field(default="", repr=False)
    read_token_file: Annotated[str, FILE] = ""
    # What changes must show, or the file that holds it; "" = no changes.
    admin_token: Annotated[str, SECRET] = attrs.field(default="", repr=False)
    admin_token_file: Annotated[str, FILE] = ""
    # Certificate for https.
    tls: Tls | None = None
    # Metrics by worker for the busiest so many; each costs the monitoring some series.
    worker_metrics: Annotated[int, Whole(0, 10_000)] = 0
    # Days that a worker is remembered when it has gone: a weekend and a repair.
    worker_days: Annotated[float, Number(0.01, 365)] = 7

    @property
    def host_port(self) -> tuple[str, int] | None:
        """The address taken apart, brackets off; None where there is none."""
        host, separator, port = self.address.rpartition(":")
        return (host.strip("[]"), int(port)) if separator else None


@attrs.frozen(kw_only=True)
class Ledger:
    """Where shares are kept, `[ledger]`."""

    # "sqlite:///FILE", "postgresql://…", or "" to keep none.
    url: Annotated[str, LedgerUrl()] = attrs.field(default="sqlite:///sluice.db", repr=False)
    # What this proxy is called in the book, where several write one; "" = the host's name.
    proxy: Annotated[str, PROXY_NAME] = ""
    # Days a share is kept, to reconcile a month with the pool; 0 = for ever.
    retention_days: Annotated[int, Whole(0, 36_500)] = 31
    # Days that sums by minute are kept, for a close look at last week; 0 = for ever.
    minutes_days: Annotated[int, Whole(0, 36_500)] = 7
    # Days that sums by hour are kept: two years, to compare a month with the same one before; 0 = for ever.
    hours_days: Annotated[int, Whole(0, 36_500)] = 730
    # Megabytes that a file of SQLite may need: 25 million shares, the oldest of which go first, but never
    # those of the last quarter of an hour; 0 = as many as it needs.
    max_megabytes: Annotated[int, Whole(0, 16_777_216)] = 4096
    # Directory where shares wait while the database does not take them; "" = beside the file of SQLite,
    # for another database ./sluice-spool.
    spool: Annotated[str, FILE] = ""
    # Megabytes that may wait there: 5 million shares, an hour of 1,400 a second.
    spool_megabytes: Annotated[int, Whole(16, 1_048_576)] = 256
    # JetStream server that each share is also told to; "" = none.
    nats: Annotated[str, NATS_URL] = attrs.field(default="", repr=False)
    # Subject it is told under.
    nats_subject: Annotated[str, NATS_SUBJECT] = "sluice.shares"


@attrs.frozen(kw_only=True)
class Log:
    """What is written to standard error, `[log]`."""

    # The least that is written.
    level: Annotated[str, Choice(("debug", "info", "warning", "error"))] = "info"
    # console for people, json for collectors.
    format: Annotated[str, Choice(("console", "json"))] = "console"


@attrs.frozen(kw_only=True)
class Config:
    """The whole configuration.

    Args:
        given: paths of the keys and tables that file or environment hold, as "limits.ban.seconds"
            and "listen.0.url"; not a key itself.
    """

    # Miner-facing processes on the same ports.
    workers: Annotated[int, Whole(1, 64)] = 1
    # Socket file by which `sluice run --takeover` finds the running proxy; "" = one of the configuration
    # file's own in /run/sluice or else $XDG_RUNTIME_DIR, which are for one user alone; "none" = none.
    takeover_socket: Annotated[str, FILE] = ""
    upstream: Upstream
    listen: tuple[Listen, ...] = (Listen(),)
    limits: Limits = Limits()
    http: Http = Http()
    ledger: Ledger = Ledger()
    log: Log = Log()
    given: frozenset[str] = attrs.field(default=frozenset(), eq=False, repr=False)
