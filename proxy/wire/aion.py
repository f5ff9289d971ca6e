"""The Aion dialect, both roles: what miners and pools say, and what is said to them.

Strategy: tolerant in what is read (any id type, `0x`, upper case, "true" for true, errors as arrays of
two or three, as objects, as a bare true), exact in what is written: the form that the reference miner
and the known pools are proven to take, see docs/protocols/aion.md.  Lines are formatted, not encoded;
everything put between quotes has been checked for hex or goes through `encode` first.
The trap: the reference miner drops a line that does not end in "}\\n", so nothing may follow the brace.
"""

from typing import Any, Literal

import msgspec

from proxy.errors import MinerError, PoolError
from proxy.model import target as targets
from proxy.model.hexdigits import is_hex, lower
from proxy.model.job import Work
from proxy.model.proof import compact_size
from proxy.model.share import NONCE_DIGITS, Reason, Verdict, worth_passing_on
from proxy.wire import events
from proxy.wire.jsonrpc import (
    MAX_NAME,
    NAME_RULE,
    NULL,
    Message,
    decode,
    encode,
    is_name,
    plain,
    quoted,
    usual_id,
)
from proxy.wire.replies import REFUSED_BARE, OwnId, read_pool_id, read_reply, read_yes

OTHER_CODE = 20  # of every fault that has no code of its own
RECONNECT = b'{"id":null,"method":"client.reconnect","params":[]}\n'  # to where the miner was told to

# Verdict table, Aion column: these texts are fixed, MALFORMED and REJECTED bring their own.
_REFUSALS: dict[Reason, tuple[int, str]] = {
    Reason.UNAUTHORIZED: (24, "unauthorized worker"),
    Reason.NOT_SUBSCRIBED: (25, "not subscribed"),
    Reason.UNKNOWN_JOB: (21, "job not found"),
    Reason.STALE: (21, "stale share"),
    Reason.BAD_NONCE: (20, "nonce outside extranonce1"),
    Reason.DUPLICATE: (22, "duplicate share"),
    Reason.LOW_DIFFICULTY: (23, "low difficulty share"),
    Reason.INVALID_SOLUTION: (20, "invalid solution"),
    Reason.LOST: (20, "pool connection lost"),
}


# ---- the pool's role, as a miner sees it: read requests, write replies and jobs


def read_request(line: bytes) -> events.MinerEvent:
    """Understand one line from a miner.

    Args:
        line: one line without its end.
    Raises: MinerError if it is no JSON-RPC object at all; parameters that make no sense are a
        BadRequest or BadSubmit, because those can be answered.
    Source: docs/protocols/aion.md, "Client side".
    """
    if b'"mining.submit"' in line:
        usual = _read_usual_submit(line)
        if usual is not None:
            return usual
    message = decode(line, MinerError)
    method = message.method
    if method == "mining.submit":
        return _read_submit(message)
    request_id = bytes(message.id)
    if method == "mining.subscribe":
        agent = message.params[0] if isinstance(message.params, list) and message.params else ""
        return events.Subscribe(request_id, plain(agent, MAX_NAME) if isinstance(agent, str) else "")
    if method == "mining.authorize":
        return _read_authorize(request_id, message.params)
    if method == "mining.extranonce.subscribe":
        return events.ExtranonceSubscribe(request_id)
    if method is None:
        return events.Ignored()
    return events.UnknownMethod(request_id, plain(method, MAX_NAME))


# What would be passed over unread is for the long way: it could be no UTF-8, and the line no JSON.
class _UsualParams(msgspec.Struct, array_like=True, gc=False, forbid_unknown_fields=True):
    worker: str
    job_id: str
    ntime: str
    nonce: str
    solution: str


class _UsualSubmit(msgspec.Struct, gc=False):
    params: _UsualParams
    method: Literal["mining.submit"]
    id: msgspec.Raw = msgspec.Raw(NULL)
    result: None = None
    error: None = None


_decode_usual_submit = msgspec.json.Decoder(_UsualSubmit).decode


def _read_usual_submit(line: bytes) -> events.Submit | None:
    """Read a submit whose parts all have their usual types straight into those.

    Returns: what the long way would; None if that is for the long way to say.
    """
    try:
        message = _decode_usual_submit(line)
    except (ValueError, RecursionError):
        return None
    request_id, params = bytes(message.id), message.params
    if not usual_id(request_id):
        return None
    ntime = worth_passing_on(params.ntime)
    return events.Submit(request_id, params.worker, params.job_id, ntime, params.nonce, params.solution)


def _read_submit(message: Message) -> events.MinerEvent:
    request_id = bytes(message.id)
    params = message.params
    if not isinstance(params, list) or len(params) < 5:
        return events.BadSubmit(request_id, "five parameters: worker, job, ntime, extranonce2, solution")
    worker, job_id, ntime, nonce, solution = params[:5]
    if type(job_id) is int:
        job_id = str(job_id)
    if not isinstance(job_id, str):
        return events.BadSubmit(request_id, "the job id must be a string")
    if not isinstance(nonce, str):
        return events.BadSubmit(request_id, "extranonce2 must be a string")
    if not isinstance(solution, str):
        return events.BadSubmit(request_id, "the solution must be a string")
    if not isinstance(worker, str):
        worker = ""
    return events.Submit(request_id, worker, job_id, worth_passing_on(ntime), nonce, solution)


