"""What a pool answers, in either dialect: yes, or an error in one of many forms.

Strategy: one reader for all the forms, because pools mix them up; which results mean yes is the
dialect's to say.  The trap: an error that says nothing is none, and many a reply carries one.
"""

from collections.abc import Callable
from typing import Annotated, Any, Protocol

import msgspec

from proxy.errors import PoolError
from proxy.wire import events
from proxy.wire.jsonrpc import MAX_NAME, Message, number_of, plain

MAX_POOL_ID = 512  # the longest job id seen to work anywhere is 300 characters
REFUSED_BARE = "refused without a reason"
OwnId = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]  # of a request of ours


def read_reply(message: Message, ok: bool) -> events.Reply:
    """Read a pool's answer.

    Args:
        ok: whether its result alone means yes.
    """
    code, text = read_error(message.error)
    return events.Reply(
        id=number_of(bytes(message.id)),
        ok=code == 0 and ok,
        result=message.result,
        code=code,
        message=text,
    )


class Yes(Protocol):
    """A reply that carries nothing but yes."""

    id: int


def read_yes(line: bytes, decode_yes: Callable[[bytes], Yes]) -> events.Reply | None:
    """Read the answer that pools give to nearly every share, in half the time of read_reply().

    Args:
        decode_yes: decodes it, and raises ValueError for anything but a plain yes to a number.
    Returns: None for what is something else, or has to be looked at more closely.
    """
    try:
        return events.Reply(decode_yes(line).id, True, True, 0, "")
    except (ValueError, RecursionError):
        return None


def read_error(error: Any) -> tuple[int, str]:
    """Read an error in any of the forms pools use.

    Args:
        error: as decoded: null, [code, text], [code, text, data], {"code", "message"}, true, text,
            or a part of one of these; an empty one is none.
    Returns: code and text; (0, "") for no error, else neither of them empty.
    """
    if not error:
        return 0, ""
    code: Any = 20
    text: Any = ""
    match error:
        case [code, text, *_] | {"code": code, "message": text}:
            pass
        case {"message": text} | [str(text)] | str(text):
            pass
        case {"code": code} | [code] | int(code):
            pass
    if type(code) is not int or not -(2**31) <= code < 2**31:
        code = 20
    shown = plain(text, MAX_NAME) if isinstance(text, str) else ""
    return code or 20, shown or REFUSED_BARE


def read_pool_id(value: Any) -> str:
    """Read a job's id as a pool gives it.

    Raises: PoolError for what is neither text of some length nor a number.
    """
    if type(value) is int and -(2**63) <= value < 2**64:
        return str(value)
    if not isinstance(value, str) or len(value) > MAX_POOL_ID:
        raise PoolError(f"the job id must be a string of at most {MAX_POOL_ID} characters")
    return value
