"""Real shares from tests/vectors, and works to send them for."""

import functools
import json
from pathlib import Path

import attrs

from proxy.core.lanes import Lanes
from proxy.model.job import Job, Work
from proxy.model.share import Share
from proxy.model.target import MAX_TARGET

VECTORS = Path(__file__).parent.parent / "vectors"


@attrs.frozen
class Proof:
    """One line of a file of vectors.

    Args:
        header, nonce, solution: hex, as the file has them.
        value: BLAKE2b-256 of the three, read big-endian.
    """

    header: str
    nonce: str
    solution: str
    valid: bool
    value: int

    @property
    def prefix(self) -> str:
        """In a file of one job the miner's extranonce1: 8 bytes of the pool's, 2 that tell miners apart."""
        return self.nonce[:20]

    def share(self, work_id: str) -> Share:
        """The share that a miner would send for a work of this header."""
        return Share(work_id, self.nonce, self.solution, "")


@functools.cache
def proofs(name: str) -> tuple[Proof, ...]:
    """Read a file of vectors, for instance "equihash_48_5"; those of other coins are left out."""
    lines = (VECTORS / f"{name}.jsonl").read_text(encoding="ascii").splitlines()
    return tuple(
        Proof(
            header=line["header"],
            nonce=line["nonce"],
            solution=line["solution"],
            valid=line["valid"],
            value=int(line["difficulty_hash"] or "0", 16),
        )
        for line in map(json.loads, lines)
        if line["person"] == "AION0PoW"
    )


def a_job(
    header: str = "ab" * 32,
    target: int = MAX_TARGET,
    *,
    pool_id: str = "1",
    connection: int = 1,
    clean: bool = True,
) -> Job:
    """A job with as much said about it as the test cares for."""
    return Job("main", connection, pool_id, header, target, clean, received=0.0)


def flipped(text: str) -> str:
    """The same hex digits with the lowest bit of the last one turned."""
    return text[:-1] + f"{int(text[-1], 16) ^ 1:x}"


def content(work: Work) -> tuple[str, bytes, int]:
    """What a work's id stands for in a miner's eyes."""
    return work.job.header, work.target, work.job.connection


class Targets(Lanes):
    """Lanes of just these targets, which no difficulty may come to exactly; the first is the pool's own."""

    def __init__(self, *targets: int | None) -> None:
        super().__init__()
        self._given = (None, *targets)

    def __len__(self) -> int:
        return len(self._given)

    def target(self, lane: int) -> int | None:
        return self._given[lane]
