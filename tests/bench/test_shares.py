"""The measurement measures: every share of a real crowd has its verdict.  How fast is no test's matter."""

import attrs
import pytest

from proxy.bench import shares
from proxy.bench.words import WORDS
from proxy.errors import SluiceError


@pytest.mark.parametrize("dialect", WORDS)
def test_a_small_crowd_is_measured(dialect: str) -> None:
    """All shares are accepted, or there would be no row; its parts fit together, and progress has an end."""
    told: list[float] = []
    row = shares.measure(dialect, 20, 0.1, 200, told.append)
    assert (row.dialect, row.connections) == (dialect, 20)
    assert row.cpu_us == pytest.approx(row.bare_us + row.check_us + row.own_us)
    assert min(row.cpu_us, row.per_second, row.bare_us) > 0
    assert row.login_us >= 0  # twenty logins may be less than the kernel's clock can tell
    assert (row.check_us > 0) is (dialect == "aion")
    for ends in (row.paced, row.direct):
        assert ends.rate == 200
        assert 0 < ends.median_us <= ends.p99_us
    assert row.direct.cpu_us == 0
    assert told[-1] == 1.0
    assert told == sorted(told)


def test_growing_rates_are_measured_on_one_proxy() -> None:
    """One result each, in their order."""
    seen = shares.measure_rates("login", 10, 0.1, (100, 300), lambda _part: None)
    assert [row.rate for row in seen] == [100, 300]
    assert all(value > 0 for row in seen for value in attrs.astuple(row))


def test_a_proxy_that_refuses_shares_is_not_called_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shares with another's prefix are refused, and that is an error here."""
    words = WORDS["aion"]
    monkeypatch.setattr(words, "share", lambda _self, miner, nonce: miner.head + b"00" + miner.tail)
    with pytest.raises(SluiceError, match="malformed"):
        shares.measure("aion", 5, 0.1, 100, lambda _part: None)
