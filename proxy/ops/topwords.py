"""Figures and times in as few characters as a column of `sluice top` has."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime

from proxy.model.share import Reason

NONE = "–"  # where there is no figure
_UNITS = ("", "k", "M", "G", "T", "P")
# A share that counts, or would have: the line to the pool was at fault for the third.
NOT_BAD = frozenset({Reason.ACCEPTED, Reason.KEPT, Reason.LOST})


def amount(value: float | None) -> str:
    """Three digits and a unit: 0, 0.42, 35.8, 1.23k, 45.1M."""
    if value is None or not math.isfinite(value):
        return NONE
    size, unit = abs(value), 0
    while size >= 999.5 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    if size >= 999.5:
        return f"{value:.0e}"
    if unit == 0 and float(value).is_integer():
        return str(int(value))
    digits = 2 if size < 9.995 else 1 if size < 99.95 else 0
    return f"{'-' if value < 0 else ''}{size:.{digits}f}{_UNITS[unit]}"


def percent(part: float | None) -> str:
    """A ratio: 99.1 %; 100 only for all, 0 only for none."""
    if part is None or not math.isfinite(part):
        return NONE
    shown = part * 100
    if 0 < shown < 0.1:
        return "<0.1 %"
    if 99.9 < shown < 100:
        return ">99.9 %"
    return f"{shown:.0f} %" if shown in (0, 100) else f"{shown:.1f} %"


def milliseconds(value: float | None) -> str:
    """A time on the wire."""
    return NONE if value is None or not math.isfinite(value) else f"{amount(round(value, 2))} ms"


def seconds(value: float | None) -> str:
    """A time that passes, in its largest unit: 12 s, 3 min, 5 h, 2 d."""
    if value is None or not math.isfinite(value):
        return NONE
    value = max(0.0, value)
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if value >= size:
            return f"{int(value // size)} {unit}"
    return f"{int(value)} s"


def moment(text: str | None) -> datetime | None:
    """Read a time of the API; None for what is none."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def since(text: str | None, now: datetime) -> str:
    """How long ago a time of the API was."""
    at = moment(text)
    return NONE if at is None else seconds((now - at).total_seconds())


def until(text: str | None, now: datetime) -> str:
    """How long until a time of the API."""
    at = moment(text)
    return NONE if at is None else seconds((at - now).total_seconds())


def bad(shares: Mapping[str, int]) -> int:
    """Count the shares that were refused, here or by the pool."""
    return sum(count for reason, count in shares.items() if reason not in NOT_BAD)


def worst(shares: Mapping[str, int]) -> str:
    """Name what most of the bad shares were; "" without any."""
    refused = {reason: count for reason, count in shares.items() if reason not in NOT_BAD and count}
    return max(refused, key=refused.__getitem__) if refused else ""


def reject_ratio(shares: Mapping[str, int]) -> float | None:
    """Say which part of all shares was bad; None without any."""
    total = sum(shares.values())
    return bad(shares) / total if total > 0 else None
