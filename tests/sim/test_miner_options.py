"""What goes together, and what is taken for granted."""

from typing import Any

import pytest

from proxy.errors import ConfigError
from proxy.sim.miner_options import AGENTS, JUDGES, MinerOptions
from proxy.sim.verdicts import DESERVED


def test_each_dialect_has_its_own_agent() -> None:
    assert MinerOptions().agent == "nheqminer/0.2.1"
    assert MinerOptions(dialect="login").agent == "XMRig/6.26.0"
    assert MinerOptions(dialect="login", agent="me").agent == "me"


@pytest.mark.parametrize(
    "options",
    [
        {"blob": True},
        {"rig": "rig7"},
        {"extra_members": {"sig": ""}},
        {"against": "login"},
        {"dialect": "login", "against": "solo"},
    ],
)
def test_what_does_not_go_together(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        MinerOptions(**options)


@pytest.mark.parametrize("options", [{"dialect": "zec"}, {"spelling": "loud"}, {"against": "nobody"}])
def test_what_there_is_not(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be in"):
        MinerOptions(**options)


def test_each_dialect_has_judges() -> None:
    assert set(JUDGES) == set(AGENTS)
    assert {judge for judges in JUDGES.values() for judge in judges} == set(DESERVED)
