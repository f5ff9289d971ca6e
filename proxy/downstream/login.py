"""The login dialect's way through a session: login, answered with a job; then submit and keepalived.

Strategy: one request logs in and is answered once there is work.  Every job carries the miner's part of
the nonces, so a new slice needs no line of its own.
The traps, all of XMRig: a job equal to the last one, on a later connection even, makes it hang up; the
answer to login must hold a job and a session id; `keepalive` among the extensions is what makes it speak
up when it has found nothing for a while, and `nicehash` is what makes it leave the top byte of the nonce.
"""

from proxy.core.vardiff import fixed_from_password, fixed_from_user
from proxy.downstream.session import MinerSession
from proxy.errors import MinerError
from proxy.model.job import Work
from proxy.model.share import Reason, Verdict
from proxy.version import NAME
from proxy.wire import events, login
from proxy.wire.jsonrpc import NULL
from proxy.wire.loginjobs import Seat, job_body

_EXTENSIONS = b'["algo","keepalive"]'
_BLOB_EXTENSIONS = b'["algo","nicehash","keepalive"]'
_NO_PROXY = (
    "the nonces of blob work are split here already, and are worth one miner a connection; "
    "connect this Sluice to the pool itself"
)
_UNAUTHORIZED = Verdict(Reason.UNAUTHORIZED)


class LoginFlow:
    """The login dialect of one session."""

    __slots__ = ("_login_id", "_seat", "_session", "_session_id")

    dialect = "login"
    for_proxies = False  # whether another Sluice may have blob work here

    def __init__(self, session: MinerSession) -> None:
        self._session = session
        self._session_id = f"{int(session.assignment.alias, 16):016x}"
        self._login_id: bytes | None = None  # of a login that has no answer yet
        self._seat: Seat | None = None

    # ---- what the session calls (see session.Flow)

    def read(self, line: bytes, now: float) -> None:
        """Act on a line."""
        try:
            event = login.read_request(line)
        except MinerError as error:
            self._session.bad_line(str(error))
            return
        if type(event) is events.Submit:
            self._on_submit(event, now)
            return
        session = self._session
        match event:
            case events.Login():
                self._on_login(event, now)
            case events.KeepAlive():
                self._on_keep_alive(event, now)
            case events.BadSubmit():
                session.refuse_submit(event.id, Verdict(Reason.MALFORMED, event.detail), now)
            case events.BadRequest():
                session.say(login.refused(event.id, event.detail))
            case events.UnknownMethod():
                session.say(login.method_unknown(event.id))

    def entered(self, now: float) -> None:
        """Put the miner to work at once; the answer to its login is made of its first job."""
        self._session.stay(now)
        self._session.give_first_job(now)

    def turned_away(self, detail: str) -> bytes:
        """Refuse the login that was waiting."""
        return login.refused(self._login_id or NULL, detail)

    def fault(self, detail: str) -> bytes:
        """Say what is wrong with a line that was no request."""
        return login.refused(NULL, detail)

    def job(self, work: Work, alias: str, moved: bool) -> bytes:
        """Write a work as a line for the miner: the answer to its login, or a job of its own."""
        session = self._session
        if self._seat is None or moved:
            self._seat = Seat(session.assignment.prefix, self._session_id)
        form = session.door.job_form
        body = job_body(work, form, self._seat, alias)
        if not body:
            detail = (
                f"the difficulty of {work.difficulty:.6g} is too high for a target of "
                f"{form.target_digits} digits (listen.target_digits)"
            )
            session.close("target_too_hard", detail)
            return self.turned_away(detail)
        if self._login_id is None:
            return login.job(body)
        request_id, self._login_id = self._login_id, None
        extensions = _BLOB_EXTENSIONS if session.door.proof is None else _EXTENSIONS
        return login.logged_in(request_id, self._session_id, body, extensions)

    def verdict(self, request_id: bytes, verdict: Verdict) -> bytes:
        """Answer a submit."""
        return login.verdict(request_id, verdict)

    # ---- requests

    def _on_login(self, event: events.Login, now: float) -> None:
        session = self._session
        if session.worker:
            session.say(login.refused(event.id, "logged in already"))
            return
        session.agent = event.agent
        self._login_id = event.id
        if event.agent.startswith(NAME) and session.door.proof is None and not self.for_proxies:
            session.say(login.refused(event.id, _NO_PROXY))
            session.close("proxy_in_between", _NO_PROXY)
            return
        worker, difficulty = event.worker, fixed_from_password(event.password)
        if session.door.takes_suffix:
            account, behind_it = fixed_from_user(event.account)
            worker = account if worker == event.account else worker
            difficulty = behind_it if difficulty is None else difficulty
        session.ask(difficulty, now)
        refusal = session.log_in(worker, now)
        if refusal is not None:
            session.say(login.refused(event.id, refusal.text))
            return
        session.enter(now)

    def _on_keep_alive(self, event: events.KeepAlive, now: float) -> None:
        session = self._session
        if not session.at_work:
            session.say(login.refused(event.id, "log in first"))
            return
        session.stay(now)
        session.say(login.kept_alive(event.id))

    def _on_submit(self, event: events.Submit, now: float) -> None:
        session = self._session
        if not session.at_work or event.session not in ("", self._session_id):
            session.refuse_submit(event.id, _UNAUTHORIZED, now)
            return
        # Of blob work the nonce goes on as it is; else it is compared, and either case means the same.
        nonce = event.nonce if session.door.proof is None else event.nonce.lower()
        session.submit(event, nonce, now)
