"""Figures that several answers have in common."""

import re
from collections.abc import Iterable, Mapping
from itertools import accumulate

from proxy.core.tally import Histogram
from proxy.model.share import Reason
from proxy.ops.api.shapes import Quantiles

_USER = re.compile(r"//[^/@\s]*@")
_ASKED = re.compile(r"(\w://[^\s?]*)\?\S*")


def quantiles(histograms: Iterable[Histogram], scale: float) -> Quantiles:
    """Estimate what half and 99 in 100 lie below, of several histograms with the same bounds.

    Args:
        scale: of the unit shown to a second.
    """
    histograms = list(histograms)
    if not histograms:
        return Quantiles(None, None)
    bounds = histograms[0].bounds
    counts = [sum(column) for column in zip(*(one.counts for one in histograms), strict=True)]
    return Quantiles(*(_quantile(bounds, counts, part, scale) for part in (0.5, 0.99)))


def _quantile(bounds: tuple[float, ...], counts: list[int], part: float, scale: float) -> float | None:
    """As Prometheus does it: within a bucket evenly spread; above the last bound that bound."""
    total = sum(counts)
    if not total:
        return None
    rank = part * total
    for place, reached in enumerate(accumulate(counts)):
        if reached >= rank and place < len(bounds):
            low = bounds[place - 1] if place else 0.0
            inside = (rank - (reached - counts[place])) / counts[place] if counts[place] else 1.0
            return round((low + (bounds[place] - low) * inside) * scale, 3)
    return round(bounds[-1] * scale, 3)


def by_verdict(shares: Mapping[Reason, int]) -> dict[str, int]:
    """Give a count for every verdict, 0 where there are none: whoever reads it need not ask."""
    return {reason.value: shares.get(reason, 0) for reason in Reason}


def all_verdicts(shares: Mapping[str, int]) -> dict[str, int]:
    """Do the same for counts that came from another process."""
    return {reason.value: shares.get(reason.value, 0) for reason in Reason}


def rounded(rates: Mapping[str, float]) -> dict[str, float]:
    """Cut rates to what they are worth."""
    return {span: round(rate, 4) for span, rate in rates.items()}


def masked(text: str) -> str:
    """Hide what of an address may be a secret: who asks, and what stands behind its `?`."""
    return _ASKED.sub(r"\1?***", _USER.sub("//***@", text))
