"""One connection of a simulated miner in the Aion dialect: its logging in, and what it does with jobs.

Strategy: the reference miner's lines, written by hand.  What comes of shares is link.py's.
The trap: an extranonce1 that has moved holds from the next job on, so it waits until one comes.
"""

from typing import Any

import trio

from proxy.sim import ear
from proxy.sim.link import Login, Manners, Memory, MinerLink
from proxy.sim.report import FarmReport
from proxy.sim.rig import Task
from proxy.sim.verdicts import Kind
from proxy.sim.waiting import Changes
from proxy.wire.jsonrpc import encode

SUBSCRIBE, AUTHORIZE, EXTRANONCE, FIRST_SUBMIT = 1, 2, 3, 4
EXTRANONCE_SUBSCRIBE = b'{"id":%d,"method":"mining.extranonce.subscribe","params":[]}\n' % EXTRANONCE


def subscribe(login: Login) -> bytes:
    """With four parameters and a blank, as the reference miner has it."""
    return b'{"id":%d,"method":"mining.subscribe","params":[%s, null,%s,"%d"]}\n' % (
        SUBSCRIBE,
        encode(login.agent),
        encode(login.host),
        login.port,
    )


def authorize(login: Login) -> bytes:
    """Name and password."""
    return b'{"id":%d,"method":"mining.authorize","params":[%s,%s]}\n' % (
        AUTHORIZE,
        encode(login.user),
        encode(login.password),
    )


def submit_line(request_id: int, params: bytes | None) -> bytes:
    """Write a mining.submit.

    Args:
        params: JSON text; None leaves the key out.
    """
    rest = b"" if params is None else b',"params":%s' % params
    return b'{"id":%d,"method":"mining.submit"%s}\n' % (request_id, rest)


def aion_manners(login: Login) -> Manners:
    """Make what a troublemaker says."""
    return Manners(
        hello=subscribe(login) + authorize(login) + EXTRANONCE_SUBSCRIBE,
        before_share={Kind.UNAUTHORIZED: subscribe(login), Kind.NOT_SUBSCRIBED: b""},
        submit=submit_line,
        half_line=b'{"id":4,"method":"mining.submit","params":["',
        ear=ear.Ear,
    )


class AionLink(MinerLink):
    """The miner's end of one connection in the Aion dialect.

    Args:
        obeys_set_target: take the share target from mining.set_target, as some miners do; the reference
            miner knows only that of the job.
        others: as MinerLink has them.
    """

    FIRST_ID = FIRST_SUBMIT
    LINE_BYTES = 200_000  # the real one takes lines of 100 kB

    def __init__(
        self,
        stream: trio.abc.Stream,
        login: Login,
        report: FarmReport,
        memory: Memory,
        changes: Changes,
        *,
        obeys_set_target: bool = False,
        **others: Any,
    ) -> None:
        super().__init__(stream, login, report, memory, changes, **others)
        self._obeys_set_target = obeys_set_target
        self._ear = ear.Ear(report.violations)
        self._next_prefix = ""
        self._target = b""
        self._replies: dict[int, ear.Reply] = {}

    async def login(self) -> bool:
        """Subscribe, authorize, ask for extranonce1 changes.

        Returns: False when the worker was refused.
        """
        await self.send(subscribe(self._login))
        await self._answer_to(SUBSCRIBE)
        if self.login_refused:
            return False
        await self.send(authorize(self._login))
        if not (await self._answer_to(AUTHORIZE)).ok:
            self.login_refused = "authorize"
            self.gives_up = True  # the reference miner ends its process then, and never tries again
            return False
        if self._login.extranonce:
            await self.send(EXTRANONCE_SUBSCRIBE)
        return True

    async def _answer_to(self, request_id: int) -> ear.Reply:
        await self.changes.until(lambda: request_id in self._replies)
        return self._replies[request_id]

    def submit_line(self, request_id: int, params: bytes | None) -> bytes:
        """Write a mining.submit."""
        return submit_line(request_id, params)

    def _hear(self, line: bytes) -> None:
        match self._ear.hear(line):
            case ear.Reply() as reply:
                self._on_reply(reply)
            case ear.Notify() as notify:
                self._on_notify(notify)
            case ear.SetTarget(target):
                self._report.targets += 1
                if self._obeys_set_target:
                    self._target = target
                    if self.task is not None:
                        self.task.target = target
            case ear.SetExtranonce(extranonce1):
                self._report.moves += 1
                self._next_prefix = extranonce1
            case ear.Reconnect() as reconnect:
                self.reconnect = reconnect
                self.scope.cancel()

    def _on_notify(self, notify: ear.Notify) -> None:
        self._report.job_came(notify.header, trio.current_time())
        if self._prefix is None:
            self._report.violations["job_before_extranonce1"] += 1
            return
        if self._memory.job == (notify.id,):
            self._report.violations["same_job_id"] += 1
            return
        self._memory.job = (notify.id,)
        if self._next_prefix:
            self._prefix, self._next_prefix = self._next_prefix, ""
        target = self._target if self._obeys_set_target and self._target else notify.target
        self._take(Task(notify.id, notify.header, target, self._prefix))

    def _on_answer(self, reply: ear.Reply) -> bool:
        if reply.id not in (SUBSCRIBE, AUTHORIZE, EXTRANONCE) or reply.id in self._replies:
            return False
        self._replies[reply.id] = reply
        if reply.id == SUBSCRIBE:
            self._on_subscribed(reply)
        return True

    def _on_subscribed(self, reply: ear.Reply) -> None:
        result = reply.result
        extranonce1 = result[1] if isinstance(result, list) and len(result) > 1 else None
        if isinstance(extranonce1, str) and ear.is_extranonce1(extranonce1):
            self._prefix = extranonce1.lower()
        else:
            self.login_refused = f"subscribe: {reply.text or 'no extranonce1'}"
            self._report.violations["subscribe_refused"] += 1

    def _has_moved(self, prefix: str) -> bool:
        return super()._has_moved(prefix) or bool(self._next_prefix)
