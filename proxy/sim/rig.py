"""The miner's machine: rolls nonces of its own slice and solves them.

Strategy: a source gives the proofs of one nonce after the other; the usual one solves, another may hand
out ready proofs where solving takes too long (210,9).  dig() goes on until a proof's value is on the
wanted side of the target.  Nonces are counted up as the reference miner does, from zero for each job,
right behind extranonce1: if two miners were ever given the same slice, their nonces would meet.  Blob
work has a nonce of four bytes and its slice at the end of it; all else is the same, a hash for a proof.
"""

import random
from collections.abc import Callable

import attrs
import trio

from proxy.errors import SluiceError
from proxy.native import Equihash, share_value
from proxy.sim import blobwork

TURN_SECONDS = 0.001  # of solving before other tasks get theirs
MOST_NONCES = 200_000  # tried for one share; the difficulty is out of all proportion after that
MOST_SPARE = 16  # solutions kept of one nonce


@attrs.frozen(slots=True)
class Proof:
    """A nonce of 64 hex digits and a solution to it, bare hex; in blob work 8 digits and the result."""

    nonce: str
    solution: str


@attrs.define(slots=True, eq=False)
class Task:
    """A job as a miner works on it.

    Args:
        id: as the server gave it.
        header: 64 hex digits.
        target: 32 bytes big-endian.
        prefix: the extranonce1 that holds for it, hex.
        counter: the next nonce.
        last: the latest good share sent for it.
        spare: further solutions of the latest nonce.
        again: the header and prefix are those of the job before, so the same shares are found again.
        session, algo: what a submit in the login dialect says besides; "" for nothing.
    """

    id: str
    header: str
    target: bytes
    prefix: str
    counter: int = 0
    last: Proof | None = None
    spare: list[Proof] = attrs.field(factory=list)
    again: bool = False
    session: str = ""
    algo: str = ""

    def next_nonce(self) -> str:
        """Roll: 64 hex digits."""
        size = 32 - len(self.prefix) // 2
        self.counter += 1
        rolled = (self.counter - 1) & ((1 << 8 * min(size, 8)) - 1)
        return self.prefix + rolled.to_bytes(min(size, 8), "little").ljust(size, b"\0").hex()

    def value(self, proof: Proof) -> bytes:
        """What is compared with the target, 32 bytes big-endian."""
        return share_value(self.header, proof.nonce, proof.solution)

    def neighbour(self, source: random.Random) -> "Task | None":
        """The same job in a slice that is not the miner's own; None when the whole nonce is its own."""
        if not self.prefix:
            return None
        # Only the last digit before the rollable part is another.
        digit = f"{int(self.prefix[-1], 16) ^ source.randrange(1, 16):x}"
        return attrs.evolve(self, prefix=self.prefix[:-1] + digit, spare=[], last=None)


@attrs.define(slots=True, eq=False)
class BlobTask(Task):
    """Blob work; header is the whole blob as it came, the nonce in it included.

    Args:
        prefix: the last of the four nonce bytes, if it is fixed, else "".
    """

    def next_nonce(self) -> str:
        """Roll: 8 hex digits, counted in the bytes that are free."""
        size = 4 - len(self.prefix) // 2
        self.counter += 1
        rolled = (self.counter - 1) & ((1 << 8 * size) - 1)
        return rolled.to_bytes(size, "little").hex() + self.prefix

    def value(self, proof: Proof) -> bytes:
        """The 8 bytes that are compared, and 24 of zeros that decide nothing."""
        return blobwork.value(proof.solution).to_bytes(8, "big") + bytes(24)


Source = Callable[[Task], list[Proof] | None]
"""Gives the proofs of the task's next nonce, often none; None when there are no more to give."""


def solving(equihash: Equihash) -> Source:
    """Make the source that really solves."""
    from proxy.sim.solver import solve

    def source(task: Task) -> list[Proof]:
        nonce = task.next_nonce()
        found = solve(equihash, bytes.fromhex(task.header), bytes.fromhex(nonce))
        return [Proof(nonce, solution.hex()) for solution in found]

    return source


def hashing(task: Task) -> list[Proof]:
    """The source of blob work."""
    nonce = task.next_nonce()
    return [Proof(nonce, blobwork.result(task.header, nonce))]


def difficulty_of(target: bytes) -> float:
    """How many solutions a share takes."""
    return 2**256 / max(1, int.from_bytes(target, "big"))


class Rig:
    """Digs for shares.

    Args:
        all_solutions: every solution of a nonce is used, as real miners do, not just one.  The pools
            then call the second of a nonce a duplicate.
    """

    def __init__(self, source: Source, all_solutions: bool = False) -> None:
        self._source = source
        self._all = all_solutions

    async def dig(self, task: Task, below: bool = True) -> Proof | None:
        """Find the next share.

        Args:
            below: whether its value shall meet the target or miss it.
        Returns: None when the source is exhausted.
        Raises: SluiceError when the difficulty is too high for a simulation.
        """
        if below and self._all and task.spare:
            return task.spare.pop()
        turn_ends = trio.current_time() + TURN_SECONDS
        for _ in range(MOST_NONCES):
            if trio.current_time() > turn_ends:
                await trio.lowlevel.checkpoint()
                turn_ends = trio.current_time() + TURN_SECONDS
            proofs = self._source(task)
            if proofs is None:
                return None
            fitting = [p for p in proofs if self.meets(task, p) == below]
            if fitting:
                task.spare = fitting[1 : MOST_SPARE + 1] if below else task.spare
                return fitting[0]
        difficulty = difficulty_of(task.target)
        raise SluiceError(f"no share in {MOST_NONCES} nonces at difficulty {difficulty:g}: ask for less")

    async def dig_any(self, task: Task) -> Proof | None:
        """Find the next proof, whatever its value."""
        while (proofs := self._source(task)) is not None:
            if proofs:
                return proofs[0]
            await trio.lowlevel.checkpoint()
        return None

    @staticmethod
    def meets(task: Task, proof: Proof) -> bool:
        """Whether a proof's value is below the task's target."""
        return task.value(proof) < task.target
