"""Shares that deserve a refusal, each wrong in one way only.

Strategy: a bad share that is bad in two ways proves nothing about the check it is meant for.  So a false
proof is ground until its value meets the target (a hash costs little), a low share carries a true proof,
a foreign nonce a true proof as well.  What cannot be made now (no job before this one, a target that all
meet) is None, and the miner sends a good share instead.  How a share is written is the dialect's part,
its Pen: aion_faults.py and login_faults.py.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import attrs
import trio

from proxy.errors import ConfigError
from proxy.native import Equihash, reference
from proxy.sim.rig import Proof, Rig, Task
from proxy.sim.verdicts import Kind

HASHES_A_TURN = 256  # about half a millisecond
MOST_HASHES = 1_000_000
RESULT_BYTES = 32  # of a blob's hash, which is all there is of a proof
UNKNOWN_IDS = ("nosuchjob", "fffffffffffffff0", "")

Candidates = Callable[[], Proof]


@attrs.frozen
class Mix:
    """How often a miner does what: weights by kind."""

    weights: Mapping[Kind, float] = attrs.field(factory=lambda: {Kind.GOOD: 1.0})

    @weights.validator
    def _check(self, _attribute: object, weights: Mapping[Kind, float]) -> None:
        if not all(0 <= weight < float("inf") for weight in weights.values()) or sum(weights.values()) <= 0:
            raise ConfigError("a mix needs weights of 0 and above, and one that is above 0")

    @classmethod
    def parse(cls, items: Iterable[str]) -> "Mix":
        """Read weights such as "good=95,low=2"; a lone kind stands for weight 1.

        Args:
            items: any number of such texts.
        Raises: ConfigError.
        """
        weights: dict[Kind, float] = {}
        for item in ",".join(items).split(","):
            name, _, weight = item.strip().partition("=")
            if not name:
                continue
            try:
                weights[Kind(name)] = float(weight or 1)
            except ValueError:
                raise ConfigError(
                    f'"{item}" in a mix: KIND=WEIGHT expected, with KIND one of {", ".join(Kind)}'
                ) from None
        return cls(weights or {Kind.GOOD: 1.0})

    def draw(self, source: random.Random) -> Kind:
        """Draw what to do next."""
        return source.choices(list(self.weights), list(self.weights.values()))[0]


@attrs.frozen(slots=True)
class Shot:
    """A share ready to be sent.

    Args:
        kind: what is wrong with it, GOOD for nothing.
        task: the job it is for.
        params: the JSON text behind "params"; None to send no params at all.
    """

    kind: Kind
    task: Task
    params: bytes | None


class Pen(Protocol):
    """Writes shares as one dialect has them; what it writes is the JSON text behind "params"."""

    def share(self, task: Task, proof: Proof, job_id: str) -> bytes:
        """Write a share."""

    def foreign(self, task: Task, proof: Proof) -> bytes:
        """Write a share whose nonce is of another slice than the task's."""

    def malformed(self, task: Task, source: random.Random) -> bytes | None:
        """Write a share with wrong sizes, digits or types; nothing else of it will be looked at.

        Returns: None for a request without params.
        """


class Forge:
    """Makes shares of every kind.

    Args:
        pen: writes them.
        equihash: None for blob work.
    """

    def __init__(self, rig: Rig, source: random.Random, pen: Pen, equihash: Equihash | None) -> None:
        self._rig = rig
        self._random = source
        self._pen = pen
        self._equihash = equihash
        self._proof_bytes = RESULT_BYTES if equihash is None else equihash.solution_bytes

    async def make(self, kind: Kind, task: Task, previous: Task | None) -> Shot | None:
        """Make a share.

        Args:
            task: the current job.
            previous: the one before it.
        Returns: None if one of this kind cannot be made now.
        """
        match kind:
            case Kind.STALE:
                if previous is None or previous.prefix != task.prefix or previous.header == task.header:
                    return None
                return self._shot(kind, previous, await self._rig.dig(previous))
            case Kind.DUPLICATE:
                return self._shot(kind, task, task.last)
            case Kind.LOW:
                # A target that practically everything meets leaves nothing above it.
                easy = task.target >= b"\xff\x00" + bytes(30)
                return None if easy else self._shot(kind, task, await self._rig.dig(task, below=False))
            case Kind.MALFORMED:
                return Shot(kind, task, self._pen.malformed(task, self._random))
            case Kind.WRONG_SLICE:
                return await self._wrong_slice(task)
            case Kind.BAD_PROOF:
                return self._shot(kind, task, await self._ground(task, self._random_proof(task.next_nonce())))
            case Kind.NEAR_MISS:
                return await self._near_miss(task)
            case Kind.UNKNOWN_JOB:
                proof = await self._rig.dig(task)
                job_id = self._random.choice(UNKNOWN_IDS)
                return None if proof is None else Shot(kind, task, self._pen.share(task, proof, job_id))
        return await self.good(task, kind)

    async def good(self, task: Task, kind: Kind = Kind.GOOD) -> Shot | None:
        """Make a good share, and remember it for duplicates."""
        proof = await self._rig.dig(task)
        shot = self._shot(kind, task, proof)
        if kind is Kind.GOOD and proof is not None:
            task.last = proof
        return shot

    def _shot(self, kind: Kind, task: Task, proof: Proof | None) -> Shot | None:
        return None if proof is None else Shot(kind, task, self._pen.share(task, proof, task.id))

    # ---- one way to be wrong each

    async def _wrong_slice(self, task: Task) -> Shot | None:
        other = task.neighbour(self._random)
        if other is None:
            return None
        proof = await self._rig.dig(other)
        task.counter = other.counter
        return None if proof is None else Shot(Kind.WRONG_SLICE, task, self._pen.foreign(task, proof))

    async def _near_miss(self, task: Task) -> Shot | None:
        """A true solution with halves swapped somewhere in its tree: nothing but the order is wrong."""
        if self._equihash is None or (proof := await self._rig.dig_any(task)) is None:
            return None
        n, k = self._equihash.n, self._equihash.k
        indices = reference.unpack(n, k, bytes.fromhex(proof.solution))

        def swapped() -> Proof:
            return Proof(proof.nonce, reference.pack(n, k, self._swap(indices, k)).hex())

        return self._shot(Kind.NEAR_MISS, task, await self._ground(task, swapped))

    def _swap(self, indices: list[int], k: int) -> list[int]:
        """Swap the halves of one to three nodes; two swaps of one node would undo each other."""
        swapped = list(indices)
        nodes = [
            (start, half)
            for half in (2**height for height in range(k))
            for start in range(0, len(indices), 2 * half)
        ]
        for start, half in self._random.sample(nodes, self._random.randint(1, 3)):
            middle, end = start + half, start + 2 * half
            swapped[start:end] = swapped[middle:end] + swapped[start:middle]
        return swapped

    def _random_proof(self, nonce: str) -> Candidates:
        return lambda: Proof(nonce, self._random.randbytes(self._proof_bytes).hex())

    async def _ground(self, task: Task, candidate: Candidates) -> Proof | None:
        for number in range(1, MOST_HASHES):
            if number % HASHES_A_TURN == 0:
                await trio.lowlevel.checkpoint()
            proof = candidate()
            if self._rig.meets(task, proof):
                return proof
        return None
