"""What a new configuration is to hold, and how a person's short words for it are read.

Strategy: each reader takes what people type (`pool.example:3333`, `3333`) and returns what the file is to
have, by the same rules that the file is read by.  Knows no terminal.
"""

import re
import secrets

import attrs

from proxy.config import Address, Http
from proxy.config.checks import is_loopback
from proxy.config.sections import HTTP_ADDRESS
from proxy.errors import ConfigError

VARDIFF = "vardiff"
UPSTREAM = "upstream"
NO_LEDGER = "none"
NO_HTTP = "none"
LEDGER = "sqlite:///sluice.db"
EQUIHASH = "equihash/210_9"
BLOB = "blob"
TOKEN_BYTES = 24

# An Aion account, all 64 digits of it; with or without a worker's name behind a dot.
_AION = re.compile(r"0xa0[0-9a-fA-F]{62}(?:\..*)?")
# What miners' command lines call the same.
_OTHER_SCHEMES = {
    "stratum": "stratum+tcp",
    "tcp": "stratum+tcp",
    "stratum+ssl": "stratum+tls",
    "ssl": "stratum+tls",
    "tls": "stratum+tls",
    "stratums": "stratum+tls",
}


@attrs.define(kw_only=True)
class Answers:
    """What is to be in the file; all but pools and user has a default.

    Args:
        pools: URLs in order of preference.
        dialect, algorithm: of the pools.
        difficulty: UPSTREAM, VARDIFF, or a number as text.
        http: "host:port", "" for none.
        ledger: its URL, "" for none.
        read_token, admin_token: "" for none.
    """

    pools: tuple[str, ...]
    user: str
    password: str = attrs.field(default="x", repr=False)
    dialect: str = "aion"
    algorithm: str = EQUIHASH
    listen: str = "stratum+tcp://0.0.0.0:3333"
    difficulty: str = UPSTREAM
    http: str = Http().address
    ledger: str = LEDGER
    read_token: str = attrs.field(default="", repr=False)
    admin_token: str = attrs.field(default="", repr=False)


def pool_url(text: str) -> str:
    """Read where a pool is: an URL, or host:port as pools write it.

    Raises: ConfigError, the end of a sentence.
    """
    address = Address.parse(_with_scheme(text.strip()))
    if address.scheme != "unix" and address.port == 0:
        raise ConfigError("needs a port above 0")
    return str(address)


def listen_url(text: str) -> str:
    """Read where miners come to: a port, host:port, or an URL.

    Raises: ConfigError, the end of a sentence.
    """
    text = text.strip()
    address = Address.parse(_with_scheme(f"0.0.0.0:{text}" if text.isascii() and text.isdigit() else text))
    if address.scheme in ("stratum+tls", "wss"):
        raise ConfigError("needs a certificate; begin with stratum+tcp, and add TLS to the file later")
    return str(address)


def http_address(text: str) -> str:
    """Read where metrics and dashboard stand: a port, host:port, or none.

    Raises: ConfigError, the end of a sentence.
    """
    text = text.strip()
    if text == NO_HTTP:
        return ""
    found: str = HTTP_ADDRESS.read(f"127.0.0.1:{text}" if text.isascii() and text.isdigit() else text)
    return found


def difficulty(text: str) -> str:
    """Read what a share must meet: UPSTREAM, VARDIFF, or a number.

    Raises: ConfigError, the end of a sentence.
    """
    text = text.strip()
    if text in (UPSTREAM, VARDIFF):
        return text
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.001 <= number <= 1e15:
        raise ConfigError(f'must be "{UPSTREAM}", "{VARDIFF}" or a number from 0.001 to 1e15')
    return str(int(number)) if number.is_integer() else str(number)


def account(text: str) -> str:
    """Read the account at the pool.

    Raises: ConfigError, the end of a sentence.
    """
    text = text.strip()
    if not text or not text.isprintable() or len(text) > 256 or " " in text:
        raise ConfigError("must be the account as the pool has it: one word, 256 characters at most")
    return text


def guess(user: str) -> tuple[str, str]:
    """Guess what pools speak that have such accounts.

    Returns: dialect and algorithm.
    """
    return ("aion", EQUIHASH) if _AION.fullmatch(user) else ("login", BLOB)


def with_tokens(answers: Answers) -> Answers:
    """Make tokens where the address can be reached from elsewhere."""
    host = answers.http.rpartition(":")[0].strip("[]")
    if not answers.http or is_loopback(host) or answers.read_token or answers.admin_token:
        return answers
    read, admin = (secrets.token_urlsafe(TOKEN_BYTES) for _ in range(2))
    return attrs.evolve(answers, read_token=read, admin_token=admin)


def _with_scheme(text: str) -> str:
    scheme, separator, rest = text.partition("://")
    if not separator:
        return f"stratum+tcp://{text}"
    return f"{_OTHER_SCHEMES.get(scheme, scheme)}://{rest}"
