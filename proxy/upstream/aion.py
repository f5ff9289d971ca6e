"""The talk with a pool of the Aion dialect.

    subscribing → authorizing → working

Strategy: requests are not pipelined before authorize is answered, since some pools then never give
work.  All that is not of this dialect alone is conversation.py's.
The trap: one kind of pool sends the share target *after* each job, so a job of such a pool waits a
moment for it, or miners would restart twice.
"""

from proxy.errors import PoolError
from proxy.model.target import to_bytes
from proxy.upstream.conversation import Conversation, Forward
from proxy.wire import aion, events

SUBSCRIBE_ID, AUTHORIZE_ID, EXTRANONCE_ID, FIRST_SUBMIT_ID = 1, 2, 3, 4
TARGET_WAIT = 0.1  # seconds a job waits for the set_target that this pool sends behind it


class AionConversation(Conversation):
    """The pool-facing end of one connection, speaking Aion; see Conversation for what it is given."""

    FIRST_ID = FIRST_SUBMIT_ID

    def _greet(self, now: float) -> None:
        self._target: int | None = None  # the last set_target, None if the pool never sent one
        self._stated = 0  # what the present job says itself
        self._held_since: float | None = None
        self._next_extranonce1: str | None = None  # the one that the next job is for, None for the first
        account = self.account
        self._say(aion.subscribe(SUBSCRIBE_ID, account.agent, account.host, account.port), now)

    # ---- time

    def tick(self, now: float) -> None:
        """Let time pass, and end the wait for a target; see Conversation."""
        if self._held_since is not None and now >= self._held_since + TARGET_WAIT:
            self.sends_target_after = False
            self._give_job()
        super().tick(now)

    def next_deadline(self) -> float:
        """When tick() has something to do at the latest."""
        deadline = super().next_deadline()
        return deadline if self._held_since is None else min(deadline, self._held_since + TARGET_WAIT)

    # ---- lines

    def _understand(self, line: bytes) -> events.PoolEvent:
        return aion.read_pool(line)

    def _submit_line(self, request_id: int, forward: Forward) -> bytes:
        share = forward.share
        return aion.submit(
            request_id,
            forward.user,
            forward.job.pool_id,
            share.ntime,
            share.nonce[len(self.extranonce1) :],
            share.solution,
        )

    def _unknown_line(self, request: events.UnknownMethod) -> bytes:
        return aion.method_unknown(request.id, request.method)

    def _on_event(self, event: events.PoolEvent, now: float) -> None:
        match event:
            case events.SetTarget():
                self._on_set_target(event, now)
            case events.SetExtranonce():
                if not event.extranonce1:
                    raise PoolError("an empty extranonce1 in mining.set_extranonce")
                self._next_extranonce1 = event.extranonce1
            case _:
                super()._on_event(event, now)

    def _on_answer(self, reply: events.Reply, now: float) -> None:
        if reply.id == SUBSCRIBE_ID and not self.extranonce1:
            self._on_subscribed(reply, now)
        elif reply.id == AUTHORIZE_ID and not self.working:
            self._on_authorized(reply, now)
        # Anything else answers what is settled already: late, or the second answer to one share.

    def _on_subscribed(self, reply: events.Reply, now: float) -> None:
        if reply.message:
            raise PoolError(f"subscribe refused: {reply.message}")
        self.extranonce1 = aion.read_subscribed(reply.result)
        if not self.extranonce1:
            raise PoolError("an empty extranonce1 in the answer to mining.subscribe")
        self._owed = ("answer", now)
        self._say(aion.authorize(AUTHORIZE_ID, self.account.user, self.account.password), now)

    def _on_authorized(self, reply: events.Reply, now: float) -> None:
        if not self.extranonce1:
            return
        if not reply.ok:
            raise self._not_let_in(reply)
        # A pool that is itself a proxy moves us by this; the others refuse it and nothing is lost.
        self._say(aion.extranonce_subscribe(EXTRANONCE_ID), now)
        self._let_in()
        self._job_due = self._job is not None and self._held_since is None

    # ---- jobs

    def _on_notify(self, notify: events.Notify, now: float) -> None:
        super()._on_notify(notify, now)
        notify.extranonce1 = self._next_extranonce1
        self._stated = notify.target
        notify.target = self._target or notify.target
        # None: not known yet, so the first job of a pool waits once to find out.
        self._job_due = self.sends_target_after is False
        # A hurried pool's jobs do not prolong the wait.
        if not self._job_due and self._held_since is None:
            self._held_since = now

    def _on_set_target(self, event: events.SetTarget, now: float) -> None:
        self._target = event.target
        behind_job = self._job is not None and now - self._job_read < TARGET_WAIT
        if self._held_since is not None or behind_job:
            self.sends_target_after = True
        if self._job is not None:
            self._job.target = event.target
            self._job_read = now
            self._held_since = None
            self._job_due = True

    def _give_job(self) -> None:
        self._held_since = None
        super()._give_job()

    def _network_target(self) -> bytes:
        # A job's own target is the network's in all known pools, but another Sluice states the share's there
        # as well; so by itself it is believed only where it asks for more than a share has to meet.
        network = self.account.network
        is_networks = network == "notify" or (
            network == "auto" and self._target is not None and self._stated < self._target
        )
        return to_bytes(self._stated) if is_networks else super()._network_target()
