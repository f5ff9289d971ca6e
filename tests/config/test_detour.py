"""The URL of a proxy on the way to a pool: taken apart, and never shown with its password."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.detour import NO_DETOUR, Detour, DetourUrl
from proxy.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "detour"),
    [
        ("socks5://gate.example:1080", Detour("socks5", "gate.example", 1080)),
        ("socks5h://gate.example:1080", Detour("socks5", "gate.example", 1080)),
        ("http://10.0.0.1:3128/", Detour("http", "10.0.0.1", 3128)),
        ("socks5://me:secret@[::1]:1080", Detour("socks5", "::1", 1080, "me", "secret")),
        ("http://me:p%40ss%3Aword@gate:8080", Detour("http", "gate", 8080, "me", "p@ss:word")),
        ("socks5://me:@gate:1080", Detour("socks5", "gate", 1080, "me", "")),
    ],
)
def test_an_url_is_taken_apart(text: str, detour: Detour) -> None:
    assert Detour.parse(text) == detour
    assert DetourUrl().read(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "gate:1080",
        "socks4://gate:1080",
        "https://gate:1080",
        "socks5://gate",
        "socks5://gate:0",
        "socks5://gate:65536",
        "socks5://secret@gate:1080",
        "socks5://me:secret@x@gate:1080",
        "socks5://:secret@gate:1080",
        "socks5://me:secret@[::1::]:1080",
        "socks5://gate:1080/path",
        "http://me:secret%0Ax@gate:1080",
        "http://me:" + "secret" * 50 + "@gate:1080",
        " socks5://gate:1080",
    ],
)
def test_what_is_none_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        DetourUrl().read(text)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("value", ["", NO_DETOUR])
def test_none_is_an_answer(value: str) -> None:
    assert DetourUrl().read(value) == value


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(ConfigError, match="must be like"):
        DetourUrl().read(5)


def test_for_people_there_is_no_user_in_it() -> None:
    detour = Detour("socks5", "::1", 1080, "me", "secret")
    assert str(detour) == "socks5://[::1]:1080"
    assert "secret" not in repr(detour)


@given(st.text())
def test_any_text_is_taken_or_refused(text: str) -> None:
    with contextlib.suppress(ConfigError):
        assert DetourUrl().read(text) == text
