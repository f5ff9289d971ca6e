"""What the bench's miners and its pool say, in both dialects; bytes only.

Strategy: lines of the size and form real miners and pools have, made by formatting because the load must
cost much less than what it measures.  Every share has a nonce of its own, so none is a duplicate, and
the target lets all of them through.
    Aion    Equihash(210,9), solutions of full size; see house.py for what is borrowed
    login   blob work as RandomX has it, with a result that is made up
The trap: what the proxy writes may change its form, so what it says is decoded, not searched.
"""

import itertools
import re
from typing import Protocol

import msgspec

from proxy.bench import verify
from proxy.model.proof import compact_size

EXTRANONCE1 = b"00112233445566aa"
EXTRANONCE2_DIGITS = 40  # 32 bytes without the pool's 8 and the proxy's 4
NTIME = b"000000005e0be100"
EASY = b"ff" * 32  # a target that every share meets
_SEED_HASH = b"5d" * 32
_HEAD_BYTES = 96  # of a line, in which its method is named

_request_id = re.compile(rb'"id": ?([0-9]+)').search
_decode = msgspec.json.Decoder().decode


class Guest(Protocol):
    """What a miner remembers for its next share: the line up to the nonce, and from there on."""

    number: int
    head: bytes
    tail: bytes
    session: str


def split(line: bytes) -> tuple[bytes, bool]:
    """Read of a request what a pool needs to say yes: its id, and whether it is a share."""
    found = _request_id(line)
    return (found[1] if found else b"null"), line.find(b'submit"', 0, _HEAD_BYTES) >= 0


class Words(Protocol):
    """One dialect, both roles."""

    name: str
    yes: bytes  # to a share; its id to be put in

    def hello(self, number: int) -> bytes:
        """What a miner says first."""

    def learn(self, guest: Guest, line: bytes) -> bytes:
        """Take a line of the proxy that is no verdict; returns what to say to it, if anything."""

    def share(self, guest: Guest, nonce: int) -> bytes:
        """Write a share for the latest job."""

    def stranger(self, guest: Guest) -> None:
        """Make up a job, for shares that go straight to the pool."""

    def welcome(self, request_id: bytes, line: bytes) -> bytes:
        """What the pool says to a request that is no share."""

    def job(self) -> bytes:
        """A new job of the pool."""


