"""The PROXY header: however its bytes arrive, and nothing but MinerError for what is none."""

import ipaddress
import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.errors import MinerError
from proxy.wire.proxyheader import MAX_BLOCK, MAX_HEADER, MAX_LINE, Header, looks_like_header, read_header
from tests.wire.hostile import fit_to_show, patient

SIGNATURE = bytes.fromhex("0d0a0d0a000d0a515549540a")
LINE = b'{"id":1,"method":"mining.subscribe","params":[]}\n'
NGINX = b"PROXY TCP4 127.0.0.1 127.0.0.1 41234 3333\r\n"
HEALTH_CHECK = SIGNATURE + bytes.fromhex("20000000")

ADDRESSES = {4: st.ip_addresses(v=4), 6: st.ip_addresses(v=6)}
ports = st.integers(0, 65535)


def binary(command: int, family: int, block: bytes) -> bytes:
    """A v2 header of any content."""
    return SIGNATURE + bytes((command, family)) + struct.pack(">H", len(block)) + block


def tcp4(source: str, port: int, tlvs: bytes = b"") -> bytes:
    """What a balancer sends for a miner that came by IPv4."""
    pair = ipaddress.IPv4Address(source).packed + ipaddress.IPv4Address("192.0.2.1").packed
    return binary(0x21, 0x11, pair + struct.pack(">HH", port, 3333) + tlvs)


def tcp6(source: str, port: int, tlvs: bytes = b"") -> bytes:
    """The same by IPv6."""
    pair = ipaddress.IPv6Address(source).packed + ipaddress.IPv6Address("2001:db8::1").packed
    return binary(0x21, 0x21, pair + struct.pack(">HH", port, 3333) + tlvs)


def refused(data: bytes) -> str:
    """The one line said of it."""
    with pytest.raises(MinerError) as caught:
        read_header(data)
    fit_to_show(caught.value)
    return str(caught.value)


def said_of(data: bytes) -> str:
    """The fault found in any bytes, "" for none."""
    try:
        read_header(data)
    except MinerError as error:
        fit_to_show(error)
        return str(error)
    return ""


