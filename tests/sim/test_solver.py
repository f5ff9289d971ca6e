"""The solver: every proof passes the check, none is missed, and C and Python find the same."""

from collections.abc import Callable

import pytest

from proxy.errors import ConfigError
from proxy.native import Equihash, reference
from proxy.sim import solver
from tests.native.vectors import valid

SMALL = Equihash(48, 5)
HEADER = bytes(range(32))


def nonce(number: int) -> bytes:
    """The number as 32 bytes."""
    return number.to_bytes(32, "little")


@pytest.fixture(params=[pytest.param(solver._search, id=solver.PATH), pytest.param(solver.search, id="twin")])
def solve(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[bytes]]:
    """Solve as a caller does, by C or by its twin."""
    monkeypatch.setattr(solver, "_search", request.param)
    return solver.solve


class TestSolve:
    """The same for both."""

    def test_every_proof_passes(self, solve: Callable[..., list[bytes]]) -> None:
        """And there are as many as there should be: two nonces give three or so, never the same twice."""
        found = [
            (nonce(number), proof) for number in range(60) for proof in solve(SMALL, HEADER, nonce(number))
        ]
        assert all(SMALL.flaw(HEADER, *share) == "" for share in found)
        assert len(set(found)) == len(found)
        assert 25 <= len(found) <= 80

    def test_recorded_proofs_are_found(self, solve: Callable[..., list[bytes]]) -> None:
        """What somebody else's solver found, this one finds as well."""
        for vector in valid("48_5")[:40]:
            header, salt, proof = map(bytes.fromhex, vector.share)
            assert proof in solve(Equihash(48, 5, vector.person), header, salt)

    @pytest.mark.parametrize(("n", "k"), [(24, 3), (32, 3), (40, 4), (60, 5)])
    def test_other_parameters(self, solve: Callable[..., list[bytes]], n: int, k: int) -> None:
        """General for small ones."""
        equihash = Equihash(n, k)
        found = [
            (nonce(number), proof) for number in range(6) for proof in solve(equihash, HEADER, nonce(number))
        ]
        assert found
        assert all(equihash.flaw(HEADER, *share) == "" for share in found)

    def test_a_person_of_ones_own(self, solve: Callable[..., list[bytes]]) -> None:
        """It goes into every hash."""
        other = Equihash(48, 5, "ZcashPoW")
        proofs = [(nonce(n), proof) for n in range(8) for proof in solve(other, HEADER, nonce(n))]
        assert proofs
        assert all(other.flaw(HEADER, *share) == "" != SMALL.flaw(HEADER, *share) for share in proofs)

    def test_input_too_long(self, solve: Callable[..., list[bytes]]) -> None:
        """A caller's mistake."""
        with pytest.raises(ValueError):
            solve(SMALL, bytes(221), bytes(32))


def test_both_find_the_same() -> None:
    """As sets and in the same order, over many nonces."""
    for number in range(100):
        message = HEADER + nonce(number)
        assert solver._search(48, 5, b"AION0PoW", message) == solver.search(48, 5, b"AION0PoW", message)


def test_none_is_missed_at_96_5() -> None:
    """The larger of the two sizes: recorded proofs again."""
    for vector in valid("96_5")[:2]:
        header, salt, proof = map(bytes.fromhex, vector.share)
        assert proof in solver.solve(Equihash(96, 5, vector.person), header, salt)


@pytest.mark.parametrize(("n", "k"), [(210, 9), (144, 5), (200, 9), (32, 7), (24, 5)])
def test_refused(n: int, k: int) -> None:
    """Too large for a simulated miner, or too small for the way it searches."""
    with pytest.raises(ConfigError, match=f"equihash/{n}_{k} "):
        solver.solve(Equihash(n, k), HEADER, nonce(0))


def test_canonical_order() -> None:
    """The first index of a proof is its least."""
    proofs = [proof for number in range(8) for proof in solver.solve(SMALL, HEADER, nonce(number))]
    for proof in proofs:
        indices = reference.unpack(48, 5, proof)
        assert indices[0] == min(indices)
