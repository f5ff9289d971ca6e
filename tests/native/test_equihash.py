"""The check itself: one class of tests, run against every path this machine can take.

"python" is the reference and among them, so the C code and its oracle answer the same questions.
"""

import gc
import os
import subprocess
import sys
import tracemalloc
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy import native
from proxy.errors import ConfigError
from proxy.native import FLAWS, PATH, Equihash, available_paths, reference, share_value
from tests.native.vectors import EXTRA_FILES, OWN_FILES, Vector, mutants, read, valid

C_PATHS = [path for path in available_paths() if path != "python"]
needs_c = pytest.mark.skipif(not C_PATHS, reason="the C extension was not built")

# The oracle takes a millisecond a proof of 512 leaves, so it sees a part of the large files.
ORACLE_SHARE = {"210_9": 8, "210_9_job": 16, "200_9": 8, "48_5_job": 4, "210_9_kernel": 4}

ANY_FIELD = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=300),
    st.text("0123456789abcdefABCDEFxg \x00é", max_size=144),
    st.sampled_from(["00" * 36, b"\x00" * 36, "ff" * 36, "\ud800" * 72, "é" * 72]),
)


def check_of(vector: Vector, path: str) -> Equihash:
    """The check that a vector is for."""
    return Equihash(vector.n, vector.k, vector.person, path)


