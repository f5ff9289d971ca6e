"""The waits between attempts: they double up to the bound, and are never in step with another proxy's."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.upstream.backoff import FIRST_SECONDS, Backoff


class Fixed(Random):
    """Chance that always falls the same way."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def random(self) -> float:
        return self.value


def test_waits_double_up_to_the_bound() -> None:
    backoff = Backoff(5, Fixed(1.0))
    assert [backoff.next() for _ in range(6)] == [0.5, 1, 2, 4, 5, 5]


def test_the_luckiest_waits_half_of_it() -> None:
    backoff = Backoff(5, Fixed(0.0))
    assert [backoff.next() for _ in range(6)] == [0.25, 0.5, 1, 2, 2.5, 2.5]


def test_success_begins_anew() -> None:
    backoff = Backoff(30, Fixed(1.0))
    for _ in range(10):
        backoff.next()
    backoff.reset()
    assert backoff.next() == FIRST_SECONDS


def test_a_bound_below_the_first_wait_holds() -> None:
    backoff = Backoff(0.1, Fixed(1.0))
    assert [backoff.next(), backoff.next()] == [pytest.approx(0.1), pytest.approx(0.1)]


@given(st.floats(0.1, 3600), st.integers(0, 2**32), st.integers(1, 30))
def test_every_wait_is_in_the_upper_half_of_its_step(most: float, seed: int, failures: int) -> None:
    backoff = Backoff(most, Random(seed))
    for failure in range(failures):
        step = min(FIRST_SECONDS * 2**failure, most)
        assert step / 2 <= backoff.next() <= step
