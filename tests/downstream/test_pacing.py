"""How fast a miner is read, on a real board: too many requests, too few answers, too many bad shares."""

from trio.testing import MockClock

from proxy.config import Limits
from proxy.core.penalties import Miner
from proxy.downstream.pacing import BURST_SECONDS, SLOWED, rate_of, refill
from proxy.model.share import Reason, Verdict
from tests.downstream.boards import Opened, opened, stays_quiet
from tests.kit.miners import submit, within, yes

NONCE = "00" * 20
HOME = "192.0.2.9"


def slow(made: Opened) -> None:
    """Have the one miner that is here read slowly."""
    (connection,) = made.connections()
    standing = connection.session.standing
    standing.miner = Miner("farm", "rig1", HOME)
    for _ in range(30):
        made.house.warden.bad(connection.session, Verdict(Reason.INVALID_SOLUTION), 1000.0)
    assert standing.is_slowed


async def test_a_slowed_miner_has_a_part_of_its_rate_and_nothing_saved_up(clock: MockClock) -> None:
    with within(100):
        async with opened() as made, await made.connect() as miner:
            await miner.log_in()
            (connection,) = made.connections()
            limits = Limits()
            assert rate_of(connection.session, limits, 1000.0) == 50
            slow(made)
            assert rate_of(connection.session, limits, 1000.0) == 50 * SLOWED == 1
            assert connection.budget > 100
            assert not refill(connection, limits, 1.0, 1000.0)
            assert connection.budget == BURST_SECONDS
            connection.throttled = True
            connection.budget = -0.5
            assert refill(connection, limits, 1.0, 1000.0)
            assert not connection.throttled


async def test_the_board_slows_it_and_lets_go_when_it_is_good_again(clock: MockClock) -> None:
    with within(100):
        async with opened() as made, await made.connect() as miner:
            await miner.log_in()
            slow(made)
            (connection,) = made.connections()
            await made.until(lambda: connection.budget == BURST_SECONDS)
            for _ in range(200):
                made.house.warden.good(connection.session.standing)
            await made.until(lambda: connection.budget > BURST_SECONDS)
            assert not connection.session.standing.is_slowed


async def test_a_miner_whose_shares_wait_is_not_read_until_they_are_answered(clock: MockClock) -> None:
    with within(100):
        async with opened(Limits(miner_unanswered=2)) as made, await made.connect() as miner:
            job_id = await miner.log_in()
            made.house.verdict = None
            for number in range(4, 7):
                await miner.say(submit(job_id, NONCE, request_id=number))
                await stays_quiet()
            assert len(made.house.judged) == 2
            assert made.tally.limits == {"miner_unanswered": 1}
            made.house.pool_says(Verdict(Reason.ACCEPTED))
            made.board.flush()
            assert await miner.hear_reply(4) == yes(4)
            await made.until(lambda: len(made.house.judged) == 3)
            while made.house.unanswered:
                made.house.pool_says(Verdict(Reason.ACCEPTED))
            made.board.flush()
            assert await miner.hear_reply(6) == yes(6)
