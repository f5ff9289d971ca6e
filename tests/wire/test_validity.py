"""When a certificate ends, off its DER."""

import contextlib
from datetime import UTC, datetime

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.validity import not_after

CA = trustme.CA()


def certificate(end: datetime) -> bytes:
    made = CA.issue_cert("host.example", not_after=end, not_before=datetime(1999, 1, 1, tzinfo=UTC))
    loaded = x509.load_pem_x509_certificate(made.cert_chain_pems[0].bytes())
    return loaded.public_bytes(serialization.Encoding.DER)


DER = certificate(datetime(2030, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "end",
    [
        datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(2026, 2, 28, 12, 30, 1, tzinfo=UTC),
        datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(2050, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    ],
)
def test_both_forms_of_a_time(end: datetime) -> None:
    assert not_after(certificate(end)) == end.timestamp()


@pytest.mark.parametrize("der", [b"", b"\x30", b"\x31\x00", b"\x30\x80", b"\x30\x89" + b"\x01" * 20])
def test_what_is_no_certificate(der: bytes) -> None:
    with pytest.raises(ValueError):
        not_after(der)


@given(st.integers(0, len(DER) - 1))
def test_what_is_cut_off(size: int) -> None:
    with pytest.raises(ValueError):
        not_after(DER[:size])


@given(st.integers(0, len(DER) - 1), st.integers(0, 255))
def test_what_is_damaged_is_read_or_refused(place: int, byte: int) -> None:
    with contextlib.suppress(ValueError):
        not_after(DER[:place] + bytes([byte]) + DER[place + 1 :])


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused(der: bytes) -> None:
    with contextlib.suppress(ValueError):
        not_after(der)
