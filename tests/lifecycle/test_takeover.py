"""The talk between a proxy and the one that replaces it, both ends in this process."""

import os
import socket
import stat
from pathlib import Path

import attrs
import pytest
import trio
from structlog.testing import capture_logs

from proxy.config import Address, Config, Listen, Pool, Upstream
from proxy.errors import ConfigError, SluiceError
from proxy.lifecycle import takeover
from proxy.lifecycle.ports import Ports
from proxy.lifecycle.takeover import ask, offer, place_of
from tests.kit.miners import within

CONFIG = Config(
    upstream=Upstream(user="account", pools=(Pool(url=Address("stratum+tcp", "pool.example", 3333)),)),
    listen=(Listen(url=Address("stratum+tcp", "127.0.0.1", 0)),),
)


@attrs.define
class Leaving:
    """A proxy that is asked to leave, or not."""

    ports: Ports = attrs.Factory(Ports)
    left: bool = False

    def leave(self) -> None:
        self.left = True


@pytest.fixture
def place(tmp_path: Path) -> str:
    """Where they meet."""
    return str(tmp_path / "takeover.sock")


def is_there(place: str) -> bool:
    """Whether the socket file is in place."""
    return Path(place).exists()


async def until_there(place: str) -> None:
    """Wait for a socket file."""
    while not is_there(place):  # noqa: ASYNC110  # nothing tells of it
        await trio.sleep(0.01)


def running() -> Leaving:
    """A proxy that has a port and HTTP."""
    proxy = Leaving()
    proxy.ports.bind(attrs.evolve(CONFIG, http=attrs.evolve(CONFIG.http, address="127.0.0.1:0")))
    return proxy


async def test_ports_are_handed_over_and_the_old_one_leaves_when_the_new_one_serves(place: str) -> None:
    old = running()
    with within():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(offer, place, old)
            await until_there(place)
            assert stat.S_IMODE(os.stat(place).st_mode) == 0o600
            async with ask(place) as giver:
                assert [(one.name, one.url) for one in giver.inherited] == [
                    (one.name, one.url) for one in old.ports.handed_down()
                ]
                for mine, theirs in zip(giver.inherited, old.ports.handed_down(), strict=True):
                    assert mine.sockets[0].getsockname() == theirs.sockets[0].getsockname()
                    assert not os.get_inheritable(mine.sockets[0].fileno())
                lefts = [old.left]
                await giver.done()
                assert [*lefts, old.left] == [False, True]
                assert not is_there(place), "it is the new one's to make"
            for one in giver.inherited:
                one.sockets[0].close()
    old.ports.close()


async def test_one_that_gives_up_leaves_the_old_one_untouched_and_another_may_ask(place: str) -> None:
    old = running()
    with within():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(offer, place, old)
            await until_there(place)
            for _ in range(2):
                async with ask(place) as giver:
                    for one in giver.inherited:
                        one.sockets[0].close()
            assert not old.left
            nursery.cancel_scope.cancel()
    assert old.ports.sockets[0][1].fileno() != -1
    old.ports.close()


async def test_nobody_there_is_said_with_the_place(place: str) -> None:
    with pytest.raises(ConfigError, match=r"takeover\.sock: No such file or directory; is a proxy running"):
        async with ask(place):
            raise AssertionError
    with pytest.raises(ConfigError, match="no place for the socket"):
        async with ask(""):
            raise AssertionError


async def test_another_user_is_not_talked_to(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    old = running()
    monkeypatch.setattr("os.geteuid", lambda: 4711)
    monkeypatch.setattr(takeover, "ROOT", 4712)
    with within(), capture_logs() as said:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(offer, place, old)
            await until_there(place)
            with pytest.raises(SluiceError, match="the other side is user"):
                async with ask(place):
                    raise AssertionError
            while not said:  # noqa: ASYNC110  # the log tells nobody
                await trio.sleep(0.01)
            nursery.cancel_scope.cancel()
    assert "the other side is user" in said[0]["note"]
    assert not old.left
    old.ports.close()


@pytest.mark.parametrize("text", [b"hello\n", b'{"word":7}\n', b"x" * 20_000, b'{"word":"done"}\n', b""])
async def test_nonsense_ends_the_talk_and_nothing_else(place: str, text: bytes) -> None:
    old = running()
    with within(), capture_logs():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(offer, place, old)
            await until_there(place)
            with socket.socket(socket.AF_UNIX) as sock:
                sock.connect(place)
                sock.sendall(text)
            async with ask(place) as giver:
                assert giver.inherited
                for one in giver.inherited:
                    one.sockets[0].close()
            nursery.cancel_scope.cancel()
    assert not old.left
    old.ports.close()


async def test_a_second_proxy_of_the_same_configuration_goes_without(place: str) -> None:
    with within(), capture_logs() as said:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(offer, place, Leaving())
            await until_there(place)
            await offer(place, Leaving())
            nursery.cancel_scope.cancel()
    assert [line["event"] for line in said] == ["no takeover"]


# ---- where


def test_the_place_is_the_configuration_files_own(tmp_path: Path) -> None:
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    one, other = (place_of(CONFIG, file, environ) for file in ("/etc/one.toml", "/etc/other.toml"))
    assert one != other
    assert one == place_of(CONFIG, "/etc/../etc/one.toml", environ)


def test_the_place_that_is_given_counts_and_none_is_none(tmp_path: Path) -> None:
    given = attrs.evolve(CONFIG, takeover_socket="/run/x.sock")
    assert place_of(given, None, {}) == "/run/x.sock"
    assert (
        place_of(attrs.evolve(CONFIG, takeover_socket="none"), None, {"XDG_RUNTIME_DIR": str(tmp_path)}) == ""
    )


def test_without_a_directory_of_our_own_there_is_no_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(takeover, "SHARED", str(tmp_path / "absent"))
    assert place_of(CONFIG, None, {}) == ""
    assert place_of(CONFIG, None, {"XDG_RUNTIME_DIR": str(tmp_path / "gone")}) == ""
