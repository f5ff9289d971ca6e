"""What a connection speaks, told from its first bytes.

Strategy: other protocols are told apart at once, because they may never send the end of a line; the two
dialects by the method of the first line, for each has its own names.
"""

from proxy.errors import MinerError
from proxy.wire import aion, login
from proxy.wire.jsonrpc import NULL, decode, printable

_TLS_HELLO = b"\x16\x03"
_HTTP = (b"GET ", b"POST ", b"HEAD ", b"PUT ", b"OPTIONS ", b"CONNECT ", b"PRI * ")
_LOGIN_METHODS = frozenset(("login", "submit", "keepalived", "getjob"))
_TEXT = frozenset(b"\t\r\n" + bytes(range(32, 127)))


def foreign(data: bytes) -> str:
    """Say what a connection speaks if that is certainly not stratum.

    Args:
        data: the first bytes of a connection, at least one.
    Returns: one line for the sender; "" for what may be stratum.
    """
    if data.startswith(_TLS_HELLO):
        return "a TLS hello; this port is plain TCP (use stratum+tcp)"
    if data.startswith(_HTTP):
        return "an HTTP request; this port speaks stratum"
    if data[0] not in _TEXT:
        return f"not stratum: {printable(data, 16)}"
    return ""


def not_tls(data: bytes) -> str:
    """Say what a connection speaks that should have begun with TLS.

    Args:
        data: the first bytes of a connection.
    Returns: one line for the sender; "" for what may be TLS.
    """
    if data[:1] in (b"", _TLS_HELLO[:1]):
        return ""
    if data.startswith(_HTTP):
        return "an HTTP request in the clear; this port is TLS"
    if data[0] not in _TEXT:
        return f"not TLS: {printable(data, 16)}"
    return "plain text; this port is TLS (use stratum+tls)"


def not_websocket(data: bytes) -> str:
    """Say what a connection speaks that should have begun with a request for a WebSocket.

    Args:
        data: the first bytes of a connection.
    Returns: one line for the log; "" for what may be such a request.
    """
    if data.startswith(_HTTP[0]) or _HTTP[0].startswith(data):
        return ""
    if data.startswith(_TLS_HELLO):
        return "a TLS hello; this port is plain (use ws)"
    if data.startswith(_HTTP):
        return "an HTTP request that asks for no WebSocket"
    return f"no WebSocket: {printable(data, 16)}"


def dialect_of(line: bytes) -> tuple[str, bytes]:
    """Tell which dialect a miner's line is of.

    Args:
        line: one line without its end.
    Returns: "aion", "login", or "" if the line is no request or one that either could make; and its id.
    """
    try:
        message = decode(line, MinerError)
    except MinerError:
        return "", NULL
    method = message.method or ""
    if method in _LOGIN_METHODS:
        return "login", bytes(message.id)
    return "aion" if method.startswith("mining.") else "", bytes(message.id)


def not_here(dialect: str, request_id: bytes, text: str) -> bytes:
    """Refuse a request of a dialect that is not taken, in the form that its miners show their user."""
    if dialect == "login":
        return login.refused(request_id, text)
    return aion.refused(request_id, aion.OTHER_CODE, text)
