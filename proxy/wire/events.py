"""What the other side can say, whatever its dialect; frozen by use, slotted for the hot path.

A request's id is the JSON text it came as (bytes, b"null" when there was none), to be echoed as is.
What comes thousands of times a second is a msgspec struct: made in a third of the time (docs/adr/0007).
"""

from typing import Any

import attrs
import msgspec

from proxy.model.blob import Blob

# ---- from a miner


@attrs.define(slots=True)
class Subscribe:
    """The miner asks for its extranonce1.

    Args:
        agent: the program's name as it gives it, "" for none.
    """

    id: bytes
    agent: str


@attrs.define(slots=True)
class Authorize:
    """The miner names the worker its shares count under."""

    id: bytes
    worker: str
    password: str


@attrs.define(slots=True)
class Login:
    """The miner names its worker, and wants work at once.

    Args:
        agent: the program's name as it gives it, "" for none.
        account: who it says pays it, which need not be the worker; any text, "" for none.
    """

    id: bytes
    worker: str
    password: str
    agent: str
    account: str = ""


@attrs.define(slots=True)
class KeepAlive:
    """The miner is there, and has had nothing to say for a while."""

    id: bytes


@attrs.define(slots=True)
class ExtranonceSubscribe:
    """The miner will obey a new extranonce1 on a living connection."""

    id: bytes


class Submit(msgspec.Struct, gc=False):
    """A share as it was sent; nothing about it is judged yet.

    Args:
        worker: the name sent with it, of any length and content.
        job_id: the job's id as text.
        ntime: 16 hex digits or "".
        nonce: the part the miner rolled (extranonce2), or a whole nonce, hex not yet checked.
        solution: hex not yet checked, a compactSize prefix still on it; or a list of anything, which
            are to be indices; "" for blob work.
        session: the session id sent with it, "" for none.
        result: the share's value as the miner claims it, not yet checked; "" for none.
        members: what else goes on to a login pool, checked, JSON text without braces.
    """

    id: bytes
    worker: str
    job_id: str
    ntime: str
    nonce: str
    solution: str | list[Any]
    session: str = ""
    result: str = ""
    members: bytes = b""


@attrs.define(slots=True)
class BadSubmit:
    """A submit whose parameters are not even of the right types.

    Args:
        detail: what is wrong, for the reply.
    """

    id: bytes
    detail: str


@attrs.define(slots=True)
class BadRequest:
    """A known method with parameters that make no sense.

    Args:
        detail: what is wrong, for the reply.
    """

    id: bytes
    detail: str


@attrs.define(slots=True)
class UnknownMethod:
    """A request this dialect's side does not know; also a request of the other dialect."""

    id: bytes
    method: str


@attrs.define(slots=True)
class Ignored:
    """A line that needs no answer: a reply to nothing."""


MinerEvent = (
    Subscribe
    | Authorize
    | Login
    | KeepAlive
    | ExtranonceSubscribe
    | Submit
    | BadSubmit
    | BadRequest
    | UnknownMethod
    | Ignored
)

# ---- from a pool


class Reply(msgspec.Struct):
    """The pool answered a request.

    Args:
        id: our request's number, None if it is none of ours.
        ok: the result was true (or an object, for a dialect that answers so).
        result: the result as decoded.
        code: the pool's error code, 0 without one.
        message: the pool's error text, "" without one.
    """

    id: int | None
    ok: bool
    result: object
    code: int
    message: str


@attrs.define(slots=True)
class Notify:
    """The pool gave a job.

    Args:
        job_id: the pool's id as text.
        clean: earlier jobs are void.
        target: 1 .. 2^256 - 1.
        header: lower-case hex, 64 digits; of blob work the whole blob.
        extranonce1: the one it is for, lower-case hex; None in a dialect that gives that apart.
        blob: what else belongs to blob work.
    """

    job_id: str
    clean: bool
    target: int
    header: str
    extranonce1: str | None = None
    blob: Blob | None = None


@attrs.define(slots=True)
class JobGiven:
    """The pool gave a job, not yet read: what its members mean depends on the work.

    Args:
        members: the JSON text of each, by name, in order.
    """

    members: dict[str, bytes]


@attrs.define(slots=True)
class LoggedIn:
    """The pool took our login.

    Args:
        session: its id for us, to be sent with every request.
        job: the first job, None if it is to follow.
        extensions: what else it speaks.
    """

    session: str
    job: JobGiven | None
    extensions: tuple[str, ...]


@attrs.define(slots=True)
class SetTarget:
    """The pool moved its share target, by set_target or set_difficulty."""

    target: int


@attrs.define(slots=True)
class SetExtranonce:
    """A new extranonce1, from the next job on; hex, lower case."""

    extranonce1: str


@attrs.define(slots=True)
class ReconnectAsked:
    """The pool asks to connect again; where to is for the log only."""

    where: str


@attrs.define(slots=True)
class Shown:
    """The pool wants a person to read this."""

    text: str


PoolEvent = (
    Reply | Notify | JobGiven | SetTarget | SetExtranonce | ReconnectAsked | Shown | UnknownMethod | Ignored
)
