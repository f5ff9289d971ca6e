"""The recorded proofs, and ways to break one."""

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

import msgspec
import pytest

from proxy.native.reference import pack, unpack

OWN = Path(__file__).parents[1] / "vectors"
EXTRA = "SLUICE_EXTRA_VECTORS"

OWN_FILES = ("210_9", "210_9_job", "200_9", "144_5", "96_5", "48_5", "48_5_job")
EXTRA_FILES = ("210_9_kernel", "zcash")  # other people's; read where they are, or skipped


class Vector(msgspec.Struct, frozen=True):
    """One line of a file of vectors; header, nonce and solution in hex."""

    n: int
    k: int
    person: str
    header: str
    nonce: str
    solution: str
    valid: bool
    kind: str
    fails: tuple[str, ...]
    difficulty_hash: str

    @property
    def share(self) -> tuple[str, str, str]:
        """What Equihash.flaw takes."""
        return self.header, self.nonce, self.solution


@cache
def read(name: str) -> tuple[Vector, ...]:
    """The vectors of a file; the test is skipped where an extra one is not to be had."""
    folder = OWN
    if name in EXTRA_FILES:
        if EXTRA not in os.environ:
            pytest.skip(f"{EXTRA} names no directory")
        folder = Path(os.environ[EXTRA])
    lines = (folder / f"equihash_{name}.jsonl").read_bytes().splitlines()
    return tuple(msgspec.json.decode(line, type=Vector) for line in lines)


def valid(name: str) -> tuple[Vector, ...]:
    """The valid ones of a file."""
    return tuple(vector for vector in read(name) if vector.valid)


def mutants(vectors: tuple[Vector, ...], count: int, seed: int) -> Iterator[tuple[Vector, bytes]]:
    """Break valid proofs in many ways, the same ones for the same seed.

    Returns: pairs of a vector and a solution to take the place of its own.
    """
    dice = Random(seed)
    for _ in range(count):
        vector = dice.choice(vectors)
        yield vector, _broken(dice, vector, dice.choice(vectors))


def _broken(dice: Random, vector: Vector, other: Vector) -> bytes:
    n, k = vector.n, vector.k
    solution = bytes.fromhex(vector.solution)
    indices = unpack(n, k, solution)
    most = (2 << n // (k + 1)) - 1
    height = dice.randrange(k)
    half = 1 << height
    at = dice.randrange(len(indices) // half) * half
    way = dice.randrange(8)
    if way == 0:
        place = dice.randrange(8 * len(solution))
        flipped = int.from_bytes(solution, "big") ^ 1 << place
        return flipped.to_bytes(len(solution), "big")
    if way == 1:  # the two halves of a node change places: only the order breaks
        at = at // (2 * half) * 2 * half
        indices[at : at + 2 * half] = indices[at + half : at + 2 * half] + indices[at : at + half]
    elif way == 2:  # a subtree of another proof
        indices[at : at + half] = unpack(n, k, bytes.fromhex(other.solution))[at : at + half]
    elif way == 3:  # a subtree twice
        to = dice.randrange(len(indices) // half) * half
        indices[to : to + half] = indices[at : at + half]
    elif way == 4:
        indices = sorted(dice.sample(range(most + 1), len(indices)))
    elif way == 5:
        indices[dice.randrange(len(indices))] = dice.randint(0, most)
    elif way == 6:  # the last leaf only, and upwards, so that the order may hold
        indices[-1] = dice.randint(indices[-2], most)
    else:
        return dice.randbytes(len(solution))
    return pack(n, k, indices)
