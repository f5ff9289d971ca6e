"""The login dialect, both roles: what miners and pools say around the work, and what is said to them.

Strategy: as in the other dialect, tolerant in what is read and exact in what is written: the form that
XMRig is seen to take, see docs/protocols/login.md.  What stands in a job is loginjobs.py's.
The traps: XMRig counts a share only if `result` is an object and takes an error only with a text; it
hangs up on some texts ("Unauthenticated", "Invalid job id"), so ours are others wherever we may choose;
its login always has id 1, and any reply with id 1 is taken for the answer to it.
"""

from typing import Any

import msgspec

from proxy.errors import MinerError, PoolError
from proxy.model.hexdigits import lower
from proxy.model.share import Reason, Share, Verdict
from proxy.wire import events, loginsubmit
from proxy.wire.jsonrpc import MAX_NAME, NAME_RULE, Message, decode, encode, is_name, plain, quoted
from proxy.wire.replies import REFUSED_BARE, OwnId, read_reply, read_yes

UNNAMED = "unnamed"  # worker of a miner that gives no name; its login is taken all the same
LINE_BYTES = 65_536  # of a line that servers of this dialect take
ERROR = -1  # the code of every refusal that is not a pool's
MAX_SESSION = 128  # characters of a pool's session id, sent with every share
MAX_EXTENSIONS = 32

# Verdict table, login column: these texts are fixed, MALFORMED and REJECTED bring their own.
_REFUSALS: dict[Reason, str] = {
    Reason.UNAUTHORIZED: "Unauthenticated",
    Reason.UNKNOWN_JOB: "Job not found",
    Reason.STALE: "Block expired",
    Reason.BAD_NONCE: "Invalid nonce",
    Reason.DUPLICATE: "Duplicate share",
    Reason.LOW_DIFFICULTY: "Low difficulty share",
    Reason.INVALID_SOLUTION: "Invalid solution",
    Reason.LOST: "Pool connection lost",
}
# What a pool's refusal begins with when it is no verdict on a share but the end of the session.
_FATAL = ("unauthenticated", "your ip is banned", "ip address currently banned")

# ---- the pool's role, as a miner sees it: read requests, write replies and jobs


def read_request(line: bytes) -> events.MinerEvent:
    """Understand one line from a miner.

    Args:
        line: one line without its end.
    Raises: MinerError if it is no JSON-RPC object at all; parameters that make no sense are a
        BadRequest or BadSubmit, because those can be answered.
    Source: docs/protocols/login.md, "What a miner says".
    """
    if b'"submit"' in line:
        usual = loginsubmit.read_usual(line)
        if usual is not None:
            return usual
    message = decode(line, MinerError)
    method = message.method
    if method == "submit":
        return loginsubmit.read(bytes(message.id), message.params)
    request_id = bytes(message.id)
    if method == "login":
        return _read_login(request_id, message.params)
    if method == "keepalived":
        return events.KeepAlive(request_id)
    if method is None:
        return events.Ignored()
    return events.UnknownMethod(request_id, plain(method, MAX_NAME))


def _read_login(request_id: bytes, params: Any) -> events.MinerEvent:
    if not isinstance(params, dict):
        return events.BadRequest(request_id, "login needs an object of parameters")
    # Names are optional here, as in every server of this dialect.
    rig, user, password, agent = (_optional(params, name) for name in ("rigid", "login", "pass", "agent"))
    worker = rig or user or UNNAMED
    if not is_name(worker):
        return events.BadRequest(request_id, NAME_RULE)
    return events.Login(request_id, worker, password[:MAX_NAME], plain(agent, MAX_NAME), user[:MAX_NAME])


def _optional(params: dict[str, Any], name: str) -> str:
    """What is not text is as good as not said."""
    value = params.get(name)
    return value if isinstance(value, str) else ""


def logged_in(request_id: bytes, session: str, job: bytes, extensions: bytes) -> bytes:
    """Answer a login: always with a job.

    Args:
        job: a JSON object.
        extensions: a JSON list.
    """
    return (
        b'{"id":%s,"jsonrpc":"2.0","error":null,"result":{"id":"%s","job":%s,"extensions":%s,"status":"OK"}}\n'
        % (request_id, session.encode(), job, extensions)
    )


def job(body: bytes) -> bytes:
    """Hand a job to a miner.

    Args:
        body: a JSON object.
    """
    return b'{"jsonrpc":"2.0","method":"job","params":%s}\n' % body


def kept_alive(request_id: bytes) -> bytes:
    """Answer a keepalived."""
    return b'{"id":%s,"jsonrpc":"2.0","error":null,"result":{"status":"KEEPALIVED"}}\n' % request_id


def refused(request_id: bytes, text: str, code: int = ERROR) -> bytes:
    """Answer anything with an error."""
    return b'{"id":%s,"jsonrpc":"2.0","error":{"code":%d,"message":%s}}\n' % (request_id, code, encode(text))


def verdict(request_id: bytes, result: Verdict) -> bytes:
    """Answer a submit with what became of the share.

    Source: docs/operations.md, "Verdicts".
    """
    reason = result.reason
    if reason is Reason.ACCEPTED or reason is Reason.KEPT:
        return b'{"id":%s,"jsonrpc":"2.0","error":null,"result":{"status":"OK"}}\n' % request_id
    text = _REFUSALS.get(reason)
    if text is not None:
        return refused(request_id, text)
    if reason is Reason.MALFORMED:
        return refused(request_id, f"Malformed share: {result.detail}")
    return refused(request_id, result.detail or REFUSED_BARE, result.code or ERROR)


