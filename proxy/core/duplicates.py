"""Shares seen before, for one header hash.

Strategy: the key is the share's value, the hash over header, nonce and solution, which the target test
needs anyway; nTime is no part of it.  Two generations of bounded size: when the younger is full it
becomes the older, and the older is forgotten.
"""

# Two of these, some 110 bytes an entry: at most 14 MB for a header that 130,000 shares were sent for.
GENERATION = 65_536


class Duplicates:
    """Remembers the last shares of one header."""

    __slots__ = ("_old", "_young", "generation")

    def __init__(self, generation: int = GENERATION) -> None:
        self.generation = generation
        self._young: set[bytes] = set()
        self._old: set[bytes] = set()

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def seen(self, value: bytes) -> bool:
        """Tell whether a share came before, and remember it.

        Args:
            value: its 32-byte hash.
        """
        young = self._young
        if value in young or value in self._old:
            return True
        if len(young) >= self.generation:
            self._old = young
            self._young = young = set()
        young.add(value)
        return False
