"""Judges the shares of our own worker processes, which have judged them already.

Strategy: what a share is for is looked up, because the pool has a name of its own for it; nothing else is
looked at again, so that the one process behind all workers does next to nothing for each share.
The trap: a share that a new job overtook on the way from one process to the next was good when it was
judged.  It goes on, as it would had the job overtaken it on the way to the pool, and the pool decides.
"""

from collections.abc import Callable

from proxy.core.assignment import UNKNOWN_JOB, Assignment
from proxy.core.jobbook import JobBook
from proxy.core.validator import Judgement
from proxy.model.share import Share

NO_VALUE = b""

Value = Callable[[str, str, str], bytes]


class TrustingValidator:
    """Decides on shares that need no check.

    Args:
        book: the works that shares may be for.
        value: the hash of header, nonce and solution, where the pool is told it; None where it is not.
    """

    def __init__(self, book: JobBook, value: Value | None = None) -> None:
        self._find = book.find
        self._value = value

    def judge(self, share: Share, miner: Assignment) -> Judgement:  # noqa: ARG002  # as the others have it
        """Decide on one share.

        Args:
            share: one that another process of ours has found good.
            miner: which process; not looked at.
        Returns: no verdict, for the pool shall see it; UNKNOWN_JOB for a work that is long forgotten.
        """
        entry = self._find(share.work_id)
        if entry is None:
            return Judgement(UNKNOWN_JOB)
        value = self._value
        if value is None:
            return Judgement(None, entry, NO_VALUE)
        return Judgement(None, entry, value(entry.work.job.header, share.nonce, share.solution))
