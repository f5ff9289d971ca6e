"""Whether a running proxy is ready, asked from outside: `sluice health`, a container's HEALTHCHECK.

Strategy: one GET by the standard library's client, no event loop, because this runs every few seconds
in a process of its own and should be over in no time.  Whatever happens is one line.
"""

import http.client
import ssl

from proxy.config import Http
from proxy.errors import ConfigError
from proxy.ops.asking import address_of, connection_to, one_line, why

PATH = "/readyz"
MAX_BODY = 4096
# Listening everywhere is asked about on loopback.
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def default_url(settings: Http) -> str | None:
    """Say where a proxy of this configuration tells its health; None if it does not."""
    if settings.host_port is None:
        return None
    host, port = settings.host_port
    host = EVERYWHERE.get(host, host)
    scheme = "http" if settings.tls is None else "https"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}{PATH}"


def own_certificate(settings: Http) -> ssl.SSLContext | None:
    """Trust just the certificate that a proxy of this configuration shows; None where it shows none.

    Whoever can read its file is on the same machine, so nothing is to be learned from the name in it.
    Raises: ConfigError if the file cannot be read.
    """
    if settings.tls is None:
        return None
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(cafile=settings.tls.certificate)
    except OSError as error:  # of which ssl.SSLError is one
        raise ConfigError(f"http.tls.certificate: {settings.tls.certificate}: {why(error)}") from None
    return context


def check(
    url: str, timeout: float, token: str = "", context: ssl.SSLContext | None = None
) -> tuple[bool, str]:
    """Ask once.

    Args:
        url: http://HOST:PORT[/PATH], https too; without a path /readyz is asked.
        timeout: seconds for each step: to connect, to send, to hear.
        token: read token, where one is needed even for this.
        context: whom to trust over https; None for the system's authorities.
    Returns: whether it is ready, and one line that says so or why not.
    """
    try:
        parts = address_of(url)
        connection = connection_to(parts, timeout, context)
    except (ValueError, http.client.HTTPException):
        where = "the address" if "@" in url else one_line(url)  # it may hold a password
        return False, f"{where}: not an address like http://127.0.0.1:9180{PATH}"
    path = parts.path if parts.path not in ("", "/") else PATH
    target = f"{path}?{parts.query}" if parts.query else path
    where = one_line(f"{parts.scheme}://{parts.netloc}{path}")
    try:
        connection.request("GET", target, headers={"Authorization": f"Bearer {token}"} if token else {})
        answer = connection.getresponse()
        body = one_line(answer.read(MAX_BODY).decode("utf-8", "replace"))
    except (OSError, ValueError, http.client.HTTPException) as error:
        return False, f"{where}: no answer: {why(error)}; is sluice running there?"
    finally:
        connection.close()
    if answer.status == 200:
        return True, f"{where}: ready"
    return False, f"{where}: not ready ({answer.status}): {body or answer.reason}"
