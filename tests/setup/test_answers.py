"""Short words of a person, read as the configuration would have them."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config import Address
from proxy.errors import ConfigError
from proxy.setup import answers as read
from proxy.setup.answers import Answers, with_tokens

AION = "0xa0" + "1f" * 31


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("pool.example:3333", "stratum+tcp://pool.example:3333"),
        (" stratum+tcp://pool.example:3333 ", "stratum+tcp://pool.example:3333"),
        ("ssl://pool.example:443", "stratum+tls://pool.example:443"),
        ("stratum+ssl://pool.example:443", "stratum+tls://pool.example:443"),
        ("wss://pool.example", "wss://pool.example:443"),
        ("[::1]:3333", "stratum+tcp://[::1]:3333"),
        ("unix:///run/s.sock", "unix:///run/s.sock"),
    ],
)
def test_a_pool(text: str, url: str) -> None:
    assert read.pool_url(text) == url


@pytest.mark.parametrize(
    "text", ["", "pool.example", "http://pool", "pool:0", "pool:99999", "me:x@pool:1", "a b:1"]
)
def test_what_is_no_pool(text: str) -> None:
    with pytest.raises(ConfigError) as fault:
        read.pool_url(text)
    assert "me:x" not in str(fault.value)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("3333", "stratum+tcp://0.0.0.0:3333"),
        ("192.0.2.1:4444", "stratum+tcp://192.0.2.1:4444"),
        ("ws://0.0.0.0:80/x", "ws://0.0.0.0:80/x"),
        ("0", "stratum+tcp://0.0.0.0:0"),
    ],
)
def test_where_miners_come_to(text: str, url: str) -> None:
    assert read.listen_url(text) == url


def test_tls_for_miners_comes_later() -> None:
    with pytest.raises(ConfigError, match="needs a certificate"):
        read.listen_url("ssl://0.0.0.0:3443")


@pytest.mark.parametrize(
    ("text", "address"), [("9180", "127.0.0.1:9180"), ("0.0.0.0:80", "0.0.0.0:80"), ("none", "")]
)
def test_where_the_dashboard_stands(text: str, address: str) -> None:
    assert read.http_address(text) == address


@pytest.mark.parametrize("text", ["somewhere", "1:2:3:x", "127.0.0.1:99999"])
def test_what_is_no_such_place(text: str) -> None:
    with pytest.raises(ConfigError):
        read.http_address(text)


@pytest.mark.parametrize(
    ("text", "kind"), [("upstream", "upstream"), ("vardiff", "vardiff"), ("8.0", "8"), ("0.5", "0.5")]
)
def test_a_difficulty(text: str, kind: str) -> None:
    assert read.difficulty(text) == kind


@pytest.mark.parametrize("text", ["", "0", "-1", "nan", "inf", "hard"])
def test_what_is_no_difficulty(text: str) -> None:
    with pytest.raises(ConfigError, match="vardiff"):
        read.difficulty(text)


@pytest.mark.parametrize("text", ["", " ", "a b", "a\nb", "x" * 257])
def test_what_is_no_account(text: str) -> None:
    with pytest.raises(ConfigError):
        read.account(text)


def test_pools_are_guessed_by_the_account() -> None:
    assert read.guess(AION) == read.guess(f"{AION}.rig") == ("aion", "equihash/210_9")
    assert read.guess(
        "48edfHu7V9Z84YzzMa6fUueoELZ9ZRXq9VetWzYGzKt52XU5xvqgzYnDK9URnRoJMk1j8nLwEVsaSWJ4fhdUyZijBGUicoD"
    ) == (
        "login",
        "blob",
    )


@pytest.mark.parametrize(
    ("http", "made"),
    [
        ("127.0.0.1:9180", False),
        ("[::1]:1", False),
        ("", False),
        ("0.0.0.0:9180", True),
        ("farm.example:80", True),
    ],
)
def test_tokens_are_made_where_others_can_come(http: str, made: bool) -> None:
    found = with_tokens(Answers(pools=("x",), user="y", http=http))
    assert bool(found.read_token) is bool(found.admin_token) is made
    assert not made or (found.read_token != found.admin_token and len(found.read_token) >= 32)
    assert not made or found.read_token not in repr(found)


@given(st.text())
def test_any_text_is_an_address_or_the_one_fault(text: str) -> None:
    for reader in (read.pool_url, read.listen_url):
        with contextlib.suppress(ConfigError):
            Address.parse(reader(text))
