"""How long a session may take before it logs in, and how much it may send by then; and why it ended.

Strategy: strangers cost memory before anybody knows whether they are miners, so they have little time, and
short lines.  The first whole line buys time for a login, a login the miner's own time and lines.
A handshake has a login's time, for under a storm of them a miner waits for its turn, which is not its fault.
The trap: what is longer than a stranger's line may follow a login in the same bytes; no known miner does
that, for it has nothing to submit before it is answered.
"""

from proxy.config import Limits
from proxy.downstream.door import Door


def first_deadline(limits: Limits, now: float) -> float:
    """Return until when a whole line must have come."""
    return now + min(limits.first_line_seconds, limits.login_seconds)


def secured_deadline(limits: Limits, since: float, now: float) -> float:
    """Return until when a whole line must have come of a miner whose handshake is over now.

    Args:
        since: when it came.
    """
    return min(since + limits.login_seconds, now + limits.first_line_seconds)


def line_limit(door: Door, dialect: str, is_in: bool) -> int:
    """Return the longest line of a session, in bytes.

    Args:
        is_in: it has logged in.
    """
    most = door.limits.line_bytes if dialect == "aion" else door.line_bytes
    return most if is_in else min(most, door.limits.login_line_bytes)


def too_long(limits: Limits, most: int) -> str:
    """Say what is wrong with a line of more than so many bytes, and which key says so."""
    key = "login_line_bytes" if most == limits.login_line_bytes else "line_bytes"
    return f"a line of more than {most} bytes (limits.{key})"


def overdue(limits: Limits, since: float, now: float) -> tuple[str, str]:
    """Tell why a session that has outstayed its deadline ends: the reason, and a line for people.

    Args:
        since: when it came; infinite once it has logged in.
    """
    if since > now:
        return "idle", f"no share for {limits.idle_seconds:g} s (limits.idle_seconds)"
    if now < since + limits.login_seconds:
        seconds = limits.first_line_seconds
        return "first_line_timeout", f"no whole line within {seconds:g} s (limits.first_line_seconds)"
    return "login_timeout", f"no login within {limits.login_seconds:g} s (limits.login_seconds)"
