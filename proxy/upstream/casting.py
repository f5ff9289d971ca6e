"""Who of the pools stays, comes and goes when the configuration changes.

Strategy: a pool is known by its name, and stays if all is the same that a connection to it is made of;
else it is another pool of that name.  One that the farm works for retires: it is ranked last, keeps its
connection until another gives work, and is not tried again.
The trap: places change, and a connection has its pool's; so all is put right in one go.
"""

from collections.abc import Iterator
from random import Random

import attrs

from proxy.config import Config, Pool
from proxy.upstream.backoff import Backoff
from proxy.upstream.contender import Contender, PoolStatus
from proxy.upstream.link import account_at


@attrs.frozen(eq=False)
class Cast:
    """The pools as they are to be.

    Args:
        contenders: in order; one that retires last.
        order: the former place of each, None for a new one.
        gone: those that are left.
        waived: places of those that the farm goes to as soon as they give work.
    """

    contenders: list[Contender]
    order: list[int | None]
    gone: list[Contender]
    waived: list[int]

    @property
    def new(self) -> Iterator[Contender]:
        """Those that are to be tried from now on."""
        return (one for one, former in zip(self.contenders, self.order, strict=True) if former is None)


def first_cast(config: Config, random: Random) -> list[Contender]:
    """Make the pools of a configuration."""
    return [make(place, pool, config, random) for place, pool in enumerate(config.upstream.pools)]


def make(place: int, pool: Pool, config: Config, random: Random) -> Contender:
    """Make a pool that has not been tried yet."""
    status = PoolStatus(pool.name, str(pool.url))
    return Contender(place, pool, status, Backoff(config.limits.reconnect_seconds_max, random))


def recast(
    former: list[Contender], active: int | None, before: Config, config: Config, random: Random
) -> Cast:
    """Find out who stays; places are as they are to be from then on.

    Args:
        active: place of the pool that the farm works for.
        before: what the former were made of.
    """
    staying = {
        one.pool.name: one
        for one in former
        for pool in config.upstream.pools
        if not one.retiring and pool.name == one.pool.name and _way(pool, config) == _way(one.pool, before)
    }
    contenders, order = [], list[int | None]()
    for place, pool in enumerate(config.upstream.pools):
        stays = staying.get(pool.name)
        order.append(None if stays is None else stays.place)
        contenders.append(make(place, pool, config, random) if stays is None else stays)
    waived = []
    retiring = former[active] if active is not None and former[active] not in contenders else None
    if retiring is not None:
        same = [one.place for one in contenders if one.pool.name == retiring.pool.name]
        waived = same or list(range(len(contenders)))
        retiring.retiring = True
        order.append(retiring.place)
        contenders.append(retiring)
    gone = [one for one in former if one not in contenders]
    for place, one in enumerate(contenders):
        one.place = place
        if one.link is not None:
            one.link.place = place
        if before.limits.reconnect_seconds_max != config.limits.reconnect_seconds_max:
            one.backoff = Backoff(config.limits.reconnect_seconds_max, random)
    for one, pool in zip(contenders, config.upstream.pools, strict=False):  # none for one that retires
        one.pool = pool
        if one.link is not None:
            one.link.conversation.account = account_at(pool, config)
    return Cast(contenders, order, gone, waived)


def _way(pool: Pool, config: Config) -> tuple[object, ...]:
    """All that a connection to a pool is made of."""
    upstream = config.upstream
    return (
        pool.url,
        pool.user or upstream.user,
        pool.password or upstream.password,
        pool.ca or upstream.ca,
        pool.fingerprint or upstream.fingerprint,
        pool.proxy or upstream.proxy,
    )
