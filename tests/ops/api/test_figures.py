"""Figures that several answers have in common."""

import pytest

from proxy.core.tally import Histogram
from proxy.model.share import Reason
from proxy.ops.api.figures import all_verdicts, by_verdict, masked, quantiles, rounded
from proxy.ops.api.shapes import Quantiles


def seen(*values: float) -> Histogram:
    """A histogram of 1, 2 and 4 seconds."""
    histogram = Histogram((1.0, 2.0, 4.0))
    for value in values:
        histogram.observe(value)
    return histogram


@pytest.mark.parametrize(
    ("histograms", "half", "most"),
    [
        ([], None, None),
        ([seen()], None, None),
        ([seen(0.5)], 0.5, 0.99),
        ([seen(1.5, 1.5)], 1.5, 1.99),
        ([seen(*[0.5] * 50, *[3.0] * 50)], 1.0, 3.96),
        ([seen(*[0.5] * 50), seen(*[3.0] * 50)], 1.0, 3.96),
        ([seen(9.0)], 4.0, 4.0),
    ],
)
def test_quantiles_lie_within_their_bucket(
    histograms: list[Histogram], half: float | None, most: float | None
) -> None:
    assert quantiles(histograms, 1.0) == Quantiles(half, most)


def test_they_are_in_the_unit_that_is_shown() -> None:
    assert quantiles([seen(1.5, 1.5)], 1e3) == Quantiles(1500.0, 1990.0)


def test_every_verdict_is_there() -> None:
    shares = by_verdict({Reason.STALE: 3})
    assert shares == all_verdicts({"stale": 3})
    assert list(shares) == [reason.value for reason in Reason]
    assert sum(shares.values()) == shares["stale"] == 3


def test_rates_are_cut_to_what_they_are_worth() -> None:
    assert rounded({"1m": 1 / 3}) == {"1m": 0.3333}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("stratum+tcp://pool.example:3333", "stratum+tcp://pool.example:3333"),
        ("wss://me:secret@pool.example/x", "wss://***@pool.example/x"),
        ("wss://pool.example/x?key=secret", "wss://pool.example/x?***"),
        ("socks5://me:secret@h:1: refused", "socks5://***@h:1: refused"),
        ("is it down? no", "is it down? no"),
    ],
)
def test_no_secret_of_an_address_is_shown(text: str, shown: str) -> None:
    assert masked(text) == shown
