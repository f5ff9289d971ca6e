"""The simulated pool's own judgement of shares, and its books.

Strategy: nothing of the proxy's validator is used.  The proof is checked by the slow oracle, the rules
stand here a second time in their plainest form; so a share that the proxy lets through wrongly is
counted here as refused, and a test needs to look at one number.
"""

from collections import Counter, OrderedDict

import attrs

from proxy.model.hexdigits import is_hex
from proxy.model.proof import compact_size
from proxy.model.share import Reason, Verdict
from proxy.native import Equihash, reference
from proxy.sim.styles import HEX, NONCE, NTIME, PARAMS, SOLUTION, PoolJob, Style

ACCEPTED = Verdict(Reason.ACCEPTED)


@attrs.define(slots=True, eq=False)
class PoolTally:
    """What a pool has seen since it was made.

    Args:
        submits: shares that were judged.
        accepted: of these, the good ones.
        refused: the others, by reason.
        second_solutions: shares with another solution for a nonce seen before; honest, though a
            strict pool calls them duplicate.
        late: accepted though a clean job had replaced theirs.
        nonces: different nonces, counted for each job.
        repeated_nonces: shares whose nonce had been seen for their job.
        replies_dropped: verdicts that were not sent, as ordered.
        connections: taken.
        turned_away: connections cut at once, for a ban.
        lines: read.
        bad_lines: lines that are no JSON object; each cost its connection.
        paramless: requests without params, which end a solo pool's process.
        overflows: connections cut for too much in one read.
        keepalives: requests to keep a connection that were answered; dialect login only.
        bans: addresses banned.
        jobs: made.
        workers: accepted shares by the worker name in the submit.
    """

    submits: int = 0
    accepted: int = 0
    refused: Counter[str] = attrs.field(factory=Counter)
    second_solutions: int = 0
    late: int = 0
    nonces: int = 0
    repeated_nonces: int = 0
    replies_dropped: int = 0
    connections: int = 0
    turned_away: int = 0
    lines: int = 0
    bad_lines: int = 0
    paramless: int = 0
    overflows: int = 0
    keepalives: int = 0
    bans: int = 0
    jobs: int = 0
    workers: Counter[str] = attrs.field(factory=Counter)

    @property
    def bad(self) -> int:
        """Shares that should never have come; honest second solutions are not among them."""
        return self.submits - self.accepted - self.refused["second_solution"]

    def count(self, verdict: Verdict) -> None:
        """Enter one judged share."""
        self.submits += 1
        if verdict.reason is Reason.ACCEPTED:
            self.accepted += 1
        else:
            self.refused[verdict.detail if verdict.detail == "second_solution" else verdict.reason.value] += 1

    def as_dict(self) -> dict[str, object]:
        """All of it, for JSON; workers as their number only."""
        fields = attrs.asdict(self, filter=lambda field, _: field.name != "workers")
        return {**fields, "refused": dict(self.refused), "workers": len(self.workers), "bad": self.bad}


@attrs.frozen(slots=True)
class SeenShare:
    """A share as it came, and its verdict; kept when the options ask for it.

    Args:
        nonce: whole, as it was judged; of blob work 8 hex digits.
        solution: "" in blob work.
        extra: what else stood in a submit of dialect login, as it came; `result` is among it.
    """

    worker: str
    job: PoolJob | None
    nonce: str
    solution: str
    verdict: Verdict
    extra: dict[str, object] = attrs.field(factory=dict)


@attrs.frozen(slots=True)
class Seat:
    """What the judge must know of the connection a share came by.

    Args:
        job: the one the share names, None if there never was one.
        stale: there was, but it is no longer honoured.
        extranonce1: that the connection had for this job, hex; in blob work what makes its blob its own.
        target: that holds for the connection now.
    """

    job: PoolJob | None
    stale: bool
    extranonce1: str
    target: int


