"""Options of a simulated pool."""

from typing import Any

import pytest

from proxy.errors import ConfigError
from proxy.native import Equihash
from proxy.sim.pool_options import DIALECTS, STYLES, PoolOptions


def test_defaults_are_a_solo_pool_with_a_proof_that_can_be_solved() -> None:
    options = PoolOptions()
    assert (options.dialect, options.style, options.equihash) == ("aion", "solo", Equihash(48, 5))
    assert hash(options) == hash(PoolOptions())


def test_only_known_styles_and_dialects() -> None:
    assert [PoolOptions(style=style).style for style in STYLES] == ["solo", "p2"]
    assert [PoolOptions(dialect=dialect).dialect for dialect in DIALECTS] == ["aion", "login"]
    with pytest.raises(ValueError, match="p4"):
        PoolOptions(style="p4")
    with pytest.raises(ValueError, match="grin"):
        PoolOptions(dialect="grin")


@pytest.mark.parametrize(
    ("given", "digits"),
    [({}, 64), ({"blob": True}, 8), ({"target_digits": 8}, 8), ({"blob": True, "target_digits": 16}, 16)],
)
def test_digits_of_a_target(given: dict[str, Any], digits: int) -> None:
    assert PoolOptions(dialect="login", **given).digits == digits


@pytest.mark.parametrize(
    "given",
    [
        {"blob": True},
        {"target_digits": 16},
        {"extra_members": {"a": 1}},
        {"dialect": "login", "target_digits": 32},
        {"dialect": "login", "target_digits": 64, "blob": True},
    ],
)
def test_what_does_not_go_together(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        PoolOptions(**given)
