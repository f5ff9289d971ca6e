"""Sockets of listeners: taken, inherited, kept over a change, given away."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from proxy.config import Address, Config, Http, Listen, Pool, Upstream
from proxy.downstream.listeners import FileListener, bind, bind_file
from proxy.errors import ConfigError
from proxy.lifecycle.ports import Inherited, Ports
from tests.downstream.boards import open_files

UPSTREAM = Upstream(user="account", pools=(Pool(url=Address("stratum+tcp", "pool.example", 3333)),))


@pytest.fixture(autouse=True)
def nothing_is_left_open() -> Iterator[None]:
    """Each test closes what it has."""
    before = open_files()
    yield
    assert open_files() == before


def tcp(port: int = 0, scheme: str = "stratum+tcp") -> Address:
    """An address on loopback."""
    return Address(scheme, "127.0.0.1", port)


def config(*listen: Listen, http: str = "", workers: int = 1) -> Config:
    """A configuration of listeners."""
    return Config(upstream=UPSTREAM, listen=listen, http=Http(address=http), workers=workers)


def bound(
    *listen: Listen, inherited: list[Inherited] | None = None, http: str = "", workers: int = 1
) -> Ports:
    """Ports that are taken."""
    ports = Ports(inherited=inherited or [])
    ports.bind(config(*listen, http=http, workers=workers))
    return ports


def port_of(sock: socket.socket) -> int:
    """Where a socket stands."""
    return int(sock.getsockname()[1])


def outside(name: str = "", url: str = "", count: int = 1) -> Inherited:
    """Sockets that somebody else has bound; all on one port."""
    first = bind(Listen(url=tcp()))
    return Inherited(name, url, [first, *(first.dup() for _ in range(count - 1))])


# ---- at the start


def test_an_address_that_cannot_be_had_leaves_none_taken() -> None:
    taken = bind(Listen(url=tcp()))
    with pytest.raises(ConfigError, match=r"listen\.barn"):
        bound(Listen(name="farm", url=tcp()), Listen(name="barn", url=tcp(port_of(taken))))
    taken.close()


def test_an_inherited_one_is_taken_by_its_name() -> None:
    found = outside("farm")
    ports = bound(Listen(name="farm", url=tcp(port_of(found.sockets[0]))), inherited=[found])
    assert ports.sockets[0][1] is found.sockets[0]
    ports.close()


def test_an_inherited_one_without_a_name_is_taken_by_its_address() -> None:
    found = outside()
    ports = bound(
        Listen(name="barn", url=tcp()),
        Listen(name="farm", url=tcp(port_of(found.sockets[0]))),
        inherited=[found],
    )
    assert ports.sockets[1][1] is found.sockets[0]
    ports.close()


def test_the_name_that_systemd_gives_counts_even_where_the_address_is_another() -> None:
    found = outside("farm")
    with capture_logs() as said:
        ports = bound(Listen(name="farm", url=tcp()), inherited=[found])
    assert [line["event"] for line in said] == ["inherited socket stands elsewhere"]
    assert ports.sockets[0][1] is found.sockets[0]
    ports.close()


def test_of_a_proxy_that_is_taken_over_a_listener_that_has_moved_is_not_taken() -> None:
    found = outside("farm", url="stratum+tcp://127.0.0.1:1")
    with capture_logs() as said:
        ports = bound(Listen(name="farm", url=tcp()), inherited=[found])
    assert ports.sockets[0][1] is not found.sockets[0]
    assert [line["event"] for line in said] == ["inherited socket not needed"]
    assert found.sockets[0].fileno() == -1, "nobody would accept who comes to it"
    ports.close()


def test_one_on_any_free_port_keeps_the_port() -> None:
    first = bound(Listen(name="farm", url=tcp()), http="127.0.0.1:0")
    down = [Inherited(one.name, one.url, [sock.dup() for sock in one.sockets]) for one in first.handed_down()]
    second = bound(Listen(name="farm", url=tcp()), http="127.0.0.1:0", inherited=down)
    assert second.standing == first.standing
    assert first.http is not None
    assert second.http is not None
    assert second.http.getsockname() == first.http.getsockname()
    first.close()
    second.close()


def test_fewer_processes_than_sockets_would_leave_miners_waiting() -> None:
    found = outside("farm", count=3)
    with pytest.raises(ConfigError, match="workers: must be at least 3"):
        bound(Listen(name="farm", url=tcp(port_of(found.sockets[0]))), inherited=[found], workers=2)


def test_as_many_processes_have_a_socket_each() -> None:
    found = outside("farm", count=3)
    ports = bound(Listen(name="farm", url=tcp(port_of(found.sockets[0]))), inherited=[found], workers=3)
    assert ports.of("farm") == found.sockets
    ports.close()


# ---- socket files


def test_a_socket_file_goes_with_the_last_who_has_it(tmp_path: Path) -> None:
    path = tmp_path / "farm.sock"
    listen = Listen(name="farm", url=Address("unix", "", 0, str(path)))
    first = bound(listen)
    (given,) = first.handed_down()
    theirs = socket.socket(fileno=socket.dup(given.sockets[0].fileno()))
    second = bound(listen, inherited=[Inherited(given.name, given.url, [theirs])])
    first.disown()
    first.close()
    assert path.exists()
    with socket.socket(socket.AF_UNIX) as miner:
        miner.connect(str(path))
    second.close()
    assert not path.exists()


def test_a_socket_file_of_systemds_is_systemds_to_remove(tmp_path: Path) -> None:
    path = tmp_path / "farm.sock"
    theirs = bind_file("farm", str(path))
    plain = socket.socket(fileno=socket.dup(theirs.fileno()))
    ports = bound(
        Listen(name="farm", url=Address("unix", "", 0, str(path))), inherited=[Inherited("farm", "", [plain])]
    )
    assert not isinstance(ports.sockets[0][1], FileListener)
    ports.close()
    assert path.exists()
    theirs.close()


# ---- another configuration


def test_who_stays_keeps_its_socket_and_who_goes_is_closed() -> None:
    farm, barn = Listen(name="farm", url=tcp()), Listen(name="barn", url=tcp())
    ports = bound(farm, barn)
    (_, first), (_, second) = ports.sockets
    coop = Listen(name="coop", url=tcp())
    ports.take(ports.prepare([coop, farm]))
    assert [listen.name for listen, _ in ports.sockets] == ["coop", "farm"]
    assert ports.sockets[1][1] is first
    assert (first.fileno() != -1, second.fileno()) == (True, -1)
    ports.close()


def test_a_port_that_only_changes_its_name_or_kind_is_kept() -> None:
    ports = bound(Listen(name="farm", url=tcp()))
    sock = ports.sockets[0][1]
    port = port_of(sock)
    ports.close()
    ports = bound(Listen(name="farm", url=tcp(port)))
    sock = ports.sockets[0][1]
    ports.take(ports.prepare([Listen(name="barn", url=tcp(port))]))
    ports.take(ports.prepare([Listen(name="barn", url=tcp(port, "ws"))]))
    assert ports.sockets[0][1] is sock
    ports.close()


def test_what_cannot_be_had_changes_nothing() -> None:
    taken = bind(Listen(url=tcp()))
    ports = bound(Listen(name="farm", url=tcp()))
    before = list(ports.sockets)
    with pytest.raises(ConfigError):
        ports.prepare([Listen(name="barn", url=tcp()), Listen(name="coop", url=tcp(port_of(taken)))])
    assert ports.sockets == before
    assert before[0][1].fileno() != -1
    ports.close()
    taken.close()
