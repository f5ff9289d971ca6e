"""Addresses: taken apart, given back, refused without showing a password."""

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.config.address import Address
from proxy.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("stratum+tcp://pool.example:3333", Address("stratum+tcp", "pool.example", 3333)),
        ("stratum+tls://10.0.0.1:3443", Address("stratum+tls", "10.0.0.1", 3443)),
        ("stratum+tcp://[::1]:0", Address("stratum+tcp", "::1", 0)),
        ("stratum+tcp://[fe80::1%eth0]:1", Address("stratum+tcp", "fe80::1%eth0", 1)),
        ("ws://h:8080/stratum?a=b", Address("ws", "h", 8080, "/stratum?a=b")),
        ("wss://h:443/", Address("wss", "h", 443, "/")),
        ("unix:///run/sluice.sock", Address("unix", "", 0, "/run/sluice.sock")),
    ],
)
def test_an_address_is_taken_apart_and_given_back(text: str, address: Address) -> None:
    assert Address.parse(text) == address
    assert str(address) == text


def test_websocket_has_the_ports_of_http() -> None:
    assert Address.parse("ws://h/x").port == 80
    assert Address.parse("wss://h").port == 443


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "must be like stratum+tcp://host:port"),
        ("pool.example:3333", 'not "pool.example:3333"'),
        ("http://h:1", "must be like"),
        ("stratum+tcp://h", "needs a port"),
        ("stratum+tcp://h:65536", "above 65535"),
        ("stratum+tcp://h:1/path", "takes no path"),
        ("stratum+tcp://:1", "must be like"),
        ("stratum+tcp://[:1", "must be like"),
        ("stratum+tcp://[12345::]:1", "must be like"),
        ("stratum+tcp://h:1\n", "must be like"),
        ("stratum+tcp://h h:1", "must be like"),
        ("unix://run/x.sock", "three slashes"),
        ("unix:///", "three slashes"),
        ("unix:///" + "x" * 200, "107 bytes"),
    ],
)
def test_what_is_no_address(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=r"^[^\n]*$") as caught:
        Address.parse(text)
    assert why in str(caught.value)


def test_a_password_in_an_url_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        Address.parse("stratum+tcp://me:hunter2@h:1")
    assert "keys of their own" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@given(st.one_of(st.text(), st.from_regex(r"(stratum\+tcp|wss?|unix)://.*", fullmatch=True)))
@example("stratum+tcp://[::%]:1")
@example("unix:///\udcff")
def test_any_text_is_an_address_or_refused(text: str) -> None:
    with contextlib.suppress(ConfigError):
        address = Address.parse(text)
        assert Address.parse(str(address)) == address
