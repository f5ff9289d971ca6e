"""What each listener takes: in the words of the configuration, and in those of a refusal."""

import socket
from collections.abc import Iterable
from pathlib import Path

import attrs
import pytest

from proxy.config import Address, Config, Ledger, Limits, Listen, Pool, Upstream, Vardiff
from proxy.doors import Listening, dialects, make_door, make_entrance, unusable
from proxy.downstream.certificates import Certificates
from proxy.downstream.entrance import Entrance
from proxy.downstream.session import Door
from proxy.model.proof import ProofForm
from proxy.wire.loginjobs import JobForm
from tests.kit.certificates import Authority


def configured(*listen: Listen, algorithm: str = "equihash/210_9", line_bytes: int = 0) -> Config:
    """A configuration; the length of a line is given only if it is here."""
    pool = Pool(url=Address("stratum+tcp", "pool.example", 3333))
    return Config(
        upstream=Upstream(user="account", algorithm=algorithm, dialect="login", pools=(pool,)),
        listen=listen,
        limits=Limits(line_bytes=line_bytes) if line_bytes else Limits(),
        given=frozenset({"limits", "limits.line_bytes"} if line_bytes else {"limits"}),
    )


def standing(listen: Iterable[Listen]) -> Listening:
    """Every listener with the port it really has."""
    return [(each, Address("stratum+tcp", "0.0.0.0", 4000 + number)) for number, each in enumerate(listen)]


def door_of(config: Config, number: int = 0) -> Door:
    """The door of one listener of a configuration."""
    return make_door(config, config.listen[number], standing(config.listen), lane=0)


@pytest.mark.parametrize(
    ("dialect", "algorithm", "spoken"),
    [
        ("auto", "equihash/210_9", ["aion", "login"]),
        ("aion", "equihash/210_9", ["aion"]),
        ("login", "equihash/210_9", ["login"]),
        ("auto", "blob", ["login"]),
        ("login", "blob", ["login"]),
    ],
)
def test_what_a_listener_takes(dialect: str, algorithm: str, spoken: list[str]) -> None:
    config = configured(Listen(dialect=dialect), algorithm=algorithm)
    assert dialects(config, config.listen[0]) == spoken
    door = door_of(config)
    assert list(door.flows) == spoken
    assert sorted({*door.flows, *door.hints}) == ["aion", "login"]
    assert not set(door.flows) & set(door.hints)


def test_a_miner_at_the_wrong_port_is_told_the_right_one() -> None:
    listen = [
        Listen(name="rigs", dialect="aion"),
        Listen(name="more rigs", dialect="aion"),
        Listen(name="cpus", dialect="login"),
        Listen(name="all", dialect="auto"),
    ]
    config = configured(*listen)
    assert door_of(config, 0).hints == {"login": "port 4002 does (listener cpus)"}
    assert door_of(config, 2).hints == {"aion": "port 4000 does (listener rigs)"}
    assert door_of(config, 3).hints == {}


def test_a_socket_file_is_named_by_its_path() -> None:
    listen = [
        Listen(name="rigs", dialect="aion"),
        Listen(name="cpus", dialect="login", url=Address("unix", "", 0, "/run/cpus")),
    ]
    door = make_door(configured(*listen), listen[0], [(each, each.url) for each in listen], lane=0)
    assert door.hints == {"login": "unix:///run/cpus does (listener cpus)"}


def test_where_no_port_is_right_it_is_told_what_would_make_one() -> None:
    config = configured(Listen(name="rigs", dialect="aion"))
    assert door_of(config).hints == {"login": 'set dialect = "auto" for listener rigs'}
    config = configured(Listen(name="cpus", dialect="login"))
    assert door_of(config).hints == {"aion": 'set dialect = "auto" for listener cpus'}


@pytest.mark.parametrize("dialect", ["auto", "login"])
def test_no_port_helps_an_aion_miner_where_the_work_is_blobs(dialect: str) -> None:
    config = configured(Listen(dialect=dialect), algorithm="blob")
    hint = 'the work here is not Equihash (upstream.algorithm = "blob"), which no Aion miner can do'
    assert door_of(config).hints == {"aion": hint}


