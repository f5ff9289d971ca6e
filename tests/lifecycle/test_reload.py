"""Reloads of a proxy that only notes what it is told to go by."""

import attrs
import pytest
import trio
from structlog.testing import capture_logs

from proxy.config import Address, Config, Limits, Listen, Pool, Tls, Upstream
from proxy.errors import ConfigError
from proxy.lifecycle.reload import OK, REFUSED, Reloader

OLD = Config(
    upstream=Upstream(user="account", pools=(Pool(url=Address("stratum+tcp", "pool.example", 3333)),)),
    listen=(Listen(url=Address("stratum+tcp", "127.0.0.1", 0)),),
)


@attrs.define
class Running:
    """What is reloaded."""

    config: Config = OLD
    has_movable_ports: bool = True
    fault: str = ""
    applied: list[Config] = attrs.Factory(list)

    async def apply(self, config: Config) -> None:
        await trio.lowlevel.checkpoint()
        if self.fault:
            raise ConfigError(self.fault)
        self.applied.append(config)
        self.config = config


def broken() -> Config:
    """A file with two faults."""
    raise ConfigError("sluice.toml: limits.max_miners: must be 1 or more\nsluice.toml: x: unknown key")


async def test_what_changes_is_said_line_by_line_and_applied() -> None:
    proxy = Running()
    new = attrs.evolve(OLD, limits=Limits(max_miners=7), workers=4)
    reloader = Reloader(proxy, lambda: new)
    with capture_logs() as said:
        outcome = await reloader.reload()
    assert proxy.applied == [attrs.evolve(OLD, limits=Limits(max_miners=7))]
    assert [(line["event"], line.get("key")) for line in said] == [
        ("change not made", "workers"),
        ("change", "limits.max_miners"),
        ("configuration reloaded", None),
    ]
    assert said[-1]["waiting_for_restart"] == 1
    assert outcome.as_json()["result"] == OK
    assert [change["key"] for change in outcome.as_json()["changes"]] == ["workers", "limits.max_miners"]
    assert reloader.counts == {OK: 1, REFUSED: 0}


async def test_a_bad_file_changes_nothing_and_each_fault_is_said() -> None:
    proxy = Running()
    reloader = Reloader(proxy, broken)
    with capture_logs() as said:
        outcome = await reloader.reload()
    assert proxy.applied == []
    faults = ["sluice.toml: limits.max_miners: must be 1 or more", "sluice.toml: x: unknown key"]
    assert [line["fault"] for line in said] == faults
    assert outcome.as_json() == {"result": REFUSED, "faults": faults}
    assert reloader.counts == {OK: 0, REFUSED: 1}


async def test_an_address_that_cannot_be_had_refuses_all_of_it() -> None:
    proxy = Running(fault="listen.farm: in use")
    outcome = await Reloader(proxy, lambda: OLD).reload()
    assert outcome.faults == ("listen.farm: in use",)
    assert proxy.config == OLD


async def test_what_would_have_no_effect_is_refused_as_at_the_start() -> None:
    proxy = Running()
    new = attrs.evolve(OLD, listen=(attrs.evolve(OLD.listen[0], tls=Tls(certificate="c", key="k")),))
    outcome = await Reloader(proxy, lambda: new).reload()
    assert outcome.result == REFUSED
    assert "listen.0.tls: has no effect" in outcome.faults[0]


async def test_what_does_not_go_with_what_must_wait_is_refused() -> None:
    upstream = attrs.evolve(OLD.upstream, algorithm="blob", dialect="login")
    old = attrs.evolve(OLD, workers=64, upstream=upstream)
    proxy = Running(config=old)
    new = attrs.evolve(old, workers=1, limits=Limits(pool_connections=1))
    outcome = await Reloader(proxy, lambda: new).reload()
    assert outcome.result == REFUSED
    assert "limits.pool_connections: must be at least 64" in outcome.faults[0]
    assert "with what needs a restart as it was" in outcome.faults[0]


async def test_two_at_once_come_one_after_the_other() -> None:
    proxy = Running()
    configs = [attrs.evolve(OLD, limits=Limits(max_miners=number)) for number in (1, 2)]
    reloader = Reloader(proxy, lambda: configs.pop(0))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reloader.reload)
        nursery.start_soon(reloader.reload)
    assert sorted(config.limits.max_miners for config in proxy.applied) == [1, 2]
    assert reloader.counts[OK] == 2


@pytest.mark.parametrize("again", [OLD, attrs.evolve(OLD, given=frozenset({"listen"}))])
async def test_the_same_file_is_no_change(again: Config) -> None:
    outcome = await Reloader(Running(), lambda: again).reload()
    assert outcome.changes == ()
    assert outcome.result == OK