def _read_authorize(request_id: bytes, params: Any) -> events.MinerEvent:
    if not isinstance(params, list) or not params or not isinstance(params[0], str) or not params[0]:
        return events.BadRequest(request_id, "mining.authorize needs a worker name as its first parameter")
    worker = params[0]
    if not is_name(worker):
        return events.BadRequest(request_id, NAME_RULE)
    password = params[1] if len(params) > 1 and isinstance(params[1], str) else ""
    return events.Authorize(request_id, worker, password[:MAX_NAME])


def subscribed(request_id: bytes, extranonce1: str) -> bytes:
    """Answer mining.subscribe: the session id is null, nothing can be resumed."""
    return b'{"id":%s,"result":[null,"%s"],"error":null}\n' % (request_id, extranonce1.encode())


def yes(request_id: bytes) -> bytes:
    """Answer anything with true."""
    return b'{"id":%s,"result":true,"error":null}\n' % request_id


def refused(request_id: bytes, code: int, text: str) -> bytes:
    """Answer anything with an error: code, text, null."""
    return b'{"id":%s,"result":null,"error":[%d,%s,null]}\n' % (request_id, code, encode(text))


def verdict(request_id: bytes, result: Verdict) -> bytes:
    """Answer a mining.submit with what became of the share.

    Source: docs/operations.md, "Verdicts".
    """
    reason = result.reason
    if reason is Reason.ACCEPTED or reason is Reason.KEPT:
        return b'{"id":%s,"result":true,"error":null}\n' % request_id
    fixed = _REFUSALS.get(reason)
    if fixed is not None:
        return refused(request_id, *fixed)
    if reason is Reason.MALFORMED:
        return refused(request_id, OTHER_CODE, f"malformed share: {result.detail}")
    return refused(request_id, result.code or OTHER_CODE, result.detail or REFUSED_BARE)


def notify(work: Work, alias: str = "") -> bytes:
    """Hand a job to a miner: exactly four parameters, and always clean.

    Args:
        alias: hex to follow the id, for a miner that may have seen the work under its plain id.

    The reference miner ignores a job that is not clean, even its first.
    """
    line = None if alias else work.encoded.get("aion")
    if line is None:
        params = (work.id.encode(), alias.encode(), work.target.hex().encode(), work.job.header.encode())
        line = b'{"id":null,"method":"mining.notify","params":["%s%s",true,"%s","%s"]}\n' % params
        if not alias:
            work.encoded["aion"] = line
    return line


def set_target(target: bytes) -> bytes:
    """Tell the target, for miners that do not read it from the job.

    Args:
        target: 32 bytes big-endian.
    """
    return b'{"id":null,"method":"mining.set_target","params":["%s"]}\n' % target.hex().encode()


def set_extranonce(extranonce1: str) -> bytes:
    """Give a new extranonce1 for the next job, and how many bytes the miner rolls behind it."""
    return b'{"id":null,"method":"mining.set_extranonce","params":["%s",%d]}\n' % (
        extranonce1.encode(),
        (NONCE_DIGITS - len(extranonce1)) // 2,
    )


# ---- the miner's role, as a pool sees it: write requests, read replies and jobs


def subscribe(request_id: int, agent: str, host: str, port: int) -> bytes:
    """Ask for an extranonce1 with the four parameters every known pool is content with."""
    return b'{"id":%d,"method":"mining.subscribe","params":[%s,null,%s,"%d"]}\n' % (
        request_id,
        encode(agent),
        encode(host),
        port,
    )


def authorize(request_id: int, user: str, password: str) -> bytes:
    """Name the account.  Never without parameters: that ends a solo pool's whole process."""
    return b'{"id":%d,"method":"mining.authorize","params":[%s,%s]}\n' % (
        request_id,
        encode(user),
        encode(password),
    )


def extranonce_subscribe(request_id: int) -> bytes:
    """Say that a new extranonce1 will be obeyed; pools that know nothing of it refuse harmlessly."""
    return b'{"id":%d,"method":"mining.extranonce.subscribe","params":[]}\n' % request_id


def submit(request_id: int, user: str, job_id: str, ntime: str, nonce: str, solution: str) -> bytes:
    """Send a share.

    Args:
        ntime: 16 hex digits.
        nonce: hex, the bytes behind the pool's extranonce1.
        solution: hex without prefix; its compactSize is put before it, some pools demand it.
    Source: docs/protocols/aion.md, "submit".
    """
    # One text turned into bytes at the end: a third of the time that filling bytes into bytes takes.
    return (
        f'{{"id":{request_id},"method":"mining.submit","params":[{quoted(user)},{quoted(job_id)},"{ntime}",'
        f'"{lower(nonce)}","{compact_size(len(solution) // 2)}{lower(solution)}"]}}\n'
    ).encode()


