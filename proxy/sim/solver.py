"""A small Equihash solver: simulated miners find real shares with it.

Strategy: Wagner's algorithm, in C (_solver.c) where it was built and here in Python where not; both find
the same set.  48,5 takes about 0.1 ms a nonce and yields two proofs in three nonces, 96,5 some 15 ms; 210,9
wants 650 MB and is refused.  Here: the search.  Not here: the check, which is proxy.native's and which
every proof passes.
The trap: rows that share a leaf and have nothing left of their XOR would breed, each with each; they
are dropped as they arise.
"""

from collections import defaultdict
from collections.abc import Callable
from itertools import combinations

from proxy.errors import ConfigError
from proxy.native import Equihash
from proxy.native.reference import MAX_INPUT, Leaves, pack

Search = Callable[[int, int, bytes, bytes], list[bytes]]
Indices = tuple[int, ...]

MAX_COLLISION_BITS = 16
MAX_HEIGHT = 7
MAX_BITS = 128
MIN_MARGIN = 3  # with fewer leaves, rows that share one outnumber the others and breed


def search(n: int, k: int, person: bytes, message: bytes) -> list[bytes]:
    """The twin of _solver.solve.

    Args:
        n, k, person: as proxy.native.reference.check_parameters has them.
        message: header and nonce.
    Returns: all proofs, packed, in order.
    Raises: ValueError for a message of more than 252 bytes.
    """
    if len(message) > MAX_INPUT:
        raise ValueError("header and nonce together must be at most 252 bytes")
    collision_bits = n // (k + 1)
    count = 2 << collision_bits
    leaves = Leaves(n, k, person, message)
    a_digest = 512 // n
    hashes = [leaf for number in range(-(-count // a_digest)) for leaf in leaves.digest(number)]
    rows: list[tuple[int, Indices]] = [(leaf, (index,)) for index, leaf in enumerate(hashes[:count])]
    for height in range(1, k):
        rows = _pair_up(rows, n - collision_bits * height)
    proofs = [indices for left, indices in _pair_up(rows, 0) if not left]
    return sorted(pack(n, k, list(indices)) for indices in proofs if len(set(indices)) == 2**k)


def _pair_up(rows: list[tuple[int, Indices]], left_bits: int) -> list[tuple[int, Indices]]:
    """Join rows that agree in all but the last left_bits bits, the lesser first leaf in front."""
    buckets = defaultdict(list)
    for row in rows:
        buckets[row[0] >> left_bits].append(row)
    born = []
    for bucket in buckets.values():
        for (one, left), (other, right) in combinations(bucket, 2):
            indices = left + right if left < right else right + left
            if one != other or len(set(indices)) == len(indices):
                born.append((one ^ other, indices))
    return born


def _choose() -> tuple[str, Search]:
    try:
        from proxy.sim import _solver
    except ImportError:
        return "python", search
    return "native", _solver.solve


PATH, _search = _choose()


def solve(params: Equihash, header: bytes, nonce: bytes) -> list[bytes]:
    """Find all proofs for a header and a nonce.

    Args:
        params: n / (k + 1) at most 16 and at least k + 3, k at most 7, n at most 128.
        header, nonce: together at most 252 bytes.
    Returns: the proofs, packed, each of which params.flaw(header, nonce, proof) finds flawless.
    Raises: ConfigError for other parameters; ValueError for longer input.
    """
    n, k = params.n, params.k
    if n // (k + 1) > MAX_COLLISION_BITS or k > MAX_HEIGHT or n > MAX_BITS:
        raise ConfigError(f"{params.name} is too large to be solved here: equihash/48_5 and 96_5 are not")
    if n // (k + 1) < k + MIN_MARGIN:
        raise ConfigError(f"{params.name} has too few leaves to be solved: N / (K + 1) is below K + 3")
    return _search(n, k, params.person, header + nonce)
