"""The header by which a load balancer says whom a connection is really from: PROXY protocol, v1 and v2.

    v1   PROXY TCP4 203.0.113.7 192.0.2.1 56324 3333\\r\\n          a line of at most 107 bytes
    v2   signature (12) | version, command (1) | family (1) | length (2) | addresses | TLVs

Strategy: the reader is called with all that has come so far, and says how much of it the header is; what
follows is the miner's.  It never waits for more than the header has, so the first line may come later.
Of the two addresses only the source is wanted, and TLVs are passed over unread.
The traps: every sender can write one, so whether this peer may is to be asked *before* it is read; and a
balancer's own health check says LOCAL and hangs up at once, which is no fault and not worth a word.
"""

import ipaddress

import attrs

from proxy.errors import MinerError

_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_WORD = b"PROXY "
_FIXED = 16  # bytes of a v2 header before its addresses
MAX_LINE = 107  # of v1, its end included: two IPv6 addresses written out
# Addresses and TLVs of v2.  A balancer adds names and ids of some 100 bytes; 65,535 would be allowed, and
# would be kept for every connection that stops in the middle.
MAX_BLOCK = 4096
MAX_HEADER = _FIXED + MAX_BLOCK

_LOCAL, _PROXY = 0x20, 0x21
_TCP4, _TCP6 = 0x11, 0x21
_LEAST = {0x1: 12, 0x2: 36, 0x3: 216}  # bytes of addresses by family: IPv4, IPv6, Unix


@attrs.frozen(slots=True)
class Header:
    """Whom a connection is from.

    Args:
        consumed: bytes that the header has; the rest is the miner's.
        address: the source as text in its usual form, an IPv4 address inside IPv6 as IPv4; None if the
            header names none (a health check, a socket file, UDP), and the peer's own counts.
        port: the source's, 0 without address.
    """

    consumed: int
    address: str | None = None
    port: int = 0


def looks_like_header(data: bytes) -> bool:
    """Tell whether a connection begins with a header, or may yet, where it need not.

    Args:
        data: all that has come, at least one byte.
    Returns: false once it is certainly none, and then all of it is the miner's.  A single "P" or blank
        line is undecided and true; no stratum line goes on like a header.
    """
    return any(data.startswith(start) or start.startswith(data) for start in (_WORD, _SIGNATURE))


def read_header(data: bytes) -> Header | None:
    """Read the header that a connection begins with.

    Args:
        data: all that has come so far, from the first byte on; more than MAX_HEADER is never needed.
    Returns: None if more bytes are needed.
    Raises: MinerError, as soon as it is certain, for what is no header or one that cannot be used.
    Source: "The PROXY protocol, versions 1 & 2", sections 2.1 and 2.2; docs/protocols/proxy.md.
    """
    if data.startswith(_SIGNATURE):
        return _read_binary(data)
    if data.startswith(_WORD):
        return _read_line(data)
    if not looks_like_header(data):
        raise MinerError("no PROXY header, which this port asks for (listen.proxy_protocol)")
    return None


def _read_line(data: bytes) -> Header | None:
    end = data.find(b"\n", 0, MAX_LINE)
    if end < 0:
        if len(data) >= MAX_LINE:
            raise _unusable(f"a line of more than {MAX_LINE} bytes")
        return None
    if data[end - 1 : end] != b"\r":
        raise _unusable("a line that does not end in CR LF")
    parts = data[len(_WORD) : end - 1].split(b" ")
    if parts[0] == b"UNKNOWN":
        return Header(end + 1)
    if len(parts) != 5 or parts[0] not in (b"TCP4", b"TCP6"):
        raise _unusable("a line that is not TCP4 or TCP6, two addresses, two ports")
    version = 4 if parts[0] == b"TCP4" else 6
    source, _ = (_read_address(part, version) for part in parts[1:3])
    port, _ = (_read_port(part) for part in parts[3:5])
    return Header(end + 1, source, port)


def _read_address(part: bytes, version: int) -> str:
    try:
        address = ipaddress.ip_address(part.decode("ascii"))
    except ValueError:  # UnicodeDecodeError among them
        raise _unusable("what should be an address is none") from None
    # A scope, as in fe80::1%eth0, is text of any content, and means nothing on another machine.
    if address.version != version or b"%" in part:
        raise _unusable(f"an address that is not of IPv{version}")
    return _plain(address)


def _read_port(part: bytes) -> int:
    # A zero in front could mean octal to somebody, so nobody may send one.
    if not part.isdigit() or len(part) > 5 or (part[:1] == b"0" and part != b"0") or int(part) > 65535:
        raise _unusable("what should be a port is none")
    return int(part)


def _read_binary(data: bytes) -> Header | None:
    if len(data) < _FIXED:
        return None
    command, family = data[12], data[13]
    size = int.from_bytes(data[14:_FIXED], "big")
    if command not in (_LOCAL, _PROXY):
        raise _unusable(f"version and command 0x{command:02x}")
    if size > MAX_BLOCK:
        raise _unusable(f"{size} bytes of addresses and more; at most {MAX_BLOCK} are taken")
    least = 0
    if command == _PROXY:  # else the family is not to be looked at
        if family >> 4 > 0x3 or family & 0xF > 0x2:
            raise _unusable(f"family and transport 0x{family:02x}")
        least = _LEAST.get(family >> 4, 0) if family & 0xF else 0
    if size < least:
        raise _unusable(f"{size} bytes of addresses where {least} are needed")
    end = _FIXED + size
    if len(data) < end:
        return None
    if command == _PROXY and family == _TCP4:
        return Header(end, str(ipaddress.IPv4Address(data[16:20])), int.from_bytes(data[24:26], "big"))
    if command == _PROXY and family == _TCP6:
        return Header(end, _plain(ipaddress.IPv6Address(data[16:32])), int.from_bytes(data[48:50], "big"))
    return Header(end)


def _plain(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """Write an address in the one form that bans and allowed networks know it by."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _unusable(what: str) -> MinerError:
    return MinerError(f"PROXY header with {what}")
