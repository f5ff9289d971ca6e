"""Judges one share: is it good, and does it go to the pool?

Strategy: cheapest first, so that junk costs its sender more than us: sizes, digits, slice, job,
duplicate, target, proof.  The share's value is hashed once and serves as duplicate key and for the
target.  Digits are checked by that hash for free; only a share that never gets so far pays for a check
of its own.
The trap: a miner that goes on with the extranonce1 of an earlier pool connection sends sound proofs for
the wrong nonce.  They look like junk, and its card like a broken one; so a bad share of a miner whose
prefix has changed is tried with the earlier prefix before it is called so.
"""

import attrs

from proxy.core.jobbook import Entry, JobBook
from proxy.model.hexdigits import is_hex
from proxy.model.job import ID_DIGITS, Work
from proxy.model.share import NONCE_DIGITS, Reason, Share, Verdict
from proxy.native import Equihash, share_value

_UNKNOWN_JOB = Verdict(Reason.UNKNOWN_JOB)
_STALE = Verdict(Reason.STALE)
_BAD_NONCE = Verdict(Reason.BAD_NONCE)
_DUPLICATE = Verdict(Reason.DUPLICATE)
_LOW_DIFFICULTY = Verdict(Reason.LOW_DIFFICULTY)
_INVALID_SOLUTION = Verdict(Reason.INVALID_SOLUTION)
_NOT_HEX = Verdict(Reason.MALFORMED, "malformed share: nonce and solution must be hex")
_KEPT = Verdict(Reason.KEPT)


@attrs.define(slots=True, eq=False)
class Assignment:
    """What one miner was given: its prefix and the works from first to last.

    Args:
        prefix: its extranonce1, lower-case hex.
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


@attrs.define(slots=True, eq=False)
class Judgement:
    """A verdict that stands here and now, or the work under which the share goes to the pool.

    Args:
        verdict: None if the pool has to decide.
        entry: the work it names and its standing, None if there is no such or it was not looked up.
        value: the share's 32-byte value, b"" if it was not looked at.
    """

    verdict: Verdict | None
    entry: Entry | None = None
    value: bytes = b""


class Validator:
    """Decides on shares for one algorithm.

    Args:
        equihash: the proof to check.
        book: the works that shares may be for.
    """

    def __init__(self, equihash: Equihash, book: JobBook) -> None:
        self._flaw = equihash.flaw
        self._solution_digits = 2 * equihash.solution_bytes
        self._book = book

    def judge(self, share: Share, miner: Assignment) -> Judgement:
        """Decide on one submitted share.

        Args:
            share: as its dialect read it; nonce and solution of any length and content.
            miner: what its sender was given.
        Returns: a verdict, or none for a share that the pool shall see.
        Raises: nothing.  A bad share is a Verdict; an exception here is a bug.
        """
        nonce, solution = share.nonce, share.solution
        if len(solution) != self._solution_digits:
            return Judgement(_wrong_size("solution", len(solution), self._solution_digits))
        if len(nonce) != NONCE_DIGITS:
            return Judgement(self._nonce_size(share, miner))
        # Nonces come in lower case but from a miner that writes all of it itself, in upper case.
        if not nonce.startswith(miner.prefix) and not nonce.lower().startswith(miner.prefix):
            return Judgement(_BAD_NONCE if is_hex(nonce + solution) else _NOT_HEX)
        entry = self._book.find(share.work_id)
        if entry is None or not entry.live or not _given(entry.work, share.work_id, miner):
            if not is_hex(nonce + solution):
                return Judgement(_NOT_HEX)
            return Judgement(_no_job(entry, share.work_id, miner), entry)
        work = entry.work
        try:
            value = share_value(work.job.header, nonce, solution)
        except ValueError:
            return Judgement(_NOT_HEX)
        if entry.seen.seen(value):
            return Judgement(_DUPLICATE, entry, value)
        if value >= work.target:
            return self._bad(_LOW_DIFFICULTY, share, miner, entry, value)
        if self._flaw(work.job.header, nonce, solution):
            return self._bad(_INVALID_SOLUTION, share, miner, entry, value)
        if miner.former_prefix:
            miner.former_prefix = ""
        return Judgement(None if value < work.pool_target else _KEPT, entry, value)

    def _nonce_size(self, share: Share, miner: Assignment) -> Verdict:
        former, size = miner.former_prefix, len(share.nonce)
        if former and size - len(miner.prefix) + len(former) == NONCE_DIGITS:
            # The right size for the prefix it had: late, if for work of then, else the prefix is.
            entry = self._book.find(share.work_id)
            live = entry is not None and entry.live
            return _BAD_NONCE if live else _no_job(entry, share.work_id, miner)
        return _wrong_size("nonce", size, NONCE_DIGITS)

    def _bad(
        self, verdict: Verdict, share: Share, miner: Assignment, entry: Entry, value: bytes
    ) -> Judgement:
        former = miner.former_prefix
        if former:
            nonce = former + share.nonce[len(former) :]
            header = entry.work.job.header
            if share_value(header, nonce, share.solution) < entry.work.target and not self._flaw(
                header, nonce, share.solution
            ):
                return Judgement(_BAD_NONCE, entry, value)
        return Judgement(verdict, entry, value)


def _wrong_size(what: str, got: int, want: int) -> Verdict:
    return Verdict(Reason.MALFORMED, f"malformed share: {what} of {got} hex digits, {want} expected")


def _given(work: Work, work_id: str, miner: Assignment) -> bool:
    return work.lane == miner.lane and _is_own(work.serial, work_id, miner)


def _is_own(serial: int, work_id: str, miner: Assignment) -> bool:
    """Whether a miner was given a work, and by just this id."""
    tail = miner.alias if serial == miner.first else ""
    return miner.first <= serial <= miner.last and work_id[ID_DIGITS:] == tail


def _no_job(entry: Entry | None, work_id: str, miner: Assignment) -> Verdict:
    if entry is not None:
        return _STALE if _given(entry.work, work_id, miner) else _UNKNOWN_JOB
    return _STALE if _was_given(work_id, miner) else _UNKNOWN_JOB


def _was_given(work_id: str, miner: Assignment) -> bool:
    """A work that is gone can still be told from one that never was, by its serial."""
    # int() takes signs, spaces and underscores, and ids of ours have none.
    digits = work_id[:ID_DIGITS]
    if len(digits) < ID_DIGITS or digits.strip("0123456789abcdef"):
        return False
    return _is_own(int(digits, 16), work_id, miner)
