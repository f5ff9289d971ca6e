"""How the login dialect writes a share, and how it may be misspelt.

Strategy: a share is an object of named members, and the misspelt one has a single member wrong.  A server
may take a solution in several spellings; the pen has one, chosen once.
The trap: 48,5's solution without four bytes is as long as a share value, so for the spelling that puts
solutions into `result` such a share lacks a solution instead of having a short one.  Malformed it is.
"""

import random
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from proxy.model.proof import compact_size
from proxy.native import Equihash, reference
from proxy.sim.rig import Proof, Task

SPELLINGS: Final = ("solution", "prefixed", "output", "pow", "result")
"""How a solution can be written: bare, behind its size, as Beam, as Grin, and by clients of four members."""

_ABSENT: Final = object()
_WRONG_TYPES: Final[tuple[object, ...]] = (7, None, ["ab"], {}, True, _ABSENT)


def _write(members: Mapping[str, object]) -> bytes:
    return msgspec.json.encode({name: value for name, value in members.items() if value is not _ABSENT})


class _Pen(ABC):
    """What both kinds of work have in common.

    Args:
        extra: members that go to the end of every submit.
    """

    def __init__(self, extra: Mapping[str, object] | None = None) -> None:
        self._extra = dict(extra or {})

    def share(self, task: Task, proof: Proof, job_id: str) -> bytes:
        """Write a share."""
        return _write(self._members(task, proof, job_id))

    def foreign(self, task: Task, proof: Proof) -> bytes:
        """Write a share of another slice; the nonce is whole in any case."""
        return self.share(task, proof, task.id)

    def malformed(self, task: Task, source: random.Random) -> bytes:
        """Write a share with one member wrong."""
        members = self._members(task, self._some_proof(task, source), task.id)
        name, value = source.choice(self._flaws(members))
        return _write({**members, name: value})

    def _members(self, task: Task, proof: Proof, job_id: str) -> dict[str, Any]:
        algo = {"algo": task.algo} if task.algo else {}
        given = {"id": task.session, "job_id": job_id, **self._work(task, proof), **algo}
        return {**given, **self._extra}

    @abstractmethod
    def _work(self, task: Task, proof: Proof) -> dict[str, Any]:
        """What the two kinds do not have in common."""

    @abstractmethod
    def _some_proof(self, task: Task, source: random.Random) -> Proof:
        """Something of the right sizes; it proves nothing."""

    @abstractmethod
    def _flaws(self, members: dict[str, Any]) -> list[tuple[str, object]]:
        """Every member that can be wrong, with what it then is."""


def _text_flaws(name: str, text: str) -> list[tuple[str, object]]:
    """A text that is too short, too long, not hex, of another type, or not there."""
    wrong: list[object] = [text[:-8], text[:-2], text + "0000", text[:-1] + "g", "", *_WRONG_TYPES]
    return [(name, value) for value in wrong]


class LoginPen(_Pen):
    """Writes Equihash shares.

    Args:
        spelling: one of SPELLINGS.
    """

    def __init__(
        self, equihash: Equihash, spelling: str = "solution", extra: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(extra)
        self._equihash = equihash
        self._spelling = spelling
        self._key = "solution" if spelling == "prefixed" else spelling

    def _work(self, task: Task, proof: Proof) -> dict[str, Any]:
        return {
            "nonce": proof.nonce,
            "result": task.value(proof).hex(),
            self._key: self._spelt(proof.solution),
            "ntime": f"{int(time.time()):016x}",
        }

    def _spelt(self, solution: str) -> str | list[int]:
        if self._spelling == "pow":
            return reference.unpack(self._equihash.n, self._equihash.k, bytes.fromhex(solution))
        size = compact_size(self._equihash.solution_bytes) if self._spelling == "prefixed" else ""
        return size + solution

    def _some_proof(self, task: Task, source: random.Random) -> Proof:
        return Proof(task.next_nonce(), source.randbytes(self._equihash.solution_bytes).hex())

    def _flaws(self, members: dict[str, Any]) -> list[tuple[str, object]]:
        solution = members[self._key]
        flaws = _text_flaws("nonce", members["nonce"])
        if isinstance(solution, str):
            flaws += _text_flaws(self._key, solution)
        else:
            wrong = [solution[:-1], [*solution, 1], [*solution[:-1], "1"], [-1, *solution[1:]], *_WRONG_TYPES]
            flaws += [(self._key, value) for value in wrong]
        if self._spelling == "prefixed":
            # Without as many digits as the size has, it would be as long as a bare one, and pass for one.
            size = len(compact_size(self._equihash.solution_bytes))
            flaws = [flaw for flaw in flaws if flaw != (self._key, solution[:-size])]
            flaws.append((self._key, "ff" * (size // 2) + solution[size:]))
        return flaws


class BlobPen(_Pen):
    """Writes shares of blob work: the nonce as it stands in the blob, and the result."""

    def _work(self, _task: Task, proof: Proof) -> dict[str, Any]:
        return {"nonce": proof.nonce, "result": proof.solution}

    def _some_proof(self, task: Task, source: random.Random) -> Proof:
        return Proof(task.next_nonce(), source.randbytes(32).hex())

    def _flaws(self, members: dict[str, Any]) -> list[tuple[str, object]]:
        return _text_flaws("nonce", members["nonce"]) + _text_flaws("result", members["result"])