@pytest.mark.parametrize("path", available_paths())
class TestFlaw:
    """Equihash.flaw, the same on every path."""

    @pytest.mark.parametrize("name", OWN_FILES + EXTRA_FILES)
    def test_vectors(self, path: str, name: str) -> None:
        """Every recorded proof is judged as its record says, and a flaw found is one it has."""
        vectors = read(name)
        if path == "python":
            vectors = vectors[:: ORACLE_SHARE.get(name, 1)]
        for vector in vectors:
            flaw = check_of(vector, path).flaw(*vector.share)
            assert (flaw == "") is vector.valid, vector
            assert flaw == "" or flaw in vector.fails, vector

    def test_hex_and_bytes_are_the_same(self, path: str) -> None:
        """Either case of hex, bytes, and any mixture of them."""
        for vector in read("96_5")[::7] + read("210_9")[::29]:
            flaw = check_of(vector, path).flaw
            expected = flaw(*vector.share)
            header, nonce, solution = map(bytes.fromhex, vector.share)
            assert flaw(header, nonce, solution) == expected
            assert flaw(vector.header, nonce, vector.solution.upper()) == expected
            assert flaw(header.hex().upper(), vector.nonce, solution) == expected

    @pytest.mark.parametrize("name", ["48_5", "210_9"])
    def test_one_wrong_digit_anywhere(self, path: str, name: str) -> None:
        """A character that is no hex digit is found wherever it stands, first or last of a vector."""
        vector = valid(name)[0]
        flaw = check_of(vector, path).flaw
        dice = Random(path)
        size = len(vector.solution)
        for place in [
            0,
            1,
            15,
            16,
            31,
            32,
            33,
            63,
            size - 17,
            size - 2,
            size - 1,
            *dice.sample(range(size), 9),
        ]:
            for wrong in "/:@G`g \x00é\u0130\ud800":
                text = vector.solution[:place] + wrong + vector.solution[place + 1 :]
                assert flaw(vector.header, vector.nonce, text) == "hex"
        assert flaw("0" + vector.header, vector.nonce, vector.solution) == "hex"
        assert flaw(vector.header, vector.nonce[:-1] + "x", vector.solution) == "hex"

    def test_every_pair_is_compared(self, path: str) -> None:
        """Each leaf in turn as large as the first of its left half, or larger by one; the others in order."""
        check, header, nonce = Equihash(path=path), bytes(32), bytes(32)
        in_order = list(range(1000, 1000 + 512 * 4000, 4000))
        for at in range(1, 512):
            left = in_order[at & (at - 1)]
            for index, is_order in ((left, True), (left + 1, False)):
                indices = [*in_order[:at], index, *in_order[at + 1 :]]
                if path == "python" and not is_order:
                    continue  # the oracle would hash
                solution = reference.pack(210, 9, indices).hex()
                assert (check.flaw(header, nonce, solution) == "order") is is_order, (at, index)

    def test_digits_come_before_the_order(self, path: str) -> None:
        """Indices out of order are named only when the rest is hex, wherever a wrong digit may be."""
        vector = valid("210_9")[0]
        flaw = check_of(vector, path).flaw
        for start in (0, 7, 15, 16, 300):
            indices = reference.unpack(210, 9, bytes.fromhex(vector.solution))
            indices[start : start + 2] = reversed(indices[start : start + 2])
            junk = reference.pack(210, 9, indices).hex()
            if start % 2 == 0:
                assert flaw(vector.header, vector.nonce, junk) == "order"
                assert flaw(vector.header, vector.nonce, bytes.fromhex(junk)) == "order"
            for place in (0, 43, 44, 127, 128, 129, 2800, 2815):
                wrong = junk[:place] + "g" + junk[place + 1 :]
                assert flaw(vector.header, vector.nonce, wrong) == "hex"
            assert flaw("g" + vector.header[1:], vector.nonce, junk) == "hex"
            assert flaw(vector.header, vector.nonce[:-1], junk) == "hex"
            assert flaw(vector.header, vector.nonce, junk[:-1] + "\ud800") == "hex"

    def test_length_comes_first(self, path: str) -> None:
        """A solution of another length is not looked into, whatever is in it."""
        flaw = Equihash(path=path).flaw
        for solution in ("", "zz", "00" * 1407, "0" * 2817, "é" * 2815, b"", bytes(1409), bytes(2816)):
            assert flaw("zz", "", solution) == "length"

    @pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 67, 123, 124, 125, 126, 127, 128, 129, 131, 251, 252])
    def test_input_of_any_length(self, path: str, size: int) -> None:
        """The index may fall anywhere in one block of BLAKE2b or two, or across them."""
        dice = Random(size)
        for n, k in ((48, 5), (210, 9)):
            check, oracle = Equihash(n, k, path=path), Equihash(n, k, path="python")
            indices = sorted(dice.sample(range(2 << n // (k + 1)), 1 << k))
            indices[2:4] = indices[0:2]
            message = dice.randbytes(size)
            # Nothing here is valid; that both stop at the same node says that they hash the same.
            for _ in range(4):
                solution = reference.pack(n, k, sorted(dice.sample(range(2 << n // (k + 1)), 1 << k)))
                assert check.flaw(message, b"", solution) == oracle.flaw(message, b"", solution)

    def test_input_too_long(self, path: str) -> None:
        """More than two blocks is a caller's mistake, not a flaw of the proof."""
        for header in (bytes(221), "00" * 221, "0" * 441, "é" * 442):
            with pytest.raises(ValueError, match="252 bytes"):
                Equihash(48, 5, path=path).flaw(header, bytes(32), bytes(36))

    @pytest.mark.parametrize("wrong", [None, 1, bytearray(36), ["00"], memoryview(bytes(36))])
    def test_other_types(self, path: str, wrong: object) -> None:
        """Only str and bytes are taken, at every place."""
        flaw = Equihash(48, 5, path=path).flaw
        for place in range(3):
            fields: list[object] = [bytes(32), bytes(32), bytes(36)]
            fields[place] = wrong
            with pytest.raises(TypeError, match="must be str or bytes"):
                flaw(*fields)  # type: ignore[arg-type]  # the point of the test

    @settings(max_examples=300, deadline=None)
    @given(header=ANY_FIELD, nonce=ANY_FIELD, solution=ANY_FIELD)
    def test_anything_gives_a_flaw(
        self, path: str, header: str | bytes, nonce: str | bytes, solution: str | bytes
    ) -> None:
        """Any text and any bytes are judged; only too much input is an exception, for all paths alike."""
        try:
            expected = FLAWS[reference.verify(48, 5, b"AION0PoW", header, nonce, solution)]
        except ValueError:
            with pytest.raises(ValueError, match="252 bytes"):
                Equihash(48, 5, path=path).flaw(header, nonce, solution)
            return
        assert Equihash(48, 5, path=path).flaw(header, nonce, solution) == expected

    def test_nothing_is_kept(self, path: str) -> None:
        """A thousand checks leave no memory and no reference behind."""
        flaw = Equihash(48, 5, path=path).flaw
        share = [*valid("48_5")[0].share]
        wrong = share[2][:-1] + "g"
        counts = [sys.getrefcount(field) for field in share]
        flaw(*share)
        gc.collect()
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(1000):
                flaw(*share)
                flaw(share[0], share[1], wrong)
                share_value(share[0], share[1], share[2])
            gc.collect()
            grown = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        assert grown < 4096
        assert [sys.getrefcount(field) for field in share] == counts


@needs_c
class TestAgreement:
    """The C paths and the oracle, on proofs that nobody recorded."""

    @pytest.mark.parametrize(
        ("name", "count"), [("48_5", 7000), ("96_5", 2000), ("144_5", 1000), ("200_9", 300), ("210_9", 700)]
    )
    def test_mutants(self, name: str, count: int) -> None:
        """Every path names the same flaw, the first bad node included."""
        vectors = valid(name)
        checks = [check_of(vectors[0], path) for path in available_paths()]
        found = set()
        for vector, solution in mutants(vectors, count, seed=count):
            person = vector.person.encode()
            if person != checks[0].person:
                continue
            flaws = {check.flaw(vector.header, vector.nonce, solution) for check in checks}
            assert len(flaws) == 1, (vector, solution.hex())
            found |= flaws
        assert {"", "order", "collision:1"} < found

    def test_every_flaw_is_met(self) -> None:
        """The recorded proofs between them show every way there is to fail."""
        met = {
            check_of(vector, PATH).flaw(*vector.share)
            for name in ("48_5", "96_5", "210_9")
            for vector in read(name)
        }
        assert met == set(FLAWS) - {"hex"}


class TestParameters:
    """What an Equihash can be made of."""

    @pytest.mark.parametrize(
        ("n", "k", "size"), [(210, 9, 1408), (200, 9, 1344), (144, 5, 100), (96, 5, 68), (48, 5, 36)]
    )
    def test_usable(self, n: int, k: int, size: int) -> None:
        """The ones in use, with their sizes and names."""
        equihash = Equihash(n, k)
        assert (equihash.n, equihash.k, equihash.solution_bytes) == (n, k, size)
        assert equihash.name == f"equihash/{n}_{k}"
        assert equihash.path == PATH

    @pytest.mark.parametrize(
        ("n", "k"),
        [
            (210, 0),
            (210, 10),
            (211, 9),
            (0, 5),
            (-48, 5),
            (520, 9),
            (156, 5),
            (30, 5),
            (18, 2),
            (10**30, 9),
            (48, -1),
        ],
    )
    def test_unusable(self, n: int, k: int) -> None:
        """One line that names the parameters, never a traceback of ours."""
        with pytest.raises(ConfigError, match=f"equihash/{n}_{k}: "):
            Equihash(n, k)
        for path in range(3):
            if native._c and path < len(C_PATHS):
                with pytest.raises(ValueError):
                    native._c.verify(n, k, b"AION0PoW", b"", b"", b"", path)

    @pytest.mark.parametrize("person", ["", "AION0Po", "AION0PoW2", "AION0Poö", b"short", "\ud800AION0PoW"])
    def test_person(self, person: str | bytes) -> None:
        """It is 8 bytes."""
        with pytest.raises(ConfigError, match="person must be 8 bytes"):
            Equihash(person=person)

    def test_person_as_text_or_bytes(self) -> None:
        """Either is the same."""
        assert Equihash(person="AION0PoW") == Equihash(person=b"AION0PoW") == Equihash()

    def test_path_must_be_known(self) -> None:
        """An unknown one is refused with those that are known."""
        with pytest.raises(ConfigError, match=r'path "sse9" cannot be used here.*python'):
            Equihash(path="sse9")

    @needs_c
    @pytest.mark.parametrize(
        ("arguments", "error"),
        [
            ((), TypeError),
            ((48, 5, b"AION0PoW", b"", b"", b"", 0, 0), TypeError),
            (("48", 5, b"AION0PoW", b"", b"", b"", 0), TypeError),
            ((48, 5.0, b"AION0PoW", b"", b"", b"", 0), TypeError),
            ((48, 5, "AION0PoW", b"", b"", b"", 0), TypeError),
            ((48, 5, b"AION0PoW", b"", b"", b"", None), TypeError),
            ((48, 5, b"AION", b"", b"", b"", 0), ValueError),
            ((48, 5, b"AION0PoW", b"", b"", b"", 3), ValueError),
            ((48, 5, b"AION0PoW", b"", b"", b"", -1), ValueError),
            ((48, 5, b"AION0PoW", b"", b"", b"", 1 << 80), ValueError),
        ],
    )
    def test_arguments_of_the_c_function(self, arguments: tuple[object, ...], error: type[Exception]) -> None:
        """Called by anybody with anything, it says what is wrong."""
        assert native._c
        with pytest.raises(error):
            native._c.verify(*arguments)


class TestChoice:
    """Which path is taken, and by whose word."""

    def test_python_is_always_there(self) -> None:
        """It comes last, and what is first is used."""
        assert available_paths()[-1] == "python"
        assert native.choose_path({}) == native.choose_path({native.OVERRIDE: ""}) == available_paths()[0]

    @pytest.mark.parametrize("path", available_paths())
    def test_forced(self, path: str) -> None:
        """SLUICE_NATIVE is obeyed, by a process of its own, too."""
        assert native.choose_path({native.OVERRIDE: path}) == path
        program = "from proxy.native import PATH, Equihash; print(PATH, Equihash().path)"
        environment = {**os.environ, native.OVERRIDE: path}
        run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
        assert run.stdout.split() == [path, path], run.stderr

    def test_forced_to_what_is_not_there(self) -> None:
        """One line with the values possible."""
        with pytest.raises(ConfigError) as refusal:
            native.choose_path({native.OVERRIDE: "mmx"})
        assert str(refusal.value).endswith("it must be one of " + ", ".join(available_paths()))

    def test_without_the_extension(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A build without a compiler imports, and checks in Python."""
        monkeypatch.delattr(native, "_equihash", raising=False)
        monkeypatch.setitem(sys.modules, "proxy.native._equihash", None)
        assert native._load() is None
