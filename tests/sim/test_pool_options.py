"""Options of a simulated pool."""

import pytest

from proxy.native import Equihash
from proxy.sim.pool_options import STYLES, PoolOptions


def test_defaults_are_a_solo_pool_with_a_proof_that_can_be_solved() -> None:
    options = PoolOptions()
    assert (options.style, options.equihash) == ("solo", Equihash(48, 5))


def test_only_known_styles() -> None:
    assert [PoolOptions(style=style).style for style in STYLES] == ["solo", "p2"]
    with pytest.raises(ValueError, match="p4"):
        PoolOptions(style="p4")
