"""What a fuzz target is, and the assertions that several of them share.

Strategy: a target asserts; whatever it raises is a finding.  Its docstring is its invariant, and what
`python -m tests.fuzz list` shows.  Inputs are text where they can be, so that a finding can be read.
The trap: a deep value makes `==` and repr() fail, too, so values are never compared as a whole here
unless their readers took them apart by type.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import attrs

from proxy.errors import SluiceError

TESTS = Path(__file__).parents[1]

MOST_FAULT = 1000  # characters of a fault's text


@attrs.frozen
class Target:
    """Something that reads hostile bytes.

    Args:
        run: takes them, and raises for a finding only; its docstring is the invariant.
        seeds: sound inputs to start from, beside those of the corpus.
        tokens: what a mutation may put in whole.
        most: bytes of an input; what is longer is found no faster.
        is_json: whether it is worth mutating by tokens of JSON, too.
    """

    run: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]
    tokens: tuple[bytes, ...] = ()
    most: int = 4096
    is_json: bool = False

    @property
    def name(self) -> str:
        """Its name on the command line and in the corpus."""
        return self.run.__name__

    @property
    def invariant(self) -> str:
        """What it holds to, one line."""
        return (self.run.__doc__ or "").strip().splitlines()[0]


def fit_to_show(fault: SluiceError) -> None:
    """A fault is one line of bounded length, whatever was sent."""
    text = str(fault)
    assert text.isprintable(), text
    assert 0 < len(text) < MOST_FAULT, len(text)


def one_json_line(written: bytes) -> object:
    """What is written is one line of JSON, its brace last, and is returned decoded."""
    assert written.endswith(b"}\n"), written
    assert written.count(b"\n") == 1, written
    assert b"\r" not in written, written
    return json.loads(written)


def recorded(who: str) -> list[bytes]:
    """The lines of the transcripts that a miner, or a pool, has said."""
    files = sorted((TESTS / "transcripts").glob("*.jsonl"))
    records = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    return [record["line"].encode() for record in records if record.get("from") == who]
