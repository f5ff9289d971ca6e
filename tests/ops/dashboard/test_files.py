"""The dashboard's files, read and not run: what is vendored is what it says, and the server's policy fits.

A browser would tell of a breach of the policy too, but only where it comes by.
"""

import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import pytest

from proxy.ops.pages import FOLDER, TYPES

VENDORED = FOLDER / "vendor" / "uplot"
OWN = sorted(
    path
    for path in FOLDER.rglob("*")
    if path.suffix in (".js", ".css", ".html") and VENDORED not in path.parents
)
SCRIPTS = [path for path in OWN if path.suffix == ".js"]
MOST_LINES = 400

# Each of these makes markup or a program of text, or a style that the policy forbids.
FORBIDDEN = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc|javascript:"
    r"|DOMParser|createContextualFragment|[\"']style[\"']|cssText|https?://(?!www\.w3\.org/2000/svg)"
)


class _Page(HTMLParser):
    """Gathers what a page names, and what stands in it that the policy forbids."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.inline: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.inline += [name for name in given if name == "style" or name.startswith("on")]
        if tag in ("script", "link"):
            self.names.append(given.get("src") or given.get("href") or "")
        self._inside = tag

    def handle_data(self, data: str) -> None:
        if self._inside in ("script", "style") and data.strip():
            self.inline.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""


def page() -> _Page:
    """Read the page."""
    read = _Page()
    read.feed((FOLDER / "index.html").read_text())
    return read


def test_the_page_names_only_files_that_are_there_and_served() -> None:
    names = page().names
    assert len(names) > 5
    for name in names:
        assert name.startswith("static/"), name
        file = FOLDER / name.removeprefix("static/")
        assert file.is_file()
        assert file.suffix in TYPES


def test_nothing_stands_in_the_page_that_the_policy_forbids() -> None:
    assert page().inline == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_scripts_import_what_is_there_and_make_no_markup_of_text(script: Path) -> None:
    text = script.read_text()
    here = "/" + script.relative_to(FOLDER).as_posix()
    for named in re.findall(r"^(?:import|\}) .*from \"(.+?)\";$", text, re.MULTILINE):
        assert (FOLDER / urljoin(here, named).lstrip("/")).is_file(), named
    assert FORBIDDEN.findall(text) == []


def test_what_is_forbidden_would_be_found() -> None:
    assert FORBIDDEN.findall('a.innerHTML = b; eval(c); el("p", { "style": d }); fetch("https://e")') != []
    read = _Page()
    read.feed("<p onclick=x style=y><script>z</script>")
    assert read.inline == ["onclick", "style", "z"]


@pytest.mark.parametrize("file", OWN, ids=lambda path: path.name)
def test_files_stay_short_and_say_what_they_are(file: Path) -> None:
    lines = file.read_text().splitlines()
    assert len(lines) <= MOST_LINES
    assert any(sign in "".join(lines[:2]) for sign in ("//", "/*", "<!--"))


def test_style_sheets_take_every_colour_from_the_tokens() -> None:
    for file in OWN:
        if file.suffix == ".css" and file.name != "tokens.css":
            assert re.findall(r"#[0-9a-fA-F]{3,8}\b", file.read_text()) == [], file.name


def test_what_is_vendored_is_what_its_page_says() -> None:
    said = dict(re.findall(r"\| (\S+) \| ([0-9a-f]{64}) \|", (VENDORED / "VENDORED.md").read_text()))
    there = {path.name for path in VENDORED.iterdir()} - {"VENDORED.md"}
    assert set(said) == there
    assert "LICENSE" in there
    for name, digest in said.items():
        assert hashlib.sha256((VENDORED / name).read_bytes()).hexdigest() == digest, name
