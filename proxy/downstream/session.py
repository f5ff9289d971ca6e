"""One miner, sans-IO and whatever its dialect: what it is lent, what work it has, when it has outstayed.

    connected → entered (a slice is lent) → at work;  any of them → closing

Strategy: bytes in by receive(), answers out by say(), which wakes the carrier; time is an argument.
What is said and meant is its flow's, one for each dialect (aion.py, login.py); the first line that is of
a dialect picks it.  Decisions about shares are the house's (relay.py).
The traps: with no pool up a miner that asks for work is held, and not refused, for some end their process
then; a job id seen before is ignored or worse, so every work has a new one, on every connection.
"""

from collections.abc import Callable
from math import inf

from proxy.core.assignment import Assignment
from proxy.core.extranonce import NonceSpace, Slice
from proxy.core.jobbook import Works
from proxy.downstream.door import Door, Flow, FlowMaker
from proxy.downstream.house import House
from proxy.downstream.pace import Pace, fixed
from proxy.downstream.patience import first_deadline, line_limit, overdue, too_long
from proxy.downstream.standing import Standing
from proxy.downstream.warden import Refusal
from proxy.errors import MinerError
from proxy.model.share import Reason, Share, Verdict
from proxy.wire import events
from proxy.wire.detect import dialect_of, foreign, not_here
from proxy.wire.lines import LineBuffer

__all__ = ["UNKNOWN", "Door", "Flow", "FlowMaker", "MinerSession"]

_NO_SLICE = "no nonce slice free"
_NO_SLICE_WHY = f"{_NO_SLICE} (upstream.nonce_bytes; in blob work limits.pool_connections)"
UNKNOWN = "unknown"  # dialect of a miner that has said nothing yet on a port that takes both


