"""`sluice init` on a terminal: the questions as somebody has them, answered by typing."""

import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from proxy.config import Vardiff, load
from tests.kit.terminals import Screen

AION = "0xa0" + "1f" * 31
Asked = Callable[..., Screen]


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory to be in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def pool() -> Iterator[str]:
    """Somebody who listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def asked() -> Iterator[Asked]:
    """Terminals with `sluice init` in them."""
    with ExitStack() as stack:

        def start(*arguments: str) -> Screen:
            screen = Screen("init", *arguments, columns=200, asks=True)
            stack.callback(screen.close)
            return screen

        yield start


def dialogue(screen: Screen, *lines: tuple[str, str]) -> None:
    """Wait for each question, and answer it."""
    for question, answer in lines:
        screen.until(question)
        screen.types(answer + "\r")


def test_all_questions(asked: Asked, pool: str) -> None:
    screen = asked()
    dialogue(
        screen,
        ("Pool, as host:port or URL", pool),
        ("in reserve; Enter for none", pool),
        ("in reserve; Enter for none", ""),
        ("Account at the pool", AION),
        ("What do pool and miners speak (aion, login) [aion]", ""),
        ("for the miners [3333]", "4444"),
        ("vardiff", "y"),
        ("or none [127.0.0.1:9180]", "0.0.0.0:9180"),
        ("Keep a record of all shares", "n"),
    )
    screen.until("sluice.toml written")
    assert screen.ends()[0] == 0
    config = load("sluice.toml", {})
    assert [str(one.url) for one in config.upstream.pools] == [f"stratum+tcp://{pool}"] * 2
    assert (config.upstream.user, config.upstream.dialect, config.listen[0].url.port) == (AION, "aion", 4444)
    assert config.listen[0].difficulty == Vardiff()
    assert config.http.admin_token
    assert config.ledger.url == ""
    assert stat.S_IMODE(Path("sluice.toml").stat().st_mode) == 0o600


def test_a_pool_nobody_answers_at_is_said_and_may_be_kept(asked: Asked) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        gone = f"127.0.0.1:{server.getsockname()[1]}"
    screen = asked("--user", "wallet", "--listen", "1", "--http", "none", "--ledger", "none")
    dialogue(
        screen,
        ("Pool, as host:port or URL", "no pool"),
        ("must be like stratum+tcp://host:port", gone),
        (f"{gone}: Connection refused", "n"),
        ("Pool, as host:port or URL", gone),
        ("Take it all the same", "y"),
        ("in reserve", ""),
        ("(aion, login) [login]", ""),
        ("(blob, equihash) [blob]", "equihash"),
        ("vardiff", ""),
    )
    assert screen.ends()[0] == 0
    config = load("sluice.toml", {})
    assert (config.upstream.dialect, config.upstream.algorithm) == ("login", "equihash/210_9")
    assert config.http.address == ""


def test_a_file_that_is_there_is_said_before_anything_is_asked(asked: Asked) -> None:
    Path("sluice.toml").write_text("precious")
    screen = asked()
    assert "Pool, as" not in screen.until("is there already; take another --output, or --force")
    assert screen.ends()[0] == 2
    assert Path("sluice.toml").read_text() == "precious"


def test_leaving_in_the_middle_leaves_nothing(asked: Asked) -> None:
    screen = asked()
    screen.until("Pool, as")
    assert screen.interrupted() != 0
    assert not Path("sluice.toml").exists()
