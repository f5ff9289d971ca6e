"""The simulated pool's own judgement of shares in the login dialect, of both kinds of work.

Strategy: as judging.py: the rules in their plainest form, the proof by the slow oracle, a blob's hash
computed anew.  Sizes are taken strictly, for here the proxy is the one who writes.
The trap: params are fresh from a socket, of any type and depth, so each member is looked at by type.
"""

from collections.abc import Mapping
from typing import Protocol

from proxy.model.hexdigits import is_hex
from proxy.model.share import Reason, Verdict
from proxy.native import Equihash, reference
from proxy.sim import blobwork
from proxy.sim.judging import ACCEPTED, PoolTally, ProofJudge, Seat
from proxy.sim.login_styles import ALGORITHM, RESULT, BlobWork
from proxy.sim.styles import HEX, NONCE, NTIME, PARAMS, SOLUTION, PoolJob

Params = Mapping[str, object]


class LoginJudge(Protocol):
    """Decides on shares of one kind of work."""

    def judge(self, params: Params, seat: Seat) -> Verdict:
        """Decide on the parameters of a submit."""


def _digits(params: Params, name: str, size: int) -> str | None:
    """A member that must be so many hex digits, lower case; None if it is not."""
    text = params.get(name)
    if isinstance(text, str) and len(text) == size and is_hex(text):
        return text.lower()
    return None


def _frame_flaw(params: Params, seat: Seat, algo: str) -> Verdict | None:
    """What every share must have, whatever the work.

    Args:
        algo: the only one that may be named; "" for any.
    """
    if not isinstance(params.get("job_id"), str):
        return Verdict(Reason.MALFORMED, PARAMS)
    if seat.job is None:
        return Verdict(Reason.STALE if seat.stale else Reason.UNKNOWN_JOB)
    if algo and "algo" in params and params["algo"] != algo:
        return Verdict(Reason.MALFORMED, ALGORITHM)
    return None


class EquihashLoginJudge:
    """Decides on Equihash; arguments as judging.ProofJudge has them."""

    def __init__(self, equihash: Equihash, tally: PoolTally, strict: bool, trust: bool) -> None:
        self._proofs = ProofJudge(equihash, tally, strict, trust)
        self._algo = equihash.name if strict else ""

    def judge(self, params: Params, seat: Seat) -> Verdict:
        """Nonce and solution are needed; result and ntime may be missing, not wrong."""
        flaw = _frame_flaw(params, seat, self._algo)
        if flaw is not None or seat.job is None:
            return flaw or Verdict(Reason.UNKNOWN_JOB)
        nonce = _digits(params, "nonce", 64)
        if nonce is None:
            return Verdict(Reason.MALFORMED, NONCE)
        solution = self._solution(params.get("solution"))
        if isinstance(solution, Verdict):
            return solution
        if "ntime" in params and _digits(params, "ntime", 16) is None:
            return Verdict(Reason.MALFORMED, NTIME)
        if not nonce.startswith(seat.extranonce1):
            return Verdict(Reason.BAD_NONCE)
        if "result" in params and not self._has_result(params, seat.job, nonce, solution):
            return Verdict(Reason.MALFORMED, RESULT)
        return self._proofs.judge_proof(seat.job, nonce, solution, seat.target)

    def _solution(self, text: object) -> str | Verdict:
        """Bare digits, lower case; or the flaw."""
        bare, prefix = self._proofs.digits, self._proofs.size_prefix
        if not isinstance(text, str) or len(text) not in (bare, bare + len(prefix)):
            return Verdict(Reason.MALFORMED, SOLUTION)
        if not is_hex(text):
            return Verdict(Reason.MALFORMED, HEX)
        if len(text) > bare and not text.lower().startswith(prefix):
            return Verdict(Reason.MALFORMED, SOLUTION)
        return text[-bare:].lower()

    def _has_result(self, params: Params, job: PoolJob, nonce: str, solution: str) -> bool:
        return _digits(params, "result", 64) == reference.share_value(job.header, nonce, solution).hex()


class BlobJudge:
    """Decides on blob work.

    Args:
        strict: an algorithm, if named, must be the job's.
        trust: take every result as it is claimed, for load.
    """

    def __init__(self, tally: PoolTally, strict: bool, trust: bool) -> None:
        self._tally = tally
        self._algo = BlobWork.algo if strict else ""
        self._trust = trust

    def judge(self, params: Params, seat: Seat) -> Verdict:
        """Nonce and result are needed; what else is there, nobody checks."""
        flaw = _frame_flaw(params, seat, self._algo)
        if flaw is not None or seat.job is None:
            return flaw or Verdict(Reason.UNKNOWN_JOB)
        nonce = _digits(params, "nonce", 8)
        if nonce is None:
            return Verdict(Reason.MALFORMED, NONCE)
        result = _digits(params, "result", 64)
        if result is None:
            return Verdict(Reason.MALFORMED, RESULT)
        # Each connection has a blob of its own, so the same nonce by two of them is two nonces.
        name = f"{seat.extranonce1}:{nonce}"
        if name in seat.job.nonces:
            self._tally.repeated_nonces += 1
            return Verdict(Reason.DUPLICATE)
        seat.job.nonces.add(name)
        self._tally.nonces += 1
        if not self._trust and result != blobwork.result(BlobWork.blob(seat.job, seat.extranonce1), nonce):
            return Verdict(Reason.INVALID_SOLUTION)
        value = blobwork.value(result)
        if value << 192 >= seat.target:
            return Verdict(Reason.LOW_DIFFICULTY, f"{2**64 / (value + 1):.6g}")
        return ACCEPTED