class AionWords:
    """Aion with Equihash work."""

    name = "aion"
    yes = b'{"id":%b,"result":true,"error":null}\n'

    def __init__(self) -> None:
        self._number = 0
        prefix = compact_size(len(verify.shares()[0][2]) // 2)
        self._tails = [b'","%s%s"]}\n' % (prefix.encode(), s.encode()) for _, _, s in verify.shares()]

    # ---- the miner

    def hello(self, number: int) -> bytes:
        """Subscribe; the rest follows the answer, as miners have it."""
        return (
            b'{"id":1,"method":"mining.subscribe","params":["bench/%d",null,"127.0.0.1","3333"]}\n' % number
        )

    def learn(self, guest: Guest, line: bytes) -> bytes:
        """The answer to subscribe leads to two more requests, a job to shares."""
        said = _decode(line)
        if said.get("method") == "mining.notify":
            self._set(guest, said["params"][0].encode())
        elif said.get("id") == 1:
            return (
                b'{"id":2,"method":"mining.authorize","params":["bench.%d","x"]}\n'
                b'{"id":3,"method":"mining.extranonce.subscribe","params":[]}\n' % guest.number
            )
        return b""

    def stranger(self, guest: Guest) -> None:
        """A job of the form the proxy has them in."""
        self._set(guest, b"0123456789ab")

    def _set(self, guest: Guest, job_id: bytes) -> None:
        head = b'{"id":4,"method":"mining.submit","params":["bench.%d","%s","%s","'
        guest.head = head % (guest.number, job_id, NTIME)
        guest.tail = self._tails[guest.number % len(self._tails)]

    def share(self, guest: Guest, nonce: int) -> bytes:
        """Some 3 kB."""
        return b"%b%040x%b" % (guest.head, nonce, guest.tail)

    # ---- the pool

    def welcome(self, request_id: bytes, line: bytes) -> bytes:
        """A job follows authorize."""
        if b"mining.subscribe" in line:
            return b'{"id":%b,"result":[null,"%b"],"error":null}\n' % (request_id, EXTRANONCE1)
        return self.yes % request_id + (self.job() if b"mining.authorize" in line else b"")

    def job(self) -> bytes:
        """A header of its own."""
        self._number += 1
        return b'{"id":null,"method":"mining.notify","params":["%x",true,"%b","%064x"]}\n' % (
            self._number,
            EASY,
            self._number,
        )


class LoginWords:
    """Login with blob work."""

    name = "login"
    yes = b'{"id":%b,"jsonrpc":"2.0","error":null,"result":{"status":"OK"}}\n'

    def __init__(self) -> None:
        self._number = 0
        self._sessions = itertools.count(1)

    # ---- the miner

    def hello(self, number: int) -> bytes:
        """As XMRig logs in, but for its user agent."""
        return (
            b'{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"bench.%d","pass":"x",'
            b'"agent":"bench/%d","algo":["rx/0","cn/r"]}}\n' % (number, number)
        )

    def learn(self, guest: Guest, line: bytes) -> bytes:
        """The answer to login holds the first job."""
        said = _decode(line)
        if said.get("method") == "job":
            self._set(guest, said["params"])
        elif said.get("id") == 1:
            guest.session = said["result"]["id"]
            self._set(guest, said["result"]["job"])
        return b""

    def stranger(self, guest: Guest) -> None:
        """A job of the form the proxy has them in."""
        guest.session = "0123456789abcdef"
        self._set(guest, {"job_id": "0123456789ab", "blob": "0" * 152})

    def _set(self, guest: Guest, job: dict[str, str]) -> None:
        head = '{"id":4,"jsonrpc":"2.0","method":"submit","params":{"id":"%s","job_id":"%s","nonce":"'
        guest.head = (head % (guest.session, job["job_id"])).encode()
        # The proxy's byte stands on top of the nonce, the 39th and following bytes of the blob; a result
        # of zeros at its end is as small as can be.
        prefix, result = job["blob"][84:86], f"{guest.number:048x}" + "0" * 16
        guest.tail = f'{prefix}","result":"{result}","algo":"rx/0"}}}}\n'.encode()

    def share(self, guest: Guest, nonce: int) -> bytes:
        """Some 250 bytes; the nonce has three bytes of the miner's own."""
        return b"%b%06x%b" % (guest.head, nonce & 0xFFFFFF, guest.tail)

    # ---- the pool

    def welcome(self, request_id: bytes, line: bytes) -> bytes:
        """To a login a session with a job, else OK."""
        if b'"login"' not in line:
            return self.yes % request_id
        return (
            b'{"id":%b,"jsonrpc":"2.0","error":null,"result":{"id":"%x","job":%b,'
            b'"extensions":["algo","keepalive"],"status":"OK"}}\n'
            % (request_id, next(self._sessions), self._job())
        )

    def job(self) -> bytes:
        """A blob of its own."""
        self._number += 1
        return b'{"jsonrpc":"2.0","method":"job","params":%b}\n' % self._job()

    def _job(self) -> bytes:
        blob = b"1010a0dbeacd06%064x00000000%064x01" % (self._number, self._number)
        return (
            b'{"blob":"%b","job_id":"j%x","target":"ffffffff","algo":"rx/0","height":%d,"seed_hash":"%b"}'
            % (blob, self._number, self._number + 1, _SEED_HASH)
        )


WORDS: dict[str, type[AionWords] | type[LoginWords]] = {"aion": AionWords, "login": LoginWords}
