"""One miner, sans-IO: what its lines mean, what it is owed, when it has outstayed.

    connected → subscribed → authorized → at work;  any of them → closing

Strategy: bytes in by receive(), answers out by say(), which wakes the carrier; time is an argument.
Decisions about shares are the house's (relay.py).
The traps, all of real miners: a first job that comes before their solvers listen is lost to them, so it
follows the answer to mining.extranonce.subscribe, or comes FIRST_JOB_DELAY after authorize; an
`authorize: false` ends the reference miner's process, so with no pool up the subscribe is held instead;
a job id seen before is ignored, so every work has a new one.
"""

from collections.abc import Callable
from typing import Protocol

import attrs

from proxy.config import Limits
from proxy.core.extranonce import NonceSpace, Slice
from proxy.core.validator import Assignment
from proxy.errors import MinerError
from proxy.model.job import ID_DIGITS, Work
from proxy.model.share import NONCE_DIGITS, Reason, Share, Verdict
from proxy.wire import aion, events
from proxy.wire.detect import foreign
from proxy.wire.jsonrpc import NULL, encode
from proxy.wire.lines import LineBuffer

FIRST_JOB_DELAY = 0.3
_NOT_SUBSCRIBED = Verdict(Reason.NOT_SUBSCRIBED)
_UNAUTHORIZED = Verdict(Reason.UNAUTHORIZED)


class House(Protocol):
    """What a session needs of the house it is in."""

    works: tuple[Work, ...]  # the current work of each lane; empty while no pool has given any
    space: NonceSpace | None  # the present nonce space

    def next_number(self) -> int:
        """A number that no other session of this run has."""

    def lend(self) -> Slice | None:
        """Lend a slice of the present nonce space; None if there is no room."""

    def hold(self, session: "MinerSession") -> None:
        """Call session.release() once there is work."""

    def joined(self, session: "MinerSession") -> None:
        """A worker has logged in."""

    def judge(self, session: "MinerSession", request_id: bytes, share: Share, now: float) -> Verdict | None:
        """Judge a share; None if the verdict follows by session.answer()."""

    def refuse(self, session: "MinerSession", verdict: Verdict) -> None:
        """Count a share that never became one."""

    def left(self, session: "MinerSession") -> None:
        """A session has ended; its slice is back."""


@attrs.frozen(slots=True)
class Door:
    """What sessions of one listener have in common.

    Args:
        listener: its name.
        lane: which of a job's works its miners get.
        solution_digits: hex digits of a bare solution.
        size_prefix: the compactSize that may stand before it, hex.
    """

    listener: str
    lane: int
    limits: Limits
    solution_digits: int
    size_prefix: str


