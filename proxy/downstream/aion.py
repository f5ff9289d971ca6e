"""The Aion dialect's way through a session: subscribe, authorize, extranonce.subscribe, submit.

Strategy: every step answers for itself, in any order; the first job comes when all of them are done.
The traps, all of real miners: a first job that comes before their solvers listen is lost to them, so it
follows the answer to mining.extranonce.subscribe, or comes FIRST_JOB_DELAY after authorize; an
`authorize: false` ends the reference miner's process, so it is never said; and a miner that never sent
mining.extranonce.subscribe keeps its extranonce1, so a change of pool connection ends its own.
"""

from proxy.core.vardiff import fixed_from_password
from proxy.downstream.session import MinerSession
from proxy.errors import MinerError
from proxy.model.job import ID_DIGITS, Work
from proxy.model.share import NONCE_DIGITS, Reason, Verdict
from proxy.wire import aion, events
from proxy.wire.jsonrpc import NULL

FIRST_JOB_DELAY = 0.3
_NOT_LET_IN = 24  # the code that pools have for a worker they do not take
_NOT_SUBSCRIBED = Verdict(Reason.NOT_SUBSCRIBED)
_UNAUTHORIZED = Verdict(Reason.UNAUTHORIZED)


class AionFlow:
    """The Aion dialect of one session."""

    __slots__ = ("_session", "_subscribe_id", "_target", "_wants_extranonce")

    dialect = "aion"

    def __init__(self, session: MinerSession) -> None:
        self._session = session
        self._wants_extranonce = False
        self._subscribe_id: bytes | None = None  # of a subscribe that has no answer yet
        self._target = b""  # the last one told

    # ---- what the session calls (see session.Flow)

    def read(self, line: bytes, now: float) -> None:
        """Act on a line."""
        try:
            event = aion.read_request(line)
        except MinerError as error:
            self._session.bad_line(str(error))
            return
        if type(event) is events.Submit:
            self._on_submit(event, now)
            return
        session = self._session
        match event:
            case events.Subscribe():
                self._on_subscribe(event, now)
            case events.Authorize():
                self._on_authorize(event, now)
            case events.ExtranonceSubscribe():
                self._wants_extranonce = True
                session.say(aion.yes(event.id))
                if session.first_job_due is not None:
                    session.give_first_job(now)
            case events.BadSubmit():
                session.refuse_submit(event.id, Verdict(Reason.MALFORMED, event.detail), now)
            case events.BadRequest():
                session.say(aion.refused(event.id, _NOT_LET_IN, event.detail))
            case events.UnknownMethod():
                session.say(aion.method_unknown(event.id, event.method))

    def entered(self, now: float) -> None:
        """Answer the subscribe that was waiting."""
        assert self._subscribe_id is not None
        self._session.say(aion.subscribed(self._subscribe_id, self._session.assignment.prefix))
        self._subscribe_id = None
        self._maybe_first_job(now)

    def turned_away(self, detail: str) -> bytes:
        """Refuse the subscribe that was waiting."""
        return aion.refused(self._subscribe_id or NULL, aion.OTHER_CODE, detail)

    def fault(self, detail: str) -> bytes:
        """Say what is wrong with a line that was no request."""
        return aion.refused(NULL, aion.OTHER_CODE, detail)

    def job(self, work: Work, alias: str, moved: bool) -> bytes:
        """Write a work as lines for the miner."""
        if moved and not self._wants_extranonce:
            return self._job_for_the_deaf(work, alias)
        lines = aion.set_extranonce(self._session.assignment.prefix) if moved else b""
        if work.target != self._target:
            self._target = work.target
            lines += aion.set_target(work.target)
        notify = aion.notify(work, alias)
        return lines + notify if lines else notify

    def _job_for_the_deaf(self, work: Work, alias: str) -> bytes:
        """Write a work for a miner that has another slice now and would not hear of it.

        It would mine on for nothing, so it is made to reconnect at once, unless nothing changes for it.
        """
        assignment = self._session.assignment
        if assignment.prefix == assignment.former_prefix:
            return self.job(work, alias, moved=False)
        self._session.close(
            "old_extranonce", "the miner does not take a new extranonce1 without reconnecting"
        )
        return b""

    def verdict(self, request_id: bytes, verdict: Verdict) -> bytes:
        """Answer a submit."""
        return aion.verdict(request_id, verdict)

    # ---- logging in

    def _on_subscribe(self, event: events.Subscribe, now: float) -> None:
        session = self._session
        session.agent = event.agent
        if self._subscribe_id is not None:
            text = "superseded by a later mining.subscribe"
            session.say(aion.refused(self._subscribe_id, aion.OTHER_CODE, text))
        self._subscribe_id = event.id
        session.enter(now)

    def _on_authorize(self, event: events.Authorize, now: float) -> None:
        session = self._session
        first = not session.worker
        refusal = session.log_in(event.worker, now)
        if refusal is not None:
            # Not as the answer to its request: a refused authorize ends the reference miner for good.
            session.say(aion.refused(NULL, _NOT_LET_IN, refusal.text))
            return
        session.say(aion.yes(event.id))
        session.ask(fixed_from_password(event.password), now)
        if first:
            self._maybe_first_job(now)

    def _maybe_first_job(self, now: float) -> None:
        session = self._session
        if (
            not session.worker
            or session.slice is None
            or session.at_work
            or session.first_job_due is not None
        ):
            return
        session.stay(now)
        session.first_job_due = now + FIRST_JOB_DELAY
        if self._wants_extranonce:
            session.give_first_job(now)

    # ---- shares

    def _on_submit(self, event: events.Submit, now: float) -> None:
        session = self._session
        if session.slice is None:
            session.refuse_submit(event.id, _NOT_SUBSCRIBED, now)
            return
        if not session.worker:
            session.refuse_submit(event.id, _UNAUTHORIZED, now)
            return
        nonce, assignment = event.nonce, session.assignment
        # A miner that sends the whole nonce instead of its own part says the same.
        nonce = nonce.lower() if len(nonce) == NONCE_DIGITS else assignment.prefix + nonce
        verdict = session.submit(event, nonce, now)
        if (
            verdict is not None
            and verdict.reason is Reason.BAD_NONCE
            and assignment.former_prefix
            # One for an earlier job may just have been on its way when the prefix changed.
            and event.job_id[:ID_DIGITS] == f"{assignment.last:0{ID_DIGITS}x}"
        ):
            session.close("old_extranonce", "the miner kept the extranonce1 of an earlier pool connection")
