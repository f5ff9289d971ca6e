"""How pools of the login dialect say things, to the last byte, and what stands in their jobs.

Strategy: as styles.py: each method one line of the wire, compact as such pools write it, and nothing
shared with the proxy's codec, because codec and simulator must not be able to be wrong together.  Two
kinds of work in one dialect: EquihashWork and BlobWork fill a job's members, LoginStyle says them.
The trap: a target of few digits is coarser than the difficulty asked for, and the pool must judge by what
it said, so difficulty goes through the digits here before anything else sees it.
"""

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Final, Protocol

from proxy.model import target as targets
from proxy.model.share import Reason, Verdict
from proxy.native import Equihash
from proxy.sim import blobwork
from proxy.sim.styles import HEX, NONCE, NTIME, PARAMS, SOLUTION, PoolJob
from proxy.wire.jsonrpc import encode

ALGORITHM, RESULT = "algorithm", "result"
"""What of a share is malformed here besides what styles.py names."""

LOGIN_JUNK: Final = (
    b"%%% not JSON\n",
    b"[1,2,3]\n",
    b'{"jsonrpc":"2.0","method":"job","params":[7]}\n',
    b'{"jsonrpc":"2.0","method":"job","params":{"job_id":"half"}}\n',
)
"""Lines that no pool should say."""

HEADER_AT = 7  # byte of a blob where the hash of the block before stands; here the job's header
PREFIX_BYTES = 8

_WORDS: Final = {
    Reason.UNKNOWN_JOB: "Invalid job id",
    Reason.STALE: "Block expired",
    Reason.DUPLICATE: "Duplicate share",
    Reason.LOW_DIFFICULTY: "Low difficulty share",
    Reason.BAD_NONCE: "Invalid nonce",
    Reason.INVALID_SOLUTION: "Invalid solution",
    Reason.UNAUTHORIZED: "Unauthenticated",
    Reason.NOT_SUBSCRIBED: "Unauthenticated",
}
_FLAWS: Final = {
    PARAMS: "Malformed share",
    NONCE: "Invalid nonce",
    SOLUTION: "Malformed solution",
    RESULT: "Malformed result",
    HEX: "Malformed hex",
    NTIME: "Malformed ntime",
    ALGORITHM: "Incorrect algorithm",
}


def header_of(blob: str) -> str:
    """The header of the job that a blob was made for; 64 hex digits."""
    return blob[2 * HEADER_AT : 2 * HEADER_AT + 64]


