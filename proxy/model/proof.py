"""How a solution is written: bare, behind its size, or as a list of indices; one form inside.

Strategy: both dialects' miners have their spellings, and length and type tell which one it is, so no
share is refused for its spelling.  Inside, and on the way out, it is the bare hex digits.
"""

from functools import lru_cache
from typing import Any

import attrs

from proxy.errors import MinerError


@lru_cache(maxsize=16)  # a proxy has one algorithm, and its tests some more
def compact_size(length: int) -> str:
    """Write a length as Bitcoin's compactSize, in hex: what stands before a solution on the wire.

    Args:
        length: bytes of the solution, below 65,536; 1408 gives "fd8005".
    """
    if length < 0xFD:
        return f"{length:02x}"
    return "fd" + length.to_bytes(2, "little").hex()


@attrs.frozen(slots=True)
class ProofForm:
    """The sizes of one algorithm's solutions.

    Args:
        indices: how many there are, 2^k; 512 for 210,9.
        index_bits: bits of one, n / (k + 1) + 1; 22 for 210,9.
        digits: hex digits of a bare solution.
        size_prefix: the compactSize that may stand before it, hex.
    """

    indices: int
    index_bits: int
    digits: int
    size_prefix: str

    @classmethod
    def of(cls, n: int, k: int) -> "ProofForm":
        """The form of an algorithm's solutions; "Equihash(n,k)" whose solutions fill whole bytes."""
        bits = n // (k + 1) + 1
        size = (bits << k) // 8
        return cls(1 << k, bits, 2 * size, compact_size(size))

    def bare(self, solution: str | list[Any]) -> str:
        """Return a solution as bare digits.

        Args:
            solution: as the miner wrote it; digits not yet checked for hex, indices for anything.
        Returns: the digits; of another length than `digits` if the miner's were.
        Raises: MinerError for what no spelling allows, saying what is wrong.
        """
        if not isinstance(solution, str):
            return self._packed(solution)
        if len(solution) != self.digits + len(self.size_prefix):
            return solution
        if solution[: len(self.size_prefix)].lower() != self.size_prefix:
            raise MinerError(f"a solution of this length starts with {self.size_prefix}")
        return solution[len(self.size_prefix) :]

    def _packed(self, indices: list[Any]) -> str:
        """Pack indices, the first one in the highest bits."""
        if len(indices) != self.indices:
            raise MinerError(f"a solution of {len(indices)} indices, {self.indices} expected")
        bits, most = self.index_bits, 1 << self.index_bits
        if not all(type(index) is int and 0 <= index < most for index in indices):
            raise MinerError(f"the indices of a solution are numbers from 0 to {most - 1}")
        return f"{int(''.join(f'{index:0{bits}b}' for index in indices), 2):0{self.digits}x}"
