"""Shares seen before: all of the last generation, and never more than two generations."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.core.duplicates import GENERATION, Duplicates

some_values = st.lists(st.integers(0, 40).map(lambda n: n.to_bytes(32, "big")), max_size=200)


def test_a_share_is_new_once() -> None:
    seen = Duplicates()
    assert not seen.seen(b"a")
    assert seen.seen(b"a")
    assert not seen.seen(b"b")
    assert len(seen) == 2


def test_a_generation_is_forgotten_when_the_next_but_one_begins() -> None:
    seen = Duplicates(2)
    assert [seen.seen(value) for value in (b"a", b"b", b"c", b"d")] == [False] * 4
    assert seen.seen(b"a"), "of the older generation"
    assert seen.seen(b"d"), "of the younger"
    assert not seen.seen(b"e"), "which begins a third one"
    assert not seen.seen(b"a"), "so the first is gone"
    assert seen.seen(b"c")


def test_the_default_is_the_size_that_the_bound_is_reckoned_with() -> None:
    assert Duplicates().generation == GENERATION


@given(some_values, st.integers(1, 10))
def test_the_last_generation_is_known_and_two_are_the_bound(values: list[bytes], generation: int) -> None:
    seen = Duplicates(generation)
    came: list[bytes] = []  # each at the place where it last was new
    for value in values:
        known = seen.seen(value)
        assert known or value not in came[-generation:]
        assert not known or value in came
        if not known:
            came.append(value)
        assert len(seen) <= 2 * generation


@given(some_values)
def test_nothing_is_forgotten_while_there_is_room(values: list[bytes]) -> None:
    seen = Duplicates()
    for place, value in enumerate(values):
        assert seen.seen(value) == (value in values[:place])
