"""The import law of docs/architecture.md, read off the source: who may know whom, and who may not wait.

Everything here is a function of two directories, so that it can be shown a small tree that breaks the
law and be seen to say so.  Imports count wherever they stand, in functions and under TYPE_CHECKING, too.
"""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import attrs
import pytest

ROOT = Path(__file__).parents[1]

# Which rooms each room may know, besides itself and those that everyone may.
EVERYONE = {"errors", "version", "openfiles", "collector"}
ROW_0 = {"model", "config", "native"}
ROW_1 = {"wire", "core"}
ROW_2 = {"upstream", "downstream", "ledger", "sim"}
LAW: dict[str, set[str]] = {
    "errors": set(),
    "version": set(),
    "openfiles": set(),
    "collector": set(),
    "model": set(),
    "config": set(),
    "native": set(),
    "wire": {"model"},
    "core": {"model", "native", "config"},
    "upstream": {"wire", "core", "model", "config"},
    # native for sending a job on many sockets at once.
    "downstream": {"wire", "core", "model", "config", "native"},
    "ledger": {"model", "config"},
    "sim": {"wire", "model", "native"},
    "relay": ROW_2 | ROW_1 | ROW_0,
    "relays": {"relay"} | ROW_2 | ROW_1 | ROW_0,
    # core for the counts it shows, upstream for what is known of a pool, native for the path in use.
    "ops": {"relays", "relay", "upstream", "ledger", "core", "model", "config", "native"},
}
TOP = {
    "app",
    "lifecycle",
    "doors",
    "workers",
    "cli",
    "demo",
    "verify",
    "bench",
    "setup",
    "__main__",
}  # may know all

# A decision is made from arguments: no room of rows 0 and 1 waits, reads a clock, or rolls dice.
PURE = EVERYONE | ROW_0 | ROW_1
IMPURE = {"trio", "asyncio", "socket", "select", "ssl", "threading", "time", "random", "prometheus_client"}

MOST_LINES = 400

# Files that need no test file of their name.
UNTESTED = {
    "__init__.py": "gathers names; what it gathers is tested where it stands",
    "__main__.py": "calls cli.main() and nothing else",
    "house.py": "protocols only: what they promise is tested in who keeps it, session.py and relay.py",
    "version.py": "one constant",
}


@attrs.frozen
class Import:
    """One imported module, by whom and in which line."""

    by: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.by}, line {self.line}: {self.what}"


def modules(root: Path) -> dict[str, Path]:
    """Every Python file of the package, by the name it is imported by."""
    found = {}
    for path in sorted((root / "proxy").rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(root: Path) -> Iterator[Import]:
    """Every import of the package; of `from package import module` the module is what is imported."""
    known = modules(root)
    for name, path in known.items():
        package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(name, node.lineno, alias.name)
            elif isinstance(node, ast.ImportFrom):
                above = package[: len(package) - node.level + 1] if node.level else []
                source = ".".join([*above, *([node.module] if node.module else [])])
                for alias in node.names:
                    inner = f"{source}.{alias.name}"
                    yield Import(name, node.lineno, inner if inner in known else source)


def room(name: str) -> str:
    """The part of the house a module is in; "" for the package itself."""
    return name.split(".")[1] if "." in name else ""


def strangers(root: Path) -> list[str]:
    """Rooms the law does not know."""
    return sorted({room(name) for name in modules(root)} - set(LAW) - TOP - {""})


def breaches(root: Path) -> list[str]:
    """Imports of rooms that the importing one may not know."""
    return [
        str(found)
        for found in imports(root)
        if found.what.split(".")[0] == "proxy"
        and room(found.by) not in TOP
        and room(found.what) not in {room(found.by)} | EVERYONE | LAW.get(room(found.by), set())
    ]


def impurities(root: Path) -> list[str]:
    """Imports in the pure rooms of what waits, tells the time, or comes out differently each time."""
    return [
        str(found) for found in imports(root) if room(found.by) in PURE and found.what.split(".")[0] in IMPURE
    ]


def cycle(root: Path) -> list[str]:
    """The modules of one import cycle, in order; empty if there is none."""
    known = modules(root)
    graph: dict[str, set[str]] = {name: set() for name in known}
    for found in imports(root):
        # A package that imports its own C module seems to import itself.
        if found.what in known and found.what != found.by:
            graph[found.by].add(found.what)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def without_test(root: Path) -> list[str]:
    """Modules that lack a test file of their name in the same place under tests/."""
    missing = []
    for path in modules(root).values():
        place = path.relative_to(root / "proxy")
        test = root / "tests" / place.parent / f"test_{place.name}"
        if place.name not in UNTESTED and not test.exists():
            missing.append(str(test.relative_to(root)))
    return missing


def too_long(root: Path) -> list[str]:
    """Files that have outgrown one reading."""
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules(root).values()}
    return [f"{path.relative_to(root)}: {size} lines" for path, size in sizes.items() if size > MOST_LINES]


# ---- the law, on Sluice


def no(found: list[str]) -> None:
    """All of what was found is shown, one a line."""
    assert not found, "\n" + "\n".join(found)


