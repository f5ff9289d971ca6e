"""Pools for tests: a dialogue with a conversation without a socket, and a pool on a real one.

    Playbook       pool_says() and we_say(), time_passes(), told() what came of it; the Aion dialect
    LoginPlaybook  the same in the login dialect
    SocketPool     listens on loopback; accept() gives the next Visit, a connection with the same words
    House          the relay's place behind Upstream: what it is told can be awaited

Strategy: lines are written out as they stand on the wire, so that a test reads as a transcript does.
"""

import itertools
import json
import math
from typing import Any

import attrs
import trio

from proxy.model.blob import Blob
from proxy.model.job import Job
from proxy.model.share import Reason, Share, Verdict
from proxy.upstream import aion, login
from proxy.upstream.conversation import Account, Conversation, Forward
from proxy.upstream.dialects import CONVERSATIONS

EXTRANONCE1 = "b760ca8200000000"
HEADER = "ab" * 32
EASY, HARD = "00ff" + "00" * 30, "0020" + "00" * 30  # a network's target and a pool's, as hex
LET_IN = '{"id":2,"result":true,"error":null}'
SUBSCRIBED = f'{{"id":1,"result":[null,"{EXTRANONCE1}"],"error":null}}'
ACCEPTED = Verdict(Reason.ACCEPTED)
LOST = Verdict(Reason.LOST)
EQUIHASH, PERSON = "equihash/210_9", "AION0PoW"
SESSION = "58cb2fca0342a4ec"
NTIME = "000000006b00635f"
# A blob of 76 bytes with nothing in the place of its nonce, and what a pool calls difficulty 10,000.
BLOB = "0c0c" + "ab" * 37 + "00000000" + "cd" * 33
BLOB_TARGET = "b88d0600"
SEED = "5e" * 32

# ---- the Aion dialect


def notify(job_id: str, *, header: str = HEADER, target: str = EASY, clean: bool = True) -> str:
    """A job as a pool sends it."""
    return json.dumps({"id": None, "method": "mining.notify", "params": [job_id, clean, target, header]})


def set_target(target: str) -> str:
    """A share target as a pool sends it."""
    return json.dumps({"id": None, "method": "mining.set_target", "params": [target]})


def set_extranonce(extranonce1: str) -> str:
    """A new extranonce1 as a pool that is a proxy sends it."""
    return json.dumps({"id": None, "method": "mining.set_extranonce", "params": [extranonce1, 24]})


def yes(request_id: int) -> str:
    """A pool's answer to a share that it takes."""
    return f'{{"id":{request_id},"result":true,"error":null}}'


def no(request_id: int, code: int, text: str) -> str:
    """A pool's answer to a share that it refuses."""
    return f'{{"id":{request_id},"result":null,"error":[{code},"{text}"]}}'


# ---- the login dialect; a job of it is an object that stands in two kinds of lines


def work(
    job_id: str,
    *,
    header: str = HEADER,
    extranonce1: str = EXTRANONCE1,
    target: str = EASY,
    clean: bool = True,
    **other: object,
) -> dict[str, object]:
    """A job of Equihash work."""
    size = len(extranonce1) // 2
    return {
        "job_id": job_id,
        "algo": EQUIHASH,
        "pers": PERSON,
        "blob": header + extranonce1.ljust(64, "0"),
        "xn": extranonce1,
        "nonceoffset": 32 + size,
        "noncebytes": 32 - size,
        "target": target,
        "id": SESSION,
        **({} if clean else {"clean": False}),
        **other,
    }


def blob_work(job_id: str, **other: object) -> dict[str, object]:
    """A job of blob work as pools of XMRig send it."""
    return {
        "blob": BLOB,
        "job_id": job_id,
        "target": BLOB_TARGET,
        "algo": "rx/0",
        "height": 101,
        "seed_hash": SEED,
        **other,
    }


def job(body: dict[str, object]) -> str:
    """A job as a pool sends it."""
    return json.dumps({"jsonrpc": "2.0", "method": "job", "params": body})


def logged_in(body: dict[str, object] | None, *extensions: str) -> str:
    """A pool's answer to login."""
    given_with_it = {} if body is None else {"job": body}
    result = {"id": SESSION, **given_with_it, "extensions": ["algo", *extensions], "status": "OK"}
    return json.dumps({"jsonrpc": "2.0", "id": 1, "error": None, "result": result})


def fine(request_id: int) -> str:
    """A pool's answer to a share that it takes."""
    return f'{{"id":{request_id},"jsonrpc":"2.0","error":null,"result":{{"status":"OK"}}}}'


def wrong(request_id: int, code: int, text: str) -> str:
    """A pool's answer to anything that it refuses."""
    return f'{{"id":{request_id},"jsonrpc":"2.0","error":{{"code":{code},"message":"{text}"}}}}'


# ---- what a conversation tells


@attrs.frozen
class Working:
    """The pool has let us in, or moved us."""

    extranonce1: str = EXTRANONCE1
    connection: int = 1


