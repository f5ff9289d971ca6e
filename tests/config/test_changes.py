"""What another configuration changes: every key decided, and the plan of a change as a pure function."""

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config import Address, Config, Http, Limits, Listen, Log, Pool, Upstream, Vardiff
from proxy.config.changes import (
    LIVE,
    RESTART,
    RESTARTED,
    WITH_PORTS,
    WITH_WORK,
    Change,
    classified,
    every_key,
    plan,
)

FARM = Listen(name="farm", url=Address("stratum+tcp", "127.0.0.1", 3333))
BARN = Listen(name="barn", url=Address("stratum+tcp", "127.0.0.1", 3334))
MAIN = Pool(name="main", url=Address("stratum+tcp", "a.example", 3333))
SPARE = Pool(name="spare", url=Address("stratum+tcp", "b.example", 3333))


def upstream(**keys: Any) -> Upstream:
    """A pool side."""
    return Upstream(**{"user": "account", "pools": (MAIN, SPARE), **keys})


OLD = Config(upstream=upstream(), listen=(FARM, BARN))


def changes(new: Config, ports: bool = True) -> list[tuple[str, str, str, bool]]:
    """What is said of a change from OLD."""
    return [(one.key, one.old, one.new, one.applies) for one in plan(OLD, new, ports).changes]


# ---- every key is decided


@pytest.mark.parametrize("path", list(every_key()))
def test_for_each_key_somebody_has_decided_whether_it_needs_a_restart(path: str) -> None:
    """Whoever adds a key puts it into LIVE, and sees that it is, or into RESTART."""
    assert classified(path) is not None


def test_nothing_else_is_decided() -> None:
    keys = set(every_key())
    assert set(LIVE) <= keys
    assert all(path in keys or any(key.startswith(f"{path}.") for key in keys) for path in RESTART)
    assert not set(LIVE) & RESTART


def test_a_key_that_nobody_has_decided_is_seen() -> None:
    assert classified("limits.new") is None


# ---- what a change is

HOSTS = st.sampled_from(["a.example", "b.example"])
POOLS = st.lists(
    st.builds(
        Pool,
        name=st.sampled_from("abc"),
        url=st.builds(Address, st.just("stratum+tcp"), HOSTS, st.just(3333)),
        user=st.none() | st.just("own"),
    ),
    min_size=1,
    unique_by=lambda pool: pool.name,
).map(tuple)
LISTEN = st.lists(
    st.builds(
        Listen,
        name=st.sampled_from("xyz"),
        url=st.builds(Address, st.just("stratum+tcp"), st.just("0.0.0.0"), st.integers(1, 3)),
        difficulty=st.sampled_from(["upstream", 4.0, Vardiff(), Vardiff(start=16)]),
    ),
    min_size=1,
    unique_by=lambda listen: listen.name,
).map(tuple)
CONFIGS = st.builds(
    Config,
    workers=st.integers(1, 2),
    upstream=st.builds(
        Upstream,
        user=st.sampled_from(["one", "two"]),
        algorithm=st.sampled_from(["equihash/210_9", "equihash/48_5"]),
        nonce_bytes=st.integers(3, 4),
        pools=POOLS,
    ),
    listen=LISTEN,
    limits=st.builds(Limits, max_miners=st.integers(1, 2), idle_seconds=st.sampled_from([5.0, 6.0])),
    http=st.builds(
        Http, address=st.sampled_from(["", "127.0.0.1:1"]), admin_token=st.sampled_from(["", "t"])
    ),
    log=st.builds(Log, level=st.sampled_from(["info", "debug"])),
)


@given(CONFIGS, st.booleans())
def test_of_equal_ones_nothing_changes(config: Config, ports: bool) -> None:
    again = attrs.evolve(config, given=frozenset({"workers"}))
    made = plan(config, again, ports)
    assert made.changes == ()
    assert made.config == config


@given(CONFIGS, CONFIGS, st.booleans())
def test_what_is_applied_differs_from_the_old_in_nothing_but_what_is_said(
    old: Config, new: Config, ports: bool
) -> None:
    made = plan(old, new, ports)
    said = plan(old, made.config, ports).changes
    assert all(change.applies for change in said)
    assert {change.key for change in said} <= {change.key for change in made.changes if change.applies}
    waiting = [change for change in made.changes if not change.applies]
    assert bool(waiting) == (made.config != new) or {one.name for one in new.listen} != {
        one.name for one in made.config.listen
    }


