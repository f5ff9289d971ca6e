"""What a share deserves, and what a reply says it got.

Strategy: the texts of all who may answer a simulated miner stand here, a second time and by hand: both
columns of Sluice's verdict table and the refusals of each kind of pool, in one list, because a pool's own
text is passed on from one dialect to the other.  What a kind of share deserves depends on who judges it: a
solo pool honours every job it ever gave, the public pools' software calls an unknown job stale.
"""

from enum import StrEnum

from proxy.model.share import Reason


class Kind(StrEnum):
    """What a simulated miner can do at its next turn."""

    GOOD = "good"
    # shares that deserve a refusal
    STALE = "stale"
    DUPLICATE = "duplicate"
    LOW = "low"
    MALFORMED = "malformed"
    WRONG_SLICE = "wrong_slice"
    BAD_PROOF = "bad_proof"
    NEAR_MISS = "near_miss"
    UNKNOWN_JOB = "unknown_job"
    # the same, on a second connection of its own
    UNAUTHORIZED = "unauthorized"
    NOT_SUBSCRIBED = "not_subscribed"
    # no share at all, on a second connection
    SLOW_READER = "slow_reader"
    HALF_LINE = "half_line"
    JUNK = "junk"
    LONG_LINE = "long_line"


SHARES = (
    Kind.GOOD, Kind.STALE, Kind.DUPLICATE, Kind.LOW, Kind.MALFORMED, Kind.WRONG_SLICE, Kind.BAD_PROOF,
    Kind.NEAR_MISS, Kind.UNKNOWN_JOB,
)  # fmt: skip
SHARES_APART = (Kind.UNAUTHORIZED, Kind.NOT_SUBSCRIBED)

# The beginning of a refusal's text, in lower case, and what it means; the first that fits.
_TEXTS = (
    ("stale share", Reason.STALE),
    ("block expired", Reason.STALE),
    ("job not found", Reason.UNKNOWN_JOB),
    ("invalid job id", Reason.UNKNOWN_JOB),
    ("duplicate share", Reason.DUPLICATE),
    ("low difficulty share", Reason.LOW_DIFFICULTY),
    ("header hash larger than target", Reason.LOW_DIFFICULTY),
    ("invalid solution", Reason.INVALID_SOLUTION),
    ("nonce outside extranonce1", Reason.BAD_NONCE),
    ("invalid nonce", Reason.BAD_NONCE),
    ("malformed", Reason.MALFORMED),
    ("incorrect size of", Reason.MALFORMED),
    ("invalid hex", Reason.MALFORMED),
    ("unauthorized worker", Reason.UNAUTHORIZED),
    ("unauthenticated", Reason.UNAUTHORIZED),
    ("not subscribed", Reason.NOT_SUBSCRIBED),
    ("pool connection lost", Reason.LOST),
)

_SLUICE = {
    Kind.GOOD: {Reason.ACCEPTED},
    Kind.STALE: {Reason.STALE},
    Kind.DUPLICATE: {Reason.DUPLICATE},
    Kind.LOW: {Reason.LOW_DIFFICULTY},
    Kind.MALFORMED: {Reason.MALFORMED},
    Kind.WRONG_SLICE: {Reason.BAD_NONCE},
    Kind.BAD_PROOF: {Reason.INVALID_SOLUTION},
    Kind.NEAR_MISS: {Reason.INVALID_SOLUTION},
    Kind.UNKNOWN_JOB: {Reason.UNKNOWN_JOB},
    Kind.UNAUTHORIZED: {Reason.UNAUTHORIZED},
    Kind.NOT_SUBSCRIBED: {Reason.NOT_SUBSCRIBED},
}
_SOLO = {**_SLUICE, Kind.STALE: {Reason.ACCEPTED}, Kind.WRONG_SLICE: {Reason.MALFORMED}}
_P2 = {
    **_SLUICE,
    Kind.STALE: {Reason.ACCEPTED, Reason.STALE},  # three jobs are honoured
    Kind.WRONG_SLICE: {Reason.MALFORMED},
    Kind.MALFORMED: {Reason.MALFORMED, Reason.INVALID_SOLUTION},
    Kind.UNKNOWN_JOB: {Reason.STALE},
}

# There is no subscribing: whoever has not logged in is not authenticated.
_LOGIN = {
    **_SLUICE,
    Kind.STALE: {Reason.ACCEPTED, Reason.STALE},  # several jobs are honoured
    Kind.NOT_SUBSCRIBED: {Reason.UNAUTHORIZED},
    Kind.MALFORMED: {Reason.MALFORMED, Reason.BAD_NONCE},  # "Invalid nonce" for one of a wrong size, too
}

DESERVED: dict[str, dict[Kind, set[Reason]]] = {
    "sluice": _SLUICE,
    "solo": _SOLO,
    "p2": _P2,
    "login": _LOGIN,
}
"""By who judges: what each kind of share may get."""

# A false result looks like a good share to all but the pool, which computes the hash.
_FALSE_RESULT = {
    "sluice": {Reason.REJECTED, Reason.LOW_DIFFICULTY},  # the pool's own text, passed on
    "login": {Reason.LOW_DIFFICULTY},
}


def deserts(against: str, blob: bool = False) -> dict[Kind, set[Reason]]:
    """Say what each kind of share may get.

    Args:
        against: who judges, a key of DESERVED.
        blob: for blob work.
    """
    table = DESERVED[against]
    if not blob:
        return table
    # The job is looked at before the byte: after a job change either fault may be told.
    late = table[Kind.WRONG_SLICE] | {Reason.STALE}
    return {**table, Kind.BAD_PROOF: _FALSE_RESULT[against], Kind.WRONG_SLICE: late}


# Judged by their job before anything else that is wrong with them: a job change that crosses them on the
# way makes them stale, and nobody is at fault.
CAN_BE_LATE = frozenset({Kind.GOOD, Kind.DUPLICATE, Kind.LOW, Kind.BAD_PROOF, Kind.NEAR_MISS})


def reason_of(ok: bool, text: str) -> Reason:
    """Tell from a reply what became of the share.

    Args:
        ok: the result is true.
        text: of the error; "" for none.
    Returns: REJECTED for any text not known here.
    """
    if ok and not text:
        return Reason.ACCEPTED
    lower = text.lower()
    for start, reason in _TEXTS:
        if lower.startswith(start):
            return reason
    return Reason.REJECTED
