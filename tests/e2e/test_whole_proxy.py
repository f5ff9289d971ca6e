"""The whole proxy between simulated ends, on real sockets: what a farm and a pool would see of it.

The pool judges every share for itself with the slow oracle; the miners know what each of their shares
deserves.  Neither knows of the other, nor of the proxy.
"""

from collections.abc import Awaitable, Callable
from functools import partial

import attrs
import pytest
import trio

from proxy.model.share import FILTERED, Reason
from proxy.sim.faults import Mix
from proxy.sim.pool_options import PoolOptions
from proxy.sim.verdicts import Kind
from tests.e2e.rigs import AION, LOGIN, LONGEST, SMALL, has_accepted, rig

SOLO = PoolOptions(style="solo", equihash=SMALL, difficulty=4, job_seconds=1, seed=3, strict=True)
PAIRINGS = {
    "aion miners, solo pool": (AION, SOLO),
    "aion miners, p2 pool": (AION, attrs.evolve(SOLO, style="p2")),
    "login miners, solo pool": (LOGIN, SOLO),
    "login miners, p2 pool": (LOGIN, attrs.evolve(SOLO, style="p2")),
    "aion miners, login pool": (AION, attrs.evolve(SOLO, dialect=LOGIN)),
    "login miners, login pool": (LOGIN, attrs.evolve(SOLO, dialect=LOGIN)),
    "login miners, short targets": (LOGIN, attrs.evolve(SOLO, dialect=LOGIN, target_digits=16)),
    "blob work": (LOGIN, attrs.evolve(SOLO, dialect=LOGIN, blob=True)),
}


@pytest.mark.parametrize(("dialect", "options"), PAIRINGS.values(), ids=PAIRINGS)
async def test_no_bad_share_reaches_the_pool_and_no_good_one_is_refused(
    dialect: str, options: PoolOptions
) -> None:
    """Every kind of share at once, against a pool that enforces what real ones do."""
    kept_out = {"slow_reader", "half_line"}
    if options.blob:
        kept_out |= {"bad_proof", "near_miss"}  # that a claim is false only the pool can tell
    mix = Mix({kind: 20.0 if kind is Kind.GOOD else 2.0 for kind in Kind if kind.value not in kept_out})
    async with rig(options) as at:
        report = await at.farm(15, 60, mix=mix, dialect=dialect).run()
        tally = at.proxy.tally
        assert report.unexpected_lines == []
        assert report.unanswered == 0
        assert at.pool.tally.bad == 0
        assert at.pool.tally.repeated_nonces == 0
        assert at.pool.tally.accepted == tally.shares[Reason.ACCEPTED] > 0
        # What miners were told is what was counted, verdict by verdict.
        assert {k.value: v for k, v in tally.shares.items() if v} == dict(report.shares)
        assert tally.received_total == report.sent.total()
        met = {reason for reason in FILTERED if tally.shares[reason]}
        unmet = {Reason.NOT_SUBSCRIBED} if dialect == LOGIN else set()
        if options.blob:
            unmet.add(Reason.INVALID_SOLUTION)
        assert met == set(FILTERED) - unmet, "the mix was meant to show every row of the table"
        await at.nothing_is_left()


@pytest.mark.parametrize("dialect", [AION, LOGIN])
@pytest.mark.parametrize("pool", [AION, LOGIN])
async def test_two_hundred_miners_never_do_the_same_work(dialect: str, pool: str) -> None:
    """Each counts its nonces up from zero, so the same slice twice would show at once."""
    async with rig(PoolOptions(dialect=pool, equihash=SMALL, seed=5)) as at:
        churn = {"disconnect_seconds": 1.0, "reconnect_seconds": 0.01}
        report = await at.farm(200, 5, dialect=dialect, **churn).run()
        assert report.connects > 200
        assert at.pool.tally.accepted > 200
        assert at.pool.tally.repeated_nonces == 0
        assert report.violations == {}
        await at.nothing_is_left()


