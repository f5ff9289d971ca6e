"""A job's way from the board to every miner, on real sockets."""

import pytest
import trio
from trio.testing import MockClock

from proxy.downstream.board import Board
from proxy.downstream.fanout import FANOUT_SLICE
from tests.downstream.boards import Opened, listening, opened, stays_quiet
from tests.kit.miners import (
    SocketMiner,
    within,
)


async def many(made: Opened, nursery: trio.Nursery, count: int) -> list[SocketMiner]:
    """Log in so many miners."""
    miners = [await made.connect() for _ in range(count)]
    for miner in miners:
        nursery.start_soon(miner.log_in)
    await made.until(lambda: sum(c.session.at_work for c in made.connections()) == count)
    await stays_quiet(0.1, 20_000)
    return miners


async def close_all(miners: list[SocketMiner]) -> None:
    """Let miners go."""
    for miner in miners:
        await trio.aclose_forcefully(miner.stream)


async def test_a_job_reaches_everyone(clock: MockClock) -> None:
    with within():
        async with opened() as made, trio.open_nursery() as nursery:
            miners = await many(made, nursery, FANOUT_SLICE + 10)
            counted = sum(made.tally.fanout.counts)
            made.house.new_job(now=trio.current_time())
            newest = made.house.works[0].id
            for miner in miners:
                assert (await miner.hear_method("mining.notify"))["params"][0] == newest
            await made.until(lambda: sum(made.tally.fanout.counts) == counted + 1)
            await close_all(miners)


async def test_a_newer_job_replaces_the_one_under_way(
    clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with within():
        async with opened() as made, trio.open_nursery() as nursery:
            miners = await many(made, nursery, FANOUT_SLICE + 10)
            counted = sum(made.tally.fanout.counts)
            flush = Board.flush
            started = False

            def interrupt(board: Board) -> None:
                # Called when the first slice has its job.
                nonlocal started
                flush(board)
                given = any(c.session.assignment.last == replaced.serial for c in made.connections())
                if given and not started:
                    started = True
                    made.house.new_job(now=trio.current_time())

            made.house.new_job(now=trio.current_time())
            replaced = made.house.works[0]
            monkeypatch.setattr(Board, "flush", interrupt)
            for miner in miners:
                newest = made.house.works[0].id if started else ""
                await miner.hear_until(lambda line: line.get("params", [""])[0] == made.house.works[0].id)
            assert newest == made.house.works[0].id != replaced.id
            had_both = sum(
                line.get("params", [""])[0] == replaced.id for miner in miners for line in miner.heard
            )
            assert had_both == FANOUT_SLICE
            await made.until(lambda: sum(made.tally.fanout.counts) == counted + 1)
            await close_all(miners)


async def test_a_pool_lost_before_its_job_went_out_counts_no_fan_out(clock: MockClock) -> None:
    with within():
        async with opened() as made, await made.connect() as miner:
            await miner.log_in()
            made.house.new_job()
            made.house.pool_goes()
            await stays_quiet()
            assert sum(made.tally.fanout.counts) == 0


async def test_pool_change_moves_everyone(clock: MockClock) -> None:
    with within():
        async with opened() as made, await made.connect() as miner:
            await miner.log_in()
            made.house.pool_comes("beef", trio.current_time())
            assert (await miner.hear())["params"] == ["beef00000000", 26]
            assert (await miner.hear_method("mining.notify"))["params"][0] == made.house.works[0].id


async def test_a_miner_that_reads_no_jobs_is_kept_and_gets_the_newest_when_it_does(clock: MockClock) -> None:
    with within(100):
        async with (
            opened(sock=listening(send_buffer=4096)) as made,
            await made.connect(receive_buffer=2048) as miner,
        ):
            await miner.log_in()
            (connection,) = made.connections()
            jobs = 0
            while not connection.job_waits:
                made.house.new_job(now=trio.current_time())
                jobs += 1
                await made.until(lambda: sum(made.tally.fanout.counts) == jobs)  # noqa: B023  # used at once
            newest = made.house.works[0].id
            await miner.hear_until(lambda line: line.get("params", [""])[0] == newest)
            assert len(made.board) == 1
            assert not connection.job_waits


async def test_a_miner_that_goes_while_a_job_goes_out_does_no_harm(
    clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with within():
        async with opened() as made, trio.open_nursery() as nursery:
            miners = await many(made, nursery, FANOUT_SLICE + 10)
            flush = Board.flush

            def interrupt(board: Board) -> None:
                # Called when the first slice has its job: all the others go.
                flush(board)
                monkeypatch.undo()
                for connection in made.connections()[FANOUT_SLICE:]:
                    connection.session.close("idle")
                board.flush()

            counted = sum(made.tally.fanout.counts)
            made.house.new_job(now=trio.current_time())
            monkeypatch.setattr(Board, "flush", interrupt)
            await made.until(lambda: sum(made.tally.fanout.counts) == counted + 1)
            assert made.reasons() == {"idle": 10}
            await close_all(miners)
