"""The engine finds what is planted, keeps it, and says how to see it again; without atheris it says so."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.fuzz.__main__ import FOUND, UNAVAILABLE, main
from tests.fuzz.engine import NOT_HERE, ROOT, replay

PLANTED = ("--targets", "tests.fuzz.planted")


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason=NOT_HERE)
def test_what_is_planted_is_found_kept_and_told_of_in_one_line(tmp_path: Path) -> None:
    arguments = ("planted", "--seconds", "60", "--findings", str(tmp_path), *PLANTED)
    ended = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == FOUND, ended.stderr
    (found,) = tmp_path.iterdir()
    assert found.read_bytes().startswith(b"SLUI")
    _, told = ended.stdout.splitlines()
    assert told.startswith("planted: FOUND ValueError: 4 bytes found")
    assert told.endswith(f"replay: python -m tests.fuzz planted {found}")


def test_replaying_says_what_breaks(tmp_path: Path) -> None:
    found = tmp_path / "found"
    found.write_bytes(b"SLUICE")
    assert replay("planted", found, PLANTED[1]) == "ValueError: 4 bytes found (status 1)"


def test_replaying_what_is_well(tmp_path: Path) -> None:
    found = tmp_path / "found"
    found.write_bytes(b"{}")
    ended = CliRunner().invoke(main, ["aion_request", str(found)])
    assert (ended.exit_code, ended.output) == (0, f"aion_request: {found} is well\n")


def test_without_atheris_nothing_passes_silently(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    ended = CliRunner().invoke(main, ["all"])
    assert ended.exit_code == UNAVAILABLE
    assert "NOTHING WAS FUZZED" in ended.output


def test_a_target_that_there_is_not(tmp_path: Path) -> None:
    (tmp_path / "found").write_bytes(b"")
    ended = CliRunner().invoke(main, ["nobody", str(tmp_path / "found")])
    assert ended.exit_code == 2
    assert "no target 'nobody'" in ended.output


def test_the_list_says_what_each_holds_to() -> None:
    ended = CliRunner().invoke(main, ["list"])
    assert ended.exit_code == 0
    assert "aion_request" in ended.output
