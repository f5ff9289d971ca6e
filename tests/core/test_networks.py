"""Whom an address stands for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.networks import Networks, sender


@pytest.mark.parametrize(
    ("address", "stands_for"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:1::7", "2001:db8:0:1::/64"),
        ("2001:db8:0:1:ffff::", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix", "unix"),
        ("no:address", "no:address"),
        ("", ""),
    ],
)
def test_one_sender_has_one_name(address: str, stands_for: str) -> None:
    assert sender(address) == stands_for


@given(st.text())
def test_any_text_stands_for_something(address: str) -> None:
    assert isinstance(sender(address), str)
    assert address not in Networks(())


def test_an_address_is_found_in_its_network() -> None:
    networks = Networks(("192.0.2.0/24", "2001:db8::/32"))
    assert "192.0.2.77" in networks
    assert "::ffff:192.0.2.77" in networks
    assert "2001:db8::1" in networks
    assert "192.0.3.1" not in networks
    assert "unix" not in networks