@attrs.frozen
class Given:
    """A job for miners; the target as 64 hex digits."""

    pool_id: str
    target: str = EASY
    header: str = HEADER
    clean: bool = True
    connection: int = 1
    blob: Blob | None = None


@attrs.frozen
class Settled:
    """The verdict on the share of that token."""

    token: object
    verdict: Verdict


@attrs.frozen
class Gone:
    """The pool connection is over."""


Told = Working | Given | Settled | Gone


def given(job: Job) -> Given:
    """A job as something that can be compared."""
    return Given(job.pool_id, f"{job.target:064x}", job.header, job.clean, job.connection, job.blob)


def a_forward(token: object, *, connection: int = 1, pool_id: str = "1", ntime: str = NTIME) -> Forward:
    """A share for a pool."""
    job = Job("main", connection, pool_id, HEADER, 1 << 255, clean=True, received=0.0)
    share = Share("0000000000a1", EXTRANONCE1 + "00" * 24, "cd" * 36, ntime)
    return Forward(job, "user", share, b"\x07" * 32, token, sent_at=1.0)


def submit(request_id: int, *, pool_id: str = "1") -> str:
    """The line that a_forward() becomes for an Aion pool."""
    params = ["user", pool_id, NTIME, "00" * 24, "24" + "cd" * 36]
    return json.dumps({"id": request_id, "method": "mining.submit", "params": params}, separators=(",", ":"))


def login_submit(request_id: int, *, pool_id: str = "1") -> str:
    """The line that a_forward() becomes for a login pool."""
    params = {
        "id": SESSION,
        "job_id": pool_id,
        "nonce": EXTRANONCE1 + "00" * 24,
        "solution": "cd" * 36,
        "result": "07" * 32,
        "ntime": NTIME,
        "algo": EQUIHASH,
    }
    message = {"id": request_id, "jsonrpc": "2.0", "method": "submit", "params": params}
    return json.dumps(message, separators=(",", ":"))


# ---- without a socket


class Playbook:
    """A dialogue between a pool and a conversation; time stands still but in time_passes().

    Args:
        knows: what is known beforehand of set_target behind each job.
    """

    dialect = "aion"
    first_id = aion.FIRST_SUBMIT_ID

    def __init__(
        self,
        *,
        knows: bool | None = None,
        algorithm: str = EQUIHASH,
        unanswered: int = 3,
        reply_seconds: float = 20,
        silence_seconds: float = 300,
    ) -> None:
        self.now = 1000.0
        self.account = Account(
            pool="main",
            user="user",
            password="x",
            agent="sluice/test",
            host="pool.example",
            port=3333,
            unanswered=unanswered,
            reply_seconds=reply_seconds,
            silence_seconds=silence_seconds,
            algorithm=algorithm,
            person=PERSON,
        )
        self._told: list[Told] = []
        self.settled_at: dict[object, float] = {}
        talk = CONVERSATIONS[self.dialect]
        self.link: Conversation = talk(self.account, self, itertools.count(1), self.now, knows)

    # what the conversation tells its sink

    def pool_working(self, link: Conversation) -> None:
        assert link is self.link
        self._told.append(Working(link.extranonce1, link.connection))

    def pool_job(self, job: Job) -> None:
        assert job.pool == "main"
        self._told.append(given(job))

    def settle(self, forward: Forward, verdict: Verdict, now: float) -> None:
        self._told.append(Settled(forward.token, verdict))
        self.settled_at[forward.token] = now

    # the dialogue

    def pool_says(self, *lines: str) -> None:
        """Let the pool say lines, in one breath."""
        self.link.receive("".join(f"{line}\n" for line in lines).encode(), self.now)

    def we_say(self, *lines: str) -> None:
        """Expect just these lines to the pool."""
        assert self.link.take_output().decode() == "".join(f"{line}\n" for line in lines)

    def told(self, *expected: Told) -> None:
        """Expect just this to have come of all that happened since the last time."""
        assert self.take_told() == list(expected)

    def take_told(self) -> list[Told]:
        """Return what came of all that happened since the last time."""
        told, self._told = self._told, []
        return told

    def submits(self, *tokens: str, pool_id: str = "1") -> None:
        """Hand shares over."""
        for token in tokens:
            self.link.submit(a_forward(token, connection=self.link.connection, pool_id=pool_id), self.now)

    def time_passes(self, seconds: float) -> None:
        """Let time go by, waking the conversation just when it asked for it."""
        end = self.now + seconds
        while (due := self.link.next_deadline()) <= end:
            self.now = max(self.now, due)
            self.link.tick(self.now)
            assert self.link.next_deadline() > self.now, "it would wake for ever"
        self.now = end

    def login(self, *more: str) -> "Playbook":
        """Play the opening to where shares can be sent, and forget it."""
        self.opening(*more)
        self.link.take_output()
        self._told.clear()
        return self

    # what either dialect has words for; shares count from 1, in the order they were sent

    def opening(self, *more: str) -> None:
        """Let the pool say what it takes to be let in."""
        self.pool_says(SUBSCRIBED)
        self.pool_says(LET_IN, *more)

    def job(self, job_id: str, *, header: str = HEADER, clean: bool = True) -> str:
        """A job as this pool sends it."""
        return notify(job_id, header=header, clean=clean)

    def moved(self, extranonce1: str, job_id: str) -> tuple[str, ...]:
        """A job for another extranonce1."""
        return set_extranonce(extranonce1), notify(job_id)

    def share(self, nth: int, *, pool_id: str = "1") -> str:
        """A share as this pool is to get it."""
        return submit(self.first_id - 1 + nth, pool_id=pool_id)

    def yes(self, nth: int) -> str:
        """This pool's answer to a share that it takes."""
        return yes(self.first_id - 1 + nth)

    def no(self, nth: int, code: int, text: str) -> str:
        """This pool's answer to a share that it refuses."""
        return no(self.first_id - 1 + nth, code, text)


