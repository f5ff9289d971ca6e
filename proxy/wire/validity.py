"""How long a certificate is valid, read off its DER.

    Certificate ::= SEQUENCE { tbsCertificate SEQUENCE { [0] version, serialNumber, signature, issuer,
                               validity SEQUENCE { notBefore, notAfter }, … }, … }

Strategy: walk to the one field that is wanted by tag and length; Python's ssl shows it only of
certificates that a peer sent and that were verified.
The trap: years come with two digits up to 2049 and with four after (RFC 5280, 4.1.2.5).
"""

from datetime import UTC, datetime

_SEQUENCE, _VERSION, _UTC_TIME, _TIME = 0x30, 0xA0, 0x17, 0x18


def not_after(der: bytes) -> float:
    """Return when a certificate ends.

    Args:
        der: the certificate.
    Returns: seconds since 1970.
    Raises: ValueError for what is no certificate.
    Source: RFC 5280, section 4.1.
    """
    certificate = _inner(der, 0)
    fields = _inner(der, certificate[0])
    place = fields[0]
    if der[place : place + 1] == bytes([_VERSION]):
        place = _element(der, place)[1]
    for _ in ("serialNumber", "signature", "issuer"):
        place = _element(der, place)[1]
    validity = _inner(der, place)
    place = _element(der, validity[0])[1]
    start, end = _element(der, place)
    return _moment(der[place], der[start:end].decode("ascii"))


def _inner(der: bytes, place: int) -> tuple[int, int]:
    if der[place : place + 1] != bytes([_SEQUENCE]):
        raise ValueError("no certificate")
    return _element(der, place)


def _element(der: bytes, place: int) -> tuple[int, int]:
    """Return where an element's content begins and ends."""
    if place + 2 > len(der):
        raise ValueError("a certificate that is cut off")
    size, start = der[place + 1], place + 2
    if size & 0x80:
        width = size & 0x7F
        if not 1 <= width <= 4:
            raise ValueError("a length that no certificate has")
        size = int.from_bytes(der[start : start + width], "big")
        start += width
    if start + size > len(der):
        raise ValueError("a certificate that is cut off")
    return start, start + size


def _moment(tag: int, text: str) -> float:
    if tag == _UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    elif tag != _TIME:
        raise ValueError("a time that is none")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()
