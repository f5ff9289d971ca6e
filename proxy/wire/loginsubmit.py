"""What a miner of the login dialect submits, in any of the accepted spellings.

Strategy: two readers.  The usual line, which comes thousands of times a second, is decoded straight into
the few fields it has; whatever is not just so, a mistake among it, goes the long way, which knows every
spelling and says what is wrong.  The trap: the short way may take nothing that the long one would read
otherwise; a property test holds the two against each other.
"""

from functools import lru_cache
from typing import Any, Literal

import msgspec

from proxy.errors import MinerError
from proxy.model.blob import RESULT_DIGITS
from proxy.model.hexdigits import is_hex
from proxy.model.share import worth_passing_on
from proxy.wire import events
from proxy.wire.jsonrpc import NULL, encode, usual_id

SIG_DIGITS, COMMITMENT_DIGITS = 128, 64
MAX_ALGORITHM = 64


# What would be passed over unread is for the long way: it could be no UTF-8, and the line no JSON.
class _UsualParams(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    job_id: str
    nonce: str
    id: str = ""
    result: str = ""
    solution: str = ""
    algo: str | None = None
    # With one of these a submit is not the usual one.
    output: None = None
    pow: None = None
    sig: None = None
    commitment: None = None
    ntime: None = None


class _UsualSubmit(msgspec.Struct, gc=False):
    params: _UsualParams
    method: Literal["submit"]
    id: msgspec.Raw = msgspec.Raw(NULL)
    result: None = None
    error: None = None


_decode_usual_submit = msgspec.json.Decoder(_UsualSubmit).decode


def read_usual(line: bytes) -> events.Submit | None:
    """Read a submit as nearly every miner writes it, in half the time of the long way.

    Returns: what the long way would; None if that is for the long way to say.
    """
    try:
        message = _decode_usual_submit(line)
    except (ValueError, RecursionError):
        return None
    request_id, params = bytes(message.id), message.params
    result, algorithm = params.result, params.algo
    if not usual_id(request_id) or (len(result) > RESULT_DIGITS and not params.solution):
        return None
    if algorithm is not None and len(algorithm) > MAX_ALGORITHM:
        return None
    return events.Submit(
        id=request_id,
        worker="",
        job_id=params.job_id,
        ntime="",
        nonce=params.nonce,
        solution=params.solution,
        session=params.id,
        result=result,
        members=b"" if algorithm is None else _algorithm_member(algorithm),
    )


@lru_cache(maxsize=64)  # there are some dozens of names; more of them only cost their making
def _algorithm_member(algorithm: str) -> bytes:
    return b'"algo":%s' % encode(algorithm)


def read(request_id: bytes, params: Any) -> events.MinerEvent:
    """Read the parameters of any submit.

    Args:
        params: as decoded, of any type.
    Returns: a Submit, or a BadSubmit saying what is wrong.
    Source: docs/protocols/login.md, "The share".
    """
    if not isinstance(params, dict):
        return events.BadSubmit(request_id, "submit needs an object of parameters")
    get = params.get
    job_id, nonce, result, session = get("job_id"), get("nonce"), get("result"), get("id")
    if type(job_id) is int:
        job_id = str(job_id)
    if not isinstance(job_id, str):
        return events.BadSubmit(request_id, "job_id must be a string")
    if not isinstance(nonce, str):
        return events.BadSubmit(request_id, "nonce must be a string")
    if not isinstance(result or "", str):
        return events.BadSubmit(request_id, "result must be a string")
    solution = get("solution") or get("output") or get("pow")
    if solution is None:
        # A client with only four fields of its own puts the solution where a hash would stand.
        result, solution = ("", result) if result and len(result) > RESULT_DIGITS else (result, "")
    if not isinstance(solution, str | list):
        return events.BadSubmit(request_id, "the solution must be hex, or a list of indices")
    try:
        members = _read_members(params)
    except MinerError as error:
        return events.BadSubmit(request_id, str(error))
    return events.Submit(
        id=request_id,
        worker="",
        job_id=job_id,
        ntime=worth_passing_on(get("ntime")),
        nonce=nonce,
        solution=solution,
        session=session if isinstance(session, str) else "",
        result=result or "",
        members=members,
    )


def _read_members(params: dict[str, Any]) -> bytes:
    """Write what else of a share goes on to the pool, in the order it is known in.

    Raises: MinerError for a member of another form than its name promises.
    """
    members = []
    for name, digits in (("sig", SIG_DIGITS), ("commitment", COMMITMENT_DIGITS)):
        value = params.get(name)
        if value is None:
            continue
        if not isinstance(value, str) or len(value) != digits or not is_hex(value):
            raise MinerError(f"{name} must be {digits} hex digits")
        members.append(b'"%s":"%s"' % (name.encode(), value.encode()))
    algorithm = params.get("algo")
    if algorithm is not None:
        if not isinstance(algorithm, str) or len(algorithm) > MAX_ALGORITHM:
            raise MinerError(f"algo must be text of at most {MAX_ALGORITHM} characters")
        members.append(_algorithm_member(algorithm))
    return b",".join(members)
