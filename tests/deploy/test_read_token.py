"""The token that readers show is made once and is nobody else's."""

import runpy
from pathlib import Path

import pytest

from tests.deploy.watching import DEPLOY

SCRIPT = DEPLOY / "read_token.py"


def run(directory: Path) -> None:
    """Run the script with another place for the file."""
    main = runpy.run_path(str(SCRIPT))["main"]
    main.__globals__["FILE"] = directory / "read_token"
    main()


def test_it_is_made_once_and_said_each_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path)
    token = (tmp_path / "read_token").read_text(encoding="ascii")
    assert len(token) >= 32
    assert token in capsys.readouterr().out
    run(tmp_path)
    assert (tmp_path / "read_token").read_text(encoding="ascii") == token
    assert token in capsys.readouterr().out


def test_others_have_another(tmp_path: Path) -> None:
    tokens = set()
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        run(tmp_path / name)
        tokens.add((tmp_path / name / "read_token").read_text(encoding="ascii"))
    assert len(tokens) == 2


def test_it_is_for_all_users_of_the_volume_to_read_and_for_none_to_change(tmp_path: Path) -> None:
    run(tmp_path)
    assert (tmp_path / "read_token").stat().st_mode & 0o777 == 0o444
    assert [path.name for path in tmp_path.iterdir()] == ["read_token"]
