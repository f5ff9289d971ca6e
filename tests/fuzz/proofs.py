"""The target for the native check: whatever the C code says of a proof, the Python reference says, too.

An input is one byte for the parameters, one whose bits say which fields are bytes and not text, then
header, nonce and solution with commas between.

Strategy: the reference is what coverage is measured of, and the C code has to follow it; the corpus is
replayed with the sanitizers in it by tests/native/sanitize.sh.
"""

from collections.abc import Callable
from typing import Any

from proxy import native
from proxy.native import reference
from tests.fuzz.target import Target
from tests.native import vectors

PERSON = b"AION0PoW"


def _small_parameters() -> list[tuple[int, int]]:
    found = []
    for k in range(1, 6):
        for n in range(1, 129):
            try:
                reference.check_parameters(n, k, PERSON)
            except ValueError:
                continue
            found.append((n, k))
    return found


PARAMETERS = _small_parameters()
PLACE = PARAMETERS.index((48, 5))  # of the one that the seeds are of


def native_check(data: bytes) -> None:
    """Every path in C finds the flaw that the Python reference finds, or raises the same, for any fields."""
    if len(data) < 2:
        return
    n, k = PARAMETERS[data[0] % len(PARAMETERS)]
    parts = [*data[2:].split(b",", 2), b"", b""][:3]
    fields = tuple(
        part if data[1] >> place & 1 else part.decode("utf-8", "surrogateescape")
        for place, part in enumerate(parts)
    )
    found = {
        path: _outcome(native.Equihash(n, k, PERSON, path).flaw, *fields) for path in native.available_paths()
    }
    assert len(set(found.values())) == 1, (n, k, fields, found)
    values = {_outcome(native.share_value, *fields), _outcome(reference.share_value, *fields)}
    assert len(values) == 1, (fields, values)


def _outcome(function: Callable[..., object], *fields: Any) -> object:
    try:
        return function(*fields)
    except ValueError as error:
        return type(error).__name__, str(error)


def _seeds() -> list[bytes]:
    start = bytes([PLACE, 0])
    proofs = vectors.read("48_5")[::12]
    seeds = [start + ",".join(vector.share).encode() for vector in proofs]
    share = [bytes.fromhex(part) for part in proofs[0].share]
    seeds.append(bytes([PLACE, 7]) + b",".join(share))
    seeds.append(bytes([PLACE, 4]) + b"00,11," + share[2])
    return [*seeds, *(bytes([place, 4]) + b"ab,cd," + b"\0" * 9 for place in range(len(PARAMETERS)))]


TARGETS = (Target(native_check, _seeds, (b"0x", b",", b"00000000", b"ffffffff", b"\xc3\xa9"), most=1024),)