class ProofJudge:
    """Decides on proofs for one pool, whatever dialect they came by.

    Args:
        equihash: the proof's parameters.
        strict: a nonce counts once a job, whatever the solution, as real pools have it.
        trust: take every proof as good, for load.
    """

    def __init__(self, equihash: Equihash, tally: PoolTally, strict: bool, trust: bool) -> None:
        self.digits = 2 * equihash.solution_bytes
        self.size_prefix = compact_size(equihash.solution_bytes)
        self._equihash = equihash
        self._tally = tally
        self._strict = strict
        self._trust = trust

    def judge_proof(self, job: PoolJob, nonce: str, solution: str, target: int) -> Verdict:
        """Decide on a proof of the right size, and remember it.

        Args:
            nonce: 64 hex digits, lower case.
            solution: bare hex digits, lower case.
        """
        value = reference.share_value(job.header, nonce, solution)
        if value in job.values:
            self._tally.repeated_nonces += 1
            return Verdict(Reason.DUPLICATE)
        job.values.add(value)
        if nonce in job.nonces:
            self._tally.repeated_nonces += 1
            self._tally.second_solutions += 1
            if self._strict:
                return Verdict(Reason.DUPLICATE, "second_solution")
        else:
            job.nonces.add(nonce)
            self._tally.nonces += 1
        number = int.from_bytes(value, "big")
        if number >= target:
            return Verdict(Reason.LOW_DIFFICULTY, f"{2**256 / (number + 1):.6g}")
        if not self._trust and self._flaw(job.header, nonce, solution):
            return Verdict(Reason.INVALID_SOLUTION)
        return ACCEPTED

    def _flaw(self, header: str, nonce: str, solution: str) -> int:
        equihash = self._equihash
        return reference.verify(equihash.n, equihash.k, equihash.person, header, nonce, solution)


class Judge:
    """Decides on shares for one Aion pool; arguments as ProofJudge has them."""

    def __init__(self, style: Style, equihash: Equihash, tally: PoolTally, strict: bool, trust: bool) -> None:
        self._style = style
        self._proofs = ProofJudge(equihash, tally, strict, trust)

    def judge(self, params: object, seat: Seat) -> Verdict:
        """Decide on the parameters of a mining.submit."""
        if not isinstance(params, list) or len(params) < 5:
            return Verdict(Reason.MALFORMED, PARAMS)
        if not all(isinstance(param, str) for param in params[2:5]):
            return Verdict(Reason.MALFORMED, PARAMS)
        if seat.job is None:
            return Verdict(Reason.STALE if seat.stale else Reason.UNKNOWN_JOB)
        ntime, tail, solution = params[2:5]
        flaw = self._size_flaw(ntime, seat.extranonce1 + tail, solution)
        if flaw:
            return Verdict(Reason.MALFORMED, flaw)
        bare = solution[-self._proofs.digits :]
        if not is_hex(ntime + tail + bare):
            return Verdict(Reason.MALFORMED, HEX)
        nonce = (seat.extranonce1 + tail).lower()
        return self._proofs.judge_proof(seat.job, nonce, bare.lower(), seat.target)

    def _size_flaw(self, ntime: str, nonce: str, solution: str) -> str:
        if len(ntime) != 16:
            return NTIME
        if len(nonce) != 64:
            return NONCE
        bare, prefix = self._proofs.digits, self._proofs.size_prefix
        if len(solution) == bare + len(prefix) or (len(solution) == bare and self._style.bare_solution):
            return ""
        return SOLUTION


class Shelf:
    """The jobs a pool honours, and the ids of those it no longer does.

    Args:
        keep: how many of the latest.
        expires: a clean one makes all before it stale.
    """

    def __init__(self, keep: int, expires: bool = False) -> None:
        self._keep = keep
        self._expires = expires
        self._jobs: OrderedDict[str, PoolJob] = OrderedDict()
        self._gone: OrderedDict[str, None] = OrderedDict()
        self.current: PoolJob | None = None
        self.clean_serial = 0  # serial of the latest clean job; a share for an earlier one is late

    def add(self, job: PoolJob) -> None:
        """Make a job the current one."""
        self._gone.pop(job.id, None)
        self._jobs[job.id] = self.current = job
        self._jobs.move_to_end(job.id)
        if job.clean:
            self.clean_serial = job.serial
        keep = 1 if job.clean and self._expires else self._keep
        while len(self._jobs) > keep:
            self._gone[self._jobs.popitem(last=False)[0]] = None
        while len(self._gone) > 10_000:  # a day of jobs; older ones are simply unknown
            self._gone.popitem(last=False)

    def find(self, job_id: object) -> tuple[PoolJob | None, bool]:
        """Look a job up; the number of an id is as good as its text.

        Returns: the job or None, and whether there once was one.
        """
        key = str(job_id) if type(job_id) is int else job_id
        if not isinstance(key, str):
            return None, False
        return self._jobs.get(key), key in self._gone
