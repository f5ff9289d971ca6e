"""`sluice init` by flags and in a pipe: what it prints, what it writes, what it refuses."""

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proxy.cli import sluice
from proxy.config import load

AION = "0xa0" + "1f" * 31
POOL = ("--pool", "pool.example:3333", "--user", AION)


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory to be in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ran(*arguments: str) -> Result:
    """Run it where there is no terminal."""
    return CliRunner().invoke(sluice, ["init", *arguments], catch_exceptions=False)


def test_flags_make_a_file_that_check_takes() -> None:
    result = ran(*POOL, "--output", "s.toml")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "s.toml written, for its owner alone" in result.stderr
    checked = CliRunner().invoke(sluice, ["check", "-c", "s.toml"], catch_exceptions=False)
    assert (checked.exit_code, checked.stderr) == (0, "")


def test_every_flag() -> None:
    result = ran(
        *("--pool", "a:1", "--pool", "ssl://b:2", "--user", "wallet", "--password", "p", "--listen", "4444"),
        *("--difficulty", "vardiff", "--http", "0.0.0.0:80", "--ledger", "none", "-o", "s.toml"),
    )
    assert result.exit_code == 0
    config = load("s.toml", {})
    assert [str(pool.url) for pool in config.upstream.pools] == ["stratum+tcp://a:1", "stratum+tls://b:2"]
    assert (config.upstream.dialect, config.upstream.algorithm) == ("login", "blob")
    assert (config.listen[0].url.port, config.ledger.url, config.http.address) == (4444, "", "0.0.0.0:80")
    assert config.http.read_token
    assert config.http.read_token != config.http.admin_token


def test_without_output_it_is_printed() -> None:
    found = tomllib.loads(ran(*POOL, "--dialect", "login").stdout)
    assert found["upstream"]["dialect"] == "login"
    assert found["upstream"]["algorithm"] == "equihash/210_9"


def test_an_example_can_be_written_too() -> None:
    assert ran("full", "--output", "s.toml").exit_code == 0
    assert Path("s.toml").read_text() == ran("full").stdout


def test_a_file_that_is_there_is_kept() -> None:
    Path("s.toml").write_text("precious")
    result = ran(*POOL, "--output", "s.toml")
    assert result.exit_code == 2
    assert result.stderr == "sluice: s.toml: is there already; take another --output, or --force\n"
    assert Path("s.toml").read_text() == "precious"
    assert ran(*POOL, "--output", "s.toml", "--force").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("--user", "a"), "--pool: needed"),
        (("--pool", "a:1"), "--user: needed"),
        (("--listen", "1"), "--pool and --user: needed"),
        (("--pool", "a:99999", "--user", "a"), "--pool: "),
        ((*POOL, "--listen", "ssl://0.0.0.0:1"), "--listen: needs a certificate"),
        ((*POOL, "--difficulty", "x"), "--difficulty: must be"),
        ((*POOL, "--http", "x"), "--http: must be"),
        ((*POOL, "--ledger", "mysql://x"), "ledger.url: "),
        ((*POOL, "--algorithm", "blob"), "upstream.dialect: must be"),
        ((*POOL, "--algorithm", "sha256"), "upstream.algorithm: "),
        ((*POOL, "-o", "nowhere/s.toml"), "nowhere/s.toml: No such file"),
    ],
)
def test_what_cannot_be_is_one_line_and_status_2(arguments: tuple[str, ...], fault: str) -> None:
    result = ran(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"sluice: {fault}")


def test_an_example_and_flags_are_two_things() -> None:
    result = ran("minimal", *POOL)
    assert result.exit_code == 2
    assert "leave SIZE out" in result.stderr
