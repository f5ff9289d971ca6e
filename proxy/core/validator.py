"""Judges one share: is it good, and does it go to the pool?

Strategy: cheapest first, so that junk costs its sender more than us: sizes, digits, slice, job,
duplicate, target, proof.  The share's value is hashed once and serves as duplicate key and for the
target.  Digits are checked by that hash for free; only a share that never gets so far pays for a check
of its own.
The trap: a miner that goes on with the extranonce1 of an earlier pool connection sends sound proofs for
the wrong nonce.  They look like junk, and its card like a broken one; so a bad share of a miner whose
prefix has changed is tried with the earlier prefix before it is called so.
"""

import msgspec

from proxy.core.assignment import STALE, Assignment, given, no_job
from proxy.core.jobbook import Entry, JobBook
from proxy.model.hexdigits import is_hex
from proxy.model.share import NONCE_DIGITS, Reason, Share, Verdict
from proxy.native import Equihash, share_value

BAD_NONCE = Verdict(Reason.BAD_NONCE)
DUPLICATE = Verdict(Reason.DUPLICATE)
LOW_DIFFICULTY = Verdict(Reason.LOW_DIFFICULTY)
_INVALID_SOLUTION = Verdict(Reason.INVALID_SOLUTION)
_NOT_HEX = Verdict(Reason.MALFORMED, "nonce and solution must be hex")
_NOT_THE_VALUE = Verdict(Reason.MALFORMED, "result is not the hash of header, nonce and solution")
KEPT = Verdict(Reason.KEPT)


class Judgement(msgspec.Struct, eq=False):
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
            return Judgement(wrong_size("solution", len(solution), self._solution_digits))
        if len(nonce) != NONCE_DIGITS:
            return Judgement(self._nonce_size(share, miner))
        # Nonces come in lower case but from a miner that writes all of it itself, in upper case.
        if not nonce.startswith(miner.prefix) and not nonce.lower().startswith(miner.prefix):
            return Judgement(self._foreign(share, miner) if is_hex(nonce + solution) else _NOT_HEX)
        entry = self._book.find(share.work_id)
        if entry is None or not entry.live or not given(entry.work, share.work_id, miner):
            if not is_hex(nonce + solution):
                return Judgement(_NOT_HEX)
            return Judgement(no_job(entry, share.work_id, miner), entry)
        work = entry.work
        try:
            value = share_value(work.job.header, nonce, solution)
        except ValueError:
            return Judgement(_NOT_HEX)
        if share.result and share.result.lower() != value.hex():
            return Judgement(_NOT_THE_VALUE, entry, value)
        if entry.seen.seen(value):
            return Judgement(DUPLICATE, entry, value)
        if value >= work.target:
            return self._bad(LOW_DIFFICULTY, share, miner, entry, value)
        if self._flaw(work.job.header, nonce, solution):
            return self._bad(_INVALID_SOLUTION, share, miner, entry, value)
        if miner.former_prefix:
            miner.former_prefix = ""
        return Judgement(None if value < work.pool_target else KEPT, entry, value)

    def _nonce_size(self, share: Share, miner: Assignment) -> Verdict:
        former, size = miner.former_prefix, len(share.nonce)
        if former and size - len(miner.prefix) + len(former) == NONCE_DIGITS:
            return self._late_or_foreign(share, miner)
        needed = NONCE_DIGITS - (size - len(miner.prefix))
        if needed > 0 and miner.former_sizes >> needed & 1:
            # One card of a rig obeys the new prefix and another is late with an old one, or it is one that
            # is read slowly.
            entry = self._book.find(share.work_id)
            if no_job(entry, share.work_id, miner) is STALE and (entry is None or not entry.live):
                return STALE
        return wrong_size("nonce", size, NONCE_DIGITS)

    def _foreign(self, share: Share, miner: Assignment) -> Verdict:
        former = miner.former_prefix
        if former and share.nonce.lower().startswith(former):
            return self._late_or_foreign(share, miner)
        return BAD_NONCE

    def _late_or_foreign(self, share: Share, miner: Assignment) -> Verdict:
        """With the prefix it had: the share is late, if for work of then, else the prefix is."""
        entry = self._book.find(share.work_id)
        live = entry is not None and entry.live
        return BAD_NONCE if live else no_job(entry, share.work_id, miner)

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
                return Judgement(BAD_NONCE, entry, value)
        return Judgement(verdict, entry, value)


def wrong_size(what: str, got: int, want: int) -> Verdict:
    """Refuse a share for the length of a part of it."""
    return Verdict(Reason.MALFORMED, f"{what} of {got} hex digits, {want} expected")
