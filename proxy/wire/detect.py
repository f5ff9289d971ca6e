"""What a connection speaks, told from its first bytes.

Strategy: other protocols are told apart at once, because they may never send the end of a line; the two
dialects by the method of the first line, for each has its own names.
"""

from proxy.errors import MinerError
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
