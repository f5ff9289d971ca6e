"""What `sluice init` prints: loads, runs in this version, and the full one agrees with the code."""

import re
import tomllib
from typing import Any

import attrs
import pytest

from proxy.config import TEMPLATES, Config, Tls, Vardiff, template
from proxy.config.address import Address
from proxy.config.sections import Upstream
from proxy.config.shape import keys_of
from proxy.errors import ConfigError
from tests.config.texts import Texts

# Lines with a default that the code has as None ("that of [upstream]", "none").
EXAMPLES = ("tls", "user", "password", "url")


@pytest.mark.parametrize("name", TEMPLATES)
def test_an_example_loads(texts: Texts, name: str) -> None:
    assert texts.load(template(name)).upstream.pools
    assert max(map(len, template(name).splitlines())) <= 130


def test_no_other_example() -> None:
    with pytest.raises(ConfigError, match="there are minimal, failover, full"):
        template("../secret")


def test_the_full_one_changes_nothing(texts: Texts) -> None:
    config = texts.load(template("full"))
    bare = texts.load(template("minimal"))
    assert attrs.evolve(config, given=frozenset()) == attrs.evolve(bare, given=frozenset())


def entries(text: str) -> dict[tuple[str, str], tuple[Any, bool]]:
    """Find every `key = value`, commented or not, by table and key: its value and whether it is active."""
    found: dict[tuple[str, str], tuple[Any, bool]] = {}
    table = ""
    for line in text.splitlines():
        if head := re.match(r"(?:# )?\[+([a-z.]+)\]+ *(?:#|$)", line):
            table = head[1]
        elif match := re.match(r"(# )?([a-z_]+) = (.+)$", line):
            value = tomllib.loads(f"value = {match[3]}")["value"]
            if (table, match[2]) not in found or isinstance(value, dict):
                found[table, match[2]] = value, match[1] is None
    return found


def sections() -> list[tuple[str, type[attrs.AttrsInstance]]]:
    """List the tables by name."""
    todo: list[tuple[str, type[attrs.AttrsInstance]]] = [("", Config)]
    for name, section in todo:
        todo += [
            (f"{name}.{key.name}".strip("."), key.table)
            for key in keys_of(section).values()
            if key.table is not None and key.table not in (Tls, Vardiff)
        ]
    return todo


@pytest.mark.parametrize(("table", "section"), sections())
def test_the_full_one_shows_every_key_with_the_codes_default(
    table: str, section: type[attrs.AttrsInstance]
) -> None:
    shown = entries(template("full"))
    for name, key in keys_of(section).items():
        if key.table is not None and key.table not in (Tls, Vardiff):
            continue
        value, _ = shown[table, name]
        if isinstance(value, dict):
            inner = Tls if key.table is Tls else Vardiff
            assert list(value) == list(keys_of(inner)), name
            defaults = {k: d.default for k, d in keys_of(inner).items() if d.default is not attrs.NOTHING}
            assert {k: v for k, v in value.items() if k in defaults} == defaults, name
        elif key.default in (None, attrs.NOTHING) or (section is Upstream and name == "user"):
            assert name in EXAMPLES
        else:
            default = key.default
            if isinstance(default, Address):
                default = str(default)
            assert value == (list(default) if isinstance(default, tuple) else default), name
    assert {name for where, name in shown if where == table} <= set(keys_of(section))


def test_every_line_of_the_full_one_gives_a_reason() -> None:
    for line in template("full").splitlines():
        if re.match(r"(# )?[a-z_]+ = ", line):
            assert re.search(r"  # \S", line), line