class MinerSession:
    """The conversation with one miner.

    Args:
        wake: called when output waits that was none before.
        address: where the miner comes from, for people.
    """

    __slots__ = (
        "_bad_lines",
        "_held",
        "_lines",
        "_space",
        "_started",
        "_told",
        "address",
        "agent",
        "assignment",
        "at_work",
        "close_detail",
        "closing",
        "deadline",
        "door",
        "first_job_due",
        "flow",
        "house",
        "label",
        "next_look",
        "out",
        "pace",
        "requests",
        "slice",
        "standing",
        "unanswered",
        "vardiff",
        "wake",
        "worker",
    )

    def __init__(self, house: House, door: Door, address: str, now: float, wake: Callable[[], None]) -> None:
        self.address = address
        self.agent = ""
        self.worker = ""
        self.house = house
        self.door = door
        self.assignment = Assignment(lane=door.lane, alias=f"{house.next_number():x}")
        self.slice: Slice | None = None
        self.at_work = False  # jobs go to it from now on
        self.first_job_due: float | None = None
        self.unanswered = 0
        self.requests = 0  # lines read, for the carrier's rate limit
        self.deadline = first_deadline(door.limits, now)
        self.standing = Standing(door.listener, address, now)
        self.pace: Pace | None = None  # of a miner at work whose difficulty follows it
        self.next_look = inf  # when expire() sees whether it is silent
        self.closing = ""  # why; no more is read, and the carrier closes once all is sent
        self.close_detail = ""
        self.out: list[bytes] = []
        self.wake = wake
        self.flow: Flow = next(iter(door.flows.values()))(self)
        self.vardiff = door.vardiff  # None once it has asked for a difficulty
        self._told = False  # a line has told the dialect
        self.label = door.count_in(self.flow.dialect if len(door.flows) == 1 else UNKNOWN)
        self._lines = LineBuffer(line_limit(door, "", is_in=False))
        self._bad_lines = 0
        self._started = False
        self._held = False  # it has asked for work, and there is none
        self._space: NonceSpace | None = None  # of its slice; kept here, for a job asks 10,000 sessions

    @property
    def listener(self) -> str:
        """Name of the listener it came in by."""
        return self.door.listener

    @property
    def dialect(self) -> str:
        """What it speaks."""
        return self.label[1]

    @property
    def difficulty(self) -> float:
        """What is asked of it at present, 0 where there is no work."""
        works = self.house.works
        return works[self.assignment.lane].difficulty if works else 0.0

    # ---- what the carrier calls

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes from the miner; never raises."""
        if not self._started and data and not self.closing:
            self._started = True
            if detail := foreign(data):
                self.refuse_and_close("not_stratum", detail)
        lines = self._lines
        for line in lines.feed(data):
            if self.closing:
                return
            self.requests += 1  # blank ones, too: they cost the same to find
            if line and not line.isspace():
                self._read(line, now)
        if lines.overflow and not self.closing:
            self.refuse_and_close("line_too_long", too_long(self.door.limits, lines.limit))

    def take_output(self) -> bytes:
        """Return what is to be sent, and forget it."""
        data = b"".join(self.out)
        self.out.clear()
        return data

    def expire(self, now: float) -> None:
        """Do what is due at the deadline or at next_look; the carrier looks once a second."""
        if now >= self.next_look:
            self._look(now)
        if now < self.deadline or self.closing:
            return
        if self.at_work and not self.house.works:
            self.stay(now)  # there is nothing to send shares for
        else:
            since = inf if self.worker and self.slice is not None else self.standing.changed
            self.refuse_and_close(*overdue(self.door.limits, since, now))

    def end(self, now: float) -> None:
        """Give back what was lent; the connection is gone."""
        if self.slice is not None:
            self.slice.give_back()
            self.slice = None
        self.at_work = False
        if self.worker:
            self.house.parted(self, now)
        self.house.left(self)

    def close(self, reason: str, detail: str = "") -> None:
        """Ask the carrier to close once all is sent; the first reason stands."""
        if not self.closing:
            self.closing = reason
            self.close_detail = detail
            self.wake()

    def offer(self, works: Works, now: float, tail: str = "") -> bytes:
        """Hand over the current work.

        Args:
            tail: to follow its id: it is given anew, in the middle of its job.
        Returns: the lines to send, b"" if the miner has it already or cannot have any.
        """
        assignment = self.assignment
        work = works[assignment.lane]
        if (work.serial <= assignment.last and not tail) or self.closing:
            return b""
        if (moved := self._space is not self.house.space) and not self._move(now):
            return b""
        if assignment.first:
            lines = self.flow.job(work, tail, moved)
        else:
            # A miner that comes back to the same work is not to see an id it had on its last connection.
            lines = self.flow.job(work, assignment.alias, moved)
            assignment.first = work.serial if lines else 0
        if lines:
            assignment.last = work.serial
        return lines

    def give_first_job(self, now: float) -> None:
        """Put the miner to work: from now on every job goes to it."""
        self.first_job_due = None
        self.at_work = True
        self.standing.changed = now
        works = self.house.works
        if self.vardiff is not None:
            self.pace = pace = Pace(self.vardiff, now, works.ceiling)
            self.assignment.lane = self.house.lane_of(pace.difficulty)
            self.next_look = now + pace.every
        if works:
            self.say(self.offer(works, now))

    # ---- what the house calls

    def release(self, now: float) -> None:
        """Let a session in that was held, now that there is work."""
        if self._held:
            self._held = False
            limits = self.door.limits
            self.deadline = now + (limits.idle_seconds if self.worker else limits.login_seconds)
            self._take_seat(now)

    def answer(self, request_id: bytes, verdict: Verdict) -> None:
        """Tell the pool's verdict on a share that was forwarded."""
        self.unanswered -= 1
        self.say(self.flow.verdict(request_id, verdict))

    # ---- what its flow calls

    def say(self, data: bytes) -> None:
        """Queue bytes for the miner."""
        if data:
            self.out.append(data)
            if len(self.out) == 1:
                self.wake()

    def refuse_and_close(self, reason: str, detail: str) -> None:
        """Say what is wrong, then hang up."""
        self.say(self.flow.fault(detail))
        self.close(reason, detail)

    def bad_line(self, detail: str) -> None:
        """Answer a line that is no request; only so many are borne."""
        self._bad_lines += 1
        if self._bad_lines >= self.door.limits.bad_lines:
            self.refuse_and_close("bad_lines", f"{detail}; too many bad lines (limits.bad_lines)")
        else:
            self.say(self.flow.fault(detail))

    def stay(self, now: float) -> None:
        """Be present for another idle time."""
        self.deadline = now + self.door.limits.idle_seconds

    def enter(self, now: float) -> None:
        """Ask for a slice: flow.entered() follows now, or as soon as there is work."""
        house = self.house.admit(self)
        if house is None:
            self._turn_away()
            return
        self.house = house
        if house.works:
            self._take_seat(now)
        else:
            # Our wait, not the miner's: it is not to be dropped for it.
            self._held = True
            self.deadline = float("inf")
            house.hold(self)

    def ask(self, difficulty: float | None, now: float) -> None:
        """Stay at a difficulty that the miner asks for, as far as the port's bounds go; None for none."""
        if difficulty is not None:
            self.pace, self.vardiff, self.next_look = None, None, inf
            self.work_at(self.house.lane_of(fixed(difficulty, self.door.vardiff)), now)

    def log_in(self, worker: str, now: float) -> Refusal | None:
        """Count under a name, in place of any earlier one; why that may not be, None if it may."""
        refusal = self.house.warden.log_in(self.standing, worker, now)
        if refusal is not None:
            self.close(*refusal)
            return refusal
        if self.worker:
            self.house.parted(self, now)
        self.worker = worker
        self.house.joined(self, now)
        self._lines.limit = line_limit(self.door, self.dialect, is_in=True)
        return None

    def submit(self, event: events.Submit, nonce: str, now: float) -> Verdict | None:
        """Hand in a share of a miner that is logged in, and answer it if its verdict stands.

        Args:
            nonce: the whole of it.
        Returns: the verdict, None if the pool's is to come.
        """
        self.stay(now)
        proof = self.door.proof
        try:
            solution = "" if proof is None else proof.bare(event.solution)
        except MinerError as error:
            return self.refuse_submit(event.id, Verdict(Reason.MALFORMED, str(error)), now)
        share = Share(event.job_id, nonce, solution, event.ntime, event.result, event.members)
        verdict = self.house.judge(self, event.id, share, now)
        if verdict is None:
            self.unanswered += 1
        else:
            self.say(self.flow.verdict(event.id, verdict))
        if self.pace is not None:
            self._keep_pace(self.pace, now)
        return verdict

    def refuse_submit(self, request_id: bytes, verdict: Verdict, now: float) -> Verdict:
        """Answer and count a share that never became one."""
        self.house.refuse(self, verdict, now)
        self.say(self.flow.verdict(request_id, verdict))
        return verdict

    # ---- difficulty

    def _look(self, now: float) -> None:
        """See whether too much is asked of a miner that may be silent."""
        pace = self.pace
        assert pace is not None
        self.next_look = now + pace.every
        pace.look(now, self.house.works.ceiling)
        self._keep_pace(pace, now)

    def _keep_pace(self, pace: Pace, now: float) -> None:
        if pace.changed:
            pace.changed = False
            self.work_at(self.house.lane_of(pace.difficulty), now)

    def work_at(self, lane: int, now: float) -> None:
        """Give works of another difficulty from now on, the current one at once if its target is another."""
        assignment, works = self.assignment, self.house.works
        former = assignment.lane
        if lane == former:
            return
        assignment.move(lane)
        self.standing.changed = now
        if self.at_work and works and assignment.first and works[lane].target != works[former].target:
            self.say(self.offer(works, now, assignment.change(works[lane].serial)))

    # ---- lines and slices

    def _read(self, line: bytes, now: float) -> None:
        if not self._told and not self._tell_dialect(line, now):
            return
        self.flow.read(line, now)

    def _tell_dialect(self, line: bytes, now: float) -> bool:
        """Learn from a line which dialect this is; false if it is none for this port."""
        self.deadline = max(self.deadline, self.standing.changed + self.door.limits.login_seconds)
        spoken, request_id = dialect_of(line)
        if not spoken:
            return True
        self._told = True
        self.house.warden.welcome(self.address, now)
        maker = self.door.flows.get(spoken)
        if maker is None:
            detail = f"this port does not take the {spoken} dialect; {self.door.hints[spoken]}"
            self.say(not_here(spoken, request_id, detail))
            self.close("wrong_dialect", detail)
            return False
        if spoken != self.flow.dialect:
            self.flow = maker(self)
        self.label = self.door.count_in(spoken, instead=self.label)
        return True

    def _take_seat(self, now: float) -> None:
        if self._space is not self.house.space:
            self._take_slice()
        if self.slice is None:
            self._turn_away()
        else:
            self.flow.entered(now)

    def _turn_away(self) -> None:
        self.say(self.flow.turned_away(_NO_SLICE))
        self.close("no_slice", _NO_SLICE_WHY)

    def _take_slice(self) -> None:
        if self.slice is not None:
            self.slice.give_back()
        self.slice = self.house.lend()
        if self.slice is not None:
            self.assignment.prefix = self.slice.prefix
            self._space = self.slice.space

    def _move(self, now: float) -> bool:
        """Take a slice of a new nonce space; the miner learns it with its next job."""
        former = self.assignment.prefix
        self._take_slice()
        if self.slice is None:
            self.close("no_slice", _NO_SLICE_WHY)
            return False
        self.assignment.left(former)
        self.standing.changed = now
        if self.pace is not None:
            self.pace.restart(now)
        # While no pool was up there was nothing to send shares for.
        self.deadline = max(self.deadline, now + self.door.limits.idle_seconds)
        return True
