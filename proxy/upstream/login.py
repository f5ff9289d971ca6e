"""The talk with a pool of the login dialect.

    logging in → working, with the first job

Strategy: each job says for itself which extranonce1 it is for, so the first one makes us working and a
later one may move us; of blob work there is none, and nothing moves.  All that is not of this dialect
alone is conversation.py's.
The traps: a refusal may be no word on the share but the end of the session, and every share after it
would be refused the same way; and these pools may have nothing to say for long, so that only a
keepalived without an answer tells a dead connection from a quiet one.
"""

from proxy.config.algorithm import BLOB
from proxy.errors import PoolError
from proxy.upstream.conversation import Conversation, Forward
from proxy.wire import events, login, loginjobs

LOGIN_ID, FIRST_COUNTED_ID = 1, 2
# Seconds without a word from us.  As miners of this dialect do it; the shortest patience that is known
# of a server is 600 s, and routers on the way forget a connection sooner.
KEEPALIVE_SECONDS = 60
_MAY_BE_SPLIT = (
    "lists nicehash: if it refuses most shares for their nonce, it has split the nonce already, and its "
    "connection is worth one miner; use a port of the pool that is not for NiceHash"
)
KEEPALIVE = "keepalive"  # the extension by which a pool says that it answers
NICEHASH = "nicehash"  # the extension by which it may say that the nonce's top byte is its own


class LoginConversation(Conversation):
    """The pool-facing end of one connection, speaking login; see Conversation for what it is given."""

    FIRST_ID = FIRST_COUNTED_ID

    def _greet(self, now: float) -> None:
        self._session = ""  # the pool's id for us, "" before it has let us in
        self._answer = b""  # the line that answers login: its job goes on as it was written
        self._is_blob = self.account.algorithm == BLOB
        self._answers_keepalive = False
        self._unheard_since: float | None = None  # the first keepalived that nothing came after
        account = self.account
        algorithm = "" if self._is_blob else account.algorithm
        self._say(login.login(LOGIN_ID, account.user, account.password, account.agent, algorithm), now)

    # ---- bytes and time

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes from the pool; see Conversation."""
        self._unheard_since = None
        super().receive(data, now)

    def tick(self, now: float) -> None:
        """Let time pass, and tell a quiet pool that we are there.

        Raises: PoolError also for a pool that answers keepalived and did not.
        """
        super().tick(now)
        limit = self.account.reply_seconds
        if self._unheard_since is not None and now >= self._unheard_since + limit:
            raise PoolError(f"no answer to keepalived for {limit:g} s")
        if self._session and now >= self._said + KEEPALIVE_SECONDS:
            self._keep_alive(now)

    def next_deadline(self) -> float:
        """When tick() has something to do at the latest."""
        deadline = super().next_deadline()
        if self._session:
            deadline = min(deadline, self._said + KEEPALIVE_SECONDS)
        if self._unheard_since is not None:
            deadline = min(deadline, self._unheard_since + self.account.reply_seconds)
        return deadline

    def _keep_alive(self, now: float) -> None:
        if self._out:
            self._said = now  # the socket takes nothing; another line would only make the heap larger
        else:
            self._say(login.keepalived(self._new_id(), self._session), now)
        if self._answers_keepalive and self._unheard_since is None:
            self._unheard_since = now

    # ---- lines

    def _understand(self, line: bytes) -> events.PoolEvent:
        event = login.read_pool(line)
        if isinstance(event, events.JobGiven):
            return self._read_job(event)
        if not self._session and isinstance(event, events.Reply) and event.id == LOGIN_ID:
            self._answer = line
        return event

    def _read_job(self, given: events.JobGiven) -> events.Notify:
        if self._is_blob:
            return loginjobs.read_blob(given)
        return loginjobs.read_equihash(given, self.account.algorithm, self.account.person)

    def _submit_line(self, request_id: int, forward: Forward) -> bytes:
        return login.submit(
            request_id,
            self._session,
            forward.job.pool_id,
            forward.share,
            forward.value,
            self.account.algorithm,
        )

    def _unknown_line(self, request: events.UnknownMethod) -> bytes:
        return login.method_unknown(request.id)

    def _on_reply(self, reply: events.Reply, now: float) -> None:
        super()._on_reply(reply, now)
        # Whatever it answers, a keepalived or a share given up among them: nothing more will be taken.
        if reply.message and login.is_fatal(reply.message):
            raise PoolError(f"the pool has ended the session: {reply.message}")

    def _on_answer(self, reply: events.Reply, now: float) -> None:
        if reply.id != LOGIN_ID or self._session:
            return
        if reply.message:
            raise self._not_let_in(reply)
        answer = login.read_logged_in(self._answer)
        if self._is_blob and NICEHASH in answer.extensions:
            # Some list it whatever they do; but a byte of theirs that is 0 would show in no job.
            self.notes.append(_MAY_BE_SPLIT)
        self._session = answer.session
        self._answers_keepalive = KEEPALIVE in answer.extensions
        self._owed = ("job", now)
        if answer.job is not None:
            self._on_notify(self._read_job(answer.job), now)
        # Else one that came before the answer will do.
        self._job_due = self._job is not None

    # ---- jobs

    def _give_job(self) -> None:
        if self._session and not self.working and self._job is not None:
            self.extranonce1 = self._job.extranonce1 or ""
            self._let_in()
        super()._give_job()
