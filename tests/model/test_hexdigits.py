"""The one test for hex, and its lower case."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.model.hexdigits import is_hex, lower


@given(st.text(max_size=80))
def test_every_character_must_be_a_digit(text: str) -> None:
    assert is_hex(text) == all(character in string.hexdigits for character in text)


@pytest.mark.parametrize("text", [" 0f", "0f\n", "+1", "1_0", "0x10", "é", "\ud800", "0 f", "０"])
def test_what_int_or_fromhex_would_let_through_is_refused(text: str) -> None:
    assert not is_hex(text)


@given(st.text(alphabet="0123456789abcdefABCDEF", max_size=80))
def test_lower_case_is_that_of_every_digit(text: str) -> None:
    assert lower(text) == text.lower()
