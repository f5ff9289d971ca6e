"""Another configuration for a pool side at work: which connections stay, and that there is always work."""

import attrs
from trio.testing import MockClock

from proxy.config import Address, Config, Limits, Pool
from tests.kit.pools import ACCEPTED, Given, Settled, SocketPool, Visit, Working, notify, yes
from tests.upstream.sides import Side


def pool_at(name: str, port: int) -> Pool:
    """A pool on loopback."""
    return Pool(name=name, url=Address("stratum+tcp", "127.0.0.1", port))


async def is_left(visit: Visit) -> bool:
    """Whether the proxy hangs up."""
    return await visit.stream.receive_some() == b""


def with_pools(side: Side, *pools: Pool, user: str = "user") -> Config:
    """The configuration of a side with other pools."""
    return attrs.evolve(side.config, upstream=attrs.evolve(side.config.upstream, pools=pools, user=user))


async def test_another_limit_leaves_the_connection_and_holds_for_it(
    autojump_clock: MockClock, pool: SocketPool
) -> None:
    side = Side(pool.port)
    async with side.running():
        visit = await pool.accept()
        await visit.lets_in(notify("1"))
        await side.house.told(Working(), Given("1"))
        side.upstream.configure(attrs.evolve(side.config, limits=Limits(upstream_unanswered=1)))
        assert side.submits("a", "b")
        submit = await visit.hears()
        await visit.says(yes(submit["id"]))
        assert (await visit.hears())["method"] == "mining.submit", (
            "the second goes when the first is answered"
        )
        await side.house.told(Settled("a", ACCEPTED))


async def test_a_pool_behind_the_active_one_comes_and_goes_unnoticed(
    autojump_clock: MockClock, pool: SocketPool, backup: SocketPool
) -> None:
    side = Side(pool.port)
    async with side.running():
        visit = await pool.accept()
        await visit.lets_in(notify("1"))
        await side.house.told(Working(), Given("1"))
        main, spare = pool_at("pool0", pool.port), pool_at("spare", backup.port)
        side.upstream.configure(with_pools(side, main, spare))
        assert [(one.name, one.state) for one in side.upstream.pools] == [
            ("pool0", "active"),
            ("spare", "down"),
        ]
        side.upstream.configure(with_pools(side, main))
        await visit.says(notify("2"))
        await side.house.told(Given("2"))


async def test_the_farm_moves_when_another_account_has_work_and_not_before(
    autojump_clock: MockClock, pool: SocketPool
) -> None:
    side = Side(pool.port)
    async with side.running():
        former = await pool.accept()
        await former.lets_in(notify("1"))
        await side.house.told(Working(), Given("1"))
        assert side.submits("late")
        submit = await former.hears()
        side.upstream.configure(with_pools(side, pool_at("pool0", pool.port), user="another"))
        again = await pool.accept()
        await former.says(notify("2"))
        await side.house.told(Given("2"))
        places = [side.upstream.current]  # the one that works is in the configuration no more
        await again.lets_in(notify("n1"))
        await side.house.told(Working(connection=2), Given("n1", connection=2))
        assert side.upstream.account_user == "another"
        assert [*places, side.upstream.current] == [None, 0]
        await former.says(yes(submit["id"]))
        await side.house.told(Settled("late", ACCEPTED))
        assert await is_left(former)
        assert side.tally.switches == {}, "it is the same pool"


async def test_a_pool_that_is_taken_away_is_left_as_soon_as_another_gives_work(
    autojump_clock: MockClock, pool: SocketPool, backup: SocketPool
) -> None:
    side = Side(pool.port)
    async with side.running():
        former = await pool.accept()
        await former.lets_in(notify("1"))
        await side.house.told(Working(), Given("1"))
        side.upstream.configure(with_pools(side, pool_at("spare", backup.port)))
        visit = await backup.accept()
        await visit.lets_in(notify("b1"))
        await side.house.told(Working(connection=2), Given("b1", connection=2))
        assert await is_left(former)
        assert [(one.name, one.state) for one in side.upstream.pools] == [("spare", "active")]
        side.upstream.configure(with_pools(side, pool_at("spare", backup.port)))
        await visit.says(notify("b2"))
        await side.house.told(Given("b2", connection=2))