class LoginPlaybook(Playbook):
    """The same with a pool of the login dialect; it answers no keepalived unless a test lets it."""

    dialect = "login"
    first_id = login.FIRST_COUNTED_ID

    def opening(self, *more: str) -> None:
        self.pool_says(logged_in(work("0")), *more)

    def job(self, job_id: str, *, header: str = HEADER, clean: bool = True) -> str:
        return job(work(job_id, header=header, clean=clean))

    def moved(self, extranonce1: str, job_id: str) -> tuple[str, ...]:
        return (job(work(job_id, extranonce1=extranonce1)),)

    def share(self, nth: int, *, pool_id: str = "1") -> str:
        return login_submit(self.first_id - 1 + nth, pool_id=pool_id)

    def yes(self, nth: int) -> str:
        return fine(self.first_id - 1 + nth)

    def no(self, nth: int, code: int, text: str) -> str:
        return wrong(self.first_id - 1 + nth, code, text)


# ---- on a socket


class Visit:
    """One connection that Sluice made to a SocketPool."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._received = bytearray()

    async def hears(self) -> Any:
        """Wait for one line and return it decoded; None at the end."""
        while b"\n" not in self._received:
            data = await self.stream.receive_some()
            if not data:
                return None
            self._received += data
        line, _, self._received = self._received.partition(b"\n")
        return json.loads(line)

    async def says(self, *lines: str) -> None:
        """Send lines in one piece."""
        await self.stream.send_all("".join(f"{line}\n" for line in lines).encode())

    async def lets_in(self, *more: str) -> None:
        """Play the opening, then say more."""
        assert (await self.hears())["method"] == "mining.subscribe"
        await self.says(SUBSCRIBED)
        assert (await self.hears())["method"] == "mining.authorize"
        await self.says(LET_IN, *more)
        assert (await self.hears())["method"] == "mining.extranonce.subscribe"

    async def logs_in(self, body: dict[str, object], *more: str) -> None:
        """Play the opening of the login dialect, then say more."""
        assert (await self.hears())["method"] == "login"
        await self.says(logged_in(body), *more)

    async def closes(self) -> None:
        """Hang up."""
        await self.stream.aclose()


class SocketPool:
    """A pool on a port of loopback that does nothing by itself."""

    def __init__(self, listener: trio.SocketListener) -> None:
        self._listener = listener
        self._visits: list[Visit] = []
        name = listener.socket.getsockname()
        self.port: int = name[1] if isinstance(name, tuple) else 0

    @classmethod
    async def open(cls) -> "SocketPool":
        """Listen on a free port."""
        [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
        return cls(listener)

    async def accept(self) -> Visit:
        """Wait for the next connection."""
        visit = Visit(await self._listener.accept())
        self._visits.append(visit)
        return visit

    async def closes(self) -> None:
        """Hang up on everyone and refuse connections from now on."""
        for visit in self._visits:
            await visit.closes()
        await self._listener.aclose()


class House:
    """Who is told of everything that comes from the pool side, in the relay's place."""

    def __init__(self) -> None:
        self._tell, self._hear = trio.open_memory_channel[Told](math.inf)

    def pool_working(self, link: Conversation) -> None:
        self._tell.send_nowait(Working(link.extranonce1, link.connection))

    def pool_job(self, job: Job) -> None:
        self._tell.send_nowait(given(job))

    def settle(self, forward: Forward, verdict: Verdict, now: float) -> None:
        self._tell.send_nowait(Settled(forward.token, verdict))

    def pool_lost(self) -> None:
        self._tell.send_nowait(Gone())

    async def told(self, *expected: Told) -> None:
        """Wait for as many things to be told, and expect them to be these."""
        assert [await self._hear.receive() for _ in expected] == list(expected)

    def nothing_more(self) -> None:
        """Expect nothing that was not asked for yet."""
        assert self._hear.statistics().current_buffer_used == 0
