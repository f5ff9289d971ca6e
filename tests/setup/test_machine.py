"""What this machine has: figures that make sense, and files with secrets that everybody may read."""

from pathlib import Path

import pytest

from proxy import native
from proxy.config import load
from proxy.setup.machine import look
from tests.setup.configs import LISTEN, TWO_POOLS, configured


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory to be in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_figures() -> None:
    found = look(configured(), None)
    assert found.open_files > 0
    assert found.memory > 2**20
    assert found.cores > 0
    assert found.proof == native.PATH


@pytest.mark.parametrize(
    "url", ["sqlite:///sluice.db", "sqlite:///not/yet/there/sluice.db", "sqlite:////tmp/x.db"]
)
def test_room_on_the_disk_where_the_file_is_to_be(url: str) -> None:
    assert look(configured(f'[ledger]\nurl = "{url}"'), None).disk


@pytest.mark.parametrize("url", ["", "postgresql://u:p@h/d"])
def test_no_disk_without_a_file(url: str) -> None:
    assert look(configured(f'[ledger]\nurl = "{url}"'), None).disk is None


def readable(text: str, mode: int, **others: int) -> tuple[str, ...]:
    """The files with secrets that everybody may read, of a configuration with this mode."""
    path = Path("s.toml")
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    for name, bits in others.items():
        Path(name).write_text("hush", encoding="utf-8")
        Path(name).chmod(bits)
    return look(load("s.toml", {}), "s.toml").readable


SECRET = TWO_POOLS.replace('user = "account"', 'user = "account"\npassword = "hush"') + LISTEN


def test_a_password_that_everybody_may_read() -> None:
    assert readable(SECRET, 0o644) == ("s.toml",)
    assert readable(SECRET, 0o640) == ()


def test_the_usual_password_is_none() -> None:
    assert readable(SECRET.replace("hush", "x"), 0o644) == ()
    assert readable(TWO_POOLS + LISTEN, 0o644) == ()


def test_a_token_counts_as_well() -> None:
    assert readable(TWO_POOLS + LISTEN + '[http]\nadmin_token = "t"', 0o604) == ("s.toml",)


def test_a_file_of_its_own_is_looked_at_instead() -> None:
    text = SECRET.replace('password = "hush"', 'password_file = "pool"')
    assert readable(text, 0o644, pool=0o644) == ("pool",)
    assert readable(text, 0o644, pool=0o600) == ()


def test_the_key_of_a_certificate() -> None:
    listen = '[[listen]]\nurl = "wss://0.0.0.0:443"\ntls = { certificate = "c", key = "k" }\n'
    assert readable(TWO_POOLS + listen, 0o644, c=0o644, k=0o644) == ("k",)
    assert readable(TWO_POOLS + listen.replace('"k"', '"gone"'), 0o644) == ()
