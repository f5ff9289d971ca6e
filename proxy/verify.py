"""`sluice verify`: judges shares from JSON lines, one line of answer for each line read.

Strategy: the order of work is the proxy's own (core/validator.py) without what needs a connection:
sizes and digits, target, proof.  One value is hashed, all else is looked up or refused before it.
The trap: the lines come from anywhere, so whatever is wrong with one is its answer, never an exception,
and the next line is read as if nothing had been.
"""

import functools
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import attrs
import msgspec

from proxy.errors import MinerError, SluiceError
from proxy.model import target as targets
from proxy.model.hexdigits import is_hex
from proxy.model.proof import compact_size
from proxy.model.share import NONCE_DIGITS, Reason
from proxy.native import Equihash, share_value

MAX_LINE = 65_536  # the longest solution that can be asked for is 4 kB; the rest is room for other fields
# Header, nonce and a 4-byte index go into two blocks of BLAKE2b; Zcash's header has 108 bytes.
MAX_HEADER_BYTES = 2 * 128 - 32 - 4
PERSON_BYTES = 8
DEFAULTS = {"n": 210, "k": 9, "person": "AION0PoW"}

Outcome = dict[str, Any]  # what is printed: valid, reason, detail, value

_decode = msgspec.json.Decoder().decode


@attrs.frozen
class Claim:
    """One share to judge, its fields read.

    Args:
        header, nonce, solution: hex digits; the solution without its length prefix.
        proof: the check for its parameters.
        target: what its value must be below, None if that is not asked.
    """

    header: str
    nonce: str
    solution: str
    proof: Equihash
    target: int | None


def verify(lines: Iterable[bytes | str]) -> Iterator[Outcome]:
    """Judge every line.

    Args:
        lines: one JSON object each; only read as fast as the results are taken.
    Returns: for each line, in the same order, {"valid", "reason", "detail", "value"}: the reason is
        accepted, invalid_solution, low_difficulty or malformed; the detail says which rule is broken;
        the value is 64 hex digits, "" where there is none.
    Raises: nothing of its own.
    """
    return map(judge, lines)


def judge(line: bytes | str) -> Outcome:
    """Judge one line; see verify()."""
    try:
        claim = _read(line)
    except SluiceError as error:
        return _outcome(Reason.MALFORMED, str(error))
    value = _value(claim)
    needed = 2 * claim.proof.solution_bytes
    if len(claim.solution) != needed:
        detail = f"the solution has {len(claim.solution)} hex digits, not {needed}"
        return _outcome(Reason.MALFORMED, detail, value)
    if claim.target is not None and int.from_bytes(value, "big") >= claim.target:
        return _outcome(Reason.LOW_DIFFICULTY, "the value is not below the target", value)
    flaw = claim.proof.flaw(claim.header, claim.nonce, claim.solution)
    return _outcome(Reason.INVALID_SOLUTION if flaw else Reason.ACCEPTED, flaw, value)


def read_lines(stream: BinaryIO) -> Iterator[bytes]:
    """Take a stream apart into lines, in bounded memory.

    Args:
        stream: standard input, or any other.
    Returns: its lines without their ends; one over MAX_LINE is cut short, and so will be refused.
    """
    while line := stream.readline(MAX_LINE + 1):
        rest = line
        while len(rest) > MAX_LINE and not rest.endswith(b"\n"):
            rest = stream.readline(MAX_LINE + 1)
        yield line.removesuffix(b"\n")


def _outcome(reason: Reason, detail: str, value: bytes = b"") -> Outcome:
    return {
        "valid": reason is Reason.ACCEPTED,
        "reason": reason.value,
        "detail": detail,
        "value": value.hex(),
    }


def _value(claim: Claim) -> bytes:
    """Hash the share; nothing for one so long that no proof of any kind could be in it."""
    try:
        return share_value(claim.header, claim.nonce, claim.solution)
    except ValueError:
        return b""


_equihash = functools.lru_cache(maxsize=16)(Equihash)  # lines of one input rarely differ in parameters


def _read(line: bytes | str) -> Claim:
    """Read one line.

    Raises: SluiceError with what is wrong with it.
    """
    if len(line) > MAX_LINE:
        raise MinerError(f"a line of more than {MAX_LINE} bytes")
    try:
        fields = _decode(line)
    except RecursionError:
        raise MinerError("JSON nested too deeply") from None
    except ValueError:
        raise MinerError("not valid JSON") from None
    if not isinstance(fields, dict):
        raise MinerError("not a JSON object")
    proof = _proof(fields)
    header, nonce, solution = (_hex(fields, name) for name in ("header", "nonce", "solution"))
    if not 0 < len(header) <= 2 * MAX_HEADER_BYTES:
        raise MinerError(f"the header has {len(header)} hex digits, not 2 to {2 * MAX_HEADER_BYTES}")
    if len(nonce) != NONCE_DIGITS:
        raise MinerError(f"the nonce has {len(nonce)} hex digits, not {NONCE_DIGITS}")
    solution = _without_prefix(solution, proof.solution_bytes)
    return Claim(header, nonce, solution, proof, _target(fields))


def _proof(fields: dict[str, Any]) -> Equihash:
    n, k, person = (fields.get(name, default) for name, default in DEFAULTS.items())
    if type(n) is not int or type(k) is not int:
        raise MinerError("n and k must be whole numbers")
    if not isinstance(person, str) or len(person) != PERSON_BYTES or not person.isascii():
        raise MinerError(f"person must be {PERSON_BYTES} ASCII characters")
    return _equihash(n, k, person)


def _hex(fields: dict[str, Any], name: str) -> str:
    text = fields.get(name)
    if not isinstance(text, str):
        raise MinerError(f"{name} must be a string of hex digits")
    if len(text) % 2 or not is_hex(text):
        raise MinerError(f"{name} is not hex of whole bytes")
    return text


def _without_prefix(solution: str, length: int) -> str:
    """Take off the compactSize that miners send before a solution, if just that is there."""
    prefix = compact_size(length)
    whole = len(solution) == 2 * length + len(prefix)
    return solution[len(prefix) :] if whole and solution[: len(prefix)].lower() == prefix else solution


def _target(fields: dict[str, Any]) -> int | None:
    """Read target, or else difficulty; the target is the more exact of the two."""
    target, difficulty = fields.get("target"), fields.get("difficulty")
    if target is not None:
        if not isinstance(target, str) or len(target) != 64:
            raise MinerError("target must be 64 hex digits")
        return int(_hex(fields, "target"), 16)
    if difficulty is None:
        return None
    try:
        if isinstance(difficulty, bool) or not isinstance(difficulty, int | float):
            raise ValueError(difficulty)
        return targets.from_difficulty(difficulty)
    except (ValueError, OverflowError):
        raise MinerError("difficulty must be a number above 0") from None
