"""How the two known kinds of Aion pools say things, to the last byte.

Strategy: one class a kind, each method one line of the wire; the forms are the two columns of
docs/protocols/aion.md, "Server side".  Nothing here is shared with wire/aion.py on purpose: the codec
and the simulator must not be able to be wrong together.

    Solo  the solo pool: keys id, result, error; errors are arrays; job ids count from "1"
    P2    the pool software of the public pools: keys result, error, id; errors are objects
"""

from typing import Final, Protocol

import attrs

from proxy.model.share import Reason, Verdict
from proxy.wire.jsonrpc import encode

PARAMS, NTIME, NONCE, SOLUTION, HEX = "params", "ntime", "nonce", "solution", "hex"
"""What of a share is malformed; the judge says it, the styles put it in their own words."""

JUNK: Final = (b"%%% not JSON\n", b"[1,2,3]\n", b'{"id":null,"method":"mining.notify","params":[7]}\n')
"""Lines that no pool should say."""


@attrs.define(slots=True, eq=False)
class PoolJob:
    """A job of the simulated pool.

    Args:
        serial: number of the job since the pool was made, never starting again.
        id: as miners see it; starts again with the pool.
        header: 64 hex digits.
        target: what a share must be below, for the kind of pool that judges by the job.
        network: the number that stands in the job as its target.
        clean: earlier jobs are void.
        height: of the block; it counts on over a restart.
        nonces: whole nonces seen for it.
        values: share values seen for it, of any verdict.
    """

    serial: int
    id: str
    header: str
    target: int
    network: int
    clean: bool
    height: int = 0
    nonces: set[str] = attrs.field(factory=set, repr=False)
    values: set[bytes] = attrs.field(factory=set, repr=False)


class Kind(Protocol):
    """What a pool as a whole must know of how it speaks, whatever the dialect."""

    name: str
    junk: tuple[bytes, ...]  # lines that make no sense
    extranonce1_bytes: int
    read_limit: int  # bytes in one read, then the connection is cut
    jobs_kept: int  # later shares are stale
    sends_set_target: bool

    def job_id(self, number: int) -> str:
        """Name the number-th job since the start, from 1."""

    def reconnect(self, host: str, port: int, wait: int, /) -> bytes:
        """Send a miner elsewhere; without a host to the same address."""


class Style(Kind, Protocol):
    """What a kind of Aion pool says, and what it minds."""

    first_job_after_authorize: bool
    bare_solution: bool  # a solution without its compactSize is taken, too

    def subscribed(self, request_id: bytes, session_id: str, extranonce1: str, /) -> bytes:
        """Answer mining.subscribe."""

    def answered(self, request_id: bytes, ok: bool) -> bytes:
        """Answer true or false."""

    def verdict(self, request_id: bytes, verdict: Verdict) -> bytes:
        """Answer mining.submit."""

    def invalid_request(self, request_id: bytes, /) -> bytes:
        """Answer a subscribe with too few parameters; b"" if that is no fault here."""

    def unsupported(self, request_id: bytes, method: str) -> bytes:
        """Answer a method that is not known; b"" for silence."""

    def notify(self, job: PoolJob) -> bytes:
        """Hand out a job."""

    def set_target(self, target: int, /) -> bytes:
        """Tell the share target."""


_SOLO_SIZES = {PARAMS: "ntime", NTIME: "ntime", NONCE: "nonce", SOLUTION: "solution"}
_SOLO_ERRORS = {
    Reason.UNKNOWN_JOB: b'[21,"job not found"]',
    Reason.STALE: b'[21,"job not found"]',
    Reason.DUPLICATE: b'[22,"duplicate share"]',
    Reason.LOW_DIFFICULTY: b'[20,"Header hash larger than target"]',
    Reason.INVALID_SOLUTION: b'[20,"invalid solution"]',
    Reason.UNAUTHORIZED: b'[24,"unauthorized worker",null]',
    Reason.NOT_SUBSCRIBED: b'[25,"not subscribed",null]',
}


class _Aion:
    """What both kinds have in common."""

    junk: tuple[bytes, ...] = JUNK

    def reconnect(self, host: str, port: int, wait: int, /) -> bytes:
        """Without a host there are no parameters."""
        params = f'["{host}",{port},{wait}]' if host else "[]"
        return f'{{"id":null,"method":"client.reconnect","params":{params}}}\n'.encode()


