"""`sluice top` as a command: where it asks, with whose token, and a snapshot where there is no terminal."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proxy.cli import sluice
from proxy.errors import ConfigError
from proxy.ops.topcommand import Place, find_place
from tests.ops.apis import FakeApi, serving

CONFIG = """
[upstream]
user = "account"
[[upstream.pools]]
url = "stratum+tcp://127.0.0.1:3333"
[http]
address = "0.0.0.0:9999"
read_token = "ours"
"""
HERE = "http://127.0.0.1:9180/readyz"
THERE = "http://192.0.2.1:9180"


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory to be in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SLUICE_TOKEN", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)
    return tmp_path


@pytest.fixture
def fake() -> Iterator[FakeApi]:
    """An API that answers."""
    with serving(FakeApi()) as api:
        yield api


def ran(*arguments: str) -> Result:
    """Run the command in this process, where there is no terminal."""
    return CliRunner().invoke(sluice, ["top", *arguments], catch_exceptions=False)


# ---- where to, with what


def place(
    url: str | None = None,
    path: str | None = None,
    token: str | None = None,
    file: str | None = None,
    **env: str,
) -> Place:
    """Where the command would ask."""
    return find_place(url, path, token, file, env)


def test_without_anything_it_is_this_machine() -> None:
    assert place() == Place(HERE)


def test_address_and_token_are_the_configurations() -> None:
    Path("sluice.toml").write_text(CONFIG, encoding="utf-8")
    assert place() == Place("http://127.0.0.1:9999/readyz", "ours")


def test_without_a_read_token_the_admin_token_will_do() -> None:
    Path("sluice.toml").write_text(CONFIG.replace("read_token", "admin_token"), encoding="utf-8")
    assert place().token == "ours"


def test_a_token_of_the_configuration_does_not_go_to_another_address() -> None:
    Path("sluice.toml").write_text(CONFIG, encoding="utf-8")
    assert place(THERE) == Place(THERE, "")
    assert place(THERE, "sluice.toml") == Place(THERE, "ours")


def test_what_is_given_goes_before_what_is_configured() -> None:
    Path("sluice.toml").write_text(CONFIG, encoding="utf-8")
    Path("token").write_text("from a file\n", encoding="utf-8")
    assert place(token="given").token == "given"
    assert place(file="token").token == "from a file"
    assert place(SLUICE_TOKEN="environment").token == "environment"
    assert place(THERE, token="given", SLUICE_TOKEN="environment") == Place(THERE, "given")


def test_the_environment_alone_is_a_configuration() -> None:
    found = place(
        SLUICE__UPSTREAM__USER="a",
        SLUICE__UPSTREAM__POOLS__0__URL="unix:///p",
        SLUICE__HTTP__ADDRESS="127.0.0.1:7777",
        SLUICE__HTTP__READ_TOKEN="theirs",
    )
    assert found == Place("http://127.0.0.1:7777/readyz", "theirs")


def test_a_token_is_not_shown() -> None:
    assert "hush" not in repr(Place(HERE, "hush"))


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"token": "a", "file": "b"}, "take one of the two"),
        ({"file": "nowhere"}, "--token-file: nowhere: No such file"),
        ({"file": "empty"}, "is empty"),
        ({"token": "a\nb"}, "printable ASCII"),
        ({"token": "é"}, "printable ASCII"),
        ({"path": "nowhere.toml"}, "nowhere.toml"),
    ],
)
def test_what_cannot_be_used_is_said(arguments: dict[str, str], fault: str) -> None:
    Path("empty").touch()
    with pytest.raises(ConfigError, match=fault):
        place(**arguments)


def test_a_configuration_without_an_address() -> None:
    Path("sluice.toml").write_text(CONFIG.replace("0.0.0.0:9999", ""), encoding="utf-8")
    with pytest.raises(ConfigError, match="give a URL"):
        place()


# ---- a snapshot


def test_in_a_pipe_it_is_printed_once(fake: FakeApi) -> None:
    result = ran(fake.url)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "\x1b" not in result.stdout
    for part in ("sluice 9.8.7", "pool main", "missing 2", "conserved", "rig1", "rig2"):
        assert part in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 120
    assert fake.asked == [
        ("summary", {}),
        ("workers", {"limit": "50", "offset": "0", "sort": "sols_10m", "order": "desc", "state": "all"}),
    ]


@pytest.mark.parametrize(("view", "said"), [("miners", "192.0.2.7"), ("pools", "backup"), ("bans", "nobody")])
def test_each_view(fake: FakeApi, view: str, said: str) -> None:
    assert said in ran(fake.url, "--once", "--view", view, "--rows", "3").stdout


def test_the_token_is_shown_to_the_proxy(fake: FakeApi) -> None:
    fake.token = "hush"
    assert ran(fake.url, "--token", "hush").exit_code == 0
    result = ran(fake.url)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert "a read token is needed" in line


def test_nobody_there_is_status_1_and_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    result = ran(f"http://127.0.0.1:{port}")
    assert (result.exit_code, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert line.endswith("Connection refused; is sluice running there?")


def test_authorities_that_are_none() -> None:
    Path("ca.pem").write_text("nothing", encoding="utf-8")
    for file in ("ca.pem", "nowhere.pem"):
        result = ran("https://127.0.0.1:1", "--ca", file)
        assert result.exit_code == 2
        assert result.stderr.startswith(f"sluice: --ca: {file}: ")
