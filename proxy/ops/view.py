"""What a running proxy shows of itself, whether it is one process or several.

Strategy: metrics, health and the log ask a view; with one process it is the relays themselves, with more
of them (proxy/workers/) it is what they have reported, put together.
The trap: a tally that is put together is made at every look, so whoever shows several counts looks once.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Protocol

import attrs

from proxy.core.tally import Tally
from proxy.core.windows import Windows
from proxy.core.workerbook import WorkerBook
from proxy.ops.crowd import Crowd, Nobody
from proxy.relay import Relay
from proxy.relays import Relays
from proxy.upstream.contender import PoolStatus


class View(Protocol):
    """The figures of a proxy."""

    @property
    def tally(self) -> Tally:
        """The counts; to be read only."""

    @property
    def slots(self) -> Mapping[str, int]:
        """Slices of the nonce space, by state."""

    @property
    def pools(self) -> list[PoolStatus]:
        """What is known of each pool."""

    @property
    def not_ready(self) -> str:
        """Why there is no work for miners, "" if there is."""

    @property
    def book(self) -> WorkerBook:
        """What is known of each worker."""

    @property
    def total(self) -> Windows | None:
        """The farm's work a second; None where nobody looks."""

    @property
    def crowd(self) -> Crowd:
        """Those who have the miners."""

    @property
    def processes(self) -> int:
        """How many take miners."""

    def miners(self) -> Mapping[tuple[str, str], int]:
        """Count the miners that are here, by listener and dialect."""


@attrs.frozen(eq=False)
class RelayView:
    """The view of a proxy of one process.

    Args:
        count: counts its miners by listener and dialect.
        total: the farm's work a second.
    """

    relays: Relay | Relays
    count: Callable[[], Counter[tuple[str, str]]] = Counter
    crowd: Crowd = attrs.field(factory=Nobody)
    total: Windows | None = None
    processes: int = 1

    @property
    def tally(self) -> Tally:
        """The counts."""
        return self.relays.tally

    @property
    def book(self) -> WorkerBook:
        """What is known of each worker."""
        return self.relays.workers

    @property
    def slots(self) -> dict[str, int]:
        """Slices of the nonce space, by state."""
        return self.relays.slots

    @property
    def pools(self) -> list[PoolStatus]:
        """What is known of each pool."""
        return self.relays.pools

    @property
    def not_ready(self) -> str:
        """Why there is no work for miners."""
        return self.relays.not_ready

    def miners(self) -> Counter[tuple[str, str]]:
        """Count the miners that are here."""
        return self.count()
