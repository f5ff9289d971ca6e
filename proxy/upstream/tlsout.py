"""TLS towards a pool: whose certificate counts, and what is wrong with one that does not.

    fingerprint   just this certificate, whoever signed it and whatever it is for
    ca            one that these authorities vouch for, made out to the pool's host
    neither       the same with the system's authorities

Strategy: what is set for a pool goes before what is set for all.  A context is made for each connection,
so a file that was replaced counts from the next one on.
The trap: OpenSSL has a hundred ways to say no, and an operator four questions: expired, another host's,
unknown authority, no TLS at all.
"""

import hashlib
import ssl
from collections.abc import Iterator

import trio

from proxy.config import Config, Pool, Upstream
from proxy.errors import ConfigError, PoolError

SCHEMES = ("stratum+tls", "wss")

_EXPIRED, _NOT_YET = 10, 9
_OTHER_HOST = (62, 64)
_UNKNOWN = (2, 18, 19, 20, 21, 24)
_NO_TLS = (
    "WRONG_VERSION_NUMBER",
    "UNKNOWN_PROTOCOL",
    "HTTP_REQUEST",
    "PACKET_LENGTH_TOO_LONG",
    "RECORD_LAYER_FAILURE",
    "INVALID_ALERT",
    "BAD_RECORD_TYPE",
    "UNEXPECTED_EOF_WHILE_READING",
)
NOT_TLS = "it does not speak TLS here; try stratum+tcp (or ws)"
CLOSED = "closed during the TLS handshake; perhaps it does not speak TLS here"


async def secure(
    stream: trio.abc.Stream, pool: Pool, upstream: Upstream
) -> "trio.SSLStream[trio.abc.Stream]":
    """Shake hands.

    Raises: PoolError, in words, for what is wrong with the pool's certificate or TLS.
    """
    section = _rules(pool, upstream)
    try:
        context = make_context(section)
    except ConfigError as error:
        raise PoolError(f"ca: {error}") from None
    host = pool.url.host.partition("%")[0]
    secured = trio.SSLStream(stream, context, server_hostname=host, https_compatible=True)
    try:
        await secured.do_handshake()
    except trio.BrokenResourceError as error:
        cause = error.__cause__
        raise PoolError(fault_of(cause) if isinstance(cause, ssl.SSLError) else CLOSED) from None
    if section.fingerprint:
        wanted = section.fingerprint.replace(":", "").lower()
        found = hashlib.sha256(secured.getpeercert(binary_form=True) or b"").hexdigest()
        if found != wanted:
            raise PoolError(f"another certificate than fingerprint says: its SHA-256 is {found}")
    return secured


def make_context(section: Pool | Upstream) -> ssl.SSLContext:
    """Make a client's context.

    Raises: ConfigError if the authorities cannot be read; the text is for behind the key.
    """
    if section.fingerprint:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        try:
            context = ssl.create_default_context(cafile=section.ca or None)
        except ssl.SSLError:
            raise ConfigError(f"{section.ca}: holds no certificate in PEM") from None
        except OSError as error:
            raise ConfigError(f"{section.ca}: {error.strerror}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def prove(config: Config) -> None:
    """Find out before the start whether the files of authorities are there.

    Raises: ConfigError, a line for each that is not.
    """
    faults = list(_unreadable(config))
    if faults:
        raise ConfigError("\n".join(faults))


def _unreadable(config: Config) -> Iterator[str]:
    upstream = config.upstream
    for index, pool in enumerate(upstream.pools):
        if pool.url.scheme in SCHEMES:
            section = _rules(pool, upstream)
            try:
                make_context(section)
            except ConfigError as error:
                where = f"upstream.pools.{index}" if section is pool else "upstream"
                yield f"{where}.ca: {error}"


def _rules(pool: Pool, upstream: Upstream) -> Pool | Upstream:
    return pool if pool.fingerprint or pool.ca else upstream


def fault_of(error: ssl.SSLError) -> str:
    """Say in words why there is no TLS with a pool."""
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code == _EXPIRED:
            return "its certificate has expired"
        if error.verify_code == _NOT_YET:
            return "its certificate is not valid yet; is the clock right?"
        if error.verify_code in _OTHER_HOST:
            return f"its certificate is for another host: {error.verify_message}"
        if error.verify_code in _UNKNOWN:
            return "its certificate is from no authority we know; set ca or fingerprint"
        return f"its certificate is not valid: {error.verify_message}"
    if error.reason in _NO_TLS:
        return NOT_TLS
    if isinstance(error, ssl.SSLEOFError) or not error.reason:
        return CLOSED
    return f"TLS: {error.reason.lower().replace('_', ' ')}"