class Solo(_Aion):
    """The solo pool, as measured."""

    name = "solo"
    extranonce1_bytes = 8
    read_limit = 10_240
    jobs_kept = 1000  # all since the start, as far as memory shall go
    first_job_after_authorize = False
    sends_set_target = False
    bare_solution = False

    def job_id(self, number: int) -> str:
        """A hex counter without padding."""
        return f"{number & 0xFFFF:x}"

    def subscribed(self, request_id: bytes, _session_id: str, extranonce1: str) -> bytes:
        """The session id is null."""
        return b'{"id":%s,"result":[null,"%s"],"error":null}\n' % (request_id, extranonce1.encode())

    def answered(self, request_id: bytes, ok: bool) -> bytes:
        """Both without an error."""
        return b'{"id":%s,"result":%s,"error":null}\n' % (request_id, b"true" if ok else b"false")

    def verdict(self, request_id: bytes, verdict: Verdict) -> bytes:
        """Errors are arrays of two, of three where the connection was not ready for shares."""
        if verdict.reason is Reason.ACCEPTED:
            return self.answered(request_id, True)
        error = _SOLO_ERRORS.get(verdict.reason)
        if error is None:
            size = _SOLO_SIZES.get(verdict.detail)
            text = f"incorrect size of {size}" if size else "invalid hex in extraNonce2"
            error = b'[20,"%s"]' % text.encode()
        return b'{"id":%s,"result":null,"error":%s}\n' % (request_id, error)

    def invalid_request(self, _request_id: bytes) -> bytes:
        """Its subscribe reads no parameters."""
        return b""

    def unsupported(self, request_id: bytes, method: str) -> bytes:
        """Two methods have an answer; to any other it is silent."""
        if method == "mining.extranonce.subscribe":
            return b'{"id":%s,"result":false,"error":[20,"Not supported.",null]}\n' % request_id
        if method == "mining.get_transactions":
            return b'{"id":null,"result":[],"error":true}\n'
        return b""

    def notify(self, job: PoolJob) -> bytes:
        """The target in it is what shares are judged by."""
        return b'{"id":null,"method":"mining.notify","params":["%s",%s,"%064x","%s"]}\n' % (
            job.id.encode(),
            b"true" if job.clean else b"false",
            job.network,
            job.header.encode(),
        )

    def set_target(self, _target: int) -> bytes:
        """Not known here."""
        return b""


_P2_SIZES = {NTIME: "ntime", NONCE: "extraNonce2", SOLUTION: "solution"}
_P2_ERRORS = {
    Reason.UNKNOWN_JOB: (-1, "stale share"),
    Reason.STALE: (-1, "stale share"),
    Reason.DUPLICATE: (-1, "duplicate share"),
    Reason.INVALID_SOLUTION: (20, "invalid solution"),
    Reason.UNAUTHORIZED: (24, "Unauthorized worker"),
    Reason.NOT_SUBSCRIBED: (25, "Not subscribed"),
}


class P2(_Aion):
    """The software of the public pools, from its source."""

    name = "p2"
    extranonce1_bytes = 2
    read_limit = 32_768
    jobs_kept = 3
    first_job_after_authorize = True
    sends_set_target = True
    bare_solution = True

    def __init__(self, first_job: int) -> None:
        self._first_job = first_job

    def job_id(self, number: int) -> str:
        """Eight digits, counted from anywhere."""
        return f"{self._first_job + number & 0xFFFFFFFF:08x}"

    def subscribed(self, request_id: bytes, session_id: str, extranonce1: str) -> bytes:
        """The session id is one of the connection; nothing can be resumed with it."""
        return b'{"result":[["mining.notify","%s","AionStratum/1.0.0"],"%s"],"error":null,"id":%s}\n' % (
            session_id.encode(),
            extranonce1.encode(),
            request_id,
        )

    def answered(self, request_id: bytes, ok: bool) -> bytes:
        """Both without an error."""
        return b'{"result":%s,"error":null,"id":%s}\n' % (b"true" if ok else b"false", request_id)

    def verdict(self, request_id: bytes, verdict: Verdict) -> bytes:
        """Errors are objects, beside a false result."""
        if verdict.reason is Reason.ACCEPTED:
            return self.answered(request_id, True)
        code, text = self._words(verdict)
        return b'{"result":false,"error":%s,"id":%s}\n' % (_object(code, text), request_id)

    def _words(self, verdict: Verdict) -> tuple[int, str]:
        if verdict.reason is Reason.LOW_DIFFICULTY:
            return 23, f"low difficulty share ({verdict.detail})"
        if verdict.reason is not Reason.MALFORMED:
            return _P2_ERRORS[verdict.reason]
        if verdict.detail == HEX:  # it reads garbage and finds no proof in it
            return _P2_ERRORS[Reason.INVALID_SOLUTION]
        size = _P2_SIZES.get(verdict.detail)
        return (20, f"incorrect size of {size}") if size else (-1, "malformed PoW result")

    def invalid_request(self, request_id: bytes) -> bytes:
        """Its subscribe wants two parameters."""
        return b'{"result":false,"error":%s,"id":%s}\n' % (_object(-1, "invalid request"), request_id)

    def unsupported(self, request_id: bytes, method: str) -> bytes:
        """An error without a result key."""
        return b'{"error":%s,"id":%s}\n' % (_object(20, f"Unsupported request {method}"), request_id)

    def notify(self, job: PoolJob) -> bytes:
        """The target in it is the network's, not that of shares."""
        return b'{"jsonrpc":"2.0","method":"mining.notify","params":["%s",%s,"%064x","%s"],"id":null}\n' % (
            job.id.encode(),
            b"true" if job.clean else b"false",
            job.network,
            job.header.encode(),
        )

    def set_target(self, target: int) -> bytes:
        """What shares are judged by; sent behind each notify."""
        return b'{"jsonrpc":"2.0","method":"mining.set_target","params":["%064x"],"id":null}\n' % target


def _object(code: int, text: str) -> bytes:
    return b'{"code":%d,"message":%s,"data":null}' % (code, encode(text))