def test_every_room_has_its_place_in_the_law() -> None:
    no(strangers(ROOT))


def test_no_room_knows_one_it_may_not() -> None:
    no(breaches(ROOT))


def test_no_decision_waits_or_reads_a_clock() -> None:
    no(impurities(ROOT))


def test_no_imports_go_round() -> None:
    no(cycle(ROOT))


def test_every_module_has_a_test_file_of_its_name() -> None:
    no(without_test(ROOT))


def test_no_file_is_longer_than_one_reading() -> None:
    no(too_long(ROOT))


def test_the_law_allows_nothing_upwards() -> None:
    """Were the table itself wrong, no import would show it."""
    rows = [EVERYONE, ROW_0, ROW_1, ROW_2, {"relay"}, {"relays"}, {"ops"}]
    row_of = {name: row for row, names in enumerate(rows) for name in names}
    assert set(row_of) == set(LAW)
    for name, allowed in LAW.items():
        assert all(row_of[other] < row_of[name] for other in allowed), name


# ---- the check, on trees that break the law


def tree(root: Path, **files: str) -> Path:
    """A small package; the double underscore in a file's name stands for a slash."""
    for name, text in files.items():
        parts = [name] if name.startswith("__") else name.split("__")
        path = root.joinpath("proxy", *parts).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        for package in (path.parent, root / "proxy"):
            (package / "__init__.py").touch()
        path.write_text(text, encoding="utf-8")
    return root


def test_a_lawful_tree_passes(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        errors="",
        model__job="from proxy.errors import PoolError\nimport math\n",
        wire__aion="from proxy.model import job\nfrom . import lines\n",
        wire__lines="from proxy import errors, version\n",
        version="",
        relay="import proxy.wire.aion, trio\n",
        app="from proxy import relay\nfrom proxy.wire import aion\nimport time\n",
    )
    assert (strangers(root), breaches(root), impurities(root), cycle(root)) == ([], [], [], [])


@pytest.mark.parametrize(
    "text",
    [
        "import proxy.core.validator\n",
        "import proxy.core.validator as v\n",
        "from proxy.core import validator\n",
        "from proxy.core.validator import judge\n",
        "from proxy import core\n",
        "from .. import core\n",
        "from ..core import validator\n",
        "from ..core.validator import judge\n",
        "def late():\n    from proxy.core import validator\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import proxy.core\n",
    ],
)
def test_a_breach_is_seen_in_every_form(tmp_path: Path, text: str) -> None:
    root = tree(tmp_path, wire__aion=text, core__validator="")
    assert len(breaches(root)) == 1
    assert breaches(root)[0].startswith("proxy.wire.aion, line ")
    assert ": proxy.core" in breaches(root)[0]


def test_a_breach_upwards_is_seen(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        model__job="from proxy import relay\n",
        relay="",
        ops__http="from proxy import app\n",
        app="",
    )
    assert breaches(root) == ["proxy.model.job, line 1: proxy.relay", "proxy.ops.http, line 1: proxy.app"]


def test_a_room_nobody_planned_is_seen_and_may_know_nothing(tmp_path: Path) -> None:
    root = tree(tmp_path, helpers__misc="import proxy.model.job\n", model__job="")
    assert strangers(root) == ["helpers"]
    assert breaches(root) == ["proxy.helpers.misc, line 1: proxy.model.job"]


@pytest.mark.parametrize("what", sorted(IMPURE))
def test_what_waits_is_seen_in_the_pure_rooms_only(tmp_path: Path, what: str) -> None:
    root = tree(
        tmp_path,
        core__vardiff=f"def f():\n    from {what} import x\n",
        upstream__session=f"import {what}.y\n",
    )
    assert impurities(root) == [f"proxy.core.vardiff, line 2: {what}"]


def test_a_cycle_is_seen(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        core__a="from proxy.core.b import B\n",
        core__b="from proxy.core import c\n",
        core__c="def late():\n    import proxy.core.a\n",
        core__d="from proxy.core import a\n",
    )
    assert set(cycle(root)) == {"proxy.core.a", "proxy.core.b", "proxy.core.c"}


def test_a_module_and_the_package_that_gathers_it_may_not_go_round(tmp_path: Path) -> None:
    root = tree(tmp_path, native__reference="from proxy.native import NAME\n")
    (root / "proxy" / "native" / "__init__.py").write_text("from proxy.native.reference import check\n")
    assert set(cycle(root)) == {"proxy.native", "proxy.native.reference"}


def test_a_module_without_test_is_seen(tmp_path: Path) -> None:
    root = tree(tmp_path, errors="", core__tally="", core__vardiff="", version="", __main__="")
    (root / "tests" / "core").mkdir(parents=True)
    (root / "tests" / "core" / "test_tally.py").touch()
    assert without_test(root) == ["tests/core/test_vardiff.py", "tests/test_errors.py"]


def test_a_file_too_long_is_seen(tmp_path: Path) -> None:
    root = tree(tmp_path, core__long="x = 1\n" * (MOST_LINES + 1), core__short="x = 1\n" * MOST_LINES)
    assert too_long(root) == ["proxy/core/long.py: 401 lines"]
