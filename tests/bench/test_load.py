"""The load alone: its miners against its own pool, without a proxy."""

import pytest

from proxy.bench import load as loads
from proxy.bench.load import Load
from proxy.bench.words import WORDS
from proxy.errors import SluiceError


@pytest.mark.parametrize("dialect", WORDS)
def test_strangers_shares_are_answered_by_the_pool(dialect: str) -> None:
    """One under way for each miner, and they go round."""
    with Load(WORDS[dialect](), spins=False) as load:
        for _ in range(3):
            load.bring_stranger()
        load.times = []
        for _ in range(2):
            for _ in range(3):
                load.submit()
            assert not load.idle
            load.until(lambda: not load.in_flight, "verdicts")
        assert load.answered == len(load.times) == 6
        assert len(load.idle) == 3
        gone = load.idle[0]
        load.dismiss(gone)
        assert len(load.miners) == 2


def test_one_who_leaves_takes_its_share_along() -> None:
    """Nobody waits for its verdict."""
    with Load(WORDS["aion"](), spins=False) as load:
        load.bring_stranger()
        miner = load.idle[0]
        load.submit()
        load.dismiss(miner)
        assert load.in_flight == 0


def test_no_wait_is_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that does not answer is an error, not a result."""
    monkeypatch.setattr(loads, "WAIT_SECONDS", 0)
    with Load(WORDS["aion"](), spins=False) as load, pytest.raises(SluiceError, match="for Godot"):
        load.until(lambda: False, "Godot")
