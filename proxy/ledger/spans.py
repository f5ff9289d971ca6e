"""Times as a person gives them: a span back from now, a date, a moment.

24h, 90m, 7d, 2w     so long ago         2026-11-20, 2026-11-20T14:30    UTC unless it says otherwise
1795219200           seconds since 1970  all                             from the first share on
"""

import re
from datetime import UTC, datetime

from proxy.errors import ConfigError

ALL = 0.0
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LATEST = 253_402_300_799.0  # the end of the year 9999, the last that has four digits
_LEAST_EPOCH = 1e8  # a smaller number is a span without its unit: 1973 has no ledger


def read_moment(words: str, now: float) -> float:
    """Read a moment.

    Args:
        words: as above.
        now: seconds since 1970.
    Returns: seconds since 1970.
    Raises: ConfigError.
    """
    given = words.strip()
    if given.lower() == "all":
        return ALL
    span = re.fullmatch(r"(\d{1,9}(?:\.\d{1,6})?)([smhdw])", given)
    if span is not None:
        return max(ALL, now - float(span[1]) * _UNITS[span[2]])
    moment = read_time(given)
    if moment is None:
        raise ConfigError(
            f'"{_shown(given)}" is no time: give a span (24h, 90m, 7d), a date (2026-11-20), '
            "a moment (2026-11-20T14:30Z), or all"
        )
    return moment


def read_time(words: str) -> float | None:
    """Read a moment of a machine: ISO 8601, UTC where it names no zone, or seconds since 1970.

    Returns: seconds since 1970, None for what is neither.
    """
    given = words.strip()
    if re.fullmatch(r"\d{9,13}(\.\d{1,9})?", given):
        number = float(given)
        number = number / 1000 if number > _LATEST else number  # milliseconds, as some have it
        return number if _LEAST_EPOCH <= number <= _LATEST else None
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        seconds = moment.timestamp()
    except (OverflowError, ValueError):
        return None
    return seconds if 0 <= seconds <= _LATEST else None


def shown(seconds: float) -> str:
    """Write a moment, to the second: 2026-11-20 14:30:05."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def iso(seconds: float, digits: str = "milliseconds") -> str:
    """Write a moment for a machine: 2026-11-20T14:30:05.123Z."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec=digits).replace("+00:00", "Z")


def _shown(text: str) -> str:
    cut = text[:40]
    return cut if cut.isprintable() else ascii(cut)
