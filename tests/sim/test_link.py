"""A miner's connection and its judgement of replies, against lines written by hand."""

import pytest

from proxy.sim.verdicts import Kind
from tests.sim.bench import bench, notify, reply


async def test_an_undeserved_verdict_is_a_surprise() -> None:
    async with bench() as at:
        await at.share()
        await at.share(Kind.LOW)
        await at.hear(reply(4, "invalid solution"), reply(5))
        assert at.report.unexpected == 2
        assert "a good share of job 1 got invalid solution" in at.report.unexpected_lines[0]


async def test_stale_is_fair_after_another_job() -> None:
    async with bench() as at:
        await at.share()
        await at.hear(notify("2", "cd"), reply(4, "stale share"))
        assert (at.report.raced, at.report.unexpected) == (1, 0)


async def test_a_share_found_again_after_the_target_moved_is_no_surprise() -> None:
    async with bench() as at:
        await at.hear(notify("2"))  # the same header: the miner starts over
        await at.share()
        await at.hear(reply(4, "duplicate share"))
        assert (at.report.raced, at.report.unexpected) == (1, 0)
        await at.hear(notify("3", "cd"))
        await at.share()
        await at.hear(reply(5, "duplicate share"))
        assert (at.report.raced, at.report.unexpected) == (1, 1)


async def test_stale_is_in_doubt_until_another_job_comes() -> None:
    for comes in (True, False):
        async with bench() as at:
            await at.share()
            await at.hear(reply(4, "stale share"))
            assert (at.report.raced, at.report.unexpected) == (0, 0)
            if comes:
                await at.hear(notify("2", "cd"))
            at.link.settle(over=True)
            assert (at.report.raced, at.report.unexpected) == (comes, not comes)


@pytest.mark.parametrize("kind", [Kind.UNKNOWN_JOB, Kind.WRONG_SLICE, Kind.MALFORMED])
async def test_stale_is_never_fair_for_what_is_judged_before_the_job(kind: Kind) -> None:
    async with bench() as at:
        await at.share(kind)
        await at.hear(notify("2", "cd"), reply(4, "stale share"))
        assert at.report.unexpected == 1


async def test_lost_is_fair_for_good_shares_only() -> None:
    async with bench() as at:
        await at.share()
        await at.share(Kind.DUPLICATE)
        await at.hear(reply(4, "pool connection lost"), reply(5, "pool connection lost"))
        assert (at.report.lost, at.report.unexpected) == (1, 1)


async def test_stale_may_pass_where_jobs_are_not_clean() -> None:
    for may in (True, False):
        async with bench(stale_may_pass=may) as at:
            await at.share(Kind.STALE)
            await at.hear(reply(4))
            assert at.report.unexpected == (not may)


async def test_replies_to_nothing_and_second_ones_are_counted() -> None:
    async with bench() as at:
        await at.share()
        await at.hear(reply(4), reply(4), reply(99))
        assert at.report.violations == {"second_reply": 1, "reply_to_nothing": 1}


async def test_a_stale_share_found_before_the_target_moved_is_no_surprise() -> None:
    async with bench() as at:
        await at.hear(notify("2"))  # the same header: the miner starts over
        await at.share(Kind.STALE)
        await at.hear(reply(4, "duplicate share"))
        assert (at.report.raced, at.report.unexpected) == (1, 0)
