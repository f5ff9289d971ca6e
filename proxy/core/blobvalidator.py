"""Judges one share of blob work, whose proof is not computed here.

Strategy: what can be told without the proof: sizes, digits, job, the miner's byte, duplicate, and whether
the result it claims meets the target.  A claim that is false goes to the pool, and the pool's verdict
comes back.
The trap: the job comes before the byte.  After a change of pool connection a miner has another byte, and
a share that was on its way is late, not outside its slice.
"""

from proxy.core.assignment import Assignment, given, no_job
from proxy.core.jobbook import JobBook
from proxy.core.validator import BAD_NONCE, DUPLICATE, KEPT, LOW_DIFFICULTY, Judgement, wrong_size
from proxy.model.blob import NONCE_DIGITS, RESULT_DIGITS, value_of
from proxy.model.share import Reason, Share, Verdict

_TOP = slice(NONCE_DIGITS - 2, NONCE_DIGITS)  # digits of the nonce's last byte in the blob, its highest
_NOT_HEX = Verdict(Reason.MALFORMED, "nonce and result must be hex")


class BlobValidator:
    """Decides on shares of blob work.

    Args:
        book: the works that shares may be for.
    """

    def __init__(self, book: JobBook) -> None:
        self._book = book

    def judge(self, share: Share, miner: Assignment) -> Judgement:
        """Decide on one submitted share.

        Args:
            share: as its dialect read it; nonce and result of any length and content.
            miner: what its sender was given; its prefix is one byte.
        Returns: a verdict, or none for a share that the pool shall see.
        Raises: nothing.  A bad share is a Verdict; an exception here is a bug.
        """
        nonce, result = share.nonce, share.result
        if len(nonce) != NONCE_DIGITS:
            return Judgement(wrong_size("nonce", len(nonce), NONCE_DIGITS))
        if len(result) != RESULT_DIGITS:
            return Judgement(wrong_size("result", len(result), RESULT_DIGITS))
        try:
            key, value = bytes.fromhex(nonce), value_of(result)
        except ValueError:
            return Judgement(_NOT_HEX)
        if len(key) != NONCE_DIGITS // 2 or len(value) != RESULT_DIGITS // 2:
            return Judgement(_NOT_HEX)  # there was space between the digits
        entry = self._book.find(share.work_id)
        if entry is None or not entry.live or not given(entry.work, share.work_id, miner):
            return Judgement(no_job(entry, share.work_id, miner), entry)
        if nonce[_TOP].lower() != miner.prefix:
            return Judgement(BAD_NONCE, entry)
        if entry.seen.seen(key):
            return Judgement(DUPLICATE, entry)
        work = entry.work
        if value >= work.target:
            return Judgement(LOW_DIFFICULTY, entry, value)
        return Judgement(None if value < work.pool_target else KEPT, entry, value)