async def test_both_dialects_on_one_port_share_one_pool() -> None:
    """Half a farm each; the pool cannot tell them apart, and neither sees the other's faults."""
    async with rig(attrs.evolve(SOLO, job_seconds=0.5)) as at:
        mix = Mix({kind: 20.0 if kind is Kind.GOOD else 2.0 for kind in (Kind.GOOD, Kind.JUNK, Kind.LOW)})
        farms = [at.farm(10, 20, dialect=dialect, mix=mix, user=dialect + "{n}") for dialect in (AION, LOGIN)]
        async with trio.open_nursery() as nursery:
            for farm in farms:
                nursery.start_soon(farm.run)
        received = at.proxy.tally.received
        for farm, dialect in zip(farms, (AION, LOGIN), strict=True):
            assert farm.report.unexpected_lines == []
            assert farm.report.violations == {}
            assert received["farm", dialect] == farm.report.sent.total() > 100
        assert at.pool.tally.bad == 0
        assert at.pool.tally.repeated_nonces == 0
        await at.nothing_is_left()


async def test_six_hundred_blob_miners_have_three_pool_connections() -> None:
    """256 bytes a connection; the next miner opens another, and no nonce comes twice."""
    async with rig(PoolOptions(dialect=LOGIN, blob=True, seed=5, extra_members={"next": {"a": 1.50}})) as at:
        farm = at.farm(600, shares_per_second=3.0)
        report = farm.report
        async with trio.open_nursery() as nursery:
            nursery.start_soon(farm.run)
            await farm.until(lambda farm: report.online == 600 and report.accepted > 1000, LONGEST)
            farm.stop()
        assert at.pool.tally.connections == 3
        assert at.pool.tally.accepted == report.accepted
        assert at.pool.tally.repeated_nonces == 0
        assert report.violations == {}
        assert report.unexpected_lines == []
        await at.nothing_is_left()


async def test_blob_miners_that_come_and_go_never_meet_on_a_nonce() -> None:
    """A byte that was given back is nobody's until the next job; more connections make up for it."""
    async with rig(PoolOptions(dialect=LOGIN, blob=True, job_seconds=1, seed=5)) as at:
        churn = {"disconnect_seconds": 0.5, "reconnect_seconds": 0.01}
        report = await at.farm(300, 10, **churn).run()
        assert report.connects > 400
        assert at.pool.tally.accepted > 1000
        assert at.pool.tally.repeated_nonces == 0
        assert at.pool.tally.bad == 0
        assert report.violations == {}
        await at.nothing_is_left()


async def test_what_a_blob_share_brings_reaches_the_pool_untouched() -> None:
    """The proof is not ours to look at, nor what goes with it."""
    brought = {"sig": "ab" * 64, "commitment": "cd" * 32}
    async with rig(PoolOptions(dialect=LOGIN, blob=True, seed=5, record=True)) as at:
        await at.farm(2, 3, extra_members=brought).run()
        assert len(at.pool.shares) >= 6
        for share in at.pool.shares:
            assert share.extra.items() >= {**brought, "algo": "rx/0"}.items()


@pytest.mark.parametrize(
    ("pool", "miners", "blob"),
    [
        (AION, AION, False),
        (AION, LOGIN, False),
        (LOGIN, AION, False),
        (LOGIN, LOGIN, False),
        (LOGIN, LOGIN, True),
    ],
)
async def test_miners_outlive_every_fault_of_the_pool(pool: str, miners: str, blob: bool) -> None:
    """Lost, restarted with old job ids, moved, garbled: nobody is cut off and every share is answered."""
    async with rig(PoolOptions(dialect=pool, blob=blob, equihash=SMALL, job_seconds=0.5, seed=9)) as at:
        farm = at.farm(10, shares_per_second=10.0, dialect=miners)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(farm.run)
            for fault in (
                lambda: at.pool.lose(0.3),
                lambda: at.pool.restart(0.1),
                _at_once(at.pool.move_extranonce),
                _at_once(lambda: at.pool.inject(b"%%% junk\n")),
                _at_once(at.pool.drop),
                _at_once(at.pool.ask_reconnect),
            ):
                enough = farm.report.accepted + 20
                await fault()
                await farm.until(partial(has_accepted, enough))
            farm.stop()
        report = farm.report
        assert (report.connects, report.disconnects) == (10, 0)
        assert report.unexpected_lines == []
        assert report.unanswered == 0
        assert report.moves > 0 or blob
        assert report.violations == {}
        assert at.pool.tally.bad == 0
        assert at.proxy.tally.conserved


def _at_once(do: Callable[[], object]) -> Callable[[], Awaitable[None]]:
    """Make a fault that takes no time look like the others."""

    async def fault() -> None:
        do()

    return fault
