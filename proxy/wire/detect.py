"""What a connection speaks, told from its first bytes.

Other protocols are told apart at once, because they may never send the end of a line.
"""

from proxy.wire.jsonrpc import printable

_TLS_HELLO = b"\x16\x03"
_HTTP = (b"GET ", b"POST ", b"HEAD ", b"PUT ", b"OPTIONS ", b"CONNECT ", b"PRI * ")
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
