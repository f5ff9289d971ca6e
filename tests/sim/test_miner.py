"""The simulated miner against the simulated pool, with no proxy between: both must agree."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from proxy.sim.faults import Mix
from proxy.sim.miner import MinerOptions, SimMiner
from proxy.sim.pool import SimPool
from proxy.sim.rig import Proof, Task, difficulty_of
from proxy.sim.verdicts import DESERVED, SHARES, SHARES_APART, Kind
from tests.sim.talker import living


@asynccontextmanager
async def mining(pool: SimPool, **options: Any) -> AsyncIterator[SimMiner]:
    """A miner at work, quick at everything; stopped and gone at the end."""
    style, dialect = pool.options.style, pool.options.dialect
    given = {"shares_per_second": 1000.0, "reconnect_seconds": 0.01, "hold_seconds": 2.0, **options}
    if dialect == "login":
        how = MinerOptions(dialect=dialect, blob=pool.options.blob, against="login", **given)
    else:
        how = MinerOptions(against=style, obeys_set_target=style == "p2", **given)
    miner = SimMiner("127.0.0.1", pool.port, how)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(miner.run)
        try:
            yield miner
        finally:
            miner.stop()


def enough(kind: Kind) -> int:
    """Shares after which a miner has sent some of this kind: stale ones only once another job has come."""
    return 300 if kind is Kind.STALE else 30


async def done(miner: SimMiner) -> None:
    await miner.until(lambda miner: miner.done)


@pytest.mark.parametrize("style", ["solo", "p2"])
async def test_good_shares_are_all_accepted_and_no_nonce_comes_twice(style: str) -> None:
    async with living(style=style, difficulty=4, strict=style == "p2") as pool:
        async with mining(pool, max_shares=40) as miner:
            await done(miner)
        report = miner.report
        assert report.sent == {"good": 40}
        assert report.shares == {"accepted": 40}
        assert (report.expected, report.unexpected, report.violations) == (40, 0, {})
        assert (pool.tally.accepted, pool.tally.bad) == (40, 0)
        assert (pool.tally.nonces, pool.tally.repeated_nonces) == (40, 0)
        assert report.work == 160
        assert report.roundtrip.count == 40
        assert report.conserved()


@pytest.mark.parametrize("style", ["solo", "p2"])
@pytest.mark.parametrize("kind", [kind for kind in (*SHARES, *SHARES_APART) if kind is not Kind.GOOD])
async def test_a_bad_share_gets_what_it_deserves(style: str, kind: Kind) -> None:
    async with living(style=style, difficulty=2) as pool:
        mix = Mix({Kind.GOOD: 1, kind: 2})
        async with mining(pool, mix=mix, max_shares=enough(kind)) as miner:
            await miner.until(lambda miner: miner.report.sent["good"] > 0)
            pool.new_job()  # for stale shares there must be a job before
            await done(miner)
        report = miner.report
        assert report.sent[kind.value] > 0
        assert report.unexpected_lines == []
        assert set(report.verdicts[kind.value]) <= {reason.value for reason in DESERVED[style][kind]}
        assert report.conserved()
        assert report.dropped == report.unanswered == 0


async def test_every_solution_is_used_and_the_second_of_a_nonce_refused_by_a_strict_pool() -> None:
    async with living(strict=True) as pool:
        async with mining(pool, max_shares=60, all_solutions=True, shares_per_second=300.0) as miner:
            await done(miner)
        assert pool.tally.second_solutions > 0
        assert miner.report.unexpected_lines == []
        assert miner.report.verdicts["good"]["duplicate"] == pool.tally.second_solutions


async def test_ready_proofs_from_a_source_until_there_are_no_more() -> None:
    def source(task: Task) -> list[Proof] | None:
        nonce = task.next_nonce()
        return [Proof(nonce, "11" * 36)] if task.counter <= 3 else None

    async with living(trust=True) as pool:
        async with mining(pool, source=source, max_shares=10) as miner:
            await done(miner)
        assert pool.tally.accepted == 3


async def test_a_moved_extranonce1_is_used_from_the_next_job_on() -> None:
    async with living() as pool, mining(pool) as miner:
        await pool.until(lambda pool: pool.tally.accepted > 3)
        pool.move_extranonce()
        before = pool.tally.accepted
        await pool.until(lambda pool: pool.tally.accepted > before + 5)
        assert miner.report.moves == 1
        assert pool.tally.bad == 0
        assert miner.link is not None
        assert miner.link.task is not None
        assert miner.link.task.prefix.endswith("00000001")


async def test_a_lost_connection_is_made_again_and_the_old_job_id_ignored() -> None:
    async with living() as pool, mining(pool) as miner:
        await pool.until(lambda pool: pool.tally.accepted > 3)
        pool.drop()
        await miner.until(lambda miner: miner.report.connects == 2)
        # The pool gives the same job under the same id; real miners idle until the next one.
        await miner.until(lambda miner: miner.report.violations["same_job_id"] == 1)
        before = pool.tally.accepted
        pool.new_job()
        await pool.until(lambda pool: pool.tally.accepted > before)
        assert miner.report.disconnects == 1
        miner.stop()
        await miner.until(lambda miner: miner.link is None)
        assert miner.report.conserved()


async def test_jobs_that_are_not_clean_are_ignored() -> None:
    async with living(clean_ratio=0) as pool, mining(pool) as miner:
        await miner.until(lambda miner: miner.report.violations["not_clean_job"] == 1)
        pool.new_job(clean=True)
        await pool.until(lambda pool: pool.tally.accepted > 0)
        assert miner.link is not None
        assert miner.link.task is not None
        assert miner.link.task.id == "2"


async def test_a_second_reply_is_seen() -> None:
    async with (
        living(double_refusals=True) as pool,
        mining(pool, mix=Mix({Kind.MALFORMED: 1}), max_shares=5) as miner,
    ):
        await miner.until(lambda miner: miner.report.violations["second_reply"] == 5)


async def test_no_reply_is_seen_at_the_end() -> None:
    async with living(drop_replies=1.0) as pool:
        async with mining(pool, max_shares=5, drain_seconds=0.05) as miner:
            await pool.until(lambda pool: pool.tally.submits == 5)
        assert miner.report.unanswered == 5
        assert miner.report.conserved()


async def test_a_refused_worker_quits_for_good() -> None:
    async with living(users=frozenset({"somebody"})) as pool:
        async with mining(pool) as miner:
            await done(miner)
        assert (miner.report.quits, miner.report.connects) == (1, 1)


async def test_a_silent_pool_is_waited_for_and_left_at_the_end() -> None:
    async with living(silent=True) as pool:
        async with mining(pool):
            await pool.until(lambda pool: pool.tally.lines == 1)
        await pool.until(lambda pool: not pool.sessions)


async def test_no_pool_is_tried_again() -> None:
    async with living() as pool:
        await pool.go_down()
        async with mining(pool) as miner:
            await miner.until(lambda miner: miner.report.connect_failures >= 2)
            await pool.come_up()
            await pool.until(lambda pool: pool.tally.accepted > 0)


async def test_client_reconnect_is_followed() -> None:
    async with living() as one, living() as other, mining(one) as miner:
        await one.until(lambda pool: pool.tally.accepted > 0)
        # As a string: the reference miner does not take a number for a port.
        one.inject(b'{"id":null,"method":"client.reconnect","params":["127.0.0.1","%d"]}\n' % other.port)
        await other.until(lambda pool: pool.tally.connections == 1)
        other.new_job()
        await other.until(lambda pool: pool.tally.accepted > 0)
        assert miner.report.violations["reconnect_port_not_a_string"] == 0


async def test_a_miner_drops_its_connection_now_and_then() -> None:
    async with living() as pool, mining(pool, disconnect_seconds=0.01) as miner:
        await miner.until(lambda miner: miner.report.connects > 3)


async def test_a_miner_of_a_speed_takes_up_a_new_target_at_once() -> None:
    """At the first one it would have found a share in a day."""
    options = {"sols_per_second": 2000.0, "max_shares": 20}
    async with living(difficulty=2.0**37) as pool, mining(pool, **options) as miner:
        await miner.until(lambda miner: miner.link is not None and miner.link.task is not None)
        pool.set_difficulty(4)
        await done(miner)
        # One that is made just as the target changes is not sent, or the last is still on its way.
        assert pool.tally.accepted >= 18


async def test_a_miner_without_a_rate_only_listens() -> None:
    async with living() as pool, mining(pool, shares_per_second=0) as miner:
        await miner.until(lambda miner: miner.report.jobs == 1)
        pool.new_job()
        await miner.until(lambda miner: miner.report.jobs == 2)
        await done(miner)
        assert not miner.report.sent


# ---- the login dialect


BLOB_WORK = pytest.mark.parametrize("blob", [False, True], ids=["equihash", "blob"])


@BLOB_WORK
@pytest.mark.parametrize("digits", [0, 8, 16])
async def test_good_shares_in_the_login_dialect_are_all_accepted(blob: bool, digits: int) -> None:
    async with living(dialect="login", blob=blob, difficulty=4, target_digits=digits, strict=True) as pool:
        async with mining(pool, max_shares=40, rig="rig7") as miner:
            await done(miner)
        report = miner.report
        assert report.shares == {"accepted": 40}
        assert (report.expected, report.unexpected, report.violations) == (40, 0, {})
        assert (pool.tally.accepted, pool.tally.bad, pool.tally.repeated_nonces) == (40, 0, 0)
        # Not 160: eight digits of blob work are widened, and both must do it alike.
        assert report.work == pytest.approx(40 * difficulty_of(pool.target.to_bytes(32, "big")))


@BLOB_WORK
@pytest.mark.parametrize(
    "kind", [kind for kind in (*SHARES, Kind.UNAUTHORIZED) if kind not in (Kind.GOOD, Kind.UNKNOWN_JOB)]
)
async def test_a_bad_share_in_the_login_dialect_gets_what_it_deserves(blob: bool, kind: Kind) -> None:
    # A pool's own miner has the whole nonce of a blob to itself, and a hash has no order to be wrong.
    made = not blob or kind not in (Kind.WRONG_SLICE, Kind.NEAR_MISS)
    async with living(dialect="login", blob=blob, difficulty=4) as pool:
        async with mining(pool, mix=Mix({Kind.GOOD: 1, kind: 2})) as miner:
            report = miner.report
            await miner.until(lambda _: report.accepted > 0)
            pool.new_job()  # for stale shares there must be a job before
            if made:
                await miner.until(lambda _: report.verdicts.get(kind.value, Counter()).total() >= 5)
            else:
                await miner.until(lambda _: report.impossible[kind.value] >= 5)
        assert bool(report.sent[kind.value]) is made
        assert report.unexpected_lines == []
        assert report.violations == {}
        assert report.conserved()
        assert report.dropped == report.unanswered == 0


async def test_invalid_job_id_costs_the_connection_and_is_no_violation_when_deserved() -> None:
    async with living(dialect="login", blob=True) as pool:
        async with mining(pool, mix=Mix({Kind.UNKNOWN_JOB: 1}), max_shares=5) as miner:
            await miner.until(lambda miner: miner.report.connects > 1)
        assert miner.report.verdicts["unknown_job"]["unknown_job"] >= 1
        assert (miner.report.violations, miner.report.unexpected) == ({}, 0)
        assert miner.report.conserved()


async def test_a_refused_login_is_tried_again() -> None:
    async with living(dialect="login", users=frozenset({"somebody"})) as pool, mining(pool) as miner:
        await miner.until(lambda miner: miner.report.refused > 1)
        assert not miner.done
        assert miner.report.quits == 0


@BLOB_WORK
async def test_a_lost_connection_of_the_login_dialect_is_made_again(blob: bool) -> None:
    async with living(dialect="login", blob=blob) as pool, mining(pool) as miner:
        await pool.until(lambda pool: pool.tally.accepted > 3)
        pool.drop()
        await miner.until(lambda miner: miner.report.connects == 2)
        before = pool.tally.accepted
        await pool.until(lambda pool: pool.tally.accepted > before)
        assert miner.report.violations == {}


async def test_nobody_subscribes_in_the_login_dialect() -> None:
    async with living(dialect="login") as pool:
        async with mining(pool, mix=Mix({Kind.NOT_SUBSCRIBED: 1}), max_shares=5) as miner:
            await done(miner)
        assert miner.report.impossible == {"not_subscribed": 5}
        assert miner.report.shares == {"accepted": 5}
