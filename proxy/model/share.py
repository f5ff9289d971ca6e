"""A share and what became of it.

A refused share is a value, never an exception: Verdict says why, in the words of the verdict table
(docs/operations.md).  The dialects' texts for each Reason stand in wire/, one table a dialect.
"""

from enum import StrEnum

import attrs
import msgspec

from proxy.model.hexdigits import is_hex

NONCE_DIGITS = 64  # of a whole nonce, 32 bytes
NTIME_DIGITS = 16


def worth_passing_on(ntime: object) -> str:
    """Return a share's time as it came if a pool could read it.

    Args:
        ntime: as decoded, of any type.
    Returns: 16 hex digits, or "" for anything else.
    """
    if not isinstance(ntime, str) or len(ntime) != NTIME_DIGITS or not is_hex(ntime):
        return ""
    return ntime


class Reason(StrEnum):
    """Every end a share can come to; the values are the `reason` label of the metrics."""

    ACCEPTED = "accepted"
    KEPT = "kept"
    MALFORMED = "malformed"
    UNAUTHORIZED = "unauthorized"
    NOT_SUBSCRIBED = "not_subscribed"
    UNKNOWN_JOB = "unknown_job"
    STALE = "stale"
    BAD_NONCE = "bad_nonce"
    DUPLICATE = "duplicate"
    LOW_DIFFICULTY = "low_difficulty"
    INVALID_SOLUTION = "invalid_solution"
    REJECTED = "rejected"
    LOST = "lost"


# What became of a share that went to the pool; all others but KEPT were filtered here.
FORWARDED = (Reason.ACCEPTED, Reason.REJECTED, Reason.LOST)
FILTERED = tuple(reason for reason in Reason if reason not in (*FORWARDED, Reason.KEPT))


@attrs.frozen(slots=True)
class Verdict:
    """What became of a share.

    Args:
        reason: which row of the verdict table.
        detail: for MALFORMED what is wrong, as the end of a sentence; for REJECTED the pool's own text.
        code: for REJECTED the pool's own error code.
    """

    reason: Reason
    detail: str = ""
    code: int = 0


class Share(msgspec.Struct, eq=False, gc=False):
    """One submitted share; what is in it, the validator checks.

    Args:
        work_id: the id the miner gives for the job.
        nonce: of Equihash work 64 hex digits, the whole 32-byte nonce, byte 0 first; of blob work 8.
        solution: hex digits of the packed indices, without compactSize prefix; "" in blob work.
        ntime: 16 hex digits as sent, or "" when the miner sent none worth passing on.
        result: the share's value as the miner claims it, hex; "" where it claims none.
        members: what else of it goes on to a login pool, JSON text without braces.
    """

    work_id: str
    nonce: str
    solution: str
    ntime: str = ""
    result: str = ""
    members: bytes = b""
