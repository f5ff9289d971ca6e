"""What XMRig understands of a pool's lines, and what it makes of the rest.

Strategy: as ear.py, with another real program for a model: what it would silently overlook is counted in
`violations`, what makes it close the connection is counted and raises.  Equihash work in this dialect has
no real miner; there the form Sluice's documentation gives is asked for to the last member.
The trap: a reply whose result is no object is no reply at all to XMRig, and the share is never counted.
Source: docs/protocols/login.md.
"""

from collections import Counter
from typing import Any

import attrs
import msgspec

from proxy.errors import PoolError
from proxy.model.hexdigits import is_hex
from proxy.native import Equihash
from proxy.sim import blobwork
from proxy.sim.ear import Reconnect, Reply

LEAST_LINE_BYTES = 32  # a shorter one cannot be anything
MOST_BLOB_BYTES = 407
SEED_DIGITS = 64
BLOB_FAMILIES = ("rx", "cn", "cn-lite", "cn-heavy", "cn-pico", "argon2")
ELSEWHERE = ("rx/yada",)  # has its nonce in another place
MAX_INTEGER = 2**63

# Beginnings, in lower case, of the texts that make XMRig close and connect again.
_FATAL = ("unauthenticated", "your ip is banned", "ip address currently banned", "invalid job id")


def is_fatal(text: str) -> bool:
    """Tell whether XMRig drops the connection at an error of this text."""
    return text.lower().startswith(_FATAL)


@attrs.frozen(slots=True)
class Job:
    """A job.

    Args:
        blob: lower-case hex.
        target: 32 bytes big-endian; in blob work only the first 8 are not zero.
        target_text: as it came.
        algo: "" if the server left it out.
        prefix: xn, in Equihash work; lower-case hex.
    """

    id: str
    blob: str
    target: bytes
    target_text: str
    algo: str
    prefix: str


@attrs.frozen(slots=True)
class Session:
    """What a login gave."""

    id: str
    extensions: frozenset[str]
    job: Job


Heard = Reply | Job | Reconnect