def target_text(number: int, digits: int) -> str:
    """Write a target: 64 digits big-endian, fewer little-endian."""
    return f"{number:064x}" if digits == 64 else number.to_bytes(digits // 2, "little").hex()


class LoginWork(Protocol):
    """What stands in the jobs of one kind of work."""

    algo: str
    digits: int  # of a target

    def members(self, job: PoolJob, prefix: str, session_id: str) -> dict[str, object]:
        """Everything in a job.

        Args:
            prefix: the connection's own part of the work, hex.
        """

    def narrow(self, target: int) -> int:
        """The number to say for a target of 256 bits; may be 0."""

    def widen(self, number: int) -> int:
        """What a share must be below if this number was said: of 256 bits."""


class EquihashWork:
    """Equihash: the whole input in the blob, the connection's extranonce1 named beside it."""

    def __init__(self, equihash: Equihash, digits: int) -> None:
        self.algo = equihash.name
        self.digits = digits
        self._person = equihash.person.decode("ascii", "replace")

    def members(self, job: PoolJob, prefix: str, session_id: str) -> dict[str, object]:
        """A job that voids none before it says so; of any other it goes without saying."""
        size = len(prefix) // 2
        members: dict[str, object] = {
            "job_id": job.id,
            "algo": self.algo,
            "pers": self._person,
            "blob": job.header + prefix.ljust(64, "0"),
            "xn": prefix,
            "nonceoffset": 32 + size,
            "noncebytes": 32 - size,
            "target": target_text(job.network, self.digits),
            "id": session_id,
        }
        return members if job.clean else {**members, "clean": False}

    def narrow(self, target: int) -> int:
        """Rounded down."""
        return target >> (256 - 4 * self.digits)

    def widen(self, number: int) -> int:
        """Few digits are the first ones of a value, so zeros follow."""
        return number << (256 - 4 * self.digits)


class BlobWork:
    """Blob work, with the members RandomX needs; each connection has a blob of its own.

    Args:
        seed_hash: 64 hex digits, the same for ever.
    """

    algo = blobwork.ALGO

    def __init__(self, seed_hash: str, digits: int) -> None:
        self.digits = digits
        self._seed_hash = seed_hash

    def members(self, job: PoolJob, prefix: str, _session_id: str) -> dict[str, object]:
        """Such pools know no job that is not clean."""
        return {
            "blob": self.blob(job, prefix),
            "job_id": job.id,
            "target": target_text(job.network, self.digits),
            "algo": self.algo,
            "height": job.height,
            "seed_hash": self._seed_hash,
        }

    @staticmethod
    def blob(job: PoolJob, prefix: str) -> str:
        """Versions, time, block before, nonce, root of the transactions, their number: hex.

        A pool that writes a reserve of the connection into its template moves the root and nothing else.
        """
        root = blake2b(bytes.fromhex(job.header + prefix), digest_size=32).hexdigest()
        return f"1010a0dbeacd06{job.header}00000000{root}01"

    def narrow(self, target: int) -> int:
        """256 is ffffff00 and not 00000001: miners divide by it, and would find 255."""
        return (target - 1) >> (256 - 4 * self.digits)

    def widen(self, number: int) -> int:
        """As miners widen it, to the 64 bits they look at."""
        return blobwork.target_from(target_text(number, self.digits)) << 192


class LoginStyle:
    """What a pool of the login dialect says.

    Args:
        extra_members: in every job, behind its own.
    """

    name = "login"
    junk: tuple[bytes, ...] = LOGIN_JUNK
    extranonce1_bytes = PREFIX_BYTES
    read_limit = 65_536
    jobs_kept = 8  # a target's move makes a job as well, so more than an Aion pool
    sends_set_target = False

    def __init__(self, work: LoginWork, extra_members: Mapping[str, object]) -> None:
        self.work = work
        self._extra = dict(extra_members)

    def job_id(self, number: int) -> str:
        """Never a number alone, so that nobody takes it for one."""
        return f"j{number}"

    def targets(self, difficulty: float) -> tuple[int, int]:
        """Turn a difficulty into targets.

        Returns: what a share must be below, of 256 bits, and the number that is said; never 0.
        """
        number = max(1, self.work.narrow(targets.from_difficulty(difficulty)))
        return self.work.widen(number), number

    # ---- lines

    def logged_in(self, request_id: bytes, session_id: str, job: PoolJob, prefix: str) -> bytes:
        """Answer login."""
        return (
            b'{"jsonrpc":"2.0","id":%s,"error":null,"result":{"id":"%s","job":%s,'
            b'"extensions":["algo","keepalive"],"status":"OK"}}\n'
            % (request_id, session_id.encode(), self._members(job, prefix, session_id))
        )

    def job(self, job: PoolJob, prefix: str, session_id: str) -> bytes:
        """Hand out a job."""
        members = self._members(job, prefix, session_id)
        return b'{"jsonrpc":"2.0","method":"job","params":%s}\n' % members

    def _members(self, job: PoolJob, prefix: str, session_id: str) -> bytes:
        members = {**self.work.members(job, prefix, session_id), **self._extra}
        return json.dumps(members, separators=(",", ":")).encode()

    def ok(self, request_id: bytes, status: str = "OK") -> bytes:
        """Answer with a status."""
        return b'{"jsonrpc":"2.0","id":%s,"error":null,"result":{"status":"%s"}}\n' % (
            request_id,
            status.encode(),
        )

    def refused(self, request_id: bytes, text: str) -> bytes:
        """The code is always -1, and there is no result."""
        return b'{"jsonrpc":"2.0","id":%s,"error":{"code":-1,"message":%s}}\n' % (request_id, encode(text))

    def verdict(self, request_id: bytes, verdict: Verdict) -> bytes:
        """Answer submit."""
        if verdict.reason is Reason.ACCEPTED:
            return self.ok(request_id)
        return self.refused(request_id, self._words(verdict))

    def _words(self, verdict: Verdict) -> str:
        if verdict.reason is Reason.MALFORMED:
            return _FLAWS.get(verdict.detail, _FLAWS[PARAMS])
        if verdict.reason is Reason.INVALID_SOLUTION and isinstance(self.work, BlobWork):
            return _WORDS[Reason.LOW_DIFFICULTY]  # a wrong hash is called that
        return _WORDS[verdict.reason]

    def reconnect(self, host: str, port: int, _wait: int) -> bytes:
        """Both are strings, and there is no wait; the caller names its own address for the same."""
        return b'{"jsonrpc":"2.0","method":"client.reconnect","params":[%s,"%d"]}\n' % (encode(host), port)
