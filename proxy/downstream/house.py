"""What a session and the house it is in need of each other, and what the board needs of the pool side.

Strategy: protocols, so that sessions know no relay, and the relay of a session only what it is owed.
"""

from typing import Protocol

from proxy.core.assignment import Assignment
from proxy.core.extranonce import NonceSpace, Slice
from proxy.core.jobbook import Works
from proxy.downstream.endings import Sender
from proxy.downstream.pace import Pace
from proxy.downstream.warden import Warden
from proxy.model.share import Share, Verdict


class Guest(Sender, Protocol):
    """A session, as its house sees it."""

    assignment: Assignment
    pace: Pace | None  # to be told of its good shares

    @property
    def listener(self) -> str:
        """Name of the listener it came in by."""

    def release(self, now: float) -> None:
        """There is work for a session that was held."""

    def answer(self, request_id: bytes, verdict: Verdict) -> None:
        """The pool's verdict on a share is in."""


class House(Protocol):
    """What a session needs of the house it is in."""

    works: Works  # of the current job, by lane; empty while no pool has given any
    space: NonceSpace | None  # the present nonce space
    warden: Warden  # the same in every house

    def next_number(self) -> int:
        """A number that no other session of this run has."""

    def lane_of(self, difficulty: float) -> int:
        """Which of a job's works is of a difficulty; the same in every house."""

    def admit(self, session: Guest) -> "House | None":
        """Take a session in; the house that has room for it, which need not be this one, None if none has."""

    def lend(self) -> Slice | None:
        """Lend a slice of the present nonce space; None if there is no room."""

    def hold(self, session: Guest) -> None:
        """Call session.release() once there is work."""

    def joined(self, session: Guest, now: float) -> None:
        """A worker has logged in."""

    def parted(self, session: Guest, now: float) -> None:
        """A worker has gone, or goes on under another name."""

    def judge(self, session: Guest, request_id: bytes, share: Share, now: float) -> Verdict | None:
        """Judge a share; None if the verdict follows by session.answer()."""

    def refuse(self, session: Guest, verdict: Verdict, now: float) -> None:
        """Count a share that never became one."""

    def left(self, session: Guest) -> None:
        """A session has ended; its slice is back."""


class PoolSide(Protocol):
    """Where shares go, as whoever reads them from miners sees it."""

    @property
    def is_full(self) -> bool:
        """Whether so many shares wait for a pool that no more should be read from miners."""

    async def room(self) -> None:
        """Wait until shares may be handed over again."""

    def push(self) -> None:
        """Send on what was handed over; to be called at the end of every batch."""
