# The Equihash check in C.  Stateless; the global lock is held, a check being shorter than a hand-over.
#
# verify answers 0 for a valid proof, else the place of the flaw in reference.FLAWS.
# path: 0 portable, 1 avx2, 2 avx512; only those that paths() names may be asked for.

def verify(
    n: int,
    k: int,
    person: bytes,
    header: str | bytes,
    nonce: str | bytes,
    solution: str | bytes,
    path: int,
    /,
) -> int: ...
def share_value(header: str | bytes, nonce: str | bytes, solution: str | bytes, /) -> bytes: ...
def paths() -> tuple[str, ...]: ...