def method_unknown(request_id: bytes, method: str) -> bytes:
    """Answer a request nobody here knows."""
    return refused(request_id, 20, f"unknown method {method[:MAX_NAME]}")


def read_pool(line: bytes) -> events.PoolEvent:
    """Understand one line from a pool.

    Args:
        line: one line without its end.
    Raises: PoolError for anything that makes no sense.
    Source: docs/protocols/aion.md, "Server side".
    """
    yes = read_yes(line, _decode_yes)
    if yes is not None:
        return yes
    message = decode(line, PoolError)
    if message.method is None:
        return read_reply(message, message.result is True or message.result == "true")
    reader = _POOL_METHODS.get(message.method)
    if reader is None:
        return events.UnknownMethod(bytes(message.id), plain(message.method, MAX_NAME))
    params = message.params
    if not isinstance(params, list):
        raise PoolError(f"{message.method} without a list of parameters")
    return reader(params)


class _Yes(msgspec.Struct, gc=False):
    id: OwnId
    result: Literal[True]
    error: None = None
    method: None = None
    params: None = None


_decode_yes = msgspec.json.Decoder(_Yes).decode


def _read_notify(params: list[Any]) -> events.PoolEvent:
    if len(params) < 4:
        raise PoolError(f"mining.notify with {len(params)} parameters; job, clean, target, header expected")
    job_id, clean, target, header = params[:4]
    job_id = read_pool_id(job_id)
    if clean in ("true", "false"):
        clean = clean == "true"
    if not isinstance(clean, bool):
        raise PoolError("mining.notify: clean must be true or false")
    if not isinstance(target, str):
        raise PoolError("mining.notify: the target must be a string")
    return events.Notify(job_id, clean, targets.from_hex(target), _read_header(header))


def _read_header(header: Any) -> str:
    if isinstance(header, str):
        digits = header[2:] if header[:2] in ("0x", "0X") else header
        if len(digits) == 64 and is_hex(digits):
            return digits.lower()
    raise PoolError("mining.notify: the header hash must be 64 hex digits")


def _read_set_target(params: list[Any]) -> events.PoolEvent:
    if not params or not isinstance(params[0], str):
        raise PoolError("mining.set_target without a target")
    return events.SetTarget(targets.from_hex(params[0]))


def _read_set_difficulty(params: list[Any]) -> events.PoolEvent:
    """A number; one known pool would send the 64-digit target here instead."""
    value = params[0] if params else None
    if isinstance(value, str) and len(value) >= 64:
        return events.SetTarget(targets.from_hex(value))
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError(value)
        return events.SetTarget(targets.from_difficulty(float(value)))
    except (ValueError, OverflowError):
        raise PoolError("mining.set_difficulty without a number above 0") from None


def _read_set_extranonce(params: list[Any]) -> events.PoolEvent:
    if not params:
        raise PoolError("mining.set_extranonce without parameters")
    return events.SetExtranonce(read_extranonce1(params[0]))


def read_extranonce1(value: Any) -> str:
    """Read an extranonce1 as a pool gives it.

    Args:
        value: as decoded; hex of either case, `0x` allowed.
    Returns: lower-case hex, an even number of digits, at most 64.
    Raises: PoolError for anything else.
    """
    if isinstance(value, str):
        digits = value[2:] if value[:2] in ("0x", "0X") else value
        if len(digits) <= NONCE_DIGITS and len(digits) % 2 == 0 and is_hex(digits):
            return digits.lower()
    raise PoolError("the pool's extranonce1 is not hex of whole bytes, at most 32 of them")


def read_subscribed(result: object) -> str:
    """Read the result of mining.subscribe: its second element, whatever the first one is.

    Returns: extranonce1, lower-case hex.
    Raises: PoolError.
    """
    if not isinstance(result, list) or len(result) < 2:
        raise PoolError("the pool's answer to mining.subscribe holds no extranonce1")
    return read_extranonce1(result[1])


def _read_reconnect(params: list[Any]) -> events.PoolEvent:
    """Host and port; the port comes as a number or as a string."""
    return events.ReconnectAsked(" ".join(_said(p) for p in params[:2] if p is not None))


def _read_message(params: list[Any]) -> events.PoolEvent:
    return events.Shown(_said(params[0]) if params else "")


def _said(value: Any) -> str:
    """Text or number as one line for people; of anything else only that it was there."""
    if isinstance(value, str | int | float):
        return plain(str(value), MAX_NAME)
    return "?"


_POOL_METHODS = {
    "mining.notify": _read_notify,
    "mining.set_target": _read_set_target,
    "mining.set_difficulty": _read_set_difficulty,
    "mining.set_extranonce": _read_set_extranonce,
    "client.reconnect": _read_reconnect,
    "client.show_message": _read_message,
}
