"""The process that lends: what it hands down, what it shows, what it needs.  All of it at work: tests/e2e."""

import socket
import tempfile

import attrs
import pytest

from proxy.config import Address, Config, Http, Limits, Listen, Pool, Upstream
from proxy.errors import ConfigError
from proxy.ops.view import View
from proxy.workers.messages import Charge, line
from proxy.workers.parent import FOR_EVER, Parent, RosterView, lent_config, make_door, part
from tests.downstream.boards import open_files
from tests.workers.reports import a_report

SECRET = "do not tell"
CONFIG = Config(
    workers=4,
    upstream=Upstream(
        user="account",
        password=SECRET,
        worker_names="suffix",
        pools=(Pool(url=Address("stratum+tcp", "127.0.0.1", 1), password=SECRET, user="other"),),
    ),
    listen=(
        Listen(url=Address("stratum+tcp", "127.0.0.1", 0)),
        Listen(name="barn", url=Address("stratum+tcp", "127.0.0.1", 0), difficulty=8),
    ),
    limits=Limits(max_miners=1000, upstream_unanswered=3),
    http=Http(address="", read_token=SECRET, admin_token=SECRET),
    given=frozenset({"limits.line_bytes"}),
)


def test_a_worker_is_told_no_secret() -> None:
    lent = lent_config(CONFIG, 4, "1.1", "/run/x")
    assert SECRET.encode() not in line(Charge(1, "1.1", lent, ["main"], []))
    assert b"account" not in line(Charge(1, "1.1", lent, [], [])).replace(b'"account"', b"")


def test_a_worker_has_what_miners_see_and_the_parent_for_a_pool() -> None:
    lent = lent_config(CONFIG, 4, "1.1", "/run/x")
    assert lent.workers == 1
    assert lent.listen == CONFIG.listen
    assert lent.given == CONFIG.given
    assert [str(pool.url) for pool in lent.upstream.pools] == ["unix:///run/x"]
    assert (lent.upstream.user, lent.upstream.worker_names) == ("1.1", "own")
    assert lent.upstream.nonce_bytes == CONFIG.upstream.nonce_bytes - 1
    assert lent.limits.upstream_unanswered > 1024
    assert lent.limits.upstream_silence_seconds == lent.limits.upstream_reply_seconds == FOR_EVER
    assert lent.limits.idle_seconds == CONFIG.limits.idle_seconds
    assert lent.http.address == ""


@pytest.mark.parametrize(
    ("dialect", "algorithm", "inside", "own_bytes"),
    [
        ("aion", "equihash/210_9", "aion", 3),
        ("login", "equihash/210_9", "aion", 3),
        ("login", "blob", "login", 4),
    ],
)
def test_inside_one_dialect_is_spoken_for_each_kind_of_work(
    dialect: str, algorithm: str, inside: str, own_bytes: int
) -> None:
    upstream = attrs.evolve(CONFIG.upstream, dialect=dialect, algorithm=algorithm)
    config = attrs.evolve(CONFIG, upstream=upstream)
    lent = lent_config(config, 4, "1.1", "/run/x").upstream
    assert (lent.dialect, lent.nonce_bytes) == (inside, own_bytes)
    door = make_door(config)
    assert list(door.flows) == [inside]
    assert door.limits.idle_seconds == door.limits.login_seconds == FOR_EVER


@pytest.mark.parametrize(("most", "processes"), [(20_000, 2), (20_000, 64), (100, 3), (5, 2), (1, 64)])
def test_a_part_of_a_limit_has_room_for_an_uneven_deal(most: int, processes: int) -> None:
    mine = part(most, processes)
    assert most / processes <= mine <= most
    if most == 20_000:
        assert mine < 1.3 * most / processes


def test_every_listener_has_a_socket_for_every_worker() -> None:
    files = open_files()
    parent = Parent(CONFIG)
    started = parent.bind()
    assert [name for name, _ in started.listening] == ["farm", "barn"]
    charges = [parent._charge(number, f"{number}.1").listening for number in (1, 2, 3, 4)]
    assert len({file for listening in charges for file in listening}) == 8
    for listening in charges:
        ports = [socket.socket(fileno=socket.dup(file)) for file in listening]
        shown = [Address.parse(url).port for _, url in started.listening]
        assert [port.getsockname()[1] for port in ports] == shown
        for port in ports:
            port.close()
    parent.ports.close()
    assert open_files() <= files + 1  # its epoll-less relays hold none


def test_ports_are_given_back_if_one_cannot_be_had() -> None:
    files = open_files()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = Address("stratum+tcp", "127.0.0.1", taken.getsockname()[1])
        config = attrs.evolve(CONFIG, listen=(CONFIG.listen[0], Listen(name="barn", url=url)))
        with pytest.raises(ConfigError, match="in use by another program"):
            Parent(config).bind()
    assert open_files() <= files


async def test_without_a_directory_for_its_socket_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(prefix: str) -> None:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "TemporaryDirectory", nowhere)
    files = open_files()
    parent = Parent(CONFIG)
    parent.bind()
    with pytest.raises(ConfigError, match=r"workers: no directory .* No usable temporary directory found"):
        await parent.run()
    assert open_files() <= files


async def test_the_view_is_what_workers_have_reported() -> None:
    parent = Parent(CONFIG)
    view: View = parent.view
    assert isinstance(view, RosterView)
    assert view.not_ready.startswith("no work from any pool")
    life = parent.roster.begin(1)
    parent.roster.take(life, a_report(rig1=1))
    assert view.book.connections == {"rig1": 1}
    assert view.miners() == {("farm", "aion"): 1}
    assert view.slots["lent"] == 1
    assert view.tally.conserved
    assert [pool.name for pool in view.pools] == ["main"]


async def test_it_is_ready_when_the_first_worker_has_work() -> None:
    told: list[str] = []
    parent = Parent(CONFIG)
    parent.when_ready(lambda: told.append("ready"))
    parent.relay.works = parent.relay.works or (object(),)  # type: ignore[assignment]  # any will do
    assert parent.view.not_ready == "no worker process has work yet"
    parent.roster.take(parent.roster.begin(1), a_report())
    assert told == ["ready"]
    assert parent.view.not_ready == ""
