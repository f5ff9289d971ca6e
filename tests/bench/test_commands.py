"""`sluice bench` as it is typed."""

import json
from pathlib import Path

from click.testing import CliRunner

from proxy.cli import sluice


def test_every_measurement_explains_itself() -> None:
    """With an example."""
    for name in ("verify", "fanout", "shares", "memory", "report"):
        shown = CliRunner().invoke(sluice, ["bench", name, "--help"])
        assert shown.exit_code == 0
        assert f"sluice bench {name}" in shown.output.partition("Example:")[2]


def test_shares_as_json_and_kept(tmp_path: Path) -> None:
    """A pipe gets one object and no bar; the file has the machine beside it."""
    kept = tmp_path / "shares.json"
    options = ["--miners", "5", "--dialect", "login", "--seconds", "0.1", "--rate", "100"]
    done = CliRunner().invoke(sluice, ["bench", "shares", *options, "--json", "--save", str(kept)])
    assert done.exit_code == 0
    results = json.loads(done.stdout)
    assert results["rows"][0]["connections"] == 5
    assert done.stderr == ""
    assert {**results, **json.loads(kept.read_bytes())} == json.loads(kept.read_bytes())
    assert json.loads(kept.read_bytes())["machine"]


def test_memory_as_tables() -> None:
    """With a table for the churn."""
    options = ["--miners", "5", "--dialect", "aion", "--seconds", "0.1", "--churn", "0.2"]
    done = CliRunner().invoke(sluice, ["bench", "memory", *options])
    assert done.exit_code == 0
    assert "KiB each" in done.stdout
    assert "last quarter" in done.stdout


def test_results_that_cannot_be_kept_are_one_line(tmp_path: Path) -> None:
    """The folder is not made."""
    options = ["--seconds", "0.1", "--save", str(tmp_path / "none" / "verify.json")]
    done = CliRunner().invoke(sluice, ["bench", "verify", *options])
    assert done.exit_code == 1
    assert done.stderr.startswith("sluice: ")
    assert done.stderr.count("\n") == 1


def test_a_page_is_written(tmp_path: Path) -> None:
    """Each file written is told."""
    page = tmp_path / "page.md"
    page.write_text("<!-- figures: verify -->\n<!-- end -->\n", encoding="utf-8")
    done = CliRunner().invoke(sluice, ["bench", "report", str(page)])
    assert done.stdout == f"written {page}\n"