def usual(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """How an address is told."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


# ---- what is seen on the wire


def test_nginx_sends_a_line() -> None:
    assert read_header(NGINX) == Header(len(NGINX), "127.0.0.1", 41234)


def test_the_first_line_may_come_with_the_header_or_later() -> None:
    assert read_header(NGINX + LINE) == read_header(NGINX)
    header = read_header(tcp4("203.0.113.7", 5555) + LINE)
    assert header == Header(28, "203.0.113.7", 5555)
    assert (tcp4("203.0.113.7", 5555) + LINE)[header.consumed :] == LINE


def test_a_health_check_names_nobody() -> None:
    assert read_header(HEALTH_CHECK) == Header(16)


@pytest.mark.parametrize("block", [b"", b"\x00" * 12, b"x" * MAX_BLOCK])
@pytest.mark.parametrize("family", [0x00, 0x11, 0x21, 0xFF])
def test_of_a_local_connection_only_the_length_counts(family: int, block: bytes) -> None:
    assert read_header(binary(0x20, family, block)) == Header(16 + len(block))


def test_ipv6_is_told_in_its_usual_form() -> None:
    assert read_header(tcp6("2001:0db8::0007", 1)) == Header(52, "2001:db8::7", 1)
    line = b"PROXY TCP6 2001:0DB8:0:0:0:0:0:7 2001:db8::1 1 3333\r\n"
    assert read_header(line) == Header(len(line), "2001:db8::7", 1)


def test_ipv4_inside_ipv6_is_ipv4() -> None:
    """Else a network of `allow` would not know it again."""
    assert read_header(tcp6("::ffff:10.0.0.7", 1)) == Header(52, "10.0.0.7", 1)
    line = b"PROXY TCP6 ::ffff:10.0.0.7 ::1 1 3333\r\n"
    assert read_header(line) == Header(len(line), "10.0.0.7", 1)


def test_tlvs_are_passed_over() -> None:
    """Name and unique id, as a balancer adds them; also what is no TLV at all."""
    tlvs = b"\x02\x00\x04farm" + b"\x05\x00\x02\x01\x02" + b"\xff"
    assert read_header(tcp4("203.0.113.7", 5, tlvs) + LINE) == Header(28 + len(tlvs), "203.0.113.7", 5)


@pytest.mark.parametrize(
    "line",
    [
        b"PROXY UNKNOWN\r\n",
        b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n",
        b"PROXY UNKNOWN \xff\x00 anything\r\n",
    ],
)
def test_a_line_may_name_nobody(line: bytes) -> None:
    assert read_header(line + LINE) == Header(len(line))


@pytest.mark.parametrize(
    ("family", "size"),
    [(0x00, 0), (0x00, 9), (0x10, 0), (0x01, 0), (0x12, 12), (0x22, 36), (0x31, 216), (0x32, 216)],
)
def test_what_is_not_tcp_names_nobody(family: int, size: int) -> None:
    assert read_header(binary(0x21, family, b"/" * size) + LINE) == Header(16 + size)


def test_the_longest_of_each_are_taken() -> None:
    widest = b" ".join([b"ffff:" * 7 + b"ffff"] * 2 + [b"65535"] * 2)
    assert read_header(b"PROXY TCP6 " + widest + b"\r\n") == Header(104, ":".join(["ffff"] * 8), 65535)
    unknown = b"PROXY UNKNOWN " + widest + b"\r\n"
    assert len(unknown) == MAX_LINE
    assert read_header(unknown) == Header(MAX_LINE)
    assert read_header(tcp4("203.0.113.7", 5, b"x" * (MAX_BLOCK - 12))) == Header(
        MAX_HEADER, "203.0.113.7", 5
    )


# ---- what is refused, and when


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (LINE, "no PROXY header"),
        (b"\x16\x03\x01", "no PROXY header"),
        (b"POST / HTTP/1.1\r\n", "no PROXY header"),
        (b"proxy TCP4", "no PROXY header"),
        (b"\r\n{", "no PROXY header"),
        (b"PROXY TCP4 " + b"1" * 96, "more than 107"),
        (b"PROXY UNKNOWN" + b" " * 94 + b"\r\n", "more than 107"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.5 1 2\n", "CR LF"),
        (b"PROXY \n", "CR LF"),
        (b"PROXY \r\n", "TCP4 or TCP6"),
        (b"PROXY TCP5 1.2.3.4 1.2.3.5 1 2\r\n", "TCP4 or TCP6"),
        (b"PROXY UDP4 1.2.3.4 1.2.3.5 1 2\r\n", "TCP4 or TCP6"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.5 1\r\n", "TCP4 or TCP6"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.5 1 2 3\r\n", "TCP4 or TCP6"),
        (b"PROXY TCP4  1.2.3.4 1.2.3.5 1 2\r\n", "TCP4 or TCP6"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.5 1 2\r\r\n", "port"),
        (b"PROXY TCP4 1.2.3 1.2.3.5 1 2\r\n", "address"),
        (b"PROXY TCP4 01.2.3.4 1.2.3.5 1 2\r\n", "address"),
        (b"PROXY TCP4 1.2.3.4 farm 1 2\r\n", "address"),
        (b"PROXY TCP4 1.2.3.4\xff 1.2.3.5 1 2\r\n", "address"),
        (b"PROXY TCP4 ::1 ::1 1 2\r\n", "not of IPv4"),
        (b"PROXY TCP6 1.2.3.4 ::1 1 2\r\n", "not of IPv6"),
        (b"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n", "not of IPv6"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.5 65536 2\r\n", "port"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.5 1 -2\r\n", "port"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.5 01 2\r\n", "port"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.5 1_0 2\r\n", "port"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.5  2\r\n", "port"),
        (binary(0x11, 0x11, b"\x00" * 12), "0x11"),
        (binary(0x22, 0x11, b"\x00" * 12), "0x22"),
        (binary(0x21, 0x41, b"\x00" * 12), "0x41"),
        (binary(0x21, 0x13, b"\x00" * 12), "0x13"),
        (binary(0x21, 0x11, b"\x00" * 11), "12 are needed"),
        (binary(0x21, 0x21, b"\x00" * 35), "36 are needed"),
        (binary(0x21, 0x31, b"\x00" * 215), "216 are needed"),
        (SIGNATURE + b"\x21\x11\xff\xff", "65535 bytes"),
        (SIGNATURE + b"\x20\x00\x10\x01", "4097 bytes"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(data: bytes, words: str) -> None:
    assert words in refused(data)


def test_a_fault_is_told_before_the_rest_is_awaited() -> None:
    """The sender is not kept, and what it says next is not collected."""
    assert read_header(SIGNATURE + b"\x21\x11\xff") is None
    refused(SIGNATURE + b"\x21\x11\xff\xff")
    assert read_header(b"PROXY TCP4 x y") is None
    refused(b"PROXY TCP4 x y\n")


# ---- where a header is optional


@pytest.mark.parametrize("data", [NGINX, NGINX[:1], NGINX[:6], HEALTH_CHECK, b"\r", b"\r\n", SIGNATURE[:11]])
def test_what_may_be_a_header_looks_like_one(data: bytes) -> None:
    assert looks_like_header(data)


@pytest.mark.parametrize("data", [LINE, b"{", b" {", b"\n", b"\r\n{", b"POST /", b"PROXYING", b"\r\n\r\n{"])
def test_stratum_does_not(data: bytes) -> None:
    assert not looks_like_header(data)


@patient
@given(st.binary(min_size=1, max_size=40) | st.sampled_from([NGINX, HEALTH_CHECK, tcp4("1.2.3.4", 5)]))
@example(b"PROXY")
@example(b"\r\n\r\n")
def test_whoever_looks_like_none_is_refused_for_that(data: bytes) -> None:
    if looks_like_header(data):
        assert "no PROXY header" not in said_of(data)
    else:
        assert "no PROXY header" in said_of(data)


# ---- any sender, any split


@st.composite
def sent(draw: st.DrawFn) -> tuple[bytes, Header]:
    """A sound header of either version, and what it says."""
    version = draw(st.sampled_from([4, 6]))
    source, target = draw(ADDRESSES[version]), draw(ADDRESSES[version])
    port, target_port = draw(ports), draw(ports)
    if draw(st.booleans()):
        text = f"PROXY TCP{version} {source} {target} {port} {target_port}\r\n"
        return text.encode(), Header(len(text), usual(source), port)
    block = source.packed + target.packed + struct.pack(">HH", port, target_port)
    data = binary(0x21, 0x11 if version == 4 else 0x21, block + draw(st.binary(max_size=50)))
    return data, Header(len(data), usual(source), port)


@patient
@given(sent(), st.binary(max_size=20))
def test_what_a_sender_writes_is_read(case: tuple[bytes, Header], behind: bytes) -> None:
    data, header = case
    assert read_header(data + behind) == header


@patient
@given(sent())
def test_byte_by_byte_nothing_is_said_before_the_end(case: tuple[bytes, Header]) -> None:
    data, header = case
    for size in range(len(data)):
        assert read_header(data[:size]) is None
        assert size == 0 or looks_like_header(data[:size])
    assert read_header(data) == header


@st.composite
def nearly(draw: st.DrawFn) -> bytes:
    """A sound header with some bytes replaced, cut or added anywhere."""
    data, _ = draw(sent())
    start = draw(st.integers(0, len(data)))
    end = draw(st.integers(start, min(len(data), start + 6)))
    return data[:start] + draw(st.binary(max_size=6)) + data[end:]


@patient
@given(
    st.binary(max_size=200)
    | nearly()
    | st.binary(max_size=120).map(lambda junk: b"PROXY " + junk)
    | st.binary(max_size=120).map(lambda junk: b"PROXY TCP6 " + junk + b"\r\n")
    | st.binary(max_size=120).map(lambda junk: SIGNATURE + junk)
)
def test_any_bytes_give_a_header_a_wait_or_a_fault(data: bytes) -> None:
    try:
        header = read_header(data)
    except MinerError as error:
        fit_to_show(error)
        return
    if header is None:
        assert len(data) < MAX_HEADER
    else:
        assert 0 < header.consumed <= min(len(data), MAX_HEADER)
        assert header.address is None or str(ipaddress.ip_address(header.address)) == header.address
        assert 0 <= header.port <= 65535


@patient
@given(nearly())
def test_more_bytes_never_change_what_was_said(data: bytes) -> None:
    """A verdict reached early is the verdict on the whole."""

    said: object = None
    for size in range(len(data) + 1):
        now = said_of(data[:size]) or read_header(data[:size])
        assert said is None or now == said
        said = now
