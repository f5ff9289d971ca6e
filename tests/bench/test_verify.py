"""The measurement measures: every path, every kind of share, positive times."""

import attrs
import pytest

from proxy.bench import verify
from proxy.native import Equihash, available_paths


def test_the_shares_are_what_they_are_said_to_be() -> None:
    """Valid ones pass, junk fails at the order, sorted junk in the tree."""
    equihash = Equihash()
    kinds = verify.kinds_of_share(equihash)
    flaws = {kind: {equihash.flaw(*share) for share in shares} for kind, shares in kinds.items()}
    assert flaws == {"valid_us": {""}, "junk_us": {"order"}, "sorted_junk_us": {"collision:1"}}
    assert all(len(set(shares)) == verify.SAMPLES for shares in kinds.values())


def test_every_path_is_measured() -> None:
    """In the order of available_paths, and progress reaches the end."""
    told: list[float] = []
    results = verify.measure(0.02, told.append)
    assert [result.path for result in results] == list(available_paths())
    assert all(time > 0 for result in results for time in attrs.astuple(result)[1:])
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)