def method_unknown(request_id: bytes) -> bytes:
    """Answer a request nobody here knows, `getjob` among them."""
    return refused(request_id, "Invalid method")


# ---- the miner's role, as a pool sees it: write requests, read replies and jobs


def login(request_id: int, user: str, password: str, agent: str, algorithm: str) -> bytes:
    """Log in.

    Args:
        algorithm: of Equihash work; "" for blob work, whose pools choose by the account.
    """
    algorithms = b',"algo":[%s]' % encode(algorithm) if algorithm else b""
    return b'{"id":%d,"jsonrpc":"2.0","method":"login","params":{"login":%s,"pass":%s,"agent":%s%s}}\n' % (
        request_id,
        encode(user),
        encode(password),
        encode(agent),
        algorithms,
    )


def submit(request_id: int, session: str, job_id: str, share: Share, value: bytes, algorithm: str) -> bytes:
    """Send a share.

    Args:
        value: what its work was judged by, 32 bytes big-endian; of blob work not looked at, for there
            the miner's own claim goes on.
        algorithm: of Equihash work.
    Source: docs/protocols/login.md, "The share".
    """
    if share.solution:
        ntime = f'"ntime":"{share.ntime}",' if share.ntime else ""
        nonce, proof = (
            lower(share.nonce),
            (
                f'"solution":"{lower(share.solution)}","result":"{value.hex()}",{ntime}"algo":{quoted(algorithm)}'
            ),
        )
    else:
        members = "," + share.members.decode() if share.members else ""
        nonce, proof = share.nonce, f'"result":"{share.result}"{members}'
    return (
        f'{{"id":{request_id},"jsonrpc":"2.0","method":"submit","params":{{"id":{quoted(session)},'
        f'"job_id":{quoted(job_id)},"nonce":"{nonce}",{proof}}}}}\n'
    ).encode()


def keepalived(request_id: int, session: str) -> bytes:
    """Tell the pool that we are there."""
    return b'{"id":%d,"jsonrpc":"2.0","method":"keepalived","params":{"id":%s}}\n' % (
        request_id,
        encode(session),
    )


def read_pool(line: bytes) -> events.PoolEvent:
    """Understand one line from a pool.

    Args:
        line: one line without its end.
    Raises: PoolError for anything that makes no sense.
    Source: docs/protocols/login.md, "What a pool says".
    """
    yes = read_yes(line, _decode_yes)
    if yes is not None:
        return yes
    message = decode(line, PoolError)
    if message.method is None:
        return _read_reply(message)
    if message.method == "job":
        return _read_job(line)
    if message.method == "client.reconnect":
        params = message.params if isinstance(message.params, list) else []
        where = " ".join(plain(str(part), MAX_NAME) for part in params[:2] if isinstance(part, str | int))
        return events.ReconnectAsked(where)
    return events.UnknownMethod(bytes(message.id), plain(message.method, MAX_NAME))


class _Status(msgspec.Struct, forbid_unknown_fields=True):
    status: str


class _Yes(msgspec.Struct, gc=False):
    id: OwnId
    result: _Status
    error: None = None
    method: None = None
    params: None = None


_decode_yes = msgspec.json.Decoder(_Yes).decode


def _read_reply(message: Message) -> events.Reply:
    result = message.result
    # XMRig takes any object for yes; kinds of pools beside it say true, or a word.
    ok = isinstance(result, dict) or result is True or (isinstance(result, str) and result.lower() == "ok")
    return read_reply(message, ok)


def is_fatal(refusal: str) -> bool:
    """Tell whether a pool's refusal ends the session, as its miners know it."""
    return refusal.lower().startswith(_FATAL)


class _Params(msgspec.Struct):
    params: dict[str, msgspec.Raw]


class _Result(msgspec.Struct):
    id: str
    job: dict[str, msgspec.Raw] | None = None
    extensions: Any = None


class _Answer(msgspec.Struct):
    result: _Result


_decode_job = msgspec.json.Decoder(_Params).decode
_decode_login = msgspec.json.Decoder(_Answer).decode


def read_logged_in(line: bytes) -> events.LoggedIn:
    """Read a pool's answer to login that carries no error.

    Args:
        line: the whole line, for a job goes on to miners as it was written.
    Raises: PoolError without a session id, which every further request needs.
    """
    try:
        result = _decode_login(line).result
    except (ValueError, RecursionError):
        raise PoolError("the pool's answer to login holds no session id, or a job that is none") from None
    if not 0 < len(result.id) <= MAX_SESSION:
        raise PoolError(f"the pool's session id must have 1 to {MAX_SESSION} characters")
    extensions = result.extensions if isinstance(result.extensions, list) else []
    return events.LoggedIn(
        session=result.id,
        job=None if result.job is None else _given(result.job),
        extensions=tuple(name for name in extensions[:MAX_EXTENSIONS] if isinstance(name, str)),
    )


def _read_job(line: bytes) -> events.JobGiven:
    try:
        return _given(_decode_job(line).params)
    except (ValueError, RecursionError):
        raise PoolError("a job without an object of parameters") from None


def _given(members: dict[str, msgspec.Raw]) -> events.JobGiven:
    return events.JobGiven({name: bytes(raw) for name, raw in members.items()})
