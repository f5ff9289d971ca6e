"""Times as the API shows them: of the wall clock, though inside all is counted on the monotonic one."""

import time
from datetime import UTC, datetime

import trio


def since_1970(moment: float, now: float | None = None) -> float:
    """Turn a time of the monotonic clock into seconds since 1970.

    Args:
        moment: seconds of the monotonic clock, of this process.
        now: what that clock says.
    """
    return time.time() - ((trio.current_time() if now is None else now) - moment)


def shown(seconds: float) -> datetime:
    """Make a time of seconds since 1970, to the millisecond: more would only be noise."""
    return datetime.fromtimestamp(round(seconds, 3), UTC)


def shown_or_none(seconds: float) -> datetime | None:
    """Make a time; None of 0, which stands for never."""
    return shown(seconds) if seconds else None
