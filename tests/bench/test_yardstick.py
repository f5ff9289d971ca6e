"""The yardstick relays every byte, and leaves nothing behind."""

import pytest

from proxy.bench import yardstick
from proxy.bench.words import WORDS


@pytest.mark.parametrize("dialect", WORDS)
def test_bare_relaying_takes_some_time(dialect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A round more, or it would have waited for bytes that are lost."""
    monkeypatch.setattr(yardstick, "ROUNDS", 2)
    assert yardstick.bare_us(WORDS[dialect](), 40) > 0


def test_the_check_is_that_of_bench_verify(monkeypatch: pytest.MonkeyPatch) -> None:
    """In microseconds, on the path in use."""
    monkeypatch.setattr(yardstick, "_CHECK_SECONDS", 0.01)
    assert yardstick.check_us() > 0
