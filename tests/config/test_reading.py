"""File and environment: what is found, what goes over what, and who is named in an error."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.config.reading import Origin, Tree, find, literal, overlay, read_secret, read_tree
from proxy.config.shape import Fault
from proxy.errors import ConfigError
from tests.config.texts import Texts


def laid(tree: Tree, **environ: str) -> Tree:
    origins, faults = overlay(tree, environ)
    assert faults == []
    assert sorted(origins.values()) == sorted(environ)
    return tree


def refused(tree: Tree, **environ: str) -> str:
    _, faults = overlay(tree, environ)
    (fault,) = faults
    return fault.text


def test_where_the_file_is_looked_for(texts: Texts) -> None:
    assert find(None, {}) is None
    (texts.directory / "sluice.toml").touch()
    assert find(None, {}) == "sluice.toml"
    assert find(None, {"SLUICE_CONFIG": "by-variable"}) == "by-variable"
    assert find("by-option", {"SLUICE_CONFIG": "by-variable"}) == "by-option"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"a = ", "not valid TOML: Invalid value (at end of document)"),
        (b"\n\na b", "(at line 3, column 3)"),
        (b"a = 1\na = 2", "not valid TOML: Cannot overwrite a value"),
        (b"a = " + b"[" * 100_000, "nested too deeply"),
        (b"a = " + b"9" * 5000, "not valid TOML"),
        (b'a = "\xff"', "is not UTF-8 text (at byte 5)"),
        (b"#" * 1_048_577, "is longer than 1048576 bytes"),
    ],
)
def test_a_file_that_is_no_toml(texts: Texts, data: bytes, why: str) -> None:
    (texts.directory / "x.toml").write_bytes(data)
    with pytest.raises(ConfigError, match=r"\Ax\.toml: [^\n]+\Z") as caught:
        read_tree("x.toml")
    assert why in str(caught.value)


@pytest.mark.parametrize("path", ["none.toml", ".", "a\0b", "\ud800", "x" * 5000])
def test_a_file_that_cannot_be_read(texts: Texts, path: str) -> None:
    with pytest.raises(ConfigError, match=r"\A[^\n]+: cannot be read: [^\n]+\Z"):
        read_tree(path)


def test_a_secret_has_no_line_end(texts: Texts) -> None:
    (texts.directory / "s").write_bytes(b"a b \r\n")
    assert read_secret("s") == "a b "
    (texts.directory / "s").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        read_secret("s")


def test_text_is_taken_as_it_stands_all_else_as_toml() -> None:
    tree = laid(
        {},
        SLUICE__UPSTREAM__USER="123",
        SLUICE__UPSTREAM__PASSWORD='"quoted"',
        SLUICE__LIMITS__MAX_MINERS="5",
        SLUICE__LIMITS__LOGIN_SECONDS="ten",
        SLUICE__LIMITS__BAN__ALLOW='["::1"]',
        SLUICE__LISTEN__0__DIFFICULTY="upstream",
        SLUICE__LISTEN__1__DIFFICULTY="{ start = 4 }",
        SLUICE__LISTEN__2__DIFFICULTY__START="4",
    )
    assert tree == {
        "upstream": {"user": "123", "password": '"quoted"'},
        "limits": {"max_miners": 5, "login_seconds": "ten", "ban": {"allow": ["::1"]}},
        "listen": [{"difficulty": "upstream"}, {"difficulty": {"start": 4}}, {"difficulty": {"start": 4}}],
    }


def test_it_goes_over_the_file() -> None:
    tree: Tree = {
        "upstream": {"user": "a", "pools": [{"url": "x", "name": "n"}]},
        "listen": [{"difficulty": 8}],
        "limits": {"ban": {"allow": ["::1"]}},
    }
    laid(
        tree,
        SLUICE__UPSTREAM__USER="b",
        SLUICE__UPSTREAM__POOLS__0__URL="y",
        SLUICE__UPSTREAM__POOLS__1='{ url = "z" }',
        SLUICE__UPSTREAM__POOLS__1__NAME="m",
        SLUICE__LISTEN__0__DIFFICULTY__MAX="9",
        SLUICE__LIMITS__BAN__ALLOW__1="::2",
    )
    assert tree == {
        "upstream": {"user": "b", "pools": [{"url": "y", "name": "n"}, {"url": "z", "name": "m"}]},
        "listen": [{"difficulty": {"max": 9}}],
        "limits": {"ban": {"allow": ["::1", "::2"]}},
    }


def test_places_of_an_array_are_counted_not_spelled() -> None:
    urls = {f"SLUICE__UPSTREAM__POOLS__{i}__URL": str(i) for i in range(12)}
    assert laid({}, **urls)["upstream"]["pools"] == [{"url": str(i)} for i in range(12)]


@pytest.mark.parametrize(
    ("name", "tree", "why"),
    [
        ("SLUICE__", {}, "unknown key; known are workers"),
        ("SLUICE__LIMITZ__X", {}, "unknown key; did you mean limits?"),
        ("SLUICE__LIMITS__MAX_MINER", {}, "unknown key; did you mean max_miners?"),
        ("SLUICE__WORKERS__X", {}, "unknown key; workers holds one value"),
        ("SLUICE__LISTEN__1__NAME", {}, 'listen has 0 entries, so the next is 0, not "1"'),
        ("SLUICE__LISTEN__X__NAME", {}, 'listen has 0 entries, so the next is 0, not "x"'),
        ("SLUICE__LISTEN__²", {}, 'listen has 0 entries, so the next is 0, not "²"'),
        ("SLUICE__LIMITS__BAN__ALLOW__0__X", {}, "unknown key; allow holds texts"),
        ("SLUICE__LIMITS__BAD_LINES", {"limits": 5}, "the file has 5 where a table belongs"),
        ("SLUICE__LISTEN__0__NAME", {"listen": 5}, "the file has 5 where an array belongs"),
        ("SLUICE__LISTEN__0__NAME", {"listen": [5]}, "the file has 5 where a table belongs"),
    ],
)
def test_a_variable_that_fits_nowhere(name: str, tree: Tree, why: str) -> None:
    assert refused(tree, **{name: "1"}).startswith(why)


@pytest.mark.parametrize("raw", ["", "ten", "1\nother = 2", "[", "9" * 5000, "[" * 100_000])
def test_what_is_no_toml_value_stays_text(raw: str) -> None:
    assert literal(raw) == raw


def test_an_error_names_file_variable_or_environment() -> None:
    origin = Origin("s.toml", {("limits", "ban"): "SLUICE__LIMITS__BAN"})
    assert origin.line(Fault(("limits", "bad_lines"), "t")) == "s.toml: limits.bad_lines: t"
    assert origin.line(Fault(("limits", "ban"), "t")) == "SLUICE__LIMITS__BAN: t"
    assert origin.line(Fault(("limits", "ban", "allow"), "t")) == "SLUICE__LIMITS__BAN: allow: t"
    assert origin.line(Fault(("a b\n", "c-d"), "t")) == r's.toml: "a b\n".c-d: t'
    assert Origin("", {}).line(Fault(("workers",), "t")) == "environment: workers: t"
    hostile = Origin("", {("a\x1b",): "SLUICE__A\x1b"})
    assert hostile.line(Fault(("a\x1b",), "t")) == r'"SLUICE__A\u001b": t'


parts = st.sampled_from(
    ["upstream", "pools", "0", "1", "url", "listen", "limits", "ban", "allow", "00000", "99999"]
)
names = st.lists(parts | st.text(max_size=4), max_size=5).map(lambda found: "SLUICE__" + "__".join(found))


@given(st.dictionaries(names | st.text(), st.text(), max_size=5))
@example({"SLUICE__LISTEN": "[]", "SLUICE__LISTEN__0": "5", "SLUICE__LISTEN__0__NAME": "x"})
def test_any_environment_is_laid_or_has_faults(environ: dict[str, str]) -> None:
    _, faults = overlay({}, environ)
    assert all("\n" not in fault.text for fault in faults)