@pytest.mark.parametrize(
    ("dialect", "given", "line_bytes"),
    [
        ("aion", 0, 16_384),
        ("login", 0, 65_536),
        ("auto", 0, 65_536),
        ("auto", 16_384, 16_384),
        ("login", 8192, 8192),
        ("login", 100_000, 100_000),
        ("aion", 100_000, 100_000),
    ],
)
def test_lines_are_as_long_as_the_dialect_needs_unless_the_length_is_given(
    dialect: str, given: int, line_bytes: int
) -> None:
    assert door_of(configured(Listen(dialect=dialect), line_bytes=given)).line_bytes == line_bytes


def test_a_default_raised_above_the_dialects_need_stays() -> None:
    config = attrs.evolve(configured(Listen()), limits=Limits(line_bytes=200_000))
    assert door_of(config).line_bytes == 200_000


def test_what_sessions_need_of_the_rest_of_the_configuration() -> None:
    config = configured(Listen(name="rigs", target_digits=16), Listen())
    door = make_door(config, config.listen[0], standing(config.listen), lane=3)
    assert (door.listener, door.lane) == ("rigs", 3)
    assert door.limits is config.limits
    assert door.proof == ProofForm.of(210, 9)
    assert door.job_form == JobForm("equihash/210_9", "AION0PoW", target_digits=16)
    assert door_of(config, 1).job_form.target_digits == 0


def test_blob_work_has_no_proof_and_names_its_algorithm_itself() -> None:
    door = door_of(configured(Listen(target_digits=8), algorithm="blob"))
    assert door.proof is None
    assert (door.job_form.algorithm, door.job_form.target_digits) == ("", 8)


@pytest.mark.parametrize(
    ("difficulty", "vardiff", "takes_suffix"),
    [("upstream", None, False), (8, None, True), (Vardiff(start=4), Vardiff(start=4), True)],
)
def test_a_difficulty_of_the_ports_own(
    difficulty: Vardiff | float | str, vardiff: Vardiff | None, takes_suffix: bool
) -> None:
    """Only there a number behind a login name is taken for a difficulty."""
    door = door_of(configured(Listen(difficulty=difficulty)))
    assert (door.vardiff, door.takes_suffix) == (vardiff, takes_suffix)


# ---- entrances


def entrance_of(listen: Listen, certificates: Certificates | None = None) -> Entrance:
    """The entrance of a listener."""
    config = configured(listen)
    with socket.socket() as sock:
        return make_entrance(listen, sock, door_of(config), certificates or Certificates([]))


def test_a_plain_port_has_nothing_before_it() -> None:
    entrance = entrance_of(Listen())
    assert (entrance.tls, entrance.balancers, entrance.is_websocket) == (None, None, False)


@pytest.mark.parametrize(("mode", "required"), [("optional", False), ("required", True)])
def test_a_balancer_is_believed_from_its_networks(mode: str, required: bool) -> None:
    balancers = entrance_of(Listen(proxy_protocol=mode, trusted_proxies=("10.0.0.0/8",))).balancers
    assert balancers is not None
    assert balancers.required == required
    assert balancers.trusts("10.1.1.1")
    assert not balancers.trusts("11.1.1.1")


def test_a_websocket_has_its_path_and_its_certificate(tmp_path: Path) -> None:
    listen = Listen(url=Address("wss", "0.0.0.0", 443, "/farm"), tls=Authority(tmp_path).issue())
    certificates = Certificates([listen])
    entrance = entrance_of(listen, certificates)
    assert (entrance.is_websocket, entrance.path) == (True, "/farm")
    assert entrance.tls is certificates.of("farm") is not None


def test_files_of_tls_are_looked_at(tmp_path: Path) -> None:
    tls = Authority(tmp_path).issue()
    good = configured(Listen(url=Address("stratum+tls", "0.0.0.0", 1), tls=tls))
    assert unusable(good) == []
    gone = attrs.evolve(tls, key=str(tmp_path / "gone"))
    bad = configured(Listen(url=Address("stratum+tls", "0.0.0.0", 1), tls=gone))
    pool = Pool(url=Address("stratum+tls", "pool.example", 1), ca=str(tmp_path / "gone"))
    bad = attrs.evolve(bad, upstream=attrs.evolve(bad.upstream, pools=(pool,)))
    assert [line.split(":")[0] for line in unusable(bad)] == ["listen.farm.tls.key", "upstream.pools.0.ca"]


def test_a_ledger_that_is_nowhere_is_said() -> None:
    config = attrs.evolve(configured(Listen()), ledger=Ledger(url="sqlite:///:memory:"))
    (line,) = unusable(config)
    assert line.startswith("ledger.url: names no file")
