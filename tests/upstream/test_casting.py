"""Who of the pools stays, comes and goes."""

from random import Random
from typing import Any

import attrs
import pytest

from proxy.config import Address, Config, Limits, Pool, Upstream
from proxy.upstream.casting import first_cast, recast


def pool(name: str, port: int = 1, **keys: Any) -> Pool:
    """A pool."""
    return Pool(name=name, url=Address("stratum+tcp", "pool.example", port), **keys)


def config(*pools: Pool, **keys: Any) -> Config:
    """A configuration with pools."""
    return Config(upstream=Upstream(**{"user": "account", "pools": pools, **keys}))


ABC = config(pool("a"), pool("b"), pool("c"))


def test_pools_that_are_the_same_stay_wherever_they_are() -> None:
    former = first_cast(ABC, Random(1))
    cast = recast(former, 0, ABC, config(pool("c"), pool("d"), pool("a")), Random(1))
    assert [one.pool.name for one in cast.contenders] == ["c", "d", "a"]
    assert cast.order == [2, None, 0]
    assert [one.place for one in cast.contenders] == [0, 1, 2]
    assert (cast.contenders[0], cast.contenders[2]) == (former[2], former[0])
    assert [one.pool.name for one in cast.new] == ["d"]
    assert [one.pool.name for one in cast.gone] == ["b"]
    assert cast.waived == []


def test_nothing_changes_nobody() -> None:
    former = first_cast(ABC, Random(1))
    cast = recast(former, 1, ABC, ABC, Random(1))
    assert (cast.contenders, cast.order, cast.gone, cast.waived) == (former, [0, 1, 2], [], [])


@pytest.mark.parametrize(
    "change",
    [
        {"user": "other"},
        {"password": "other"},
        {"ca": "other.pem"},
        {"proxy": "socks5://h.example:1"},
        {"url": Address("stratum+tcp", "pool.example", 2)},
    ],
)
def test_the_active_one_retires_when_its_own_entry_changes(change: dict[str, Any]) -> None:
    former = first_cast(ABC, Random(1))
    new = config(attrs.evolve(pool("a"), **change), pool("b"), pool("c"))
    cast = recast(former, 0, ABC, new, Random(1))
    assert [(one.pool.name, one.retiring) for one in cast.contenders] == [
        ("a", False),
        ("b", False),
        ("c", False),
        ("a", True),
    ]
    assert cast.order == [None, 1, 2, 0]
    assert cast.waived == [0], "the farm goes over as soon as it can, and to no other"
    assert cast.gone == []


def test_a_change_of_another_pool_leaves_the_active_one_alone() -> None:
    former = first_cast(ABC, Random(1))
    cast = recast(former, 0, ABC, config(pool("a"), pool("b", 2), pool("c")), Random(1))
    assert cast.order == [0, None, 2]
    assert cast.gone == [former[1]]


def test_the_account_of_all_is_that_of_each_without_one() -> None:
    before = config(pool("a", user="own"), pool("b"))
    former = first_cast(before, Random(1))
    after = config(pool("a", user="own"), pool("b"), user="other")
    assert recast(former, 0, before, after, Random(1)).order == [0, None]


def test_of_one_that_is_taken_away_the_farm_goes_to_any_other() -> None:
    former = first_cast(ABC, Random(1))
    cast = recast(former, 0, ABC, config(pool("b"), pool("c")), Random(1))
    assert cast.waived == [0, 1]
    again = recast(cast.contenders, 0, config(pool("b"), pool("c")), config(pool("b")), Random(1))
    assert again.gone == [former[2], former[0]], "one that has retired is gone for good the next time"


def test_the_longest_wait_is_everybodys() -> None:
    former = first_cast(ABC, Random(1))
    backoff = former[0].backoff
    recast(former, 0, ABC, attrs.evolve(ABC, limits=Limits(reconnect_seconds_max=1)), Random(1))
    assert former[0].backoff is not backoff
