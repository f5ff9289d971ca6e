"""Mutations by tokens end, whatever they are given, and mostly leave JSON behind."""

import json
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.lines import miner_lines
from tests.fuzz.mutation import TOKEN, mutator

TOKENS = (b'"id"', b"null", b"[]")


@given(st.binary(max_size=60), st.integers(0, 2**32 - 1), st.integers(0, 80))
def test_any_bytes_become_no_more_than_they_may(data: bytes, seed: int, most: int) -> None:
    mutated = mutator(TOKENS, lambda data, most: data[:most])(data, most, seed)
    assert len(mutated) <= most


@given(st.binary())
def test_nothing_is_lost_between_tokens(data: bytes) -> None:
    assert b"".join(TOKEN.findall(data)) == data


def test_many_stay_json() -> None:
    mutated = mutator(TOKENS, lambda data, most: b"not json")
    dice = Random(1)
    count = 0
    for line in miner_lines() * 20:
        try:
            json.loads(mutated(line, 4096, dice.getrandbits(32)))
        except ValueError:
            continue
        count += 1
    assert count > 40
