"""How fast a miner is read: what it may send at once, and how that comes back.

The trap: a miner that is read slowly is not to live on what it had saved up before.
"""

from proxy.config import Limits
from proxy.downstream.connection import Connection
from proxy.downstream.session import MinerSession

BURST_SECONDS = 10  # of its rate: what a miner may send at once after a quiet time
# Part of its rate for a miner with many bad shares: one request a second, still ten times what it needs.
SLOWED = 0.02


def rate_of(session: MinerSession, limits: Limits, now: float) -> float:
    """Return how many requests a second a miner may send."""
    rate = limits.requests_per_second
    standing = session.standing
    if standing.is_slowed and session.house.warden.slows(standing, now):
        return rate * SLOWED
    return rate


def refill(connection: Connection, limits: Limits, seconds: float, now: float) -> bool:
    """Let a miner have what it may send.

    Args:
        seconds: since the last time.
    Returns: whether it was to wait until now, and need not any more.
    """
    rate = rate_of(connection.session, limits, now)
    connection.budget = min(rate * BURST_SECONDS, connection.budget + rate * seconds)
    if connection.throttled and connection.budget > 0:
        connection.throttled = False
        return True
    return False
