"""Targets for what stands before the conversation: PROXY headers, SOCKS5, HTTP CONNECT, certificates.

Strategy: the same bytes are given whole and in pieces, and must come to the same end; of what a proxy
answers, not one byte of the pool's may be lost.
"""

import ipaddress

from proxy.errors import MinerError, PoolError
from proxy.wire.httpconnect import MOST, ConnectHandshake
from proxy.wire.proxyheader import MAX_HEADER, Header, looks_like_header, read_header
from proxy.wire.socks import SocksHandshake
from proxy.wire.validity import not_after
from tests.fuzz.target import Target, fit_to_show

_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"


def proxy_header(data: bytes) -> None:
    """A PROXY header is read, waited for, or MinerError; and no sooner and no later than its last byte."""
    header = _header_of(data)
    if isinstance(header, MinerError):
        fit_to_show(header)
        assert data
        return
    if header is None:
        assert len(data) < MAX_HEADER
        return
    assert 0 < header.consumed <= min(len(data), MAX_HEADER)
    assert 0 <= header.port <= 65535
    if header.address is None:
        assert header.port == 0
    else:
        assert str(ipaddress.ip_address(header.address)) == header.address
    whole = data[: header.consumed]
    assert _header_of(whole) == header
    for size in {1, len(whole) // 2, len(whole) - 1} - {0}:
        assert looks_like_header(whole[:size])
        assert _header_of(whole[:size]) is None, size


def _header_of(data: bytes) -> Header | MinerError | None:
    try:
        return read_header(data)
    except MinerError as fault:
        return fault


def socks(data: bytes) -> None:
    """A SOCKS5 proxy's answer is taken, waited for, or PoolError; whole or byte by byte, and none beyond."""
    assert _socks(data, 1 << 16) == _socks(data, 1)


def _socks(data: bytes, most: int) -> tuple[str, int, bytes]:
    """Give a handshake what it asks for, at most so many bytes at once; its end, what it took and said."""
    login = ("u", "p") if data[:1] > b"\x7f" else ("", "")  # an answer that is sound has 5 there
    data = bytes([data[0] & 0x7F]) + data[1:] if data else data
    handshake = SocksHandshake("pool.example", 3333, *login)
    sent, at = handshake.start(), 0
    try:
        while not handshake.done and at < len(data):
            needed = handshake.needed
            assert 0 < needed <= 262
            piece = data[at : at + min(needed, most)]
            at += len(piece)
            sent += handshake.receive(piece)
    except PoolError as fault:
        fit_to_show(fault)
        return str(fault), 0, sent  # where it fell is known sooner byte by byte
    if handshake.done:
        assert handshake.needed == 0
        assert handshake.receive(b"") == b""
    return "done" if handshake.done else "waits", at, sent


def http_connect(data: bytes) -> None:
    """A web proxy's answer is taken, waited for, or PoolError; whole or in pieces, nothing behind it lost."""
    ends = {_connect(data, size) for size in (len(data) or 1, 1, 7)}
    # What is no HTTP is known from one byte on, so the end is the same however it comes.
    assert len(ends) == 1, ends


def _connect(data: bytes, size: int) -> tuple[str, bytes]:
    handshake = ConnectHandshake("pool.example", 3333, "u", "p")
    for at in range(0, len(data), size):
        assert handshake.needed == MOST
        try:
            assert handshake.receive(data[at : at + size]) == b""
        except PoolError as fault:
            fit_to_show(fault)
            return str(fault), b""
        if handshake.done:
            return "done", handshake.rest + data[at + size :]
    return "waits", b""


def certificate(data: bytes) -> None:
    """Of a certificate of any bytes it is said when it ends, or ValueError."""
    try:
        ends = not_after(data)
    except ValueError:
        return
    assert -62_135_596_800 <= ends < 253_402_300_800  # the years 1 to 9999


def _headers() -> list[bytes]:
    def v2(command: int, family: int, block: bytes) -> bytes:
        return _SIGNATURE + bytes([command, family]) + len(block).to_bytes(2, "big") + block

    return [
        b"PROXY TCP4 203.0.113.7 192.0.2.1 56324 3333\r\n{",
        b"PROXY TCP6 2001:db8::1 ::ffff:192.0.2.1 1 65535\r\n",
        b"PROXY UNKNOWN whatever\r\n",
        v2(0x21, 0x11, bytes([203, 0, 113, 7, 192, 0, 2, 1, 1, 2, 3, 4])) + b"{",
        v2(0x21, 0x21, bytes(range(36)) + b"\x04\x00\x01x"),
        v2(0x21, 0x31, bytes(216)),
        v2(0x20, 0x00, b""),
    ]


def _socks_answers() -> list[bytes]:
    return [
        b"\x05\x00" + b"\x05\x00\x00\x01" + bytes(6) + b"{}",
        b"\x85\x02\x01\x00" + b"\x05\x00\x00\x03\x04pool" + bytes(2),
        b"\x05\x00" + b"\x05\x00\x00\x04" + bytes(18),
        b"\x05\x00" + b"\x05\x05\x00\x01" + bytes(6),
        b"\x05\xff",
    ]


def _connect_answers() -> list[bytes]:
    return [
        b'HTTP/1.1 200 Connection established\r\n\r\n{"id":1}\n',
        b"HTTP/1.0 200\nVia: x\n\nrest",
        b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n",
        b"HTTP/1.1 503 \x1b[2J\r\n\r\n",
    ]


def _certificates() -> list[bytes]:
    times = b"\x17\x0d990101000000Z\x17\x0d300101000000Z", b"\x17\x0d990101000000Z\x18\x0f20500101000000Z"
    bodies = [b"\xa0\x03\x02\x01\x02\x02\x01\x07\x30\x00\x30\x00" + _sequence(both) for both in times]
    return [_sequence(_sequence(body)) for body in bodies]


def _sequence(content: bytes) -> bytes:
    return b"\x30\x81" + bytes([len(content)]) + content


TARGETS = (
    Target(
        proxy_header, _headers, (_SIGNATURE, b"PROXY ", b"TCP4 ", b"TCP6 ", b"UNKNOWN", b"\r\n", b"::ffff:")
    ),
    Target(socks, _socks_answers, (b"\x05\x00\x00\x01", b"\x05\x00\x00\x03", b"\x05\x00\x00\x04"), most=1024),
    Target(certificate, _certificates, (b"\x30\x82", b"\xa0\x03", b"\x18\x0f", b"20500101000000Z"), most=256),
    Target(http_connect, _connect_answers, (b"HTTP/1.1 200 ", b"\r\n\r\n", b"\n\n"), most=1024),
)
