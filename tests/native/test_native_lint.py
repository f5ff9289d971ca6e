"""A few laws for the C files, checked by reading them: small files, a strategy first, no unchecked memory."""

import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "proxy"
FILES = sorted([*PACKAGE.glob("*/*.c"), *PACKAGE.glob("*/*.h")])
MOST_LINES = 500
WIDEST = 110
UNBOUNDED = re.compile(r"\b(strcpy|strcat|sprintf|gets|alloca|strlen|system)\s*\(")
ALLOCATION = re.compile(r"\b(\w[\w>.-]*) = (?:malloc|calloc|realloc)\(")
# The module itself takes no memory: every buffer is on the stack and has a size known beforehand.
WITHOUT_HEAP = "native"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_laws(path: Path) -> None:
    """Each file by itself."""
    text = path.read_text()
    lines = text.splitlines()
    assert len(lines) < MOST_LINES
    assert text.startswith("/*")
    head = text[: text.index("*/")]
    assert "Strategy" in head
    assert "Not here" in head or "The trap" in head
    assert not [line for line in lines if len(line) > WIDEST or line != line.rstrip() or "\t" in line]
    assert not UNBOUNDED.search(text)
    for match in ALLOCATION.finditer(text):
        assert path.parent.name != WITHOUT_HEAP
        name = re.escape(match[1])
        assert re.search(rf"!{name}\b", text[match.end() :]), f"{match[0]} is not checked"


def test_all_files_are_seen() -> None:
    """The pattern above still finds what it is for."""
    assert {"_equihash.c", "_solver.c", "blake2b.h", "lanes.h"} <= {path.name for path in FILES}