class LoginEar:
    """Reads lines as XMRig does.

    Args:
        violations: counts what it would have stumbled over, by name.
        equihash: what is mined; None for blob work.
    """

    def __init__(self, violations: Counter[str], equihash: Equihash | None = None) -> None:
        self._violations = violations
        self._equihash = equihash

    def hear(self, line: bytes) -> Heard | None:
        """Understand one line.

        Args:
            line: without its end.
        Returns: None for what is ignored.
        Raises: PoolError where the real program closes the connection.
        """
        message = self._object(line)
        if message is None:
            return None
        method, number = message.get("method"), message.get("id")
        if method == "client.reconnect":  # looked for before the id
            return self._reconnect(message.get("params"))
        if type(number) is int and -MAX_INTEGER <= number < MAX_INTEGER:
            return self._reply(number, message)
        if isinstance(message.get("error"), dict):
            return None  # shown to people, whatever else the line says
        if method == "job":
            return self.read_job(message.get("params"))
        if method is not None:
            self._stumble("unknown_method")
        elif number is not None:
            self._stumble("reply_id_not_an_integer")
        return None

    def read_session(self, result: Any) -> Session:
        """Understand the result of a login.

        Raises: PoolError.
        """
        if not isinstance(result, dict) or not isinstance(result.get("id"), str):
            raise self._fault("login_without_id", "a login needs an id in its result")
        extensions = result.get("extensions")
        if not isinstance(extensions, list):
            if extensions is not None:
                self._stumble("extensions_form")
            extensions = []
        names = frozenset(name for name in extensions if isinstance(name, str))
        return Session(result["id"], names, self.read_job(result.get("job")))

    def read_job(self, params: Any) -> Job:
        """Understand a job.

        Raises: PoolError.
        """
        if not isinstance(params, dict):
            raise self._fault("job_not_an_object", "a job must be an object")
        for name in ("job_id", "blob", "target"):
            if not isinstance(params.get(name), str) or not params[name]:
                raise self._fault(f"job_without_{name}", f"a job needs a {name}")
        algo = params["algo"] if isinstance(params.get("algo"), str) else ""
        blob, text = params["blob"].lower(), params["target"]
        self._check_blob(blob)
        if self._equihash is None:
            self._check_blob_algo(algo, params.get("seed_hash"))
            prefix = ""
        else:
            self._check_equihash(self._equihash, algo, params)
            prefix = self._prefix(blob, params)
        return Job(params["job_id"], blob, self._target(text), text, algo, prefix)

    # ---- parts of a line

    def _object(self, line: bytes) -> dict[str, Any] | None:
        if not line:
            return None
        if len(line) < LEAST_LINE_BYTES:
            self._stumble("line_too_short")
            return None
        if not line.startswith(b"{"):
            self._stumble("line_not_an_object")
            return None
        try:
            message: dict[str, Any] = msgspec.json.decode(line)
        except (ValueError, RecursionError):
            self._stumble("line_not_json")
            return None
        return message

    def _reply(self, number: int, message: dict[str, Any]) -> Reply | None:
        error, result = message.get("error"), message.get("result")
        if isinstance(error, dict):
            text = error.get("message")
            if not isinstance(text, str):
                raise self._fault("error_message_not_a_string", "an error needs a message")
            return Reply(number, False, result, text or "unknown")
        if error is not None:
            self._stumble("error_not_an_object")
        if isinstance(result, dict):
            return Reply(number, True, result, "")
        self._stumble("result_not_an_object")
        return None

    def _reconnect(self, params: Any) -> Reconnect | None:
        match params:
            case [str(host), str(port)] if port.isascii() and port.isdigit() and len(port) < 6:
                return Reconnect(host, int(port))
        self._stumble("reconnect_form")
        return None

    # ---- parts of a job

    def _check_blob(self, blob: str) -> None:
        least, most = blobwork.NONCE_AT + 4, MOST_BLOB_BYTES
        if self._equihash is not None:
            least = most = 64
        if len(blob) % 2:
            raise self._fault("blob_odd", "a blob has an even number of digits")
        if not is_hex(blob):
            raise self._fault("blob_not_hex", "a blob is hex")
        if len(blob) < 2 * least:
            raise self._fault("blob_too_short", f"a blob of {len(blob) // 2} bytes; {least} are needed")
        if len(blob) > 2 * most:
            raise self._fault("blob_too_long", f"a blob of {len(blob) // 2} bytes; {most} are taken")

    def _check_blob_algo(self, algo: str, seed_hash: Any) -> None:
        name = algo or blobwork.ALGO
        if name.partition("/")[0] not in BLOB_FAMILIES or name in ELSEWHERE:
            raise self._fault("algo_unknown", "not an algorithm of this miner")
        seeded = isinstance(seed_hash, str) and len(seed_hash) == SEED_DIGITS and is_hex(seed_hash)
        if name.startswith("rx/") and not seeded:
            raise self._fault("seed_hash_form", "RandomX needs a seed_hash of 64 hex digits")

    def _check_equihash(self, equihash: Equihash, algo: str, params: dict[str, Any]) -> None:
        if algo not in ("", equihash.name):
            raise self._fault("algo_unknown", "not an algorithm of this miner")
        person = equihash.person.decode("ascii", "replace")
        if params.get("pers", person) != person:
            raise self._fault("pers_unknown", "not the personalization of this miner")

    def _prefix(self, blob: str, params: dict[str, Any]) -> str:
        """Take xn, and hold everything against it that says the same once more."""
        xn = params.get("xn", "")
        if not isinstance(xn, str) or len(xn) % 2 or len(xn) > 64 or not is_hex(xn):
            raise self._fault("xn_form", "xn must be the beginning of a nonce, in hex")
        prefix, size = xn.lower(), len(xn) // 2
        if blob[64:] != prefix.ljust(64, "0"):
            raise self._fault("xn_contradicts_blob", "the nonce in the blob must be xn and zeros")
        if type(at := params.get("nonceoffset", 32 + size)) is not int or at != 32 + size:
            raise self._fault("nonceoffset_contradicts_xn", "nonceoffset must be that behind xn")
        if type(left := params.get("noncebytes", 32 - size)) is not int or left != 32 - size:
            raise self._fault("noncebytes_contradict_xn", "noncebytes must be what xn leaves")
        return prefix

    def _target(self, text: str) -> bytes:
        sizes = (8, 16) if self._equihash is None else (8, 16, 64)
        if len(text) not in sizes or not is_hex(text):
            raise self._fault("target_form", "a target is hex of one of the known lengths")
        if not text.strip("0"):
            raise self._fault("target_zero", "nothing is below a target of zero")
        if len(text) == 64:
            return bytes.fromhex(text)
        if self._equihash is None:
            return blobwork.target_from(text).to_bytes(8, "big") + bytes(24)
        return bytes.fromhex(text)[::-1].ljust(32, b"\0")

    def _stumble(self, name: str) -> None:
        self._violations[name] += 1

    def _fault(self, name: str, why: str) -> PoolError:
        self._stumble(name)
        return PoolError(why)
