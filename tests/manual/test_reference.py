"""docs/configuration.md is what the configuration's source says, and says every key."""

from pathlib import Path

import attrs
import pytest

from proxy.config.shape import keys_of
from tests.manual.reference import comments, page, tables

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_current() -> None:
    written = (DOCS / "configuration.md").read_text(encoding="utf-8")
    assert written == page(), "docs/configuration.md is old: python -m tests.manual writes it"


@pytest.mark.parametrize(("path", "section"), list(tables()))
def test_every_key_is_there_with_its_reason(path: str, section: type[attrs.AttrsInstance]) -> None:
    said = page()
    reasons = comments(section)
    for name, key in keys_of(section).items():
        if key.rule is not None:
            (row,) = [
                line for line in said.splitlines() if line.startswith(f"| `{path}.{name}`".replace("`.", "`"))
            ]
            assert len(row.replace("\\|", "").split(" | ")) == 5
        if key.rule is not None and section.__name__ != "Tls":
            assert reasons[name]


def test_the_tables_are_all_there_are() -> None:
    assert next(path for path, _ in tables()) == ""
    assert {"upstream.pools", "listen", "listen.difficulty", "limits.ban", "http", "ledger", "log"} <= {
        path for path, _ in tables()
    }
