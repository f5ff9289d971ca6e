"""A page is written from its results, and what is not a figure stays as it is."""

import json
from pathlib import Path

import pytest

from proxy.bench import report
from proxy.errors import SluiceError

SHARES = {
    "machine": "a machine",
    "version": "1.2.3",
    "date": "2026-11-21",
    "rows": [],
    "growth": [{"dialect": "aion", "from": 100, "to": 10_000, "cpu_us": 1.234, "login_us": 1.9}],
    "rates": [
        {
            "dialect": "aion",
            "connections": 1000,
            "rate": rate,
            "reached": reached,
            "cpu_us": 80.0,
            "median_us": 1.0,
            "p99_us": 2.0,
        }
        for rate, reached in ((1000.0, 1000.0), (2000.0, 1999.0), (9000.0, 5000.0))
    ],
}
PAGE = """# Page

Words.

<!-- figures: shares -->
old
<!-- end -->

More words.

<!-- figures: targets -->
<!-- end -->
<!-- figures: memory -->
still here
<!-- end -->
"""


def test_figures_are_put_between_their_marks() -> None:
    """What has no results keeps what stands there, and all else is untouched."""
    filled = report.fill(PAGE, {"shares": SHARES})
    assert filled.startswith("# Page\n\nWords.\n\n<!-- figures: shares -->\n")
    assert "old" not in filled
    assert "a machine; Sluice 1.2.3, 2026-11-21." in filled
    assert "| aion | 10,000 : 100 | 1.23 | 1.90 |" in filled
    assert "\nMore words.\n" in filled
    assert "still here" in filled


def test_targets_say_what_is_met() -> None:
    """And what was not measured."""
    filled = report.fill(PAGE, {"shares": SHARES})
    assert "| CPU of a share, most miners : fewest | 1.5 | 1.23 | met |" in filled
    assert "| CPU of a login, most miners : fewest | 1.5 | 1.9 | **missed** |" in filled
    assert "| memory of a connection, most miners : fewest | 1.5 | | not measured |" in filled


def test_to_write_it_twice_changes_nothing() -> None:
    """The marks are still there."""
    once = report.fill(PAGE, {"shares": SHARES})
    assert report.fill(once, {"shares": SHARES}) == once


def test_a_rate_that_was_not_reached_is_not_drawn() -> None:
    """Its cost would be that of another."""
    (series,) = report.charts({"shares": SHARES})["rates"].series
    assert [x for x, _ in series.points] == [1000.0, 2000.0]


def test_the_page_and_its_charts_are_written(tmp_path: Path) -> None:
    """From the folder of the page's name."""
    page = tmp_path / "page.md"
    page.write_text(PAGE, encoding="utf-8")
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "shares.json").write_text(json.dumps(SHARES), encoding="utf-8")
    assert report.write(page) == [page, tmp_path / "page" / "rates.svg"]
    assert "<svg" in (tmp_path / "page" / "rates.svg").read_text(encoding="utf-8")


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    """In one line."""
    with pytest.raises(SluiceError, match=r"page\.md"):
        report.write(tmp_path / "page.md")
    (tmp_path / "page").mkdir()
    for text in ("{", "[]"):
        (tmp_path / "page" / "shares.json").write_text(text, encoding="utf-8")
        with pytest.raises(SluiceError, match=r"shares\.json holds no"):
            report.write(tmp_path / "page.md")


def test_the_repositorys_page_has_a_place_for_every_part() -> None:
    """A part without one would be measured for nobody."""
    page = (Path(__file__).parents[2] / "docs" / "performance.md").read_text(encoding="utf-8")
    for part in (*report.PARTS, report.TARGETS):
        assert f"<!-- figures: {part} -->" in page