@given(CONFIGS, CONFIGS)
def test_what_waits_is_still_said_the_next_time(old: Config, new: Config) -> None:
    first = plan(old, new)
    again = plan(first.config, new)
    assert [one.key for one in again.changes] == [one.key for one in first.changes if not one.applies]


def test_limits_and_tokens_and_the_log() -> None:
    new = attrs.evolve(
        OLD,
        limits=Limits(max_miners=7),
        http=Http(admin_token="secret"),
        log=Log(level="debug"),
    )
    assert changes(new) == [
        ("limits.max_miners", "20000", "7", True),
        ("http.admin_token", "", '"***"', True),
        ("log.level", '"info"', '"debug"', True),
    ]


def test_secrets_are_masked() -> None:
    http = plan(
        attrs.evolve(OLD, http=Http(read_token="one")), attrs.evolve(OLD, http=Http(read_token="two"))
    )
    assert [(one.old, one.new) for one in http.changes] == [('"***"', '"***"')]
    pool = attrs.evolve(MAIN, password="secret", proxy="socks5://me:secret@h.example:1")
    made = plan(OLD, attrs.evolve(OLD, upstream=upstream(pools=(pool, SPARE), password="secret")))
    assert len(made.changes) == 3
    assert "secret" not in repr(made.changes)


def test_listeners_are_known_by_name() -> None:
    coop = Listen(name="coop", url=Address("stratum+tcp", "127.0.0.1", 3335))
    new = attrs.evolve(OLD, listen=(coop, attrs.evolve(FARM, difficulty=8.0)))
    assert changes(new) == [
        ("listen.farm.difficulty", '"upstream"', "8.0", True),
        ("listen.barn", "stratum+tcp://127.0.0.1:3334", "", True),
        ("listen.coop", "", "stratum+tcp://127.0.0.1:3335", True),
    ]


def test_listeners_in_another_order_are_the_same() -> None:
    assert changes(attrs.evolve(OLD, listen=(BARN, FARM))) == []


def test_worker_processes_keep_the_ports_they_have() -> None:
    coop = Listen(name="coop", url=Address("stratum+tcp", "127.0.0.1", 3335))
    moved = attrs.evolve(FARM, url=coop.url, difficulty=8.0)
    made = plan(OLD, attrs.evolve(OLD, listen=(moved, attrs.evolve(coop, url=BARN.url))), ports=False)
    assert [(one.key, one.applies) for one in made.changes] == [
        ("listen.farm.url", False),
        ("listen.farm.difficulty", True),
        ("listen.barn", True),
        ("listen.coop", False),
    ]
    assert {one.effect for one in made.changes if not one.applies} == {WITH_PORTS}
    assert made.config.listen == (attrs.evolve(FARM, difficulty=8.0),)


def test_pools_come_go_change_and_swap() -> None:
    third = attrs.evolve(SPARE, name="third")
    assert changes(attrs.evolve(OLD, upstream=upstream(pools=(SPARE, MAIN)))) == [
        ("upstream.pools", "main, spare", "spare, main", True)
    ]
    assert changes(attrs.evolve(OLD, upstream=upstream(pools=(attrs.evolve(MAIN, user="me"), third)))) == [
        ("upstream.pools.main.user", "", '"me"', True),
        ("upstream.pools.spare", "stratum+tcp://b.example:3333", "", True),
        ("upstream.pools.third", "", "stratum+tcp://b.example:3333", True),
    ]


def test_what_needs_a_restart_is_said_and_the_rest_is_applied() -> None:
    new = attrs.evolve(
        OLD,
        workers=4,
        http=Http(address="", admin_token="t"),
        upstream=upstream(nonce_bytes=2, user="other"),
    )
    made = plan(OLD, new)
    assert {one.key: one.effect for one in made.changes if not one.applies} == {
        "workers": RESTARTED,
        "upstream.nonce_bytes": RESTARTED,
        "http.address": RESTARTED,
    }
    assert made.config == attrs.evolve(OLD, upstream=upstream(user="other"), http=Http(admin_token="t"))


def test_pools_of_another_kind_of_work_wait_with_it() -> None:
    new = attrs.evolve(OLD, upstream=upstream(algorithm="blob", dialect="login", pools=(SPARE,)), workers=1)
    made = plan(OLD, new)
    assert made.config == OLD
    assert (
        Change("upstream.pools.main", "stratum+tcp://a.example:3333", "", WITH_WORK, applies=False)
        in made.changes
    )
