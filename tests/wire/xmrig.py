"""What XMRig makes of a server's lines: each of its demands that a line alone decides.

Written from what the real program does, not from what ours writes, so that the tests of the writers have
somebody to ask.  What makes it close the connection raises HangsUp; what it silently passes over, and so
would wait for until it gives up, raises Unheard.
"""

import json
from typing import Any

import attrs

OFFSETS = {"rx/0": 39, "rx/wow": 39, "cn/r": 39, "cn-pico": 39, "ghostrider": 76, "rx/yada": 147}
FATAL = ("unauthenticated", "your ip is banned", "ip address currently banned", "invalid job id")
MOST_LINE = 16_384  # the longest its own proxy would send it
LEAST_LINE = 32  # shorter ones are no messages to it
BLOB_BYTES = 408


class HangsUpError(Exception):
    """It closes the connection."""


class UnheardError(Exception):
    """It goes on as if nothing had been said."""


@attrs.frozen
class Job:
    """A job as it is taken.

    Args:
        target: of 64 bits; the last eight bytes of a hash must be below it.
        top: the byte of the nonce it leaves alone, None if it rolls all four.
    """

    id: str
    blob: bytes
    target: int
    top: int | None


@attrs.frozen
class Session:
    """A login that was answered."""

    id: str
    job: Job
    extensions: frozenset[str]


def read(line: bytes) -> dict[str, Any]:
    """One line as it comes off the socket."""
    assert line.endswith(b"\n")
    if not LEAST_LINE <= len(line) <= MOST_LINE or b"\n" in line[:-1]:
        raise UnheardError("no line for its reader")
    message = json.loads(line)
    assert isinstance(message, dict)
    return message


def hear_job(line: bytes, pools_algorithm: str | None = None) -> Job:
    """A line that is to be a job."""
    message = read(line)
    if message.get("id") is not None or message.get("method") != "job":
        raise UnheardError("no notification of a job")
    return take_job(message.get("params"), pools_algorithm)


def hear_session(line: bytes, pools_algorithm: str | None = None) -> Session:
    """A line that is to answer its login, whose id is always 1."""
    message = read(line)
    if message.get("id") != 1 or isinstance(message.get("error"), dict):
        raise HangsUpError("login refused, or not answered")
    result = message.get("result")
    if not isinstance(result, dict) or not isinstance(result.get("id"), str) or not result["id"]:
        raise HangsUpError("login error code: 1")
    extensions = frozenset(result.get("extensions") or ())
    return Session(result["id"], take_job(result.get("job"), pools_algorithm), extensions)


def hear_verdict(line: bytes, request_id: int) -> str:
    """A line that is to answer a submit: "" for accepted, else the text of the refusal."""
    message = read(line)
    if type(message.get("id")) is not int or message["id"] != request_id:
        raise UnheardError("an answer to nothing")
    error = message.get("error")
    if isinstance(error, dict):
        text = error.get("message")
        if not isinstance(text, str):
            raise HangsUpError("an error without a text")
        if text.lower().startswith(FATAL):
            raise HangsUpError(text)
        return text
    if not isinstance(message.get("result"), dict):
        raise UnheardError("the share is never counted")
    return ""


def take_job(params: Any, pools_algorithm: str | None = None) -> Job:
    """The object of a job."""
    if not isinstance(params, dict):
        raise HangsUpError("login error code: 2")
    text = {name: params.get(name) for name in ("job_id", "blob", "target", "algo", "seed_hash")}
    if not isinstance(text["job_id"], str) or not text["job_id"]:
        raise HangsUpError("login error code: 3")
    algorithm = text["algo"] or pools_algorithm
    if algorithm not in OFFSETS:
        raise HangsUpError("login error code: 6")
    at = OFFSETS[algorithm]
    blob = _bytes(text["blob"])
    if not at + 4 <= len(blob) < BLOB_BYTES:
        raise HangsUpError("login error code: 4")
    target = _target(text["target"], algorithm)
    if not target:
        raise HangsUpError("login error code: 5")
    if algorithm.startswith("rx/") and len(_bytes(text["seed_hash"])) != 32:
        raise HangsUpError("login error code: 7")
    return Job(text["job_id"], blob, target, blob[at + 3] if any(blob[at : at + 4]) else None)


def _bytes(text: Any) -> bytes:
    try:
        return bytes.fromhex(text) if text.isalnum() else b""
    except (ValueError, AttributeError):
        return b""


def _target(text: Any, algorithm: str) -> int:
    if not isinstance(text, str) or len(text) < 4:
        return 0
    if algorithm == "rx/yada":
        return int(text, 16) if len(text) <= 16 else 0
    number = int.from_bytes(_bytes(text), "little")
    if len(text) == 8 and number:
        return (2**64 - 1) // ((2**32 - 1) // number)
    return number if len(text) == 16 else 0
