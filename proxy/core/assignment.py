"""What one miner was given, and what that says about a work it names.

Strategy: the works a miner was given are a range of serials, so a work that is forgotten can still be
told from one that never was.
"""

import attrs

from proxy.core.jobbook import Entry
from proxy.model.job import ID_DIGITS, Work
from proxy.model.share import Reason, Verdict

UNKNOWN_JOB = Verdict(Reason.UNKNOWN_JOB)
STALE = Verdict(Reason.STALE)


@attrs.define(slots=True, eq=False)
class Assignment:
    """What one miner was given: its part of the nonces, and the works from first to last.

    Args:
        prefix: how its nonces begin, lower-case hex: its extranonce1; of blob work the nonce's top byte.
        former_prefix: the one before a change of pool connection, "" once it is known to be obeyed.
        first: serial of the first work given, 0 for none.
        last: serial of the latest work given.
        lane: which of a job's works it gets; one is made for each difficulty in use.
        alias: hex that follows the id of its first work, and of no other.
    """

    prefix: str = ""
    former_prefix: str = ""
    first: int = 0
    last: int = 0
    lane: int = 0
    alias: str = ""


def given(work: Work, work_id: str, miner: Assignment) -> bool:
    """Tell whether a miner was given a work, and by just this id."""
    return work.lane == miner.lane and _is_own(work.serial, work_id, miner)


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
    tail = miner.alias if serial == miner.first else ""
    return miner.first <= serial <= miner.last and work_id[ID_DIGITS:] == tail


def _was_given(work_id: str, miner: Assignment) -> bool:
    """A work that is gone can still be told from one that never was, by its serial."""
    # int() takes signs, spaces and underscores, and ids of ours have none.
    digits = work_id[:ID_DIGITS]
    if len(digits) < ID_DIGITS or digits.strip("0123456789abcdef"):
        return False
    return _is_own(int(digits, 16), work_id, miner)
