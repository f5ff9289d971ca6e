"""What one miner was given, and what that says about a work it names.

Strategy: the works a miner was given lie between two serials and are of lanes it has had, so a few numbers
tell them all, however many there were, and a work that is forgotten can still be told from one that never
was.  What is taken too much by that is a work of a lane that the miner had at another time: a share for it
counts by that work's own difficulty, so nothing is to be had from it.
The trap: a miner whose difficulty changes in the middle of a job may come back to a work that it has had,
and it must not see that id again, nor one that it saw on an earlier connection; so ids have a tail:

    ""              as given to all, when the job came
    alias           the first work on this connection; a session's alias is nobody else's
    0, NNNN, alias  the NNNN-th change of difficulty; no alias begins with 0
"""

import attrs

from proxy.core.jobbook import Entry
from proxy.model.job import ID_DIGITS, Work
from proxy.model.share import Reason, Verdict

UNKNOWN_JOB = Verdict(Reason.UNKNOWN_JOB)
STALE = Verdict(Reason.STALE)
_HEX = "0123456789abcdef"
_COUNT_DIGITS = 4
_MOST_CHANGES = 16**_COUNT_DIGITS - 1  # all later ones are called by the same number


@attrs.define(slots=True, eq=False)
class Assignment:
    """What one miner was given: its part of the nonces, and the works from first to last.

    Args:
        prefix: how its nonces begin, lower-case hex: its extranonce1; of blob work the nonce's top byte.
        former_prefix: the one before a change of pool connection, "" once it is known to be obeyed.
        former_sizes: how long its earlier ones were, in digits, a bit each.
        first: serial of the first work given, 0 for none.
        last: serial of the latest work given.
        lane: which of a job's works it gets; one is made for each difficulty in use.
        alias: hex that follows the id of its first work.
        former_lanes: lanes it had before, a bit each.
        changes: how often its lane has changed in the middle of a job.
        low, high: all that it was given up to the latest of these changes lies between.
    """

    prefix: str = ""
    former_prefix: str = ""
    former_sizes: int = 0
    first: int = 0
    last: int = 0
    lane: int = 0
    alias: str = ""
    former_lanes: int = 0
    changes: int = 0
    low: int = 0
    high: int = -1

    def move(self, lane: int) -> None:
        """Let it have works of another lane from now on."""
        if self.first:
            self.former_lanes |= 1 << self.lane
        self.lane = lane

    def left(self, prefix: str) -> None:
        """Note the prefix that it had until now."""
        self.former_prefix = prefix
        self.former_sizes |= 1 << len(prefix)

    def change(self, serial: int) -> str:
        """Note a work that it gets in the middle of a job; its first is behind it.

        Returns: what must follow the work's id.
        """
        self.low = min(self.low or self.first, serial)
        self.high = max(self.high, self.last, serial)
        self.changes = min(self.changes + 1, _MOST_CHANGES)
        return f"0{self.changes:0{_COUNT_DIGITS}x}{self.alias}"


def given(work: Work, work_id: str, miner: Assignment) -> bool:
    """Tell whether a miner was given a work, and by an id of its own."""
    if work.lane != miner.lane and not miner.former_lanes >> work.lane & 1:
        return False
    return _is_own(work.serial, work_id, miner)


def no_job(entry: Entry | None, work_id: str, miner: Assignment) -> Verdict:
    """Say why a share for this work does not count: it came too late, or the work was never the miner's.

    Args:
        entry: of the work in the book, None if it is not there.
        work_id: as the miner named it, of any content.
    """
    if entry is not None:
        return STALE if given(entry.work, work_id, miner) else UNKNOWN_JOB
    return STALE if _was_given(work_id, miner) else UNKNOWN_JOB


def _is_own(serial: int, work_id: str, miner: Assignment) -> bool:
    if not (miner.first <= serial <= miner.last or miner.low <= serial <= miner.high):
        return False
    tail = work_id[ID_DIGITS:]
    if tail == (miner.alias if serial == miner.first else ""):
        return True
    return bool(tail and miner.changes) and _is_of_a_change(tail, miner)


def _is_of_a_change(tail: str, miner: Assignment) -> bool:
    number, alias = tail[1 : 1 + _COUNT_DIGITS], tail[1 + _COUNT_DIGITS :]
    # int() takes signs, spaces and underscores, and ids of ours have none.
    if tail[0] != "0" or alias != miner.alias or len(number) < _COUNT_DIGITS or number.strip(_HEX):
        return False
    return 1 <= int(number, 16) <= miner.changes


def _was_given(work_id: str, miner: Assignment) -> bool:
    """A work that is gone can still be told from one that never was, by its serial."""
    digits = work_id[:ID_DIGITS]
    if len(digits) < ID_DIGITS or digits.strip(_HEX):
        return False
    return _is_own(int(digits, 16), work_id, miner)
