"""Writes the end of every share into all books that have a line for it.

    tally      for all              worker's record    for its page
    session    for its own line     ledger             one row, where one is kept
    warden     for who misbehaves

Strategy: two calls, each made once a share: for one that ended here, and for one that the pool, or the lack
of one, decided on.  Everything is counted under the worker that sent the share, though its session may be
gone or have another name by now.
The trap: this is on the path of every share, and each book is a few hundred nanoseconds; so a connection
holds its worker's record, and a ledger that is off costs one comparison.
"""

from collections.abc import Callable
from typing import Protocol

import attrs

from proxy.core.tally import Tally
from proxy.core.windows import Windows
from proxy.core.workerbook import MAX_ID, Record
from proxy.downstream.standing import Standing
from proxy.downstream.warden import Warden
from proxy.model.ended import Ended, Recorder
from proxy.model.share import Reason, Verdict

NO_POOL = "none"  # of a share that found no pool to go to

_ACCEPTED, _KEPT = Reason.ACCEPTED, Reason.KEPT


class Sender(Protocol):
    """A session, as its shares are counted."""

    worker: str
    address: str
    label: tuple[str, str]  # listener and dialect, under which its shares are counted
    standing: Standing

    def refuse_and_close(self, reason: str, detail: str) -> None:
        """Say what is wrong, then hang up."""


@attrs.define(slots=True, eq=False)
class Endings:
    """The books that shares end in.

    Args:
        ledger: who writes each share down; None if nobody does.
        total: the farm's work a second; None where nobody looks.
        tell_block: is told of every forwarded share that is below the network's target, whatever the pool
            made of it.
    """

    tally: Tally
    warden: Warden
    ledger: Recorder | None = None
    total: Windows | None = None
    tell_block: Callable[[Ended], None] = lambda _: None

    def here(
        self, session: Sender, verdict: Verdict, job_id: str, difficulty: float, value: bytes, now: float
    ) -> None:
        """Count a share that was kept, or refused here.

        Args:
            job_id: as the miner gave it, "" if the share never became one.
            difficulty: that its work asked, 0 if the work is not known.
            value: as in Ended.
            now: seconds of the monotonic clock.
        """
        reason = verdict.reason
        self.tally.judge(reason, difficulty)
        standing = session.standing
        shares, record = standing.shares, standing.record
        shares[reason] = shares.get(reason, 0) + 1
        standing.last_share = now
        if reason is _KEPT:
            self.warden.good(standing)
            self._good(record, reason, difficulty, now)
        else:
            if record is not None:
                record.came_to_nothing(reason, verdict.detail, job_id, session.address, now)
            self.warden.bad(session, verdict, now, job_id)
        if self.ledger is not None:
            self.ledger.record(
                _ended(session, record, verdict, job_id, "", difficulty, value, now, now, None, block=False)
            )

    def returned(
        self,
        session: Sender,
        record: Record | None,
        verdict: Verdict,
        job_id: str,
        pool: str,
        difficulty: float,
        value: bytes,
        sent_at: float,
        now: float,
        block: bool = False,
    ) -> None:
        """Count the verdict on a forwarded share.

        Args:
            record: of the worker it came from.
            pool: that it was sent to, NO_POOL if there was none.
            sent_at: when it was handed to the pool's connection.
            block: it is below the network's target.
        """
        reason = verdict.reason
        seconds = None if reason is Reason.LOST else now - sent_at
        self.tally.returned(pool, reason, difficulty, seconds)
        standing = session.standing
        shares = standing.shares
        shares[reason] = shares.get(reason, 0) + 1
        standing.last_share = now
        if reason is _ACCEPTED:
            self.warden.good(standing)
            self._good(record, reason, difficulty, now)
        elif record is not None:
            record.came_to_nothing(reason, verdict.detail, job_id, session.address, now)
        if self.ledger is None and not block:
            return
        ended = _ended(
            session, record, verdict, job_id, pool, difficulty, value, sent_at, now, seconds, block=block
        )
        if self.ledger is not None:
            self.ledger.record(ended)
        if block:
            self.tally.blocks += reason is _ACCEPTED
            self.tell_block(ended)

    def _good(self, record: Record | None, reason: Reason, difficulty: float, now: float) -> None:
        if record is not None:
            record.good(reason, difficulty, now)
        if self.total is not None:
            self.total.add(difficulty, now)


def _ended(
    session: Sender,
    record: Record | None,
    verdict: Verdict,
    job_id: str,
    pool: str,
    difficulty: float,
    value: bytes,
    received: float,
    now: float,
    roundtrip: float | None,
    *,
    block: bool,
) -> Ended:
    listener, dialect = session.label
    return Ended(
        now,
        received,
        session.worker if record is None else record.name,
        session.address,
        listener,
        dialect,
        pool,
        job_id[:MAX_ID],
        verdict.reason,
        verdict.detail,
        difficulty,
        value,
        roundtrip,
        block,
    )