class MinerSession:
    """The conversation with one miner.

    Args:
        wake: called when output waits that was none before.
        address: where the miner comes from, for people.
    """

    __slots__ = (
        "_bad_lines",
        "_door",
        "_held",
        "_house",
        "_lines",
        "_space",
        "_started",
        "_target",
        "address",
        "agent",
        "assignment",
        "at_work",
        "close_detail",
        "closing",
        "deadline",
        "first_job_due",
        "out",
        "requests",
        "slice",
        "unanswered",
        "wake",
        "wants_extranonce",
        "worker",
    )

    dialect = "aion"

    def __init__(self, house: House, door: Door, address: str, now: float, wake: Callable[[], None]) -> None:
        self.address = address
        self.agent = ""
        self.worker = ""
        self.assignment = Assignment(lane=door.lane, alias=f"{house.next_number():x}")
        self.slice: Slice | None = None
        self.at_work = False  # jobs go to it from now on
        self.wants_extranonce = False
        self.first_job_due: float | None = None
        self.unanswered = 0
        self.requests = 0  # lines read, for the carrier's rate limit
        self.deadline = now + door.limits.login_seconds
        self.closing = ""  # why; no more is read, and the carrier closes once all is sent
        self.close_detail = ""
        self.out: list[bytes] = []
        self.wake = wake
        self._house = house
        self._door = door
        self._lines = LineBuffer(door.limits.line_bytes)
        self._bad_lines = 0
        self._started = False
        self._space: NonceSpace | None = None  # of its slice; kept here, for a job asks 10,000 sessions
        self._held: bytes | None = None  # id of a subscribe that waits for a pool
        self._target = b""  # the last one told

    @property
    def listener(self) -> str:
        """Name of the listener it came in by."""
        return self._door.listener

    # ---- what the carrier calls

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes from the miner; never raises."""
        if not self._started and data:
            self._started = True
            detail = foreign(data)
            if detail:
                self._refuse_and_close("not_stratum", detail)
        for line in self._lines.feed(data):
            if self.closing:
                return
            self.requests += 1  # blank ones, too: they cost the same to find
            if line and not line.isspace():
                self._read(line, now)
        if self._lines.overflow and not self.closing:
            limit = self._door.limits.line_bytes
            self._refuse_and_close("line_too_long", f"a line of more than {limit} bytes (limits.line_bytes)")

    def take_output(self) -> bytes:
        """Return what is to be sent, and forget it."""
        data = b"".join(self.out)
        self.out.clear()
        return data

    def expire(self, now: float) -> None:
        """Close if the deadline has passed; the carrier asks once a second."""
        if now < self.deadline or self.closing:
            return
        limits = self._door.limits
        if self.at_work and not self._house.works:
            self.deadline = now + limits.idle_seconds  # there is nothing to send shares for
        elif not self.worker or self.slice is None:
            detail = f"no login within {limits.login_seconds:g} s (limits.login_seconds)"
            self._refuse_and_close("login_timeout", detail)
        else:
            self._refuse_and_close("idle", f"no share for {limits.idle_seconds:g} s (limits.idle_seconds)")

    def end(self) -> None:
        """Give back what was lent; the connection is gone."""
        if self.slice is not None:
            self.slice.give_back()
            self.slice = None
        self.at_work = False
        self._house.left(self)

    def close(self, reason: str, detail: str = "") -> None:
        """Ask the carrier to close once all is sent; the first reason stands."""
        if not self.closing:
            self.closing = reason
            self.close_detail = detail
            self.wake()

    # ---- what the house calls

    def release(self, now: float) -> None:
        """Answer a subscribe that was held, now that there is work."""
        if self._held is not None:
            request_id, self._held = self._held, None
            limits = self._door.limits
            self.deadline = now + (limits.idle_seconds if self.worker else limits.login_seconds)
            self._give_slice(request_id, now)

    def offer(self, works: tuple[Work, ...], now: float) -> bytes:
        """Hand over the current work.

        Returns: the lines to send, b"" if the miner has it already or cannot have any.
        """
        work = works[self._door.lane]
        assignment = self.assignment
        if work.serial <= assignment.last or self.closing:
            return b""
        lines = b""
        if self._space is not self._house.space:
            lines = self._move(now)
            if not lines:
                return b""
        if work.target != self._target:
            self._target = work.target
            lines += aion.set_target(work.target)
        assignment.last = work.serial
        if assignment.first:
            return lines + aion.notify(work) if lines else aion.notify(work)
        # A miner that comes back to the same work ignores an id it had on its last connection.
        assignment.first = work.serial
        return lines + aion.notify(work, assignment.alias)

    def give_first_job(self, now: float) -> None:
        """Put the miner to work: from now on every job goes to it."""
        self.first_job_due = None
        self.at_work = True
        if self._house.works:
            self.say(self.offer(self._house.works, now))

    def answer(self, request_id: bytes, verdict: Verdict) -> None:
        """Tell the pool's verdict on a share that was forwarded."""
        self.unanswered -= 1
        self.say(aion.verdict(request_id, verdict))

    # ---- lines

    def say(self, data: bytes) -> None:
        """Queue bytes for the miner."""
        if data:
            self.out.append(data)
            if len(self.out) == 1:
                self.wake()

    def _refuse_and_close(self, reason: str, detail: str) -> None:
        self.say(aion.refused(NULL, 20, detail))
        self.close(reason, detail)

    def _read(self, line: bytes, now: float) -> None:
        try:
            event = aion.read_request(line)
        except MinerError as error:
            self._bad_line(str(error))
            return
        if type(event) is events.Submit:
            self._on_submit(event, now)
            return
        match event:
            case events.Subscribe():
                self._on_subscribe(event, now)
            case events.Authorize():
                self._on_authorize(event, now)
            case events.ExtranonceSubscribe():
                self.wants_extranonce = True
                self.say(aion.yes(event.id))
                if self.first_job_due is not None:
                    self.give_first_job(now)
            case events.BadSubmit():
                self._refuse_submit(event.id, Verdict(Reason.MALFORMED, f"malformed share: {event.detail}"))
            case events.BadRequest():
                self.say(aion.refused(event.id, 24, event.detail))
            case events.UnknownMethod():
                self._on_unknown(event)

    def _bad_line(self, detail: str) -> None:
        self._bad_lines += 1
        if self._bad_lines >= self._door.limits.bad_lines:
            self._refuse_and_close("bad_lines", f"{detail}; too many bad lines (limits.bad_lines)")
        else:
            self.say(aion.refused(NULL, 20, detail))

    def _on_unknown(self, event: events.UnknownMethod) -> None:
        if event.method != "login":
            self.say(aion.method_unknown(event.id, event.method))
            return
        detail = "this port speaks the Aion dialect (mining.subscribe); the login dialect is not served here"
        # In the form that a login miner shows its user.
        self.say(b'{"id":%s,"jsonrpc":"2.0","error":{"code":-1,"message":%s}}\n' % (event.id, encode(detail)))
        self.close("wrong_dialect", detail)

    # ---- logging in

    def _on_subscribe(self, event: events.Subscribe, now: float) -> None:
        self.agent = event.agent
        if self._held is not None:
            self.say(aion.refused(self._held, 20, "superseded by a later mining.subscribe"))
            self._held = None
        if self._house.works:
            self._give_slice(event.id, now)
        else:
            # Our wait, not the miner's: it is not to be dropped for it.
            self._held = event.id
            self.deadline = float("inf")
            self._house.hold(self)

    def _give_slice(self, request_id: bytes, now: float) -> None:
        if self._space is not self._house.space:
            self._take_slice()
        if self.slice is None:
            self.say(aion.refused(request_id, 20, "no nonce slice free"))
            self.close("no_slice", "no nonce slice free (upstream.nonce_bytes)")
            return
        self.say(aion.subscribed(request_id, self.slice.prefix))
        self._maybe_first_job(now)

    def _take_slice(self) -> None:
        if self.slice is not None:
            self.slice.give_back()
        self.slice = self._house.lend()
        if self.slice is not None:
            self.assignment.prefix = self.slice.prefix
            self._space = self.slice.space

    def _move(self, now: float) -> bytes:
        """Take a slice of a new nonce space; the miner learns it with its next job."""
        former = self.assignment.prefix
        self._take_slice()
        if self.slice is None:
            self.close("no_slice", "no nonce slice free (upstream.nonce_bytes)")
            return b""
        self.assignment.former_prefix = former
        # While no pool was up there was nothing to send shares for.
        self.deadline = max(self.deadline, now + self._door.limits.idle_seconds)
        return aion.set_extranonce(self.slice.prefix)

    def _on_authorize(self, event: events.Authorize, now: float) -> None:
        first = not self.worker
        if not first:
            self._house.left(self)
            if self._held is not None:
                self._house.hold(self)  # leaving has ended the wait for a pool, too
        self.worker = event.worker
        self._house.joined(self)
        self.say(aion.yes(event.id))
        if first:
            self._maybe_first_job(now)

    def _maybe_first_job(self, now: float) -> None:
        if not self.worker or self.slice is None or self.at_work or self.first_job_due is not None:
            return
        self.deadline = now + self._door.limits.idle_seconds
        self.first_job_due = now + FIRST_JOB_DELAY
        if self.wants_extranonce:
            self.give_first_job(now)

    # ---- shares

    def _on_submit(self, event: events.Submit, now: float) -> None:
        if self.slice is None:
            self._refuse_submit(event.id, _NOT_SUBSCRIBED)
            return
        if not self.worker:
            self._refuse_submit(event.id, _UNAUTHORIZED)
            return
        self.deadline = now + self._door.limits.idle_seconds
        solution, door = event.solution, self._door
        if len(solution) == door.solution_digits + len(door.size_prefix):
            if solution[: len(door.size_prefix)].lower() != door.size_prefix:
                detail = f"malformed share: a solution of this length starts with {door.size_prefix}"
                self._refuse_submit(event.id, Verdict(Reason.MALFORMED, detail))
                return
            solution = solution[len(door.size_prefix) :]
        nonce = event.nonce
        # A miner that sends the whole nonce instead of its own part says the same.
        nonce = nonce.lower() if len(nonce) == NONCE_DIGITS else self.assignment.prefix + nonce
        verdict = self._house.judge(self, event.id, Share(event.job_id, nonce, solution, event.ntime), now)
        if verdict is None:
            self.unanswered += 1
            return
        self.say(aion.verdict(event.id, verdict))
        if (
            verdict.reason is Reason.BAD_NONCE
            and self.assignment.former_prefix
            # One for an earlier job may just have been on its way when the prefix changed.
            and event.job_id[:ID_DIGITS] == f"{self.assignment.last:0{ID_DIGITS}x}"
        ):
            self.close("old_extranonce", "the miner kept the extranonce1 of an earlier pool connection")

    def _refuse_submit(self, request_id: bytes, verdict: Verdict) -> None:
        self._house.refuse(self, verdict)
        self.say(aion.verdict(request_id, verdict))
