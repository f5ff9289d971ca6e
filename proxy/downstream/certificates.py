"""The certificates of TLS listeners: loaded at start, and anew when their files change.

Strategy: a new context for each loading, so that connections in progress keep theirs, and a client's
session of before a change of client_ca is worth nothing after it.  Files that changed to something
unusable leave the old context in place.
The trap: OpenSSL says of a wrong file little more than that it is wrong; so each file is tried by itself,
and the fault names its key.
"""

import os
import ssl
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import attrs
import structlog
import trio

from proxy.config import Listen, Tls
from proxy.errors import ConfigError
from proxy.wire.validity import not_after

SCHEMES = ("stratum+tls", "wss")
HTTP = "[http]"  # among listeners
LOOK_SECONDS = 10  # between two looks for files that have changed
SETTLE_SECONDS = 2  # from then until they are loaded
DAY = 86_400
WARN_SECONDS = 14 * DAY  # before the end: most renew a month before, so something is wrong by then
TICKETS = 1  # for a miner that comes back, whose handshake then costs half; the default are two

log = structlog.get_logger()


class ServerTls:
    """TLS of one listener.

    Args:
        what: the listener as errors name it, "listen.farm".
    Raises: ConfigError, naming the key of the file that is no good.

    `context` is for handshakes from now on, `ends` when its certificate does, in seconds since 1970.
    """

    def __init__(self, what: str, tls: Tls) -> None:
        self.context: ssl.SSLContext
        self.ends: float
        self._what = what
        self._tls = tls
        self._stamp = self._look()
        self.reload()

    def reload(self) -> None:
        """Load the files anew.

        Raises: ConfigError; all is as before then.
        """
        self._stamp = self._look()
        context, ends = make_context(self._what, self._tls)
        self.context, self.ends = context, ends

    @property
    def is_outdated(self) -> bool:
        """Whether a file has changed since they were loaded, or were tried."""
        return self._look() != self._stamp

    def _look(self) -> list[tuple[int, int]]:
        """Tell files apart by time and inode; those that are gone for a moment are as they were."""
        found = []
        for path in attrs.astuple(self._tls):
            try:
                status = os.stat(path) if path else None
            except OSError:
                return getattr(self, "_stamp", [])
            found.append((status.st_mtime_ns, status.st_ino) if status else (0, 0))
        return found


def make_context(what: str, tls: Tls) -> tuple[ssl.SSLContext, float]:
    """Make a server's context.

    Args:
        what: where its keys stand, for errors.
    Returns: it, and when its certificate ends, in seconds since 1970.
    Raises: ConfigError.
    """
    ends = _read_end(f"{what}.tls.certificate", tls.certificate)
    _read(f"{what}.tls.key", tls.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A client that renegotiates makes us work at its will.
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.num_tickets = TICKETS
    try:
        context.load_cert_chain(tls.certificate, tls.key, password=_no_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ConfigError(f"{what}.tls.key: {tls.key}: is not the key of {tls.certificate}") from None
        raise ConfigError(f"{what}.tls.key: {tls.key}: is no private key in PEM") from None
    except ValueError:
        raise ConfigError(f"{what}.tls.key: {tls.key}: is encrypted; give one without password") from None
    if tls.client_ca:
        _read(f"{what}.tls.client_ca", tls.client_ca)
        try:
            context.load_verify_locations(tls.client_ca)
        except ssl.SSLError:
            raise ConfigError(f"{what}.tls.client_ca: {tls.client_ca}: holds no certificate") from None
        context.verify_mode = ssl.CERT_REQUIRED
    return context, ends


def _no_password() -> str:
    # Without this OpenSSL would ask at the terminal.
    raise ValueError


def _read(key: str, path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError as error:
        raise ConfigError(f"{key}: {path}: {error.strerror}") from None


def _read_end(key: str, path: str) -> float:
    """Read when the first certificate of a file ends."""
    text = _read(key, path)
    begin, end = text.find(ssl.PEM_HEADER), text.find(ssl.PEM_FOOTER)
    try:
        return not_after(ssl.PEM_cert_to_DER_cert(text[begin : end + len(ssl.PEM_FOOTER)]))
    except ValueError:  # what is no base64 and no text among them
        raise ConfigError(f"{key}: {path}: holds no certificate in PEM") from None


class Certificates:
    """TLS of all listeners that have it, and of HTTP.

    Args:
        http: of HTTP; it stands among the listeners as HTTP, which no listener can be called.
    Raises: ConfigError, naming the key of the first file that is no good.
    """

    def __init__(
        self, listening: Iterable[Listen], clock: Callable[[], float] = time.time, http: Tls | None = None
    ) -> None:
        self._clock = clock
        self._tls = {
            listen.name: ServerTls(f"listen.{listen.name}", listen.tls)
            for listen in listening
            if listen.tls is not None and listen.url.scheme in SCHEMES
        }
        if http is not None:
            self._tls[HTTP] = ServerTls("http", http)

    def of(self, listener: str) -> ServerTls | None:
        """Return what makes a listener's connections, None where it is plain."""
        return self._tls.get(listener)

    def become(self, other: "Certificates") -> None:
        """Have the listeners of another, and their files as it has loaded them."""
        self._tls = other._tls

    def ends(self) -> dict[str, float]:
        """Tell when each listener's certificate ends, in seconds since 1970."""
        return {listener: tls.ends for listener, tls in self._tls.items()}

    def reload(self) -> None:
        """Load all files anew, for handshakes from now on; what is no good is said, and changes nothing."""
        for listener, tls in self._tls.items():
            try:
                tls.reload()
            except ConfigError as error:
                log.error("certificate not loaded, the old one stays", listener=listener, why=str(error))
            else:
                log.info("certificate loaded", listener=listener, until=_day(tls.ends))
                self._warn(listener, tls)

    async def keep_fresh(self) -> None:
        """Load files that change, until cancelled."""
        while True:
            await trio.sleep(LOOK_SECONDS)
            if any(tls.is_outdated for tls in self._tls.values()):
                # Certificate and key are two files: not between the one and the other.
                await trio.sleep(SETTLE_SECONDS)
                self.reload()

    async def say_ends(self) -> None:
        """Say once a day whose certificate is near its end, until cancelled."""
        while True:
            for listener, tls in self._tls.items():
                self._warn(listener, tls)
            await trio.sleep(DAY)

    def _warn(self, listener: str, tls: ServerTls) -> None:
        now = self._clock()
        if tls.ends - now < WARN_SECONDS:
            event = "certificate has expired" if tls.ends <= now else "certificate expires soon"
            log.warning(event, listener=listener, until=_day(tls.ends))


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
