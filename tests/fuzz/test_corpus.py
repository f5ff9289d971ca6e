"""Every input that has taught us something is replayed, without the engine: seeds, findings, far corners.

A finding comes here as corpus/TARGET/NAME, named by what is wrong with it; what has a hash for its name
is there for the code it reaches.
"""

from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
INPUTS = sorted(path for folder in CORPUS.iterdir() for path in folder.iterdir())
MOST_BYTES = 8192  # of one target's: a corpus to be replayed by everyone, not the one that fuzzing grows


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_well(name: str) -> None:
    for seed in TARGETS[name].seeds():
        TARGETS[name].run(seed)


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_was_found_stays_found(path: Path) -> None:
    TARGETS[path.parent.name].run(path.read_bytes())


def test_every_target_has_a_corpus_and_a_small_one() -> None:
    sizes = {
        folder.name: sum(path.stat().st_size for path in folder.iterdir()) for folder in CORPUS.iterdir()
    }
    assert sizes.keys() == TARGETS.keys()
    assert {name: size for name, size in sizes.items() if not 0 < size <= MOST_BYTES} == {}


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_says_what_it_holds_to(name: str) -> None:
    assert TARGETS[name].name == name
    assert TARGETS[name].invariant.endswith(".")
